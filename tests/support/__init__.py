"""What several test modules need: servers in this process, clients, and programs as processes.

serving, connected     a headless server in this process, and a client of it
failing_module         a module that ends with a sentence, as on a system that does not write UTF-8
ASKING                 signals by which a program is asked to end
Program, run_program   the programs as processes, from `tools.processes`
ROOT, PATIENCE         the folder of the checkout; seconds until a wait is a failure
wait_until             wait on an event until a condition holds
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from pong import Pong
from pongrl.errors import Refusal, RefusedError
from pongrl.wire.client import PongClient
from pongrl.wire.sockets import Address
from tools.processes import ASKING, PATIENCE, ROOT, Program, run_program

__all__ = [
    "ASKING", "PATIENCE", "ROOT", "Program", "connected", "failing_module", "run_program", "serving",
    "wait_until",
]  # fmt: skip


def failing_module(monkeypatch: pytest.MonkeyPatch, directory: Path, words: str) -> str:
    """Make a module that ends with these words, where files are written in cp1252 as on Windows; name it."""
    (directory / "failing.py").write_text(f"import sys\nsys.exit({words!a})\n")
    monkeypatch.syspath_prepend(directory)
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    return "failing"


@contextlib.contextmanager
def serving(**options: object) -> Iterator[Pong]:
    """Run a headless server on a free port, in this process; options are those of `Pong`."""
    with Pong(**({"headless": True, "port": 0} | options)) as server:  # type: ignore[arg-type]
        server.start(block=False)
        yield server


class HasAddress(Protocol):
    """A server, or what takes its place."""

    @property
    def address(self) -> Address:
        """Where it listens."""


@contextlib.contextmanager
def connected(server: HasAddress, **options: object) -> Iterator[PongClient]:
    """Connect a client to a server; its first state is in `.first`.

    The client tries again while its place is taken: the server may not know yet that the client before it
    has left.
    """
    until = time.monotonic() + PATIENCE
    while True:
        with PongClient(*server.address, **options) as client:  # type: ignore[arg-type]
            try:
                client.first = client.connect()  # type: ignore[attr-defined]
            except RefusedError as error:
                if error.reason is Refusal.BUSY and time.monotonic() < until:
                    continue
                raise
            yield client
            return


def wait_until(condition: Callable[[], bool], woken: threading.Event) -> None:
    """Wait on an event, repeatedly, until a condition holds; what sets it may go on for ever."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert woken.wait(max(until - time.monotonic(), 0)), "the condition never became true"
        woken.clear()
