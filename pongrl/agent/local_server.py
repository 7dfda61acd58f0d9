"""A server of our own on this machine, for --local."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pongrl.errors import PongError


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
        script = Path(__file__).resolve().parents[2] / "pong.py"
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
