"""When the next tick of real time is due."""

from __future__ import annotations

import time

LONGEST_DELAY = 0.25  # seconds; after a longer one (a suspended machine) lost ticks are not caught up with


def with_sleep() -> float:
    """Return a time in seconds that goes on while the machine sleeps; on Linux time.monotonic does not."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if boot is None else time.clock_gettime(boot)


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
