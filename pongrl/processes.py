"""What all processes that this program starts have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, Any

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


def last_line(errors: IO[str]) -> str:
    """Return the last line that an ended process wrote into this file, its standard error; "" if none.

    Lines that begin with a space only go on with the line before.
    """
    errors.seek(0)
    lines = [line for line in errors.read().splitlines() if line and not line[0].isspace()]
    return lines[-1] if lines else ""
