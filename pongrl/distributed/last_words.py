"""Says what has happened if Ray ends this process, which it does at once and without a word.

When Ray's own process on this machine dies, Ray's library ends the driver too, and nothing of Python runs any
more. So a small process looks on, and speaks when the driver has gone without saying that it was done.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

DONE = b"."
_LOOK_ON = f"""
import signal, sys
for kind in (signal.SIGINT, signal.SIGTERM):
    signal.signal(kind, signal.SIG_IGN)  # the driver obeys them, and then says that it is done
if sys.stdin.buffer.read()[-1:] != {DONE!r}:
    sys.stderr.write(sys.argv[1] + chr(10))
"""


@contextlib.contextmanager
def last_words(sentence: str) -> Iterator[None]:
    """Have a sentence written to standard error if this process ends before the block does."""
    with subprocess.Popen([sys.executable, "-c", _LOOK_ON, sentence], stdin=subprocess.PIPE) as witness:
        assert witness.stdin is not None
        try:
            yield
        finally:  # an error tells of itself
            with contextlib.suppress(OSError):
                witness.stdin.write(DONE)
                witness.stdin.close()
