"""Other games as the server plays them: moves, rewards, scores, ends and what people see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl.envs.arcade import Arcade, ArcadeOptions, Buttons
from pongrl.envs.emulators import Outcome
from pongrl.envs.machines import Facts
from pongrl.game.moves import DOWN, MOVE_NAMES, STAY, UP
from pongrl.game.people import Keys
from pongrl.wire.messages import Mover, Role, Session, Step, View

OPTIONS = ArcadeOptions(
    name="Toy-v0", games=2, height=4, width=5, frameskip=4, fps=60, points_to_win=21, lockstep=True,
    inset=False, has_court=True, seed=3,
)  # fmt: skip


Written: TypeAlias = tuple[list[float], list[bool], list[int]]
"""Rewards, ends and lives."""


class Scripted:
    """Games whose outcomes a test has written down."""

    facts = Facts(("NOOP", "UP", "DOWN"), 3, (4, 5), 60.0)

    def __init__(self, *outcomes: Written) -> None:
        self.frames = np.zeros((2, 4, 5), np.uint8)
        self.outcomes = list(outcomes)
        self.begun: list[int | None] = []
        self.made: list[list[int]] = []

    def begin(self, seed: int | None) -> None:
        self.begun.append(seed)

    def step(self, actions: Sequence[int]) -> Outcome:
        self.made.append(list(actions))
        rewards, ended, lives = self.outcomes.pop(0)
        return Outcome(rewards, ended, lives)

    def close(self) -> None:
        pass


def outcome(*rewards: float, ended: bool = False, lives: int = 0) -> Written:
    return list(rewards), [ended] * 2, [lives] * 2


def arcade(*outcomes: Any, fire: int | None = None, **changes: Any) -> tuple[Arcade, Scripted]:
    emulators = Scripted(*outcomes)
    options = ArcadeOptions(**(vars(OPTIONS) | changes))
    return Arcade(options, emulators, Buttons(MOVE_NAMES, (0, 7, 8), fire)), emulators


def test_a_session_has_no_level_and_no_agent_gets_the_right_paddle() -> None:
    made, _ = arcade()
    assert made.options.session() == Session(2, 4, 5, 0, 4, 60, 21, True)
    assert made.options.session().against == "another game"
    assert made.options.closed(Role.LEFT) == ""
    assert "Toy-v0 has the right paddle itself here" in made.options.closed(Role.RIGHT)


def test_moves_become_actions_and_are_reported_with_what_they_brought() -> None:
    made, emulators = arcade(outcome(0, 1), outcome(-1, 0))
    hands = made.seat(Role.LEFT)
    for hand, move in zip(hands, (UP, DOWN), strict=True):
        hand.move, hand.mover = move, Mover.AGENT
    made.decide(Keys())
    step = made.observe(Role.LEFT, 1, 0)
    assert emulators.made == [[7, 8]]
    assert step.moves.tolist() == [UP, DOWN]
    assert step.movers.tolist() == [Mover.AGENT, Mover.AGENT]
    assert (step.rewards.tolist(), step.points.tolist()) == ([0, 1], [0, 1])
    assert step.scores.tolist() == [[0, 0], [1, 0]]
    assert (step.ticks.tolist(), step.hits.tolist()) == ([4, 4], [0, 0])
    made.decide(Keys())
    step = made.observe(Role.LEFT, 2, 0)
    assert (step.rewards.tolist(), step.scores.tolist()) == ([-1, 0], [[0, 1], [1, 0]])


def test_what_is_not_sent_is_added_to_the_next_state() -> None:
    made, _ = arcade(outcome(1, 0), outcome(-1, 0), outcome(1, 0))
    made.seat(Role.LEFT)
    for _ in range(3):
        made.decide(Keys())
    step = made.observe(Role.LEFT, 1, 2)
    assert (step.rewards.tolist(), step.points.tolist(), step.ticks.tolist()) == ([1, 0], [3, 0], [12, 12])


def test_an_episode_is_a_match_and_one_that_ends_without_a_point_has_one_that_nobody_won() -> None:
    made, _ = arcade(outcome(1, 0), outcome(-1, 0, ended=True))
    made.seat(Role.LEFT)
    made.decide(Keys())
    made.observe(Role.LEFT, 1, 0)
    made.decide(Keys())
    step = made.observe(Role.LEFT, 2, 0)
    assert (step.rewards.tolist(), step.points.tolist()) == ([-1, 0], [1, 1])
    assert (step.matches.tolist(), step.scores.tolist()) == ([1, 1], [[0, 0], [0, 0]])
    assert made.snapshot().last_match == (1, 1)


def test_fractions_of_a_point_are_kept_until_they_are_whole() -> None:
    made, _ = arcade(*[outcome(0.4, -0.6)] * 5, outcome(float("nan"), float("inf")))
    made.seat(Role.LEFT)
    rewards = []
    for number in range(5):
        made.decide(Keys())
        rewards.append(made.observe(Role.LEFT, number, 0).rewards.tolist())
    assert np.sum(rewards, axis=0).tolist() == [2, -3]
    made.decide(Keys())
    assert made.observe(Role.LEFT, 5, 0).rewards.tolist() == [0, 0]


def test_what_is_left_when_an_episode_ends_counts_as_a_point() -> None:
    made, _ = arcade(outcome(0.3, 0), outcome(0.65, -0.2, ended=True), outcome(0.5, 0), outcome(0.5, 0))
    made.seat(Role.LEFT)
    steps = []
    for number in range(4):
        made.decide(Keys())
        steps.append(made.observe(Role.LEFT, number, 0))
    assert [step.rewards.tolist() for step in steps] == [[0, 0], [1, -1], [0, 0], [1, 0]]
    assert steps[1].points.tolist() == [1, 1]


def test_what_rounding_has_left_counts_as_nothing() -> None:
    tenth = float(np.float32(0.1))
    made, _ = arcade(*[outcome(tenth, 0)] * 9, outcome(tenth, 0, ended=True))
    made.seat(Role.LEFT)
    points = 0
    for number in range(10):
        made.decide(Keys())
        points += int(made.observe(Role.LEFT, number, 0).points[0])
    assert points == 1


def test_fire_begins_a_game_and_each_life_and_nobody_learns_from_that_move() -> None:
    made, emulators = arcade(
        outcome(0, 0, lives=3), outcome(0, 0, lives=3), outcome(0, 0, lives=2), *[outcome(0, 0, lives=2)] * 2,
        fire=1,
    )  # fmt: skip
    hands = made.seat(Role.LEFT)
    movers = []
    for number in range(5):
        for hand in hands:
            hand.move, hand.mover = UP, Mover.AGENT
        made.decide(Keys())
        movers.append(Mover(made.observe(Role.LEFT, number, 0).movers[0]))
    assert [made[0] for made in emulators.made] == [1, 7, 7, 1, 7]
    assert movers == [Mover.HELD, Mover.AGENT, Mover.AGENT, Mover.HELD, Mover.AGENT]


def test_real_time_plays_a_decision_at_the_end_of_its_ticks_and_only_if_somebody_plays() -> None:
    made, emulators = arcade(*[outcome(0, 0)] * 2)
    assert [made.tick(Keys()) for _ in range(9)] == [False] * 9
    assert made.snapshot().notice == ("waiting for an agent", "it begins when one comes")
    made.seat(Role.LEFT)
    assert [made.tick(Keys()) for _ in range(4)] == [False, False, False, True]
    assert made.snapshot().notice == ()
    made.unseat(Role.LEFT)
    assert [made.tick(Keys(either=UP)) for _ in range(4)] == [False, False, False, True]  # a person plays
    assert emulators.made == [[0, 0], [7, 0]]


def test_a_person_moves_the_first_game_alone() -> None:
    made, _ = arcade(*[outcome(0, 0)] * 2)
    made.seat(Role.LEFT)
    made.decide(Keys(either=DOWN))
    step = made.observe(Role.LEFT, 1, 0)
    assert (step.moves.tolist(), step.movers.tolist()) == ([DOWN, STAY], [Mover.HUMAN, Mover.HELD])
    assert "keys have the left paddle" in made.status((), "idle", Keys(either=DOWN))
    made.decide(Keys(has_left=True, left=UP))
    assert made.observe(Role.LEFT, 2, 0).moves.tolist() == [UP, STAY]


def test_the_games_are_seeded_once() -> None:
    made, emulators = arcade(outcome(1, 0))
    made.begin()
    assert emulators.begun == [3]  # the agent that comes first plays the seeded games
    made.seat(Role.LEFT)
    made.decide(Keys())
    made.begin()
    assert emulators.begun == [3, None]
    assert made.observe(Role.LEFT, 0, 0).scores.tolist() == [[0, 0], [0, 0]]


def test_people_are_told_where_there_is_no_court_to_show() -> None:
    made, _ = arcade(outcome(0, 0), has_court=False)
    assert made.status((), "idle", Keys()) == "idle   Toy-v0, which has no court to show"
    made.seat(Role.LEFT)
    made.tick(Keys())
    assert made.snapshot().notice == ("Toy-v0", "it has no court to show: see what the agent is sent")
    made, emulators = arcade()
    emulators.frames[0, 0, 0] = emulators.frames[0, 3, 4] = emulators.frames[0, 1, 2] = 255
    snapshot = made.snapshot()
    assert snapshot.paddles == (12, 387)
    assert snapshot.ball != (345, 245)
    assert snapshot.serialize()


def test_rewards_of_any_size_do_not_end_the_engine() -> None:
    """An agent that pauses for minutes, and an episode without end, have more points than a STEP holds."""
    made, emulators = arcade()
    made.seat(Role.LEFT)
    emulators.outcomes += [outcome(1e300, -1e300)] * 2200
    while emulators.outcomes:
        made.decide(Keys())
    step = made.observe(Role.LEFT, 1, 0)
    most = (1 << 31) - 1
    assert step.rewards.tolist() == [most, -most]
    assert step.points.tolist() == [most, most]
    assert step.scores.tolist() == [[most, 0], [0, most]]
    assert Step.parse(step.serialize()[5:], made.options.session()).scores.tolist() == step.scores.tolist()
    assert View.parse(made.snapshot().serialize()[5:]).score == (most, 0)
    emulators.outcomes.append(outcome(5, -5, ended=True))
    made.decide(Keys())
    assert made.observe(Role.LEFT, 2, 0).rewards.tolist() == [5, -5]
