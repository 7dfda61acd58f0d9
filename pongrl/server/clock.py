"""When the next tick of real time is due."""

from __future__ import annotations

import time

LONGEST_DELAY = 0.25  # seconds; after a longer one (a suspended machine) lost ticks are not caught up with


def with_sleep() -> float:
    """Return a time in seconds that goes on while the machine sleeps; time.monotonic may not.

    On Linux that is the time since boot. On macOS it is CLOCK_MONOTONIC, which time.monotonic is not there.
    Windows has neither clock, and its time.monotonic goes on.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Clock:
    """Deadlines a fixed period apart. A late one does not move those after it."""

    def __init__(self, per_second: float) -> None:
        self._period = 1.0 / per_second
        self.restart()

    def restart(self) -> None:
        """Make the next deadline one period from now."""
        self.due = time.monotonic() + self._period

    def advance(self) -> None:
        """Set the next deadline."""
        self.due += self._period
        if self.due < time.monotonic() - LONGEST_DELAY:
            self.restart()
