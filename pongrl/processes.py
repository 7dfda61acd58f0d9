"""What all processes that this program starts have in common."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from typing import IO, Any

KEPT_LINES, LONGEST_PART = 100, 4096  # of a Tail; bytes of a line, or of a part of it
LAST_SECONDS = 1.0  # that the last lines of an ended process may need

# Ctrl-C in the terminal should reach this program alone, which then ends the others in order.
DETACHED: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"process_group": 0}
)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that runs a module of ours.

    It finds what this program finds, and writes UTF-8 whatever the system's encoding is: so we read it.
    """
    path = os.pathsep.join(each or os.getcwd() for each in sys.path)
    return os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | more


class Tail:
    """Keeps the last lines that a process writes into a pipe: a file would grow without end.

    Args:
        pipe: the end to read, of standard error. It is closed when the process has ended.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._lines = pipe, deque[bytes](maxlen=KEPT_LINES)
        self._thread = threading.Thread(target=self._read, name="standard error", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            for part in iter(lambda: self._pipe.readline(LONGEST_PART), b""):
                self._lines.append(part)

    def finish(self) -> None:
        """Read to the end: the process has ended."""
        self._thread.join(LAST_SECONDS)  # a process of its own may hold the pipe open

    def last_line(self) -> str:
        """Return the last line that the process wrote, which has ended; "" if none.

        Lines that begin with a space only go on with the line before. A leading "error: " is left out, since
        the line becomes part of another sentence.
        """
        self.finish()
        lines = b"".join(self._lines).decode(errors="replace").splitlines()
        last = next((line for line in reversed(lines) if line and not line[0].isspace()), "")
        return last.removeprefix("error: ")
