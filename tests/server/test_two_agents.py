"""Two agents in one game: what each is told, what each may do, and what the other notices of it."""

from __future__ import annotations

import itertools
import logging
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.errors import ConnectionLostError, Refusal, RefusedError
from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, STAY, UP, VELOCITY
from pongrl.game.people import Keys
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.wire import connection
from pongrl.wire.arrays import Int32Array
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind
from pongrl.wire.messages import Column, Mover, Role, Step, action
from tests.support import PATIENCE, connected
from tests.support.engines import (
    GO_ON,
    IDLE_STATUS,
    PAUSE,
    BareAgent,
    Came,
    Line,
    Playing,
    Script,
    eager,
    gains,
    playing,
    port_of,
    talks,
)
from tests.support.games import mirrored, place
from tools.vitals import Ledger

TOLD_ALIKE = [Column.MATCHES, Column.POINTS, Column.TICKS, Column.HITS]
MINE, THINE = bytes(range(16)), bytes(range(1, 17))


def both(left: Script, right: Script, **options: Any) -> tuple[Line, Line]:
    one, other = talks({Role.LEFT: left, Role.RIGHT: right}, **options)
    return one, other


def idle(line: Line) -> Iterator[Came]:
    """Say nothing, for as long as anything may come."""
    yield from itertools.repeat(None, 500)


def told(steps: list[Step]) -> Int32Array:
    """All rewards after the first state."""
    total: Int32Array = np.sum([step.rewards for step in steps[1:]], axis=0)
    return total


def assert_mirrored(left: Step, right: Step) -> None:
    """Insist that two STEPs tell of the same time, from the two sides."""
    np.testing.assert_array_equal(right.frames, left.frames[:, :, ::-1])
    np.testing.assert_array_equal(right.scores, left.scores[:, ::-1])
    np.testing.assert_array_equal(right.rewards, -left.rewards)
    np.testing.assert_array_equal(right.table[:, TOLD_ALIKE], left.table[:, TOLD_ALIKE])


# ---------------------------------------------------------------------------------------------
# The mirror


@pytest.mark.parametrize("lockstep", [False, True])
def test_the_right_agent_is_told_the_mirror_image_of_what_the_left_is_told(lockstep: bool) -> None:
    moves: dict[Role, list[list[int]]] = {Role.LEFT: [], Role.RIGHT: []}

    def player(line: Line) -> Iterator[Came]:
        numbers = random.Random(line.role)
        while len(line.steps) < 400:
            moves[line.role].append(numbers.choices((STAY, UP, DOWN), k=2))
            yield line.answer(*moves[line.role][-1])
            while len(line.steps) == len(moves[line.role]):
                yield None

    left, right = both(player, player, games=2, points_to_win=3, lockstep=lockstep)
    assert sum(step.points.sum() for step in left.steps) > 20
    assert left.steps[-1].matches.all()
    for ours, theirs in zip(left.steps, right.steps, strict=True):
        assert_mirrored(ours, theirs)
        assert (ours.number, ours.dropped) == (theirs.number, 0)
    for line in (left, right):
        np.testing.assert_array_equal([step.moves for step in line.steps[1:]], moves[line.role][:399])
        assert {mover for step in line.steps[1:] for mover in step.movers} == {Mover.AGENT}


def test_two_agents_in_lockstep_play_just_the_game_of_their_moves() -> None:
    game, numbers = Game(7, points_to_win=2), np.random.default_rng(1)
    with (
        playing(lockstep=True, seed=7, frameskip=5, points_to_win=2) as server,
        connected(server) as left,
        connected(server, role=Role.RIGHT) as right,
    ):
        assert right.session == left.session
        for _ in range(300):
            moves = numbers.integers(0, 3, 2)
            left.act(moves[:1])
            right.act(moves[1:])
            ours, theirs = left.observe(), right.observe()
            reward = ticks = 0
            while ticks < 5 and not reward:
                reward = game.step(*(VELOCITY[move] for move in moves))
                ticks += 1
            assert ours is not None
            assert theirs is not None
            assert (ours.rewards[0], theirs.rewards[0], ours.ticks[0]) == (reward, -reward, ticks)
            assert theirs.scores[0].tolist() == game.score[::-1]
            np.testing.assert_array_equal(ours.frames[0], Camera.full(game))
            np.testing.assert_array_equal(theirs.frames[0], Camera.full(mirrored(game)))
        assert ours.matches[0] > 0


def test_people_and_watchers_see_the_true_court() -> None:
    def script(line: Line) -> Iterator[Came]:
        yield from eager(10, DOWN)(line)
        game, snapshot = line.game, line.world.snapshot
        assert (snapshot.ball, list(snapshot.paddles)) == ((game.ball_x, game.ball_y), game.paddles)
        assert snapshot.paddles[RIGHT] > 200 == snapshot.paddles[LEFT]
        assert snapshot.status == f"{IDLE_STATUS}   right paddle: agent at 192.0.2.1:1"
        assert snapshot.frame is not None
        np.testing.assert_array_equal(snapshot.frame, line.steps[-1].frames[0])  # what it is sent

    talks({Role.RIGHT: script}, has_window=True, inset=True, lockstep=True)


# ---------------------------------------------------------------------------------------------
# Books


answers = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.sampled_from((STAY, UP, DOWN))), min_size=10, max_size=40
)


@given(answers, answers, st.integers(0, 1000), st.booleans())
@settings(deadline=None, max_examples=50)
def test_the_rewards_of_each_add_up_however_late_either_answers(
    ours: list[tuple[int, bool, int]], theirs: list[tuple[int, bool, int]], seed: int, lockstep: bool
) -> None:
    def script(answers: list[tuple[int, bool, int]]) -> Script:
        def play(line: Line) -> Iterator[Came]:
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

        return play

    lines = both(
        script(ours), script(theirs), seed=seed, games=2, frameskip=3, points_to_win=10_000, lockstep=lockstep
    )
    for line in lines:
        np.testing.assert_array_equal(told(line.steps), gains(line.steps))
        change = (line.steps[-1].scores - line.steps[0].scores).sum(axis=1)
        np.testing.assert_array_equal(sum(step.points for step in line.steps), change)
        assert [step.number for step in line.steps] == [*range(len(line.steps))]


def test_each_agents_late_states_are_dropped_and_counted_for_itself_and_its_own_move_is_held() -> None:
    ys = []

    def late(line: Line) -> Iterator[Came]:
        yield line.answer(DOWN)
        for _ in range(6):
            yield from itertools.repeat(None, 4)
            yield Kind.PING, b"12345678"  # so that the last tick is over when we look
            ys.append(line.game.paddles[RIGHT])
        yield line.answer(UP)
        yield from itertools.repeat(None, 4)
        yield GO_ON

    left, right = both(eager(8, UP), late)
    assert ys == [220, 240, 260, 260, 260, 260]
    assert [step.dropped for step in left.steps] == [0] * 8
    assert {mover for step in left.steps[1:] for mover in step.movers} == {Mover.AGENT}
    assert [(step.dropped, *step.ticks, *step.movers) for step in right.steps] == [
        (0, 0, Mover.HELD), (0, 4, Mover.AGENT), (5, 24, Mover.HELD),
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Coming and going


def test_lockstep_waits_for_both() -> None:
    def patient(line: Line) -> Iterator[Came]:
        yield line.answer(UP)
        yield from itertools.repeat(None, 50)
        assert (len(line.steps), place(line.game)) == (1, place(Game(1)))
        yield Kind.PING, b"12345678"
        yield from itertools.repeat(None, 20)
        assert len(line.steps) == 2

    def slow(line: Line) -> Iterator[Came]:
        yield from itertools.repeat(None, 60)
        yield line.answer(DOWN)
        yield from itertools.repeat(None, 20)

    left, right = both(patient, slow, lockstep=True)
    assert left.others == [(Kind.PONG, b"12345678")]
    assert_mirrored(left.steps[1], right.steps[1])


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize("gone", [Role.LEFT, Role.RIGHT])
def test_when_one_leaves_the_other_plays_on_in_the_same_decision(gone: Role, lockstep: bool) -> None:
    def stays(line: Line) -> Iterator[Came]:
        for turn in range(30):
            yield line.answer(UP if turn % 2 else DOWN)
            for _ in range(6):
                if len(line.steps) == turn + 1:
                    yield None
            assert len(line.steps) == turn + 2

    scripts = {role: eager(4, DOWN) if role is gone else stays for role in (Role.LEFT, Role.RIGHT)}
    line = next(line for line in talks(scripts, lockstep=lockstep) if line.role is not gone)
    np.testing.assert_array_equal(told(line.steps), gains(line.steps))
    assert line.steps[-1].dropped == 0


def test_the_built_in_ai_has_the_right_paddle_before_and_after_an_agent() -> None:
    game, built = Game(1), built_in(2)

    def play(client: PongClient, other: PongClient | None) -> None:
        if other is not None:
            other.act([DOWN])
        step = client.step([UP])
        game.step(VELOCITY[UP], built(game, RIGHT) if other is None else VELOCITY[DOWN])
        np.testing.assert_array_equal(step.frames[0], Camera.full(game))

    with playing(seed=1, lockstep=True, frameskip=1) as server, connected(server) as left:
        for _ in range(2):
            for _ in range(100):
                play(left, None)
            with connected(server, role=Role.RIGHT) as right:
                joined = right.first  # type: ignore[attr-defined]
                np.testing.assert_array_equal(joined.frames[0], Camera.full(mirrored(game)))
                assert joined.scores[0].tolist() == game.score[::-1]
                assert (joined.number, *joined.rewards, *joined.points, *joined.ticks) == (0, 0, 0, 0)
                for _ in range(100):
                    play(left, right)
                    assert right.observe() is not None
        assert sum(game.score) > 2


def test_an_agent_that_finds_nobody_in_lockstep_plays_the_seeds_games_from_their_beginning() -> None:
    seen = []
    with playing(seed=3, lockstep=True) as server:
        for number, role in enumerate((Role.LEFT, Role.RIGHT, Role.RIGHT, Role.LEFT)):
            with connected(server, role=role) as client:
                seen.append(client.first.frames)  # type: ignore[attr-defined]
                for _ in range(20):
                    client.step([UP])
            server.count.wait_for_parted(number + 1)
    for frames in seen:
        np.testing.assert_array_equal(frames[0], Camera.full(Game(3)))


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_right_agent_alone_plays_against_a_paddle_that_stands_or_a_persons(lockstep: bool) -> None:
    def script(line: Line) -> Iterator[Came]:
        game = line.game
        yield from eager(10, DOWN)(line)
        assert (game.paddles[LEFT], game.paddles[RIGHT]) == (200, 380)
        line.world.hold(Keys(either=UP))
        yield line.answer(UP)
        while len(line.steps) == 10:
            yield None
        assert (game.paddles[LEFT], game.paddles[RIGHT]) == (180, 360)

    (line,) = talks({Role.RIGHT: script}, lockstep=lockstep)
    assert {mover for step in line.steps[1:] for mover in step.movers} == {Mover.AGENT}


def test_keys_that_are_held_take_the_left_paddle_from_its_agent_alone() -> None:
    def script(line: Line) -> Iterator[Came]:
        line.world.hold(Keys(either=UP))
        yield from eager(5, DOWN)(line)

    left, right = both(script, eager(5, DOWN))
    assert [(*step.movers, *step.moves) for step in left.steps[1:]] == [(Mover.HUMAN, UP)] * 4
    assert [(*step.movers, *step.moves) for step in right.steps[1:]] == [(Mover.AGENT, DOWN)] * 4


# ---------------------------------------------------------------------------------------------
# Pauses


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_pause_of_either_is_one_for_both_until_nobody_pauses(
    lockstep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pong")
    says: dict[Role, dict[int, Came]] = {
        Role.LEFT: {10: PAUSE, 30: GO_ON}, Role.RIGHT: {20: PAUSE, 40: GO_ON},
    }  # fmt: skip
    seen: list[tuple[int, str]] = []

    def script(line: Line) -> Iterator[Came]:
        yield line.answer(UP)
        for turn in range(60):
            yield says[line.role].get(turn)
            if line.role is Role.RIGHT and turn % 10 == 5:
                seen.append((place(line.game)[0], line.world.snapshot.status))

    def answering(line: Line) -> Iterator[Came]:
        answered = 0
        for came in script(line):
            yield came
            if line.steps[-1].number > answered:
                answered = line.steps[-1].number
                yield line.answer(UP)

    left, right = both(answering, answering, lockstep=lockstep, has_window=True)
    places, statuses = zip(*seen, strict=True)
    words = tuple(status.removesuffix("   right paddle: agent at 192.0.2.1:1") for status in statuses)
    assert places[0] != places[1] == places[2] == places[3] != places[4]
    agents = "agent connected from 192.0.2.1:1"
    assert words == (
        agents, "paused by the left agent at 192.0.2.1:1", "paused by both agents",
        "paused by the right agent at 192.0.2.1:1", agents, agents,
    )  # fmt: skip
    log = ["the left agent has paused the game", "the right agent has paused the game", "the game goes on"]
    assert [line for line in caplog.messages if "game" in line] == log
    for line in (left, right):
        assert line.steps[-1].dropped == 0


def test_a_pause_ends_with_the_agent_that_paused() -> None:
    def pausing(line: Line) -> Iterator[Came]:
        yield line.answer(UP)
        yield PAUSE
        yield from itertools.repeat(None, 20)

    def script(line: Line) -> Iterator[Came]:
        yield from itertools.repeat(None, 2)
        yield line.answer(UP)
        yield from itertools.repeat(None, 10)
        yield Kind.PING, b"12345678"
        assert len(line.others) == 1
        assert line.world.snapshot.status.startswith(
            "paused by the right agent at 192.0.2.1:1   right paddle: agent"
        )
        yield from itertools.repeat(None, 20)
        assert len(line.steps) > 1
        assert line.world.snapshot.status == "agent connected from 192.0.2.1:1   right paddle: level 2"

    for lockstep in (False, True):
        both(script, pausing, lockstep=lockstep, has_window=True)


# ---------------------------------------------------------------------------------------------
# Seats


def refused(server: Playing, role: Role, words: str, **options: Any) -> None:
    with pytest.raises(RefusedError, match=words) as error:
        PongClient(*server.address, role=role, **options).connect()
    assert error.value.reason is Refusal.BUSY


def test_each_side_has_one_place_and_its_own_agent_takes_it_over() -> None:
    with playing(lockstep=True) as server, connected(server, identity=MINE, role=Role.RIGHT) as right:
        refused(server, Role.RIGHT, f"a right agent is already connected from 127.0.0.1:{port_of(right)}")
        with connected(server, identity=MINE) as left:  # the same secret, but another place
            refused(server, Role.LEFT, "an agent is already connected from")
            refused(server, Role.RIGHT, "already connected", identity=THINE)
            left.act([UP])
            with connected(server, identity=MINE, role=Role.RIGHT) as back:
                with pytest.raises(ConnectionLostError, match="the same agent has connected again"):
                    right.attend(PATIENCE)
                back.act([DOWN])
                for client in (left, back):
                    step = client.observe()
                    assert step is not None
                    assert step.number == 1
                left.close()
                for _ in range(2):  # whoever answers a second one has heard that goodbye before
                    back.ping()
                with connected(server, identity=THINE):
                    pass


# ---------------------------------------------------------------------------------------------
# An agent that the other one must not suffer from, over loopback


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize("stays", [Role.LEFT, Role.RIGHT])
def test_an_agent_that_comes_and_dies_again_and_again_costs_the_other_nothing(
    stays: Role, lockstep: bool
) -> None:
    other = Role(1 - stays)
    with (
        playing(lockstep=lockstep, fps=1000, frameskip=2, games=2) as server,
        connected(server, role=stays) as client,
    ):
        ledger = Ledger(client.session)
        ledger.enter(client.first)  # type: ignore[attr-defined]
        for number in range(8):
            dying = BareAgent(server.address, other)
            for _ in range(number):
                client.act([UP, DOWN])
                dying.act(DOWN, STAY)
                step = client.observe()
                assert step is not None
                ledger.enter(step)
                dying.observe()
            dying.die()
            for _ in range(40):
                ledger.enter(client.step([DOWN, UP]))
            server.count.wait_for_parted(number + 1)
        while ledger.points < 4:
            ledger.enter(client.step([UP, UP]))


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize("bad", [b"\xff" * 50, action(9, b"\1"), action(0, b"\7")])
def test_an_agent_that_breaks_the_rules_is_sent_away_and_the_other_plays_on(
    bad: bytes, lockstep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pong")
    with playing(lockstep=lockstep) as server, connected(server) as left:
        with connected(server, role=Role.RIGHT) as right:
            left.act([UP])
            right.connection.send(bad)
            with pytest.raises(ConnectionLostError, match="goodbye: it was sent"):
                list(iter(right.connection.receive, None))
        step = left.observe()
        assert step is not None
        assert left.step([UP]).number == step.number + 1
    assert "right agent connected from 127.0.0.1" in caplog.text
    assert "right agent gone: a" in caplog.text


def test_an_agent_that_is_stopped_holds_up_lockstep_until_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pong")
    monkeypatch.setattr(connection, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 0.5)
    with playing(lockstep=True) as server, connected(server) as left:
        stopped = BareAgent(server.address, Role.RIGHT)
        for number in range(1, 4):
            assert left.step([UP]).number == number
        stopped.die()
    assert re.search("right agent gone: .* has been silent", caplog.text)
