"""The agent's console: lines from the terminal, and a status line that never disturbs typing.

What the lines mean is in `pongrl.agent.commands`. In the background of a shell (`… &`, or Ctrl-Z and `bg`) it
does not touch the terminal, or the system would stop the program; `fg` brings the console back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from pongrl.agent.commands import QUIT
from pongrl.cli import fold
from pongrl.outlets import drain, is_terminal
from pongrl.wire.waiting import Wake, ready

REFRESH_SECONDS = 0.5
FOREGROUND_SECONDS = 0.5  # between two looks whether a shell has brought us to the foreground
STOPPING_SECONDS = 0.1  # until a signal to stop has surely stopped all threads
HAS_JOBS = hasattr(os, "tcgetpgrp")  # Windows has none, and cannot wait for its standard input
JOB_SIGNALS = [getattr(signal, name) for name in ("SIGTTIN", "SIGTTOU") if HAS_JOBS]
SUSPEND, LEAVE = "\x1a", "\x1a\x1a"  # results of a prompt: Ctrl-Z was typed; the terminal is no longer ours


class Console(threading.Thread):
    """Reads lines until the end of input, in a thread of its own.

    On a terminal there is a prompt with the status line below it; elsewhere plain lines are read.

    Args:
        words: what Tab completes.
        obey: takes a line, and returns False if it was the last one; called in this thread.
        status: returns the status line; called in this thread.
    """

    def __init__(self, words: Iterable[str], obey: Callable[[str], bool], status: Callable[[], str]) -> None:
        super().__init__(name="console", daemon=True)
        self._words, self._obey, self._status = list(words), obey, status
        self._session: Any = None
        # Without standard streams (a service) their numbers may be our sockets', so nothing is read.
        self._has_streams = sys.stdin is not None and sys.stdout is not None
        self._is_terminal = self._has_streams and is_terminal(sys.stdin) and _is_screen(sys.stdout)
        self._handlers: dict[Any, Any] = {}  # of signals, before
        self._is_closing = False
        self._wake = Wake()  # is set when it is closing

    def start(self) -> None:
        """Begin, in the main thread; from now on a terminal that is not ours cannot stop the program."""
        self._handlers = {kind: signal.signal(kind, signal.SIG_IGN) for kind in JOB_SIGNALS}
        super().start()

    def run(self) -> None:
        """Read lines until the end of input, the last line, or `close`."""
        with (
            contextlib.closing(self._wake),
            contextlib.suppress(EOFError, OSError),  # the input of nohup can be opened, but not be read
        ):
            if self._is_terminal:
                self._read_terminal()
            elif self._has_streams:
                self._read_lines()

    def _take(self, line: str) -> None:
        if not self._obey(line):
            self._is_closing = True

    def _reach_foreground(self) -> bool:
        """Wait until the terminal is ours; return False once this is closing."""
        while not self._is_closing and not is_in_foreground():
            self._wake.wait(FOREGROUND_SECONDS)
        return not self._is_closing

    # A terminal

    def _read_terminal(self) -> None:
        from prompt_toolkit.patch_stdout import patch_stdout

        while self._reach_foreground():
            drain()  # what was said before belongs above the prompt
            with patch_stdout():
                end = self._prompt()
            if end == SUSPEND and is_in_foreground():
                os.kill(0, signal.SIGTSTP)  # the whole job, as the terminal itself would do
                self._wake.wait(STOPPING_SECONDS)

    def _prompt(self) -> str:
        """Obey lines until this is closing, or until SUSPEND or LEAVE, which is returned then."""
        session = self._session = self._session or self._open_session()
        while not self._is_closing:
            try:
                line = session.prompt(pre_run=self._leave_if_closing)
            except KeyboardInterrupt:
                line = QUIT  # Ctrl-C
            except EOFError:
                if not _is_typed():
                    raise
                line = QUIT  # Ctrl-D
            if line in (SUSPEND, LEAVE):
                return str(line)
            self._take(line or "")  # None if `close` has ended the prompt
        return ""

    def _open_session(self) -> Any:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.key_binding import KeyBindings

        keys = KeyBindings()
        if HAS_JOBS:
            keys.add("c-z")(lambda _: self._give_up(SUSPEND))
        session: Any = PromptSession(
            "> ",
            completer=WordCompleter(self._words),
            complete_while_typing=False,
            bottom_toolbar=self._toolbar,
            key_bindings=keys,
            refresh_interval=REFRESH_SECONDS,
            reserve_space_for_menu=0,  # the status line stays right below the prompt
        )
        session.app.before_render += self._leave_background
        return session

    def _leave_if_closing(self) -> None:
        """End a prompt that begins while `close` is called."""
        if self._is_closing:
            self._session.app.exit()

    def _give_up(self, result: str) -> None:
        """End the prompt for a while."""
        app = self._session.app
        if not app.future.done():
            app.exit(result=result)

    def _leave_background(self, _: Any) -> None:
        """End the prompt if a shell has stopped us behind its back, and we go on without the terminal."""
        if not is_in_foreground():
            self._give_up(LEAVE)

    def _toolbar(self) -> str:
        """Return the status line in as many rows as it needs, but no more than fit below the prompt."""
        size = self._session.output.get_size()
        return "\n".join(fold(self._status(), size.columns).split("\n")[: max(size.rows - 2, 1)])

    # Plain lines

    def _read_lines(self) -> None:
        """Read plain lines, not from sys.stdin: its lock would be held while Python shuts down."""
        rest = b""
        while self._has_input() and (data := os.read(0, 1024)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(line.decode(errors="replace"))
        if rest and not self._is_closing:
            self._take(rest.decode(errors="replace"))
        if _is_typed() and not self._is_closing:
            self._take(QUIT)  # Ctrl-D

    def _has_input(self) -> bool:
        """Wait until there is something that may be read; return False once this is closing."""
        if not HAS_JOBS:
            return not self._is_closing
        while self._reach_foreground():
            waiting: list[Wake | int] = [0, self._wake]
            readable, _ = ready(waiting, [], None)
            if 0 in readable and is_in_foreground():  # a shell may have stopped and continued us meanwhile
                return True
        return False

    def close(self) -> None:
        """End the prompt and give the terminal back. A thread that reads plain lines ends soon."""
        self._is_closing = True
        self._wake.set()
        if self._is_terminal and self.is_alive():
            app = self._session.app if self._session is not None else None
            if app is not None and app.loop is not None:
                with contextlib.suppress(Exception):  # the prompt may have ended just now
                    app.loop.call_soon_threadsafe(app.exit)
            self.join(2)
        for kind, handler in self._handlers.items():
            signal.signal(kind, handler)


def _is_typed() -> bool:
    """Return whether the end of the input was typed: the terminal is still there, and ours."""
    return is_terminal(sys.stdin) and is_in_foreground()


def _is_screen(stream: TextIO) -> bool:
    """Return whether a prompt can be drawn on a stream."""
    try:
        is_dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
        return not is_dumb and is_terminal(stream) and bool(os.get_terminal_size(stream.fileno()))
    except OSError:
        return False


def is_in_foreground() -> bool:
    """Return whether the terminal is ours: a shell gives it to one job at a time."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except (AttributeError, OSError):  # there are no jobs here, or standard input is not our terminal
        return True
