"""The game's rules, the camera, the server on both clocks, and the program around them."""

from __future__ import annotations

import itertools
import logging
import math
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netproto
import pong
from netproto import (
    ConnectionLostError,
    Kind,
    Mover,
    PongClient,
    PongError,
    Refusal,
    RefusedError,
    Role,
    Step,
)
from options import UsageError
from pong import (
    DOWN,
    LEFT,
    RIGHT,
    STAY,
    UP,
    VELOCITY,
    Camera,
    Engine,
    Game,
    Keys,
    Player,
    Pong,
    built_in,
)
from tests.helpers import PATIENCE, ROOT, connected, run_program, serving, wait_until

SERVE = (345, 245)
WHOLE_VY = set(range(-8, 9))


@pytest.fixture(autouse=True)
def _nothing_comes_in_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


# ---------------------------------------------------------------------------------------------
# Rules


def court(seed: int = 1, points_to_win: int = 21, **state: Any) -> Game:
    """A game in the middle of things."""
    game = Game(seed, points_to_win)
    vars(game).update(state)
    return game


def place(game: Game) -> tuple[int, ...]:
    """Where everything is, and where the ball goes."""
    return (game.ball_x, game.ball_y, game.ball_vx, game.ball_vy, *game.paddles, *game.score)


def trace(game: Game, ticks: int) -> list[tuple[int, ...]]:
    """Where everything is, tick after tick, when level 2 plays level 1."""
    return [
        (game.step(built_in(2)(game, LEFT), built_in(1)(game, RIGHT)), *place(game)) for _ in range(ticks)
    ]


def test_a_game_starts_with_paddles_in_the_middle_and_a_serve_from_the_centre() -> None:
    game = Game(1)
    assert (game.paddles, game.score, game.matches, game.last_match) == ([200, 200], [0, 0], 0, None)
    assert (game.ball_x, game.ball_y) == SERVE


def test_serves_are_uniform_over_their_ranges() -> None:
    games = [Game(seed) for seed in range(4000)]
    vx, vy = Counter(game.ball_vx for game in games), Counter(game.ball_vy for game in games)
    assert (set(vx), set(vy)) == ({*range(-8, -3), *range(4, 9)}, WHOLE_VY)
    assert all(300 < count < 500 for count in vx.values())  # 400 each
    assert all(170 < count < 300 for count in vy.values())  # 235 each


@pytest.mark.parametrize(
    ("y", "vy", "y_then", "vy_then"),
    [
        (6, -5, 1, 5), (7, -5, 2, -5), (3, -8, 0, 8), (0, 1, 1, 1), (1, 0, 1, 0),
        (484, 5, 489, -5), (483, 5, 488, 5), (486, 8, 490, -8), (490, -1, 489, -1), (489, 0, 489, 0),
    ],
)  # fmt: skip
def test_a_wall_turns_the_ball_that_comes_to_it(y: int, vy: int, y_then: int, vy_then: int) -> None:
    game = court(ball_y=y, ball_vy=vy)
    game.step(0, 0)
    assert (game.ball_y, game.ball_vy, game.bounces) == (y_then, vy_then, int(vy != vy_then))


@pytest.mark.parametrize(("x", "vx", "x_then"), [(14, -4, 10), (676, 4, 680)], ids=["left", "right"])
@pytest.mark.parametrize(("offset", "hits"), [(-11, 0), (-10, 1), (45, 1), (100, 1), (101, 0)])
def test_a_paddle_turns_the_ball_that_touches_it(
    x: int, vx: int, x_then: int, offset: int, hits: int
) -> None:
    game = court(ball_x=x, ball_vx=vx, ball_y=200 + offset, ball_vy=0)
    assert game.step(0, 0) == 0
    assert (game.ball_x, game.ball_vx, game.hits, game.rally) == (x_then, -vx if hits else vx, hits, hits)


def test_a_hit_draws_vy_anew_from_its_whole_range() -> None:
    drawn = set()
    for seed in range(300):
        game = court(seed, ball_x=14, ball_vx=-4, ball_vy=0)
        game.step(0, 0)
        drawn.add(game.ball_vy)
    assert drawn == WHOLE_VY


@pytest.mark.parametrize(("x", "vx"), [(8, -4), (682, 4)], ids=["left", "right"])
def test_a_ball_within_the_paddle_is_hit_once_per_crossing(x: int, vx: int) -> None:
    game = court(ball_x=x, ball_vx=vx)
    for _ in range(3):
        game.step(0, 0)
        assert (game.hits, game.ball_vx) == (1, -vx)


@pytest.mark.parametrize(
    ("x", "vx", "reward", "score"), [(3, -4, -1, [0, 1]), (687, 4, 1, [1, 0])], ids=["left", "right"]
)
def test_a_ball_behind_a_paddle_is_a_point_and_a_serve_follows(
    x: int, vx: int, reward: int, score: list[int]
) -> None:
    game = court(ball_x=x, ball_vx=vx, ball_y=400, ball_vy=0, paddles=[0, 0], rally=5)
    assert game.step(0, 0) == reward
    assert (game.score, game.rally, game.last_rally, game.paddles) == (score, 0, 5, [0, 0])
    assert (game.ball_x, game.ball_y) == SERVE
    assert 4 <= abs(game.ball_vx) <= 8


@pytest.mark.parametrize(
    ("move", "y"), [(-0.01, 199), (0.99, 200), (1.0, 201), (-1.5, 198), (-201, 0), (201, 400)]
)
def test_a_paddle_steps_to_whole_pixels_towards_smaller_y_and_stays_in_the_court(move: float, y: int) -> None:
    game = court()
    game.step(move, move)
    assert game.paddles == [y, y]
    assert {type(place) for place in game.paddles} == {int}


def test_a_match_ends_at_points_to_win_and_the_next_begins() -> None:
    game = court(points_to_win=2)
    seen = []
    for x, vx in ((3, -4), (687, 4), (3, -4), (687, 4)):
        vars(game).update(ball_x=x, ball_vx=vx, ball_y=400, ball_vy=0, paddles=[0, 0])
        game.step(0, 0)
        seen.append((tuple(game.score), game.matches, game.last_match))
    assert seen == [((0, 1), 0, None), ((1, 1), 0, None), ((0, 0), 1, (1, 2)), ((1, 0), 1, (1, 2))]


def test_the_same_seed_plays_the_same_game_and_another_seed_another() -> None:
    assert trace(Game(5), 2000) == trace(Game(5), 2000) != trace(Game(6), 2000)


@pytest.mark.parametrize("seed", range(5))
def test_everything_stays_on_whole_pixels_in_the_court(seed: int) -> None:
    game, numbers = Game(seed), random.Random(seed)
    for _ in range(5000):
        game.step(numbers.uniform(-20, 20), numbers.uniform(-20, 20))
        x, y, vx, vy, *paddles = place(game)[:6]
        assert all(type(number) is int for number in (x, y, vx, vy, *paddles))
        assert 0 <= x <= 690
        assert 0 <= y <= 490
        assert 4 <= abs(vx) <= 8 >= abs(vy)
        assert all(0 <= paddle <= 400 for paddle in paddles)


def test_the_game_needs_no_pygame() -> None:
    play = """if True:
        import sys
        sys.modules["pygame"] = None
        import pong
        game = pong.Game(1)
        print(sum(abs(game.step(5, pong.built_in(2)(game, pong.RIGHT))) for _ in range(1000)) > 0)"""
    run = subprocess.run(
        [sys.executable, "-c", play], cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True
    )
    assert (run.stdout, run.stderr, run.returncode) == ("True\n", "", 0)


# ---------------------------------------------------------------------------------------------
# Players


@pytest.mark.parametrize(
    ("level", "side", "ball", "move"),
    [
        (1, RIGHT, (345, 275), 1.0), (1, LEFT, (345, 225), -1.0), (1, RIGHT, (345, 490), 5.0),
        (2, RIGHT, (345, 275), 2.5), (2, LEFT, (345, 225), -2.5), (2, RIGHT, (345, 0), -8.0),
        (3, RIGHT, (660, 260), 10 * math.exp(-1)), (3, LEFT, (50, 260), 10 * math.exp(-0.6)),
        (3, LEFT, (50, 100), -10.0), (3, RIGHT, (690, 300), 10.0),
    ],
)  # fmt: skip
def test_each_level_moves_towards_the_ball_by_its_formula(
    level: int, side: int, ball: tuple[int, int], move: float
) -> None:
    game = court(ball_x=ball[0], ball_y=ball[1])
    assert built_in(level)(game, side) == pytest.approx(move)


def random_player(seed: int) -> Player:
    numbers = random.Random(seed)
    return lambda game, side: numbers.choice((-5, 5))


def follower(seed: int) -> Player:
    return lambda game, side: min(max(game.ball_y - game.paddles[side] - 50, -5), 5)


def predictor(seed: int) -> Player:
    """Go where the ball will arrive, found out once per flight; back to the centre while it flies away."""
    flight, target = (-1, -1), 200

    def player(game: Game, side: int) -> float:
        nonlocal flight, target
        if flight != (flight := (game.hits, sum(game.score))):
            x, y, vx, vy = place(game)[:4]
            while x > 10 and vx < 0:
                x, y = x + vx, min(max(y + vy, 0), 490)
                if (y <= 1 and vy < 0) or (y >= 489 and vy > 0):
                    vy = -vy
            target = y - 45 if vx < 0 else 200
        return min(max(target - game.paddles[side], -5), 5)

    return player


@pytest.mark.parametrize(
    ("player", "level", "share"),
    [
        (random_player, 1, 0.33), (random_player, 2, 0.15), (random_player, 3, 0.02),
        (follower, 1, 0.79), (follower, 2, 0.56), (follower, 3, 0.15),
        (predictor, 1, 1.00), (predictor, 2, 1.00), (predictor, 3, 1.00),
    ],
)  # fmt: skip
def test_the_ladder_of_levels_stands_where_it_was_measured(
    player: Callable[[int], Player], level: int, share: float
) -> None:
    won = lost = 0
    right = built_in(level)
    for seed in range(64):
        game, left = Game(seed, points_to_win=10_000), player(seed + 1000)
        for _ in range(6000):
            game.step(left(game, LEFT), right(game, RIGHT))
        won += game.score[LEFT]
        lost += game.score[RIGHT]
    assert won / (won + lost) == pytest.approx(share, abs=0.04)


# ---------------------------------------------------------------------------------------------
# Camera

paddle_places = st.integers(0, 400)
courts = st.builds(
    lambda left, right, x, y: court(paddles=[left, right], ball_x=x, ball_y=y),
    paddle_places,
    paddle_places,
    # Where ball and paddle share cells is a small part of the court and the hard one.
    st.integers(0, 690) | st.integers(0, 25) | st.integers(665, 690),
    st.integers(0, 490),
)


def drawing(game: Game) -> netproto.UInt8Array:
    """What the agent is to see, without pygame."""
    pixels = np.zeros((500, 700), np.uint8)
    places = ((0, game.paddles[LEFT]), (690, game.paddles[RIGHT]), (game.ball_x, game.ball_y))
    for (x, y), height in zip(places, (100, 100, 10), strict=True):
        pixels[y : y + height, x : x + 10] = 255
    return cv2.resize(pixels, (70, 50), interpolation=cv2.INTER_AREA).astype(np.uint8)


@given(courts)
@settings(deadline=None)
def test_the_full_drawing_is_the_white_things_of_the_court_resized(game: Game) -> None:
    np.testing.assert_array_equal(Camera.full(game), drawing(game))


@given(st.lists(courts, min_size=1, max_size=8))
@settings(deadline=None)
def test_a_look_equals_the_full_drawing_whatever_was_looked_at_before(games: list[Game]) -> None:
    camera = Camera()
    for game in games:
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_look_equals_the_full_drawing_all_through_a_game() -> None:
    game, camera = Game(3), Camera()
    for _ in range(1500):
        game.step(built_in(3)(game, LEFT), built_in(3)(game, RIGHT))
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_camera_without_opencv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(PongError, match="opencv-python-headless"):
        Camera.full(Game())


def test_the_agent_sees_neither_score_nor_centre_line() -> None:
    frame = Camera().look(court(score=[12, 20], rally=3, ball_vx=8))
    expected = np.zeros((50, 70), np.uint8)
    expected[20:30, [0, -1]] = 255  # the paddles
    expected[24:26, 34:36] = 64  # the ball, a quarter of each
    np.testing.assert_array_equal(frame, expected, strict=True)


# ---------------------------------------------------------------------------------------------
# Agents in memory: the engine's talk with them, without threads, sockets or time

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
        self._session = engine.admit(role, netproto.NOBODY)
        self._parser = netproto.Parser(netproto.client_limits(self._session))
        self._script = script(self)

    def send(self, data: bytes) -> None:
        self._parser.feed(data)
        while (came := self._parser.next()) is not None:
            if came[0] is Kind.STEP:
                self.steps.append(Step.parse(came[1], self._session))
            else:
                self.others.append(came)

    @staticmethod
    def wait(lines: list[Line], until: float | None, wake: netproto.Wake) -> bool:
        """In place of `netproto.wait`: nobody is waited for."""
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
        return Kind.ACTION, netproto.action(self.steps[-1].number, bytes(moves))[5:]


def talks(scripts: dict[Role, Script], *, idle: int = 0, watched: bool = False, **options: Any) -> list[Line]:
    """Let an engine without a thread play so many ticks alone, then serve agents in memory."""
    engine = Engine(Pong(**{"seed": 1, "frameskip": 4, "fps": 1} | options), watched)
    try:
        for _ in range(idle):
            engine._tick()
        lines = [Line(engine, script, role) for role, script in scripts.items()]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(netproto, "wait", Line.wait)
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


def gains(steps: list[Step]) -> netproto.Int32Array:
    """How the score changed from the first state to the last, in the left paddle's favour."""
    change: netproto.Int32Array = steps[-1].scores - steps[0].scores
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
    snapshots: list[pong.Snapshot] = []

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


# ---------------------------------------------------------------------------------------------
# The server, over loopback


class Calls:
    """Counts the calls of one of an engine's methods, and lets a test wait for them."""

    def __init__(self, server: Pong, name: str) -> None:
        self.count = 0
        self._method = getattr(server._engine, name)
        self._woken = threading.Event()
        setattr(server._engine, name, self)

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._method(*arguments)
        finally:
            self.count += 1
            self._woken.set()

    def wait_for(self, count: int) -> None:
        wait_until(lambda: self.count >= count, self._woken)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_lockstep_plays_just_the_games_that_were_asked_for(level: int) -> None:
    games = [Game(7 + number, points_to_win=2) for number in range(3)]
    cameras = [Camera() for _ in games]
    right, demonstration = built_in(min(level, 3)), built_in(3)
    numbers = np.random.default_rng(1)
    with (
        serving(levelodiff=level, lockstep=True, seed=7, games=3, frameskip=5, points_to_win=2) as server,
        connected(server) as client,
    ):
        assert client.session == netproto.Session(3, 50, 70, level, 5, 60, 2, True)
        step = client.first  # type: ignore[attr-defined]
        np.testing.assert_array_equal(step.frames, [Camera.full(game) for game in games])
        assert not step.table[:, : netproto.Column.MOVE].any()
        points = 0
        for _ in range(500):
            moves = numbers.integers(0, 3, 3)
            step = client.step(moves)
            for number, game in enumerate(games):
                reward, ticks, before = 0, 0, game.hits
                while ticks < 5 and not reward:
                    left = VELOCITY[moves[number]] if level < 4 else demonstration(game, LEFT)
                    reward = game.step(left, right(game, RIGHT))
                    ticks += 1
                row = (reward, abs(reward), ticks, *game.score, game.matches, game.hits - before)
                table = step.rewards, step.points, step.ticks, *step.scores.T, step.matches, step.hits
                assert tuple(column[number] for column in table) == row
                np.testing.assert_array_equal(step.frames[number], cameras[number].look(game))
                points += abs(reward)
        assert step.dropped == 0
        assert points > 6 or level == 4
        assert sum(step.matches) > 0 or level == 4


def test_every_agent_that_connects_in_lockstep_plays_the_same_games() -> None:
    seen = []
    with serving(lockstep=True, seed=3, games=2) as server:
        served = Calls(server, "_part")
        for agent in range(3):
            with connected(server) as client:
                frames = [client.first.frames]  # type: ignore[attr-defined]
                frames += [client.step([turn % 3, 1]).frames for turn in range(100)]
            seen.append(np.array(frames))
            served.wait_for(agent + 1)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([(0, [3])], "a move that is not 0 (stay), 1 (up) or 2 (down)"),
        ([(7, [1])], "an ACTION for STEP 7 where 0 is due"),
        ([(0, [1]), (0, [1])], "an ACTION for STEP 0 where 1 is due"),
        ([(0, [1, 1])], "ACTION of 6 bytes, where 5 are allowed"),
        ([(0, [])], "an ACTION of 4 bytes for 1 games"),
    ],
    ids=["move", "number", "twice", "too many", "too few"],
)
def test_an_agent_that_breaks_the_rules_is_sent_away_and_the_next_is_served(
    messages: list[tuple[int, list[int]]], reason: str, lockstep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pong")
    with serving(lockstep=lockstep) as server:
        served = Calls(server, "_part")
        with connected(server) as client:
            answers = [netproto.action(number, bytes(moves)) for number, moves in messages]
            client.connection.send(b"".join(answers))
            with pytest.raises(ConnectionLostError):
                list(iter(client.connection.receive, None))
        served.wait_for(1)
        assert re.search(f"agent gone: .*{re.escape(reason)}", caplog.text)
        with connected(server) as client:
            assert client.step([UP]).number == 1


def test_states_are_dropped_and_counted_while_the_agent_does_not_answer() -> None:
    with serving(fps=1000, frameskip=2, points_to_win=10_000) as server, connected(server) as client:
        ticks = Calls(server, "_tick")
        steps = [client.first]  # type: ignore[attr-defined]
        for dropped in (10, 20):
            ticks.wait_for(ticks.count + 25)
            steps.append(client.step([UP]))
            assert steps[-1].dropped >= dropped
            assert steps[-1].ticks[0] >= 25
        assert sum(step.rewards for step in steps[1:]) == gains(steps)


def test_four_games_in_real_time_keep_their_own_scores() -> None:
    with (
        serving(fps=1000, frameskip=2, games=4, points_to_win=10_000) as server,
        connected(server) as client,
    ):
        steps = [client.first]  # type: ignore[attr-defined]
        while min(sum(step.points for step in steps)) < 2:
            steps.append(client.step([UP, DOWN, STAY, UP]))
        np.testing.assert_array_equal(sum(step.rewards for step in steps[1:]), gains(steps))
        assert len({frame.tobytes() for frame in steps[-1].frames}) == 4


def test_a_paused_game_stands_still_and_pings_are_answered() -> None:
    with serving(fps=1000) as server, connected(server) as client:
        ticks = Calls(server, "_tick")
        ticks.wait_for(3)
        client.pause()
        client.ping()  # answered in order, so the game is paused
        before = ticks.count
        assert all(client.ping() > 0 for _ in range(5))
        assert ticks.count == before
        client.pause(False)
        ticks.wait_for(before + 3)


def test_a_second_agent_is_told_who_is_connected_and_the_first_plays_on() -> None:
    with serving() as server, connected(server) as client:
        assert client._connection is not None
        host, port = client._connection._sock.getsockname()
        with pytest.raises(RefusedError, match=f"already connected from {host}:{port}") as refused:
            PongClient(*server.address).connect()
        assert refused.value.reason is Refusal.BUSY
        assert client.step([UP]).number == 1


# ---------------------------------------------------------------------------------------------
# The program


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("levelodiff", 0, "level"), ("levelodiff", 5, "level"), ("levelodiff", 2.0, "level"),
        ("port", -1, "--port"), ("port", 65536, "--port"),
        ("fps", 0, "--fps"), ("fps", 1001, "--fps"), ("fps", 59.94, "--fps"),
        ("frameskip", 0, "--frameskip"), ("frameskip", 61, "--frameskip"), ("frameskip", 2.5, "--frameskip"),
        ("games", 0, "--games"), ("games", 129, "--games"), ("games", True, "--games"),
        ("points_to_win", 0, "--points-to-win"), ("points_to_win", 10_001, "--points-to-win"),
    ],
)  # fmt: skip
def test_an_option_out_of_its_range_is_named(name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"{words} must be .* not {value}"):
        Pong(**{name: value})


@pytest.mark.parametrize(
    ("contradiction", "words"), [({"server": False}, "--no-server"), ({"render": True}, "--render")]
)
def test_headless_contradicts_what_needs_a_person(contradiction: dict[str, bool], words: str) -> None:
    with pytest.raises(UsageError, match=f"(?=.*--headless).*{words}"):
        Pong(headless=True, **contradiction)  # type: ignore[arg-type]


def test_a_window_needs_the_main_thread() -> None:
    with pytest.raises(UsageError, match="headless=True"):
        Pong().start(block=False)


def test_a_wrong_command_line_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert pong.main(["--level", "9"]) == 2
    assert capsys.readouterr() == (
        "", "error: the level must be 1, 2 or 3, or 4 to play itself, not 9\n"
    )  # fmt: skip


def test_a_server_starts_once_at_a_time_and_closes_as_often_as_one_likes() -> None:
    server = Pong(headless=True, port=0)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"start\(\)"):
            _ = server.address
        server.close()
        server.start(block=False)
        with pytest.raises(RuntimeError, match="started already"):
            server.start(block=False)
        with connected(server):
            pass
        server.close()
        server.close()


def test_close_ends_the_threads_and_says_goodbye() -> None:
    with serving() as server, connected(server) as client:
        assert {"engine", "listener"} <= {thread.name for thread in threading.enumerate()}
        server.close()
        assert not {"engine", "listener"} & {thread.name for thread in threading.enumerate()}
        with pytest.raises(ConnectionLostError, match="goodbye"):
            client.attend(PATIENCE)


def test_a_port_in_use_is_named_and_nothing_is_left_running() -> None:
    with serving() as first:
        second = Pong(headless=True, port=first.address[1])
        with pytest.raises(PongError, match=rf"cannot listen on 127\.0\.0\.1:{first.address[1]}.*--port"):
            second.start(block=False)
        with pytest.raises(RuntimeError):
            _ = second.address


def test_what_ended_the_engine_comes_out_of_close() -> None:
    server = Pong(headless=True, port=0)
    server.start(block=False)
    engine = server._engine
    assert engine is not None
    engine._tick = lambda: 1 // 0  # type: ignore[method-assign, assignment, return-value]
    engine.join(PATIENCE)
    with pytest.raises(ZeroDivisionError):
        server.close()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_in_the_main_thread(
    kind: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled, ended, run = threading.Event(), threading.Event(), Pong._run

    def announced(server: Pong, window: object) -> None:
        handled.set()
        run(server, window)

    def send() -> None:
        if handled.wait(PATIENCE):
            Calls(server, "_tick").wait_for(2)  # by then the main thread waits
            signal.pthread_kill(main, kind)
        if not ended.wait(PATIENCE):
            server.close()  # so that a failure ends too

    monkeypatch.setattr(Pong, "_run", announced)
    main, before = threading.get_ident(), signal.getsignal(kind)
    server = Pong(headless=True, port=0)
    helper = threading.Thread(target=send)
    helper.start()
    try:
        server.start()
    finally:
        ended.set()
        helper.join()
    assert signal.getsignal(kind) is before


def test_a_server_ends_with_its_standard_input_when_told_to() -> None:
    code, program = run_program("pong.py", "--headless", "--until-eof", "--port", "0")
    assert code == 0, program.output
    assert "listening on 127.0.0.1:" in program.output


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
def test_a_standard_input_that_is_closed_has_ended() -> None:
    command = [sys.executable, "-W", "error", "pong.py", "--headless", "--until-eof", "--port", "0"]
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    run = subprocess.run(closed, cwd=ROOT, capture_output=True, timeout=PATIENCE / 4, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def made_up_command(capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    """The token and port of the command line that a server printed for an agent elsewhere."""
    printed = capsys.readouterr().out
    command = re.search(r"PONG_TOKEN=(\S+) python mainmodel.py --host (\S+) --port (\d+)", printed)
    assert command is not None, printed
    return command[1], int(command[3])


def test_beyond_loopback_a_token_is_made_up_printed_and_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(host="0.0.0.0") as server:
        token, _ = made_up_command(capsys)
        here = ("127.0.0.1", server.address[1])
        with pytest.raises(RefusedError) as refused:
            PongClient(*here).connect()
        assert refused.value.reason is Refusal.TOKEN
        with PongClient(*here, token=token) as client:
            client.connect()


def test_the_command_line_printed_for_an_agent_has_the_port_listened_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(host="0.0.0.0") as server:
        assert made_up_command(capsys)[1] == server.address[1]


def test_a_token_given_is_needed_on_loopback_too() -> None:
    with serving(token="right") as server:
        with pytest.raises(RefusedError, match="token"):
            PongClient(*server.address, token="wrong").connect()
        with connected(server, token="right"):
            pass


def test_the_benchmark_says_what_this_machine_can_serve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pong, "BENCHMARK_SECONDS", 0.05)
    Pong(benchmark=True).start()
    out = capsys.readouterr().out
    for games in (1, 16):
        found = re.search(rf"games: +{games} +([\d,]+) decisions/s", out)
        assert found is not None
        assert int(found[1].replace(",", "")) > 0
