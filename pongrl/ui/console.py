"""The agent's console: commands from the terminal, and a status line that never disturbs typing."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pongrl.cli import fold

REFRESH_SECONDS = 0.5


class Console(threading.Thread):
    """Reads commands until end of input, in a thread of its own.

    On a terminal there is a prompt with a status line under it; elsewhere plain lines are read.

    Args:
        commands: the words that there are, each with its line of help.
        obey: takes a line; called in this thread.
        status: gives the status line; called in this thread.
    """

    def __init__(
        self, commands: Mapping[str, str], obey: Callable[[str], None], status: Callable[[], str]
    ) -> None:
        super().__init__(name="console", daemon=True)
        self._words, self._obey, self._status = list(commands), obey, status
        self._session: Any = None
        # Without standard streams (a service) their numbers may be our sockets', so nothing is read.
        self._streams = sys.stdin is not None and sys.stdout is not None
        self._terminal = self._streams and sys.stdin.isatty() and sys.stdout.isatty()
        self._prompting = threading.Event()
        self._closing = False

    def run(self) -> None:
        """The thread: read commands until the end of input, or `close`."""
        with contextlib.suppress(EOFError, OSError):  # nohup's input can be opened, but not be read
            if self._terminal:
                self._read_terminal()
            elif self._streams:
                self._read_lines()

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
            reserve_space_for_menu=0,  # the status line stays right under the prompt
        )
        with patch_stdout():
            while not self._closing:
                try:
                    self._obey(self._session.prompt(pre_run=self._prompting.set) or "")
                except KeyboardInterrupt:
                    self._obey("q")

    def _toolbar(self) -> str:
        """The status line, in as many rows as it needs here, and as there are beside the prompt."""
        size = self._session.output.get_size()
        return "\n".join(fold(self._status(), size.columns).split("\n")[: max(size.rows - 2, 1)])

    def _read_lines(self) -> None:
        """Read plain lines, not by sys.stdin: its lock would be held while Python shuts down."""
        rest = b""
        while not self._closing and (data := os.read(0, 1024)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._obey(line.decode(errors="replace"))

    def close(self) -> None:
        """End the prompt and give the terminal back. A thread that reads plain lines is left to its end."""
        self._closing = True
        if self._terminal and self.is_alive():
            self._prompting.wait(2)
            app = self._session.app if self._session is not None else None
            if app is not None and app.loop is not None:
                with contextlib.suppress(Exception):  # it may have ended by itself just now
                    app.loop.call_soon_threadsafe(app.exit)
            self.join(2)
