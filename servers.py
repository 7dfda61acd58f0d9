"""Where the agent's games come from: servers on the network, and servers of our own.

address_of    "pi2:12346" → host and port
Server        one server to play on, and the thread that connects to it until it is there
LocalServer   a pong.py of our own on this machine
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from netproto import NOBODY, PongClient, PongError, Role, Step, Wake
from options import UsageError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries to connect: each twice the one before


def address_of(text: str, port: int) -> tuple[str, int]:
    """Split "host", "host:port" or "[IPv6 address]:port"; `port` is for those that name none.

    Raises:
        UsageError: the port is none.
    """
    host, colon, number = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), port
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 1 << 16):
        raise UsageError(f"--host {text}: behind the colon there must be a port from 1 to 65535")
    return host.strip("[]"), int(number)


class Server:
    """One server to play on. `seek` connects in a thread of its own, again and again until it is there.

    What came of it is put into `arrivals`, and `wake` set: the server and None when it is `connected`,
    the server and an error for each new reason why it is not.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        arrivals: queue.SimpleQueue[tuple[Server, PongError | None]],
        wake: Wake,
        own: LocalServer | None = None,
        ca: str | None = None,
        role: Role = Role.LEFT,
    ) -> None:
        self.host, self.port, self.own, self.role = host, port, own, role
        self.identity = NOBODY  # by which the server knows us again
        self._ca = ca
        self._connected: tuple[PongClient, Step] | None = None
        self._token, self._arrivals, self._wake = token, arrivals, wake
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def seek(self) -> None:
        """Begin to connect."""
        self._thread = threading.Thread(target=self._connect, name=f"connect to {self}", daemon=True)
        self._thread.start()

    def _connect(self) -> None:
        pause, said = FIRST_PAUSE, ""
        while not self._given_up.is_set():
            client = PongClient(
                self.host, self.port, token=self._token, role=self.role, identity=self.identity, ca=self._ca
            )
            try:
                step = client.connect()
            except PongError as error:
                client.close()
                if str(error) != said:
                    said = str(error)
                    self._report(error)
            else:
                if self._given_up.is_set():
                    client.close()
                    return
                self._connected = client, step
                self._report(None)
                return
            self._given_up.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _report(self, error: PongError | None) -> None:
        self._arrivals.put((self, error))
        self._wake.set()

    @property
    def connected(self) -> tuple[PongClient, Step]:
        """The connection, and the first state, once it has arrived."""
        assert self._connected is not None
        return self._connected

    def leave(self) -> None:
        """Close the connection, if there is one."""
        if self._connected is not None:
            self._connected[0].close()
            self._connected = None

    def close(self) -> None:
        """Close the connection, or stop seeking one, and end the server if it is our own."""
        self._given_up.set()
        if self._thread is not None:
            self._thread.join(1.0)  # it may be waiting for a host that does not answer; it is a daemon
        self.leave()
        if self.own is not None:
            self.own.close()


def training_flags(level: int | None, games: int, seed: int | None) -> tuple[str, ...]:
    """What pong.py is told when it is to be trained on."""
    flags = ["--headless", "--lockstep", "--games", str(games)]
    for flag, value in (("--level", level), ("--seed", seed)):
        flags += [] if value is None else [flag, str(value)]
    return tuple(flags)


class LocalServer:
    """A pong.py with these flags on a free port of this machine, for --local; it ends when we do.

    Raises:
        PongError: it did not start.
    """

    def __init__(self, flags: tuple[str, ...], debug: bool) -> None:
        self.token = secrets.token_urlsafe(16)  # so that no other program of this machine takes our place
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by `close`
        script = Path(__file__).with_name("pong.py")
        command = [sys.executable, str(script), "--port", "0", "--until-eof", *flags]
        self._process = subprocess.Popen(
            command + ["--debug"] * debug,
            stdin=subprocess.PIPE,  # its end of file, when we end however that may be, ends the server
            stdout=subprocess.PIPE,
            stderr=None if debug else self._errors,
            env=os.environ | {"PONG_TOKEN": self.token},
            text=True,
            **DETACHED,
        )
        assert self._process.stdout is not None
        greeting = self._process.stdout.readline().split()  # listening on HOST:PORT …
        if greeting[:2] != ["listening", "on"]:
            error = PongError(f"the local server did not start: {self.last_words()}")
            self.close()
            raise error
        self.port = int(greeting[2].rpartition(":")[2])

    def has_ended(self) -> bool:
        """Whether the server is gone for good; its process may end a moment after its connection."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        return self._process.poll() is not None

    def last_words(self) -> str:
        """End the server and say what it wrote last."""
        self._end()
        self._errors.seek(0)
        lines = self._errors.read().split("\n")
        return next((line for line in reversed(lines) if line), "it said nothing")

    def _end(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End the server."""
        self._end()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


# Ctrl-C in the terminal is for us, who then end the server in order.
DETACHED: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"process_group": 0}
)
