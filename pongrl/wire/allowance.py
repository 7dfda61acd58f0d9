"""How often a peer may do something: many times at once, but not for long."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """Counts what is done; so much of it is forgotten every second.

    Args:
        at_once: How often it may be done one after another.
        per_second: How often it may be done in the long run.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, at_once: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._per_second, self._clock = at_once, per_second, clock
        self._left, self._when = at_once, clock()

    def take(self) -> bool:
        """Do it once more; return False if that is too often, and nothing is counted."""
        now = self._clock()
        self._left = min(self._left + (now - self._when) * self._per_second, self._at_once)
        self._when = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
