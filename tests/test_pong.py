"""The server over loopback, and the program around it."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import pong
from pong import Pong
from pongrl.errors import ConnectionLostError, PongError, Refusal, RefusedError, UsageError
from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, STAY, UP, VELOCITY
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Column, Session, action
from tests.server.test_engine import gains
from tests.server.test_engine import (
    nothing_comes_in_and_nothing_is_left as nothing_comes_in_and_nothing_is_left,
)
from tests.support import PATIENCE, ROOT, connected, run_program, serving, wait_until

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
            answers = [action(number, bytes(moves)) for number, moves in messages]
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
