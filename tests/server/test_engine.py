"""The engine with one agent, in memory: whose turn it is, what is played, what is told."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.people import Keys
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server.clock import Clock
from pongrl.wire.framing import Kind
from pongrl.wire.handshake import Admission
from pongrl.wire.messages import Mover, Role
from tests.support import engines
from tests.support.engines import GO_ON, PAUSE, Came, Line, eager, gains, talk, world
from tests.support.games import court, place


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

    line = talk(script, seed=seed, games=2, frameskip=3, level=3, points_to_win=10_000)
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
            ys.append(line.game.paddles[LEFT])

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
        line.world.hold(Keys(either=human))
        yield from eager(10, DOWN, DOWN)(line)

    moves = {Mover.AGENT: DOWN, Mover.HUMAN: UP}
    for step in talk(script, games=2, level=level, lockstep=lockstep).steps[1:]:
        assert step.movers.tolist() == movers
        assert all(moves.get(mover, move) == move for mover, move in zip(movers, step.moves, strict=True))


def test_a_demonstration_says_how_its_paddle_moved() -> None:
    ys = []

    def script(line: Line) -> Iterator[Came]:
        while len(line.steps) < 400:
            yield line.answer(STAY)
            ys.append(line.game.paddles[LEFT])

    steps = talk(script, level=4, lockstep=True, frameskip=1).steps
    moves = {0: STAY, -1: UP, 1: DOWN}
    made = [moves[int(np.sign(after - before))] for before, after in itertools.pairwise([200, *ys])]
    assert [step.moves[0] for step in steps[1:]] == made
    assert set(made) == {STAY, UP, DOWN}


def test_lockstep_waits_for_the_answer() -> None:
    def script(line: Line) -> Iterator[Came]:
        yield from itertools.repeat(None, 50)
        assert line.until is None
        assert (len(line.steps), place(line.game)) == (1, place(Game(1)))
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
        assert (len(line.steps), place(line.game)) == (1, place(Game(1)))
        yield GO_ON
        assert lockstep or line.world.clock.due > 0  # nothing to catch up with
        yield from itertools.repeat(None, 4)
        yield GO_ON

    line = talk(script, lockstep=lockstep)
    assert line.others == [(Kind.PONG, b"12345678")]
    assert [(*step.ticks, *step.movers) for step in line.steps] == [(0, Mover.HELD), (4, Mover.AGENT)]


@pytest.mark.parametrize("lockstep", [False, True])
def test_when_the_agent_is_gone_its_paddle_stops_and_the_game_goes_on(lockstep: bool) -> None:
    match = talk(eager(3, DOWN), lockstep=lockstep).world.match
    before = place(match.first)
    match.tick(Keys())
    after = place(match.first)
    assert (before[4], before[0]) == (after[4], after[0] - after[2])


def test_a_person_plays_while_no_agent_does() -> None:
    with world() as made:
        made.serve(Line(made, eager(1)))
        made.hold(Keys(either=UP))
        made.tick()
        assert made.game.paddles[LEFT] == 195


def test_a_human_opponent_has_the_right_paddle_and_the_agent_the_left() -> None:
    def script(line: Line) -> Iterator[Came]:
        line.world.hold(Keys(arrows=UP, either=UP))
        yield from eager(10, DOWN)(line)

    line = talk(script, opponent="human")
    game = line.game
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
    with world(serves=False, opponent="human") as made:
        made.hold(keys)
        made.tick()
        assert made.game.paddles == [200 + moved[0], 200 + moved[1]]


def test_a_game_that_people_pause_stands_still_and_goes_on() -> None:
    places = []
    with world(serves=False, has_window=True, level=4) as made:
        for paused in (False, False, True, True, True, False, False):
            made.hold(Keys(paused=paused))
            made.tick()
            assert made.snapshot.ball == (made.game.ball_x, made.game.ball_y)  # it is shown all the time
            places.append(place(made.game))
    assert places[1] == places[2] == places[3] == places[4]
    assert len(set(places)) == 4


def test_the_window_of_a_server_pauses_both_clocks() -> None:
    for lockstep in (False, True):

        def script(line: Line) -> Iterator[Came]:
            yield from eager(3, UP)(line)
            line.world.hold(Keys(paused=True))
            yield line.answer(UP)
            before, steps = place(line.game), len(line.steps)
            for _ in range(10):
                yield None
                yield GO_ON
            assert (place(line.game), len(line.steps)) == (before, steps)
            assert line.world.snapshot.status.startswith("paused at the server   agent connected")
            line.world.hold(Keys())
            for _ in range(5):
                yield None
                yield GO_ON
            assert len(line.steps) == steps + 1
            assert not line.world.snapshot.status.startswith("paused")

        assert len(talk(script, lockstep=lockstep, has_window=True).steps) == 4


def test_a_pause_that_ends_between_two_turns_leaves_nobody_waiting_in_lockstep() -> None:
    """The agent has answered meanwhile: whoever waited for its next message would wait for ever."""

    def script(line: Line) -> Iterator[Came]:
        yield line.answer(UP)
        yield from itertools.repeat(None, 10)

    with world(lockstep=True, has_window=True) as made:
        line = Line(made, script)
        made.seats.deliver(line, Admission(line.role, line.session))  # type: ignore[arg-type]
        made.engine.turn()
        made.hold(Keys(paused=True))
        made.engine.turn()  # it answers
        made.tick()
        assert len(line.steps) == 1
        made.hold(Keys())
        line.until = 1.0
        made.engine.turn()
        assert line.until is not None
        assert len(line.steps) == 2


class EndsPause(Clock):
    """A clock at whose second reading people end their pause: between a look at the keys and the tick."""

    readings = 0
    end: Callable[[], None] = staticmethod(lambda: None)

    @property
    def due(self) -> float:  # type: ignore[override]
        self.readings += 1
        if self.readings == 2:
            self.end()
        return 0.0

    @due.setter
    def due(self, _: float) -> None:
        pass


def test_a_pause_that_ends_within_a_turn_plays_no_tick_in_lockstep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "Clock", EndsPause)
    with world(lockstep=True, has_window=True) as made:
        line = Line(made, lambda _: itertools.repeat(None, 10))
        made.seats.deliver(line, Admission(line.role, line.session))  # type: ignore[arg-type]
        made.engine.turn()
        before, line.until = made.game.ball_x, 1.0
        made.hold(Keys(paused=True))
        assert isinstance(made.clock, EndsPause)
        made.clock.readings, made.clock.end = 0, lambda: made.hold(Keys())  # type: ignore[method-assign]
        made.engine.turn()
        assert made.clock.readings >= 2
        assert made.game.ball_x == before


def test_people_begin_a_match_again_even_while_they_pause() -> None:
    with world(serves=False, has_window=True) as made:
        made.game.score, made.game.rally, made.game.ball_x = [3, 4], 2, 100
        for _ in range(2):
            made.hold(Keys(paused=True, restarts=1))
            made.tick()
            assert (made.snapshot.score, made.snapshot.ball, made.snapshot.rally) == ((0, 0), (345, 245), 0)
            assert made.snapshot.matches == 0
        made.game.score = [1, 0]
        made.tick()
        assert made.snapshot.score == (1, 0)  # once for each time that they ask


@pytest.mark.parametrize("level", [1, 3])
def test_people_choose_another_level_while_they_play(level: int) -> None:
    with world(serves=False, has_window=True) as made:
        made.game.ball_x, made.game.ball_y, made.game.ball_vx, made.game.rally = 500, 400, 4, 1
        copy = court(ball_x=500, ball_y=400, ball_vx=4, ball_vy=made.game.ball_vy, rally=1)
        made.hold(Keys(level=level))
        for _ in range(30):
            made.tick()
            copy.step(0, built_in(level)(copy, RIGHT))
            assert place(made.game) == place(copy)
        assert made.snapshot.status.endswith(f"right paddle: level {level}")


@pytest.mark.parametrize("games", [1, 2])
def test_the_first_decision_of_a_session_is_as_long_as_any_other(games: int) -> None:
    with world(games=games) as made:
        for _ in range(3):
            made.tick()
        line = Line(made, eager(2))
        made.serve(line)
        assert line.steps[1].ticks.tolist() == [4] * games


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
            line.world.let_tick()
            yield Kind.PING, b"12345678"
        assert place(line.game) != place(Game(1))

    talk(script)


def test_between_two_arrivals_the_engine_looks_at_the_clock() -> None:
    identity = bytes(range(16))
    with world() as made:
        left, *others = [Line(made, eager(5), side) for side in (Role.LEFT, *[Role.RIGHT] * 3)]
        made.seats.deliver(left, Admission(Role.LEFT, left.session))  # type: ignore[arg-type]
        made.engine.turn()
        for line in others:
            made.seats.deliver(line, Admission(Role.RIGHT, line.session, identity))  # type: ignore[arg-type]
        before = made.game.ball_x
        made.tick()
        assert made.game.ball_x != before
        assert len(list(made.seats.arrivals())) == 2


def test_a_debug_log_has_each_step_and_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pong")
    talk(eager(2, UP))
    step = "STEP 0: rewards [0], moves [0] by [1], dropped 0"
    for words in (step, "ACTION 0: [1]", "STEP 1:", "the script is over"):
        assert words in caplog.text
