"""A server over loopback: the games that were asked for, agents that break the rules, pauses, and the end."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time

import numpy as np
import pytest

from pongrl.errors import ConnectionLostError, Refusal, RefusedError
from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, STAY, UP, VELOCITY
from pongrl.game.people import Keys
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server import seats
from pongrl.server.entrance import Entrance
from pongrl.server.match import Match
from pongrl.server.run import Run
from pongrl.wire import connection
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Column, Session, Step, action
from tests.support import PATIENCE, connected
from tests.support.engines import Count, gains, game_options, playing, port_of


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_lockstep_plays_just_the_games_that_were_asked_for(level: int) -> None:
    games = [Game(7 + number, points_to_win=2) for number in range(3)]
    cameras = [Camera() for _ in games]
    right, demonstration = built_in(min(level, 3)), built_in(3)
    numbers = np.random.default_rng(1)
    with (
        playing(level=level, lockstep=True, seed=7, games=3, frameskip=5, points_to_win=2) as server,
        connected(server) as client,
    ):
        assert client.session == Session(3, 50, 70, level, 5, 60, 2, True)
        step = client.first  # type: ignore[attr-defined]
        np.testing.assert_array_equal(step.frames, [Camera.full(game) for game in games])
        assert not step.table[:, : Column.MOVE].any()
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
    with playing(lockstep=True, seed=3, games=2) as server:
        for agent in range(3):
            with connected(server) as client:
                frames = [client.first.frames]  # type: ignore[attr-defined]
                frames += [client.step([turn % 3, 1]).frames for turn in range(100)]
            seen.append(np.array(frames))
            server.count.wait_for_parted(agent + 1)
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
    with playing(lockstep=lockstep) as server:
        with connected(server) as client:
            answers = [action(number, bytes(moves)) for number, moves in messages]
            client.connection.send(b"".join(answers))
            with pytest.raises(ConnectionLostError):
                list(iter(client.connection.receive, None))
        server.count.wait_for_parted(1)
        assert re.search(f"agent gone: .*{re.escape(reason)}", caplog.text)
        with connected(server) as client:
            assert client.step([UP]).number == 1


def test_states_are_dropped_and_counted_while_the_agent_does_not_answer() -> None:
    with playing(fps=1000, frameskip=2, points_to_win=10_000) as server, connected(server) as client:
        steps = [client.first]  # type: ignore[attr-defined]
        for dropped in (10, 20):
            server.count.wait_for_ticks(server.count.ticks + 25)
            steps.append(client.step([UP]))
            assert steps[-1].dropped >= dropped
            assert steps[-1].ticks[0] >= 25
        assert sum(step.rewards for step in steps[1:]) == gains(steps)


def test_four_games_in_real_time_keep_their_own_scores() -> None:
    with (
        playing(fps=1000, frameskip=2, games=4, points_to_win=10_000) as server,
        connected(server) as client,
    ):
        steps = [client.first]  # type: ignore[attr-defined]
        while min(sum(step.points for step in steps)) < 2:
            steps.append(client.step([UP, DOWN, STAY, UP]))
        np.testing.assert_array_equal(sum(step.rewards for step in steps[1:]), gains(steps))
        assert len({frame.tobytes() for frame in steps[-1].frames}) == 4


def test_a_paused_game_stands_still_and_pings_are_answered() -> None:
    with playing(fps=1000) as server, connected(server) as client:
        server.count.wait_for_ticks(3)
        client.pause()
        client.ping()  # answered in order, so the game is paused
        before = server.count.ticks
        assert all(client.ping() > 0 for _ in range(5))
        assert server.count.ticks == before
        client.pause(False)
        server.count.wait_for_ticks(before + 3)


def test_a_second_agent_is_told_who_is_connected_and_the_first_plays_on() -> None:
    with playing() as server, connected(server) as client:
        words = f"already connected from 127.0.0.1:{port_of(client)}"
        with pytest.raises(RefusedError, match=words) as refused:
            PongClient(*server.address).connect()
        assert refused.value.reason is Refusal.BUSY
        assert client.step([UP]).number == 1


def test_an_agent_is_kept_while_a_decision_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(seats, "HEARTBEAT_SECONDS", 0.1)
    has_begun, may_end = threading.Event(), threading.Event()

    class Slow(Match):
        def decide(self, keys: Keys) -> None:
            has_begun.set()
            assert may_end.wait(PATIENCE)
            super().decide(keys)

    run = Run(Slow(game_options(lockstep=True)), Entrance("127.0.0.1", 0))
    run.start()
    assert run.address is not None
    with contextlib.closing(run), PongClient(*run.address) as client:
        client.connect()
        client.act([UP])
        assert has_begun.wait(PATIENCE)
        begin = time.monotonic()
        while time.monotonic() - client.connection.quiet_seconds < begin:  # until something comes
            client.connection.receive(until=time.monotonic() + 0.1)
        may_end.set()
        step = client.observe()
        assert step is not None
        assert step.number == 1


def test_what_ends_the_engine_comes_out_of_close_and_ends_all_else() -> None:
    class Broken(Count):
        def played(self, keys: Keys, sent: Step | None) -> None:
            raise ZeroDivisionError

    run = Run(Match(game_options()), Entrance("127.0.0.1", 0), observers=[Broken()])
    run.start()
    run.wait(PATIENCE)
    assert not run.is_alive()
    with pytest.raises(ZeroDivisionError):
        run.close()
    assert not {"engine", "listener", "gallery"} & {thread.name for thread in threading.enumerate()}


def test_a_game_that_nobody_serves_has_no_address_and_one_thread() -> None:
    run = Run(Match(game_options(serves=False)), None)
    before = threading.active_count()
    run.start()
    assert (run.address, threading.active_count()) == (None, before + 1)
    run.close()
