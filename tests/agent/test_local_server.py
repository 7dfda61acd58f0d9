"""A server of our own: started, found, ended, and what it wrote when it did not start."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from pongrl.agent import local_server
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.errors import PongError
from pongrl.wire.client import PongClient
from tests.support import PATIENCE, failing_module

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


@pytest.mark.parametrize(
    ("level", "games", "seed", "second", "flags"),
    [
        (None, 16, None, None, "--headless --lockstep --games 16"),
        (3, 1, 7, None, "--headless --lockstep --games 1 --level 3 --seed 7"),
        (3, 2, None, 2, "--headless --lockstep --games 2 --level 3 --second-level 2"),
    ],
)
def test_a_server_to_train_on_gets_its_flags(
    level: int | None, games: int, seed: int | None, second: int | None, flags: str
) -> None:
    assert training_flags(level, games, seed, second) == tuple(flags.split())


def test_it_is_there_and_ends_when_it_is_closed() -> None:
    with contextlib.closing(LocalServer(training_flags(1, 2, 3), debug=False)) as server:
        server.listen()
        with PongClient(port=server.port, token=server.token) as client:
            assert client.connect().number == 0
            assert (client.session.level, client.session.games) == (1, 2)
        assert not server.has_ended()
        assert "said goodbye" in server.last_words()
        assert server.has_ended()


def test_one_that_has_ended_does_not_listen_again(processes: list[subprocess.Popen[bytes]]) -> None:
    with contextlib.closing(LocalServer(training_flags(1, 2, 3), debug=False)) as server:
        server.listen()
        server.listen()
        processes[0].kill()
        processes[0].wait(PATIENCE)
        with pytest.raises(PongError, match="the local server has ended: "):
            server.listen()


def test_why_it_did_not_start_is_told() -> None:
    with (
        contextlib.closing(LocalServer(("--headless", "--no-server"), debug=False)) as server,
        pytest.raises(PongError, match=r"the local server did not start: [^:]*nothing to serve"),
    ):
        server.listen()


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "no such program")
    with pytest.raises(PongError, match=r"the local server did not start: .*no such program"):
        LocalServer((), debug=False)


def test_why_it_did_not_start_is_told_in_letters_of_any_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = failing_module(monkeypatch, tmp_path, "Jürgen does not serve")
    monkeypatch.setattr(local_server, "OTHER_GAMES", module)
    with (
        contextlib.closing(LocalServer(("--env", "any"), debug=False)) as server,
        pytest.raises(PongError, match="did not start: Jürgen does not serve"),
    ):
        server.listen()


def test_what_it_says_before_it_listens_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talkative = tmp_path / "talkative.py"
    talkative.write_text(
        "print('copied a file', '\\x1b', flush=True)\nprint('listening on 127.0.0.1:7', flush=True)"
    )
    monkeypatch.setattr(local_server, "PROGRAM", talkative)
    said: list[str] = []
    with contextlib.closing(LocalServer((), debug=False, say=said.append)) as server:
        server.listen()
        assert server.port == 7
    assert said == ["copied a file \\x1b"]


def test_one_that_hangs_is_killed_before_a_person_loses_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(
        "import signal, threading\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('listening on 127.0.0.1:7', flush=True)\n"
        "threading.Event().wait()\n"
    )
    monkeypatch.setattr(local_server, "PROGRAM", stubborn)
    with contextlib.closing(LocalServer((), debug=False)) as server:
        server.listen()
        assert server.port == 7
        server.end()
        assert server.has_ended()
