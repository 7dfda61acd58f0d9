"""The training's end of a sparring partner, and a server of our own that has one.

Partner          keeps the process `sparring` alive
SparringServer   a local server with a partner at its right paddles
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from pongrl.agent.local_server import LocalServer
from pongrl.agent.sparring import GO_ON, Result
from pongrl.processes import DETACHED, Tail, environment
from pongrl.wire.retry import FIRST_PAUSE, LASTING_SECONDS, LONGEST_PAUSE

ENDING_SECONDS = 1.0  # after which a partner that was asked to end is killed


class Partner:
    """A sparring partner at one server. If its process ends, another is started.

    Args:
        directory: of the opponents.
        hear: is given each result, in a thread of its own.
        say: takes lines for the console; that thread calls it.
        module: what the process runs.
    """

    def __init__(
        self,
        directory: str,
        hear: Callable[[Result], None],
        say: Callable[[str], None],
        module: str = "pongrl.agent.sparring",
    ) -> None:
        self._directory, self._hear, self._say, self._module = directory, hear, say, module
        self._ending = threading.Event()
        self._lock = threading.Lock()  # of the next line: this thread's `ask_to_end` and the partner's thread
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def start(self, port: int, token: str) -> None:
        """Begin to keep a process at a server that listens; calling it again does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._keep, args=(port, token), name="sparring partner", daemon=True
            )
            self._thread.start()

    def _keep(self, port: int, token: str) -> None:
        """The thread: start the process again and again."""
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                words = self._run(port, token)
            except OSError as error:  # it cannot be started now
                words = str(error)
            if time.monotonic() - begun >= LASTING_SECONDS:
                pause = FIRST_PAUSE
            if self._ending.wait(pause):
                return
            self._say(f"a sparring partner has ended ({words}); another one is started")
            pause = min(2 * pause, LONGEST_PAUSE)

    def _run(self, port: int, token: str) -> str:
        """Run the process to its end, and return what it said last."""
        with self._lock:
            if self._ending.is_set():
                return ""
            process = self._process = self._open(port, token)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        tail = Tail(process.stderr)
        # What we wrote last may find it gone; another thread may have closed its input.
        with contextlib.suppress(OSError), contextlib.closing(process.stdin), process.stdout:
            for line in process.stdout:
                if line.endswith(b"\n") and self._take(json.loads(line)):  # else it died within it
                    with contextlib.suppress(OSError, ValueError):  # it has ended, or is asked to
                        process.stdin.write(GO_ON)
                        process.stdin.flush()
        code = process.wait()
        return tail.last_line() or f"exit code {code}"

    def _open(self, port: int, token: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", self._module, self._directory, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(PONG_TOKEN=token),
            **DETACHED,
        )  # fmt: skip

    def _take(self, told: dict[str, Any]) -> bool:
        """Take what the process has told; return whether that was results."""
        for result in told.get("results", ()):
            self._hear(Result(**result))
        if "said" in told:
            self._say(told["said"])
        return "results" in told

    def ask_to_end(self) -> None:
        """Let the process tell what it has counted, and end."""
        self._ending.set()
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()

    def end(self) -> None:
        """End the process. Everything that it has told was heard then."""
        self.ask_to_end()
        if self._thread is None:
            return
        self._thread.join(ENDING_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()


class SparringServer(LocalServer):
    """A local server with a sparring partner, which has the right paddles of all its games.

    Args:
        flags: of the server.
        debug: let it log to standard error.
        partner: is started when the server listens, and ends with it.
    """

    has_partner = True

    def __init__(self, flags: tuple[str, ...], debug: bool, partner: Partner) -> None:
        super().__init__(flags, debug)
        self._partner = partner

    def listen(self) -> None:
        """Wait until the server listens, and start the partner.

        Raises:
            PongError: it did not start.
        """
        super().listen()
        self._partner.start(self.port, self.token)

    def ask_to_end(self) -> None:
        """Let both end soon."""
        self._partner.ask_to_end()
        super().ask_to_end()

    def end(self) -> None:
        """End both."""
        super().end()
        self._partner.end()
