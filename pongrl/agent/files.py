"""The files that a run leaves in its directory, and what becomes of those of the run before."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from pongrl.errors import UsageError

BEST = "save.p"  # the checkpoint with the best running mean at a report
LATEST = "interrupt.p"
ROWS = "progress.csv"
OPPONENTS = "opponents.csv"


def claim(directory: Path) -> int | None:
    """Keep other runs out of a directory, until the number is closed or the process ends. Not on Windows.

    Raises:
        UsageError: another run has it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    number = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(number)
        raise UsageError(
            f"another run writes into {directory}: end it, or choose another --directory"
        ) from error
    except OSError:  # this file system has no locks
        pass
    return number


def prepare_directory(option: str, directory: str) -> None:
    """Make sure that files can be written into a directory, before anything is begun.

    Raises:
        UsageError: they cannot.
    """
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        probe = Path(directory, f"{secrets.token_hex(8)}.tmp")  # on Windows tempfile would try for hours
        probe.open("xb").close()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"cannot write into {directory} ({error.strerror}): choose another {option}"
        ) from error
