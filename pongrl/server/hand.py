"""One paddle of one game: the move in force, and what the agent of its side is told next."""

from __future__ import annotations

from pongrl.game.moves import STAY
from pongrl.wire.messages import Mover
from pongrl.wire.step import MOST_COUNTED


class Hand:
    """One paddle of one game: the move in force, and what has happened since the last STEP to its side."""

    def __init__(self) -> None:
        self.move, self.mover = STAY, Mover.HELD  # in force
        self.forget()

    def forget(self) -> None:
        """Start counting for the next STEP."""
        self.reward = self.points = self.ticks = self.hits = 0
        self.made: dict[tuple[int, Mover], int] = {}  # ticks of each move by each mover

    def rest(self) -> None:
        """Let the paddle stand."""
        self.move, self.mover = STAY, Mover.HELD

    def make(self, move: int, mover: Mover, ticks: int) -> None:
        """Note that a move was made for so many ticks."""
        self.made[move, mover] = self.made.get((move, mover), 0) + ticks

    def note(self, ticks: int, reward: int, hits: int) -> None:
        """Note what these ticks have brought this side."""
        self.ticks += ticks
        self.reward += reward
        self.points += abs(reward)
        self.hits += hits

    def row(self, own: int, other: int, matches: int) -> tuple[int, ...]:
        """Return the row of STEP's table (Column), with this side's own score before the other's."""
        made = max(self.made, key=self.made.__getitem__) if self.made else (self.move, self.mover)
        finished = matches & MOST_COUNTED
        row = (self.reward, own, other, finished, *made, self.points, self.ticks, self.hits, 0)
        # No number is larger than this sum, which is faster to compare than each of them is.
        if self.points + self.ticks + self.hits + own + other <= MOST_COUNTED:
            return row  # of all but games with huge rewards
        return tuple(max(min(number, MOST_COUNTED), -MOST_COUNTED) for number in row)
