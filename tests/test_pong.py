"""The program: its options, its start and its end, and what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import pong
from pong import Pong
from pongrl.errors import ConnectionLostError, PongError, Refusal, RefusedError, UsageError
from pongrl.server.benchmark import measure
from pongrl.server.match import Match
from pongrl.server.run import Run
from pongrl.wire.client import PongClient
from tests.support import PATIENCE, ROOT, connected, run_program, serving
from tests.support.engines import nothing_is_left as nothing_is_left


def test_a_window_needs_the_main_thread() -> None:
    with pytest.raises(UsageError, match="headless=True"):
        Pong().start(block=False)


@pytest.mark.parametrize("given", [{}, {"server": False}])
def test_a_thread_that_may_not_open_a_window_is_refused(given: dict[str, bool]) -> None:
    with ThreadPoolExecutor(1) as thread:
        error = thread.submit(Pong(**given).start).exception(PATIENCE)  # type: ignore[arg-type]
    assert isinstance(error, UsageError)
    assert str(error) == "a window needs the main thread: call start() there, or use headless=True"


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


def test_what_ended_the_engine_comes_out_of_close(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Match, "tick", fail)
    server = Pong(headless=True, port=0)
    with pytest.raises(ZeroDivisionError):
        server.start()  # which ends with the engine
    server.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no thread can be sent a signal there")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_in_the_main_thread(
    kind: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing, ended, wait = threading.Event(), threading.Event(), Run.wait

    def announced(run: Run, seconds: float) -> None:
        playing.set()
        wait(run, seconds)

    def send() -> None:
        if playing.wait(PATIENCE):
            signal.pthread_kill(main, kind)
        if not ended.wait(PATIENCE):
            server.close()  # so that a failure ends too

    monkeypatch.setattr(Run, "wait", announced)
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


@pytest.mark.skipif(sys.platform == "win32", reason="pipes always block there")
def test_a_server_waits_for_the_end_of_a_standard_input_that_does_not_block() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    command = [sys.executable, "pong.py", "--headless", "--until-eof", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert "listening on" in server.stdout.readline()
            assert server.poll() is None
        finally:
            os.close(writing)  # else a server that is no good would be waited for
        _, errors = server.communicate(timeout=PATIENCE)
    os.close(reading)
    assert (server.returncode, errors) == (0, "")


def test_whoever_does_not_wait_for_the_end_cannot_wait_for_that_of_standard_input() -> None:
    with pytest.raises(UsageError, match="leave it out with block=False"):
        Pong(headless=True, port=0, until_eof=True).start(block=False)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
def test_a_standard_input_that_is_closed_has_ended() -> None:
    command = [sys.executable, "-W", "error", "pong.py", "--headless", "--until-eof", "--port", "0"]
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    run = subprocess.run(closed, cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True)
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


def test_a_headless_server_loads_neither_views_nor_the_agent() -> None:
    play = """if True:
        import sys
        from pong import Pong
        from pongrl.wire.client import PongClient
        with Pong(headless=True, port=0, lockstep=True) as server:
            server.start(block=False)
            with PongClient(*server.address) as client:
                client.connect()
                client.step([1])
        parts = {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("pongrl.")}
        print(sorted(parts & {"pongrl.ui", "pongrl.agent", "pongrl.envs", "pongrl.distributed"}))
        print("mainmodel" in sys.modules, sys.modules["pygame"].display.get_init())"""
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", play],
        cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[1:] == ["[]", "False False"]


def test_the_benchmark_says_what_this_machine_can_serve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pong.measure", lambda options: measure(options, 0.05))
    Pong(benchmark=True, frameskip=4).start()
    assert capsys.readouterr().out.endswith("real time needs 240 decisions/s for 16 games\n")
