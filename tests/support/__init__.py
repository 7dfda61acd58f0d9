"""What several test modules need: servers and agents in memory, as processes, and on a terminal."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pong import Pong
from pongrl.errors import Refusal, RefusedError
from pongrl.wire.client import PongClient

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until a wait for an event is a failure; far above what any takes


@contextlib.contextmanager
def serving(**options: object) -> Iterator[Pong]:
    """A headless server on a free port of this machine, in this process."""
    with Pong(**({"headless": True, "port": 0} | options)) as server:  # type: ignore[arg-type]
        server.start(block=False)
        yield server


@contextlib.contextmanager
def connected(server: Pong, **options: object) -> Iterator[PongClient]:
    """A client, connected to a server; its first state is in `.first`.

    It knocks again while the place is taken: the server may not have heard yet that the last one has left.
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


class Program:
    """One of the two programs as a real process, with its output as it comes.

    Args:
        arguments: the command line behind `python`.
        stdin: what is typed before the end of input; None leaves standard input open for `type`.
        within: the command that runs it, with no process of its own.
    """

    def __init__(
        self,
        *arguments: str,
        stdin: str | None = "",
        cwd: Path | None = None,
        within: tuple[str, ...] = (),
        **env: str,
    ) -> None:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("PONG_TOKEN", "DISPLAY", "WAYLAND_DISPLAY")
        }
        self.process = subprocess.Popen(
            [*within, sys.executable, "-X", "dev", "-W", "error", str(ROOT / arguments[0]), *arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=environment | env,
        )
        self.seen: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("stdout", "stderr")
        ]
        for thread in self._threads:
            thread.start()
        if stdin is not None:
            self.type(stdin)
            assert self.process.stdin is not None
            self.process.stdin.close()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            self.seen[name].append(line)
            self._lines.put(line)
        self._lines.put(None)

    def type(self, text: str) -> None:
        """Type into standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """Wait for a line of output with these words in it, and return it."""
        ended = 0
        while True:
            line = self._lines.get(timeout=PATIENCE)
            if line is None:
                ended += 1
                if ended == 2:
                    raise AssertionError(f"ended without {words!r}:\n{self.output}")
            elif words in line:
                return line

    @property
    def output(self) -> str:
        """All it wrote so far, errors last."""
        return "".join(self.seen["stdout"]) + "".join(self.seen["stderr"])

    def ended(self) -> int:
        """Wait for its end and return its exit code."""
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        return code

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def run_program(*arguments: str, **options: object) -> tuple[int, Program]:
    """Run a program to its end: exit code and the program, for its output."""
    with Program(*arguments, **options) as program:  # type: ignore[arg-type]
        return program.ended(), program


def wait_until(condition: Callable[[], bool], woken: threading.Event) -> None:
    """Wait on an event, again and again, until a condition holds."""
    while not condition():
        assert woken.wait(PATIENCE), "it never came true"
        woken.clear()
