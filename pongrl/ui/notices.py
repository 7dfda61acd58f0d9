"""What is written across the court: pauses, the end of a match, the keys, and a question before leaving."""

from __future__ import annotations

import time
from collections.abc import Callable

from pongrl.game.people import People, Snapshot
from pongrl.game.rules import LEFT, RIGHT

HINT = "H shows the keys"
SECONDS = 3.0  # that a notice stays
AGAIN_SECONDS = 10.0  # in lockstep matches end many times a second: tell only of those that took longer

KeyTable = tuple[tuple[str, str], ...]


def keys_of(people: People) -> KeyTable:
    """Return the keys that these people have, and what each does."""
    rows: list[tuple[str, str]] = []
    if len(people.sides) > 1:
        rows += [("W  S", "left paddle"), ("arrow keys", "right paddle")]
        rows += [("mouse, touch", "hold it down in your half"), ("gamepad", "the first is the left one")]
    elif people.sides:
        whose = "your paddle" if people.play else "take the paddle"
        rows += [("W  S, arrow keys", whose), ("mouse, touch", "hold it down"), ("gamepad", "stick or cross")]
    rows.append(("P, space bar", "pause, or go on"))
    if people.play:
        rows.append(("R", "begin the match again"))
    if people.choose_level:
        rows.append(("1  2  3", "level of the built-in AI"))
    rows += [("M", "sound off, or on"), ("F", "fill the screen, or go back")]
    rows += [("H, F1", "show or hide these keys"), ("Escape", "leave")]
    return tuple(rows)


class Requests:
    """What people at any window can ask for: to see the keys, and to leave, which is asked back once."""

    def __init__(self) -> None:
        self.asks = self.helps = False  # whether people are asked if they want to leave; or see the keys

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self.helps = not self.helps

    def leave(self) -> bool:
        """Ask whether people want to leave; return True if they have been asked, and so want it."""
        if self.helps:
            self.helps = False
            return False
        was_asked, self.asks = self.asks, True
        return was_asked

    def dismiss(self) -> bool:
        """Take back the question and the keys; return True if there was one of them."""
        was_shown, self.asks, self.helps = self.asks or self.helps, False, False
        return was_shown


class Notices(Requests):
    """Follows a game and its people, and says what is to be written across the court.

    Args:
        people: who is at this window. If they play, the game also pauses after a match, until they go on.
        clock: tells the time in seconds.
    """

    def __init__(self, people: People, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._people, self._clock = people, clock
        self._is_paused = False
        self._last: Snapshot | None = None
        self._result: tuple[str, ...] = ()  # of the last match, as long as it is shown
        self._result_ends = self._match_ended = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether the game stands still: people paused it, or they play and read something."""
        return self._is_paused or (self._people.play and (self.asks or self.helps))

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        self._is_paused, self._result = not self._is_paused, ()

    def go_on(self) -> None:
        """End a pause, if there is one."""
        if self._is_paused:
            self.toggle_pause()

    @property
    def keys(self) -> KeyTable:
        """The table of keys to show; empty if there is none."""
        return keys_of(self._people) if self.helps else ()

    def words(self, other: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the notice: its headline, and what stands below; empty if there is nothing to say.

        Args:
            other: what others want to say here; people's own question and pause go before it.
        """
        if self.asks:
            return self._question()
        if self._result:
            return self._result
        if self._is_paused:
            is_elsewhere = not (self._people.sides or self._people.serve)
            return "paused", "P goes on; the game has not stopped" if is_elsewhere else "P goes on"
        return other

    def _question(self) -> tuple[str, str]:
        if self._people.serve:
            return "End the game and its server?", "Escape ends them, any other key goes on"
        if self._people.sides:
            return "Leave the game?", "Escape leaves it, any other key goes on"
        return "Stop watching?", "Escape closes the window, any other key goes on"

    def score(self, snapshot: Snapshot) -> tuple[int, int]:
        """Return the score for the board: that of the match that has just ended, until a point is played."""
        if self._result and snapshot.last_match is not None and not any(snapshot.score):
            return snapshot.last_match
        return snapshot.score

    def follow(self, snapshot: Snapshot) -> None:
        """Take note of how the game stands now."""
        now, last, self._last = self._clock(), self._last, snapshot
        if self._result and not self._is_paused and now > self._result_ends:
            self._result = ()
        if last is None or snapshot.matches <= last.matches or snapshot.last_match is None:
            return
        before, self._match_ended = self._match_ended, now
        if self._people.play:
            self._is_paused = True
            self._result = (self._winner(snapshot.last_match), "Enter begins the next match")
        elif now - before > AGAIN_SECONDS:
            self._result, self._result_ends = (self._winner(snapshot.last_match),), now + SECONDS

    def forget(self) -> None:
        """Forget how the game stood: the next one is another."""
        self._last = None

    def _winner(self, score: tuple[int, int]) -> str:
        winner = LEFT if score[LEFT] > score[RIGHT] else RIGHT
        if not self._people.play or len(self._people.sides) > 1:
            return f"{('Left', 'Right')[winner]} wins {score[LEFT]}–{score[RIGHT]}"
        (own,) = self._people.sides
        return f"You {'win' if winner == own else 'lose'} {score[own]}–{score[1 - own]}"
