"""A server of our own on this machine, for --local."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pongrl.errors import ConnectionLostError, PongError, ProtocolError
from pongrl.processes import DETACHED, Tail, environment
from pongrl.text import printable

PROGRAM = Path(__file__).resolve().parents[2] / "pong.py"  # in a checkout, and where it is installed
OTHER_GAMES = "pongrl.envs.serve"
LONGEST_LINE = 400  # characters of what a server says that are shown
ENDED_SECONDS = 0.5  # that a process may outlive its last connection
ENDING_SECONDS = 0.5  # after which a server that was asked to end is killed: nothing is lost by that


def training_flags(
    level: int | None,
    games: int,
    seed: int | None,
    second_level: int | None = None,
    env: str | None = None,
) -> tuple[str, ...]:
    """Return the flags of a server to train on; `env` is another game than ours."""
    flags = ["--headless", "--lockstep", "--games", str(games)]
    given = (("--level", level), ("--second-level", second_level), ("--seed", seed), ("--env", env))
    for flag, value in given:
        if value is not None:
            flags += [flag, str(value)]
    return tuple(flags)


class LocalServer:
    """The program pong.py with these flags, on a free port of this machine. It ends when this process does.

    With the flag --env it is python -m pongrl.envs.serve, which plays another game. It takes a while until it
    listens; `listen` waits for that.

    Args:
        flags: of the program.
        debug: let it log to standard error.
        say: takes the lines that it says before it listens, in the thread that waits for that.

    Raises:
        PongError: its process cannot be started.
    """

    port = 0  # once it listens
    has_partner = False  # at its right paddles; see `partner`

    def __init__(
        self, flags: tuple[str, ...], debug: bool, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self._say = say
        self.token = secrets.token_urlsafe(16)  # so that no other program of this machine takes our place
        self._asked: float | None = None  # when it was asked to end
        # As a module it has the current folder on its path, where the module of an environment may be.
        is_ours = "--env" not in flags
        program = [str(PROGRAM)] if is_ours else ["-m", OTHER_GAMES]
        command = [sys.executable, *program, "--port", "0", "--until-eof", *flags]
        try:
            self._process = subprocess.Popen(
                [*command, "--debug"] if debug else command,
                stdin=subprocess.PIPE,  # it ends with this process, which ends the server
                stdout=subprocess.PIPE,
                stderr=None if debug else subprocess.PIPE,
                env=environment(PONG_TOKEN=self.token),
                **DETACHED,
            )
        except OSError as error:  # there are too many processes, say, or Python was moved since we began
            raise PongError(f"the local server did not start: {error}") from error
        self._errors = None if self._process.stderr is None else Tail(self._process.stderr)

    def listen(self) -> None:
        """Wait until the server listens, and its `port` is known. Another thread may `end` it meanwhile.

        Raises:
            PongError: it did not start, or has ended since.
        """
        if self.port:
            if self._process.poll() is not None:
                raise _has_ended(self)
            return
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode(errors="replace")
            words = text.split()
            if words[:2] == ["listening", "on"]:  # HOST:PORT …
                self.port = int(words[2].rpartition(":")[2])
                return
            self._say(printable(text.strip(), longest=LONGEST_LINE))
        raise PongError(f"the local server did not start: {self.last_words()}")

    def has_ended(self) -> bool:
        """Whether the server has ended. It may end a little after its connection, so this waits a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDED_SECONDS)
        return self._process.poll() is not None

    def last_words(self) -> str:
        """End the server, and return the last line that it wrote."""
        self.end()
        return (self._errors and self._errors.last_line()) or "it said nothing"

    def ask_to_end(self) -> None:
        """Let the server end soon."""
        if self._asked is None:
            self._asked = time.monotonic()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if sys.platform != "win32":  # where this would not let it end in order
            self._process.terminate()  # a forked copy of this process may hold the pipe open

    def end(self) -> None:
        """End the server."""
        self.ask_to_end()
        assert self._asked is not None
        try:
            self._process.wait(max(self._asked + ENDING_SECONDS - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End the server, and give back what it needed. Nobody may `listen` any more."""
        self.end()
        if self._errors is not None:
            self._errors.finish()
        assert self._process.stdout is not None
        self._process.stdout.close()


def why_ended(server: LocalServer, error: PongError) -> PongError:
    """Return why a server has ended, where all that is known is that its connection was lost."""
    if isinstance(error, ConnectionLostError | ProtocolError):
        return _has_ended(server)
    return error


def _has_ended(server: LocalServer) -> PongError:
    return PongError(f"the local server has ended: {server.last_words()}")
