"""Keep the C libraries under pygame and OpenCV from writing into the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Throw away what is written to file descriptor 2 inside the `with` block.

    SDL, ALSA and FFmpeg complain there on their own. What matters also comes as a Python error, which the
    caller puts into words.
    """
    if sys.stderr is None:  # as under pythonw: nothing is shown, and the number may be another file's
        yield
        return
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a full disk, a terminal that has gone
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # a program without one has put a file of its own into sys.stderr
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
