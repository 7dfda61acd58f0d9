"""Who on the page has which paddle. One person has it, the next in line wait.

A person who goes away, or makes no move for ten seconds, loses the paddle to the next in line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.rules import BALL, COURT_HEIGHT, COURT_WIDTH, LEFT, PADDLE_HEIGHT, PADDLE_WIDTH, RIGHT
from pongrl.server.guests import Paddle
from pongrl.web.crowd import Viewer

SIDES = {"left": LEFT, "right": RIGHT}
NAMES = {side: name for name, side in SIDES.items()}
MOVES = {"stay": STAY, "up": UP, "down": DOWN}
COURT = {"court": [COURT_WIDTH, COURT_HEIGHT], "paddle": [PADDLE_WIDTH, PADDLE_HEIGHT], "ball": BALL}
IDLE_SECONDS = 10.0  # without a move
STUCK_SECONDS = 60.0  # of one and the same move, such as a stick's that hangs, while somebody waits
MOST_IN_LINE = 50
TOO_LONG = "you made no move for ten seconds"
STUCK = "you made the same move for a minute, and somebody waits"


def wished(said: dict[str, Any]) -> Paddle | None:
    """Return what a viewer does with a paddle by what it says; None if it says something else."""
    match said:
        case {"hold": str(move)} if move in MOVES:
            return Paddle(move=MOVES[move])
        case {"hold": None}:
            return Paddle()
        case {"to": int() | float() as y} if y is not True and 0 <= y <= COURT_HEIGHT:
            return Paddle(to=y)
    return None


class Paddles:
    """The lines of people at both paddles.

    Args:
        changed: is called when somebody else has a paddle, or does something else with it.
        prefer: is told who has a paddle now, and who no longer.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        prefer: Callable[[Viewer, bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changed, self._prefer, self._clock = changed, prefer, clock
        self._lines: dict[int, list[Viewer]] = {LEFT: [], RIGHT: []}  # the first one has the paddle
        self._held: dict[int, Paddle] = {}
        self._heard: dict[int, float] = {}  # when who has the paddle has made a move last
        self._turned: dict[int, float] = {}  # and when it was another one than before

    def held(self, side: int) -> Paddle | None:
        """Return what is done with a paddle; None if nobody here has it."""
        return self._held.get(side)

    def ask(self, viewer: Viewer, side: int) -> None:
        """Let a viewer have a paddle, or wait for it."""
        line = self._lines[side]
        if viewer in line:
            return
        self.leave(viewer)
        if len(line) >= MOST_IN_LINE:
            viewer.tell({"seat": {"side": None, "words": "too many wait for this paddle: try again later"}})
            return
        line.append(viewer)
        if len(line) == 1:
            self._begin(side)
        else:
            self._tell_line(side)

    def leave(self, viewer: Viewer, why: str = "") -> None:
        """Take a viewer out of the lines."""
        for side, line in self._lines.items():
            if viewer in line:
                had_it = line[0] is viewer
                line.remove(viewer)
                self._prefer(viewer, False)
                viewer.tell({"seat": {"side": None, "words": why}})
                if had_it:
                    self._begin(side)
                else:
                    self._tell_line(side)

    def act(self, viewer: Viewer, paddle: Paddle) -> None:
        """Do something with the paddle that a viewer has; else nothing."""
        for side, line in self._lines.items():
            if line and line[0] is viewer:
                now = self._clock()
                if paddle != Paddle():  # to let go is no move
                    self._heard[side] = now
                if self._held[side] != paddle:
                    self._held[side], self._turned[side] = paddle, now
                    self._changed()

    def clear(self, side: int, why: str) -> None:
        """Send everybody away from a paddle."""
        for viewer in reversed(self._lines[side]):  # so that nobody has it for a moment
            self.leave(viewer, why)

    def look_at_clock(self, is_paused: bool) -> None:
        """Take the paddle from who has made no move for long; while the game is paused nobody need."""
        now = self._clock()
        for side, line in self._lines.items():
            if is_paused:
                self._heard[side] = self._turned[side] = now
            elif line and now - self._heard[side] >= IDLE_SECONDS:
                self.leave(line[0], TOO_LONG)
            elif len(line) > 1 and now - self._turned[side] >= STUCK_SECONDS:
                self.leave(line[0], STUCK)

    def _begin(self, side: int) -> None:
        """Give the paddle to the first in line."""
        line = self._lines[side]
        if line:
            self._held[side] = Paddle()
            self._heard[side] = self._turned[side] = self._clock()
            self._prefer(line[0], True)
        else:
            self._held.pop(side, None)
        self._tell_line(side)
        self._changed()

    def _tell_line(self, side: int) -> None:
        """Tell all in line where they stand; 0 is who has the paddle."""
        for place, viewer in enumerate(self._lines[side]):
            viewer.tell({"seat": {"side": NAMES[side], "place": place, "words": ""}})
