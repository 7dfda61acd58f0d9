"""Every wait of every mode ends as soon as a person quits, whatever the server does or leaves undone."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support import PATIENCE, Program
from tests.support.wire_peers import listening

MODES = {
    "train": ("--directory", "run"),
    "play": ("--play", "save.p"),
    "evaluate": ("--evaluate", "save.p"),
    "watch": ("--watch",),
}


@contextlib.contextmanager
def silent() -> Iterator[tuple[int, Callable[[], None]]]:
    """Accept a connection, and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        server.settimeout(PATIENCE)

        def wait_for_it() -> None:
            stack.enter_context(server.accept()[0])

        yield server.getsockname()[1], wait_for_it


@contextlib.contextmanager
def without_a_state() -> Iterator[tuple[int, Callable[[], None]]]:
    """Let an agent in, and send it no state; nor a view to a watcher."""
    with listening(opening=b"") as (listener, delivered):

        def wait_for_it() -> None:
            delivered.get(timeout=PATIENCE)

        yield listener.address[1], wait_for_it


Server: TypeAlias = Callable[[], contextlib.AbstractContextManager[tuple[int, Callable[[], None]]]]
"""Its port, and what waits until a program has come to it."""


def q(program: Program) -> None:
    program.type("q\n")


def ctrl_c(program: Program) -> None:
    program.process.send_signal(signal.SIGINT)


def sigterm(program: Program) -> None:
    program.process.send_signal(signal.SIGTERM)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once there")
@pytest.mark.parametrize("quit_by", [q, ctrl_c, sigterm])
@pytest.mark.parametrize("server", [silent, without_a_state])
@pytest.mark.parametrize("mode", MODES)
def test_whoever_waits_for_a_server_can_quit(
    mode: str, server: Server, quit_by: Callable[[Program], None], tmp_path: Path, trained: Path
) -> None:
    (tmp_path / "save.p").write_bytes((trained / "save.p").read_bytes())
    with contextlib.ExitStack() as stack:
        port, wait_for_it = stack.enter_context(server())
        command = ("mainmodel.py", "--port", str(port), *MODES[mode])
        program = stack.enter_context(Program(*command, stdin=None, cwd=tmp_path, SDL_VIDEODRIVER="dummy"))
        wait_for_it()
        quit_by(program)
        assert program.ended() == 0, program.output
        for words in (
            "Traceback",
            "has not said a word",
            "silent",
        ):  # it did not wait for a server's time to end
            assert words not in program.output
