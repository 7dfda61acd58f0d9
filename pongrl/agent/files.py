"""The files that a run leaves in its directory, and what becomes of those of the run before."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from pongrl.errors import UsageError

BEST = "save.p"  # the checkpoint with the best running mean at a report
LATEST = "interrupt.p"
ROWS = "progress.csv"
OPPONENTS = "opponents.csv"


@contextlib.contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Keep other runs out of a directory for a `with` block, where the system can. Windows cannot.

    Raises:
        UsageError: another run has it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # it cannot be read, or its file system has no locks
            number = os.open(directory, os.O_RDONLY)
            stack.callback(os.close, number)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"another run writes into {directory}: end it, or choose another --directory"
                ) from error
            stack.callback(fcntl.flock, number, fcntl.LOCK_UN)  # a forked copy of the process may have it too
        yield


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
