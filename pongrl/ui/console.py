"""The agent's console: lines from the terminal, and a status line that never disturbs typing.

What the lines mean is in `pongrl.agent.commands`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from pongrl.agent.commands import QUIT
from pongrl.cli import fold

REFRESH_SECONDS = 0.5


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
        self._is_terminal = self._has_streams and sys.stdin.isatty() and sys.stdout.isatty()
        self._prompting = threading.Event()
        self._is_closing = False

    def run(self) -> None:
        """Read lines until the end of input, the last line, or `close`."""
        with contextlib.suppress(EOFError, OSError):  # the input of nohup can be opened, but not be read
            if self._is_terminal:
                self._read_terminal()
            elif self._has_streams:
                self._read_lines()

    def _take(self, line: str) -> None:
        if not self._obey(line):
            self._is_closing = True

    def _read_terminal(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.patch_stdout import patch_stdout

        self._session = PromptSession(
            "> ",
            completer=WordCompleter(self._words),
            complete_while_typing=False,
            bottom_toolbar=self._toolbar,
            refresh_interval=REFRESH_SECONDS,
            reserve_space_for_menu=0,  # the status line stays right below the prompt
        )
        with patch_stdout():
            while not self._is_closing:
                try:
                    line = self._session.prompt(pre_run=self._prompting.set)
                    self._take(line or "")  # None if `close` has ended the prompt
                except KeyboardInterrupt:
                    self._take(QUIT)  # Ctrl-C

    def _toolbar(self) -> str:
        """Return the status line in as many rows as it needs, but no more than fit below the prompt."""
        size = self._session.output.get_size()
        return "\n".join(fold(self._status(), size.columns).split("\n")[: max(size.rows - 2, 1)])

    def _read_lines(self) -> None:
        """Read plain lines, not from sys.stdin: its lock would be held while Python shuts down."""
        rest = b""
        while not self._is_closing and (data := os.read(0, 1024)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(line.decode(errors="replace"))

    def close(self) -> None:
        """End the prompt and give the terminal back. A thread that reads plain lines goes on to their end."""
        self._is_closing = True
        if self._is_terminal and self.is_alive():
            self._prompting.wait(2)
            app = self._session.app if self._session is not None else None
            if app is not None and app.loop is not None:
                with contextlib.suppress(Exception):  # the prompt may have ended just now
                    app.loop.call_soon_threadsafe(app.exit)
            self.join(2)
