"""Notices on the court: that the game is paused, and who has won a match."""

from __future__ import annotations

import time
from collections.abc import Callable

from pongrl.game.people import Snapshot
from pongrl.game.rules import LEFT, RIGHT

SECONDS = 3.0  # that a notice stays
AGAIN_SECONDS = 10.0  # in lockstep matches end many times a second: tell only of those that took longer


class Notices:
    """Follows a game, and says what is to be written across the court.

    Args:
        people: how many play at this keyboard without a server; then the game also pauses after a match,
            until they go on. None if a server leads the game.
        clock: tells the time in seconds.
    """

    def __init__(self, people: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._people, self._clock = people, clock
        self.is_paused = False
        self._last: Snapshot | None = None
        self._result: tuple[str, ...] = ()  # of the last match, as long as it is shown
        self._result_ends = self._match_ended = 0.0

    def toggle_pause(self) -> None:
        """Pause, or go on; not if a server leads the game."""
        if self._people is not None:
            self.is_paused, self._result = not self.is_paused, ()

    @property
    def words(self) -> tuple[str, ...]:
        """The notice: its headline, and what stands below; empty if there is nothing to say."""
        if self._result:
            return self._result
        return ("paused", "P goes on") if self.is_paused else ()

    def follow(self, snapshot: Snapshot) -> None:
        """Take note of how the game stands now."""
        now, last, self._last = self._clock(), self._last, snapshot
        if self._result and not self.is_paused and now > self._result_ends:
            self._result = ()
        if last is None or snapshot.matches <= last.matches or snapshot.last_match is None:
            return
        before, self._match_ended = self._match_ended, now
        if self._people:
            self.is_paused = True
            self._result = (self._winner(snapshot.last_match), "Enter begins the next match")
        elif now - before > AGAIN_SECONDS:
            self._result, self._result_ends = (self._winner(snapshot.last_match),), now + SECONDS

    def _winner(self, score: tuple[int, int]) -> str:
        left = score[LEFT] > score[RIGHT]
        if self._people == 1:
            words = "You win" if left else "You lose"
        else:
            words = "Left wins" if left else "Right wins"
        return f"{words} {score[LEFT]}–{score[RIGHT]}"
