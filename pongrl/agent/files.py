"""The files that a run leaves in its directory, and what becomes of those of the run before."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pongrl.errors import UsageError

BEST = "save.p"  # the checkpoint with the best running mean at a report
LATEST = "interrupt.p"
ROWS = "progress.csv"
OPPONENTS = "opponents.csv"


def prepare_directory(option: str, directory: str) -> None:
    """Make sure that files can be written into a directory, before anything is begun.

    Raises:
        UsageError: they cannot.
    """
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write into {directory} ({error.strerror}): choose another {option}"
        ) from error
