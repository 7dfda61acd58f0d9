"""The engine's talk with agents in memory: without threads, sockets or time."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pong import Pong
from pongrl.errors import ConnectionLostError, UsageError
from pongrl.game import people
from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.people import Keys
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server import engine as engine_module
from pongrl.server.engine import Engine
from pongrl.wire.arrays import Int32Array
from pongrl.wire.framing import Kind, Parser
from pongrl.wire.limits import client_limits
from pongrl.wire.messages import NOBODY, Mover, Role, Step, action
from pongrl.wire.waiting import Wake
from tests.game.test_game import court, place


@pytest.fixture(autouse=True)
def nothing_comes_in_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


Came: TypeAlias = tuple[Kind, bytes] | None
Script: TypeAlias = Callable[["Line"], Iterator[Came]]
PAUSE, GO_ON = (Kind.PAUSE, b"\1"), (Kind.PAUSE, b"\0")


class Line:
    """An agent that plays a script, in place of a Connection; None in the script lets a tick fall due.

    No other tick does: the talks have one tick per second of real time, and last milliseconds.
    """

    peer = "192.0.2.1:1"

    def __init__(self, engine: Engine, script: Script, role: Role = Role.LEFT) -> None:
        self.engine, self.role = engine, role
        self.until: float | None = None  # when the engine wanted to be back
        self.steps: list[Step] = []
        self.others: list[tuple[Kind, bytes]] = []
        self._session = engine.admit(role, NOBODY)
        self._parser = Parser(client_limits(self._session))
        self._script = script(self)

    def send(self, data: bytes) -> None:
        self._parser.feed(data)
        while (came := self._parser.next()) is not None:
            if came[0] is Kind.STEP:
                self.steps.append(Step.parse(came[1], self._session))
            else:
                self.others.append(came)

    @staticmethod
    def wait(lines: list[Line], until: float | None, wake: Wake) -> bool:
        """In place of `wait`: nobody is waited for."""
        for line in lines:
            line.until = until
        return False

    def take(self) -> Came:
        for came in self._script:
            if came is None:
                self.let_tick()
            return came
        raise ConnectionLostError("the script is over")

    def let_tick(self) -> None:
        self.engine._clock.due = 0.0

    def close(self, reason: str = "") -> None:
        self._script.close()  # type: ignore[attr-defined]  # scripts are generators

    def answer(self, *moves: int) -> tuple[Kind, bytes]:
        """An ACTION for the last STEP."""
        return Kind.ACTION, action(self.steps[-1].number, bytes(moves))[5:]


def talks(scripts: dict[Role, Script], *, idle: int = 0, watched: bool = False, **options: Any) -> list[Line]:
    """Let an engine without a thread play so many ticks alone, then serve agents in memory."""
    engine = Engine(Pong(**{"seed": 1, "frameskip": 4, "fps": 1} | options), watched)
    try:
        for _ in range(idle):
            engine._tick()
        lines = [Line(engine, script, role) for role, script in scripts.items()]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine_module, "wait", Line.wait)
            for line in lines:
                engine._seat(line, line.role)  # type: ignore[arg-type]
            while engine._talks:
                engine._turn()
        return lines
    finally:
        engine.release()


def talk(script: Script, **options: Any) -> Line:
    """The same with a single agent on the left."""
    (line,) = talks({Role.LEFT: script}, **options)
    return line


def eager(steps: int, *moves: int) -> Script:
    """Answer at once, until so many states have come; without moves given, random ones."""

    def script(line: Line) -> Iterator[Came]:
        numbers = random.Random(1)
        for answered in range(steps - 1):
            boards = line.engine._boards
            yield line.answer(*(moves or (numbers.choice((UP, DOWN)) for _ in boards)))
            while len(line.steps) == answered + 1:
                yield None

    return script


def gains(steps: list[Step]) -> Int32Array:
    """How the score changed from the first state to the last, in the left paddle's favour."""
    change: Int32Array = steps[-1].scores - steps[0].scores
    return change[:, LEFT] - change[:, RIGHT]


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.booleans(), st.sampled_from((STAY, UP, DOWN))),
        min_size=20,
        max_size=80,
    ),
    st.integers(0, 1000),
)
@settings(deadline=None, max_examples=50)
def test_rewards_add_up_to_the_change_of_score_however_late_the_answers(
    answers: list[tuple[int, bool, int]], seed: int
) -> None:
    def script(line: Line) -> Iterator[Came]:
        answered = -1
        for late, pausing, move in answers:
            if pausing:
                yield PAUSE
                yield None
                yield GO_ON
            yield from itertools.repeat(None, late)
            if line.steps[-1].number > answered:
                answered = line.steps[-1].number
                yield line.answer(move, move)

    line = talk(script, seed=seed, games=2, frameskip=3, levelodiff=3, points_to_win=10_000)
    told = line.steps[1:]
    assert sum(step.rewards for step in told) == pytest.approx(gains(line.steps))
    assert sum(step.points for step in told) == pytest.approx(
        (line.steps[-1].scores - line.steps[0].scores).sum(axis=1)
    )
    assert [step.number for step in line.steps] == [*range(len(line.steps))]
    assert [step.dropped for step in told] == sorted(step.dropped for step in told)


def test_a_late_answer_drops_states_and_the_last_move_is_held_once_more_and_then_stops() -> None:
    ys = []

    def script(line: Line) -> Iterator[Came]:
        yield line.answer(DOWN)
        for decision in range(8):
            if decision == 4:  # three states late; then never
                yield line.answer(UP)
            yield from itertools.repeat(None, 4)
            yield GO_ON  # so that the last tick is over when we look
            ys.append(line.engine._boards[0].game.paddles[LEFT])

    first, second, late = talk(script).steps
    assert ys == [220, 240, 260, 260, 240, 220, 200, 200]
    assert (second.movers[0], second.moves[0], second.ticks[0], second.dropped) == (Mover.AGENT, DOWN, 4, 0)
    assert (late.movers[0], late.moves[0], late.ticks[0], late.dropped) == (Mover.HELD, DOWN, 16, 3)
    assert (first.number, second.number, late.number) == (0, 1, 2)


@pytest.mark.parametrize("games", [1, 3])
def test_an_agent_that_answers_at_once_plays_the_same_on_both_clocks(games: int) -> None:
    real, lockstep = (
        talk(eager(150), seed=4, games=games, lockstep=lockstep).steps for lockstep in (False, True)
    )
    assert sum(step.points.sum() for step in real) > games
    for ours, theirs in zip(real, lockstep, strict=True):
        np.testing.assert_array_equal(ours.frames, theirs.frames)
        np.testing.assert_array_equal(ours.table, theirs.table)
        assert (ours.number, ours.dropped) == (theirs.number, theirs.dropped)


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize(
    ("level", "human", "movers"),
    [
        (2, None, [Mover.AGENT, Mover.AGENT]),
        (2, UP, [Mover.HUMAN, Mover.AGENT]),
        (4, None, [Mover.BUILTIN, Mover.BUILTIN]),
        (4, UP, [Mover.HUMAN, Mover.BUILTIN]),
    ],
)
def test_a_step_says_who_moved(level: int, human: int | None, movers: list[Mover], lockstep: bool) -> None:
    def script(line: Line) -> Iterator[Came]:
        line.engine.keys = Keys(either=human)
        yield from eager(10, DOWN, DOWN)(line)

    moves = {Mover.AGENT: DOWN, Mover.HUMAN: UP}
    for step in talk(script, games=2, levelodiff=level, lockstep=lockstep).steps[1:]:
        assert step.movers.tolist() == movers
        assert all(moves.get(mover, move) == move for mover, move in zip(movers, step.moves, strict=True))


def test_a_demonstration_says_how_its_paddle_moved() -> None:
    ys = []

    def script(line: Line) -> Iterator[Came]:
        while len(line.steps) < 400:
            yield line.answer(STAY)
            ys.append(line.engine._boards[0].game.paddles[LEFT])

    steps = talk(script, levelodiff=4, lockstep=True, frameskip=1).steps
    moves = {0: STAY, -1: UP, 1: DOWN}
    made = [moves[int(np.sign(after - before))] for before, after in itertools.pairwise([200, *ys])]
    assert [step.moves[0] for step in steps[1:]] == made
    assert set(made) == {STAY, UP, DOWN}


def test_lockstep_waits_for_the_answer() -> None:
    def script(line: Line) -> Iterator[Came]:
        yield from itertools.repeat(None, 50)
        assert line.until is None
        assert (len(line.steps), place(line.engine._boards[0].game)) == (1, place(Game(1)))
        yield line.answer(UP)
        assert len(line.steps) == 2

    assert talk(script, lockstep=True).steps[1].ticks == [4]


@pytest.mark.parametrize("lockstep", [False, True])
def test_the_frame_that_comes_with_a_reward_shows_the_next_serve(lockstep: bool) -> None:
    serve = Camera.full(court())[:, 1:-1]
    steps = talk(eager(300), lockstep=lockstep).steps[1:]
    rewarded = [step for step in steps if step.rewards[0]]
    assert len(rewarded) > 3
    for step in rewarded:
        assert step.points == abs(step.rewards) == 1
        assert step.ticks <= 4
        np.testing.assert_array_equal(step.frames[0][:, 1:-1], serve)
    assert {int(step.ticks[0]) for step in steps if not step.points} == {4}


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_pause_stops_the_ticks_but_not_the_answers(lockstep: bool) -> None:
    def script(line: Line) -> Iterator[Came]:
        yield PAUSE
        yield line.answer(UP)
        yield from itertools.repeat(None, 20)
        yield Kind.PING, b"12345678"
        assert line.until is None
        assert (len(line.steps), place(line.engine._boards[0].game)) == (1, place(Game(1)))
        yield GO_ON
        assert lockstep or line.engine._clock.due > 0  # nothing to catch up with
        yield from itertools.repeat(None, 4)
        yield GO_ON

    line = talk(script, lockstep=lockstep)
    assert line.others == [(Kind.PONG, b"12345678")]
    assert [(*step.ticks, *step.movers) for step in line.steps] == [(0, Mover.HELD), (4, Mover.AGENT)]


@pytest.mark.parametrize("lockstep", [False, True])
def test_when_the_agent_is_gone_its_paddle_stops_and_the_game_goes_on(lockstep: bool) -> None:
    engine = talk(eager(3, DOWN), lockstep=lockstep).engine
    before = place(engine._boards[0].game)
    engine._tick()
    after = place(engine._boards[0].game)
    assert (before[4], before[0]) == (after[4], after[0] - after[2])


def test_a_person_plays_while_no_agent_does() -> None:
    engine = talk(eager(1)).engine
    engine.keys = Keys(either=UP)
    engine._tick()
    assert engine._boards[0].game.paddles[LEFT] == 195


def test_a_human_opponent_has_the_right_paddle_and_the_agent_the_left() -> None:
    def script(line: Line) -> Iterator[Came]:
        line.engine.keys = Keys(arrows=UP, either=UP)
        yield from eager(10, DOWN)(line)

    line = talk(script, opponent="human")
    game = line.engine._boards[0].game
    assert game.paddles[LEFT] > 200 > game.paddles[RIGHT]
    for step in line.steps[1:]:
        assert step.movers.tolist() == [Mover.AGENT]


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (Keys(), (0, 0)), (Keys(letters=UP, either=UP), (-5, 0)), (Keys(arrows=DOWN, either=DOWN), (0, 5)),
        (Keys(UP, DOWN, UP), (-5, 5)),
    ],
)  # fmt: skip
def test_two_people_share_a_keyboard_when_nothing_is_served(keys: Keys, moved: tuple[int, int]) -> None:
    engine = Engine(Pong(server=False, opponent="human"), watched=False)
    engine.keys = keys
    engine._tick()
    assert engine._boards[0].game.paddles == [200 + moved[0], 200 + moved[1]]
    engine.release()


@pytest.mark.parametrize(
    "options",
    [
        {"opponent": "cat"}, {"opponent": "human", "headless": True}, {"opponent": "human", "games": 2},
        {"opponent": "human", "lockstep": True}, {"opponent": "human", "levelodiff": 4},
    ],
)  # fmt: skip
def test_an_opponent_that_cannot_play_so_is_told(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--opponent|level 4"):
        Pong(**options)


@pytest.mark.parametrize("games", [1, 2])
def test_the_first_decision_of_a_session_is_as_long_as_any_other(games: int) -> None:
    assert talk(eager(2), idle=3, games=games).steps[1].ticks.tolist() == [4] * games


def test_an_agent_may_think_for_ten_minutes() -> None:
    def script(line: Line) -> Iterator[Came]:
        yield from itertools.repeat(None, 600 * 60)
        yield from eager(3, STAY)(line)

    steps = talk(script, points_to_win=10_000).steps
    assert len(steps) == 3
    assert sum(step.rewards for step in steps[1:]) == gains(steps)


def test_a_flood_of_pings_does_not_stop_the_clock() -> None:
    def script(line: Line) -> Iterator[Came]:
        for _ in range(20):
            line.let_tick()
            yield Kind.PING, b"12345678"
        assert place(line.engine._boards[0].game) != place(Game(1))

    talk(script)


def test_a_debug_log_has_each_step_and_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pong")
    talk(eager(2, UP))
    step = "STEP 0: rewards [0], moves [0] by [1], dropped 0"
    for words in (step, "ACTION 0: [1]", "STEP 1:", "the script is over"):
        assert words in caplog.text


def test_a_snapshot_has_what_the_agent_is_sent_and_what_the_engine_does() -> None:
    snapshots: list[people.Snapshot] = []

    def script(line: Line) -> Iterator[Came]:
        yield from eager(3, UP)(line)
        snapshot, game = line.engine.snapshot, line.engine._boards[0].game
        assert snapshot is not None
        snapshots.append(snapshot)
        assert snapshot.sent == "STEP 2   reward +0   move up by agent   states dropped 0"
        assert (snapshot.ball, *snapshot.paddles) == ((game.ball_x, game.ball_y), *game.paddles)
        assert snapshot.status == "agent connected from 192.0.2.1:1   right paddle: level 2"
        yield line.answer(DOWN)
        yield PAUSE
        yield PAUSE
        assert line.engine.snapshot is not None
        assert line.engine.snapshot.status == "paused by the agent at 192.0.2.1:1   right paddle: level 2"

    steps = talk(script, watched=True, render=True, lockstep=True).steps
    assert len(steps) == 4
    assert snapshots[0].frame is not None
    np.testing.assert_array_equal(snapshots[0].frame, steps[2].frames[0])  # and not a later one


def test_every_hit_bounce_and_point_is_to_be_heard() -> None:
    heard: list[tuple[int, ...]] = [(0, 0, 0)]
    happened: list[tuple[int, ...]] = []

    def script(line: Line) -> Iterator[Came]:
        game = Game(1, 2)  # the same game, with the same players
        for _ in range(3000):
            before = (game.hits, game.bounces)
            reward = game.step(0, built_in(1)(game, RIGHT))
            happened.append((game.hits - before[0], game.bounces - before[1], abs(reward)))
            yield None
            yield PAUSE
            assert line.engine.snapshot is not None
            heard.append(line.engine.snapshot.sounds)
            yield GO_ON

    talk(script, watched=True, levelodiff=1, points_to_win=2)
    grown = [
        tuple(now > then for now, then in zip(*pair, strict=True))
        for pair in zip(heard[1:], heard, strict=False)
    ]
    assert grown == [tuple(count > 0 for count in counts) for counts in happened]
    assert all(any(column) for column in zip(*grown, strict=True))
