"""When the next tick is due in real time."""

from __future__ import annotations

import time


class Clock:
    """Deadlines a fixed period apart, whatever is late in between."""

    def __init__(self, per_second: float) -> None:
        self._period = 1.0 / per_second
        self.restart()

    def restart(self) -> None:
        """Make the next deadline one period from now."""
        self.due = time.monotonic() + self._period

    def advance(self) -> None:
        """Set the next deadline; after a quarter of a second lost (a suspended machine) begin anew."""
        self.due += self._period
        if self.due < time.monotonic() - 0.25:
            self.restart()
