"""How steps grow shorter, and batches larger, as training goes on.

A policy that wins most points has little to learn from each of them: a long step would undo more than it
teaches, and most batches would hold no lost point. So with the frames that were played the rate falls, and a
batch grows until it has LARGEST_GROWTH times its size. Nobody has to say how long training will last. Where
it is said, the rate falls to almost nothing at the end: the noise of the last batches is averaged away.
"""

from __future__ import annotations

from dataclasses import dataclass

HALVING_FRAMES = 20_000_000  # at one level
LARGEST_GROWTH = 8.0
COOLING = 0.3  # of a run whose length is known
COLDEST = 0.02  # of the rate that is left then


@dataclass(frozen=True)
class Schedule:
    """What rate and batches are after so many frames of the game.

    Args:
        halving: Frames after which the rate has fallen to a half; after twice as many it is a third.
        workers: Whose batches are added up. Batches of so many workers are large together, so each grows more
            slowly.
        cooling: In how much of a run whose length is known, at its end, the rate falls to almost nothing.
    """

    halving: int = HALVING_FRAMES
    workers: int = 1
    cooling: float = COOLING

    def rate_share(self, frames: int, done: float = 0.0) -> float:
        """Give the share of the first rate that is left.

        Args:
            frames: That were played.
            done: How much of the run is over, from 0 to 1; 0 where its length is not known.
        """
        left = min(max((1 - done) / self.cooling, COLDEST), 1.0)
        return left / (1 + frames / self.halving)

    def batch_growth(self, frames: int) -> float:
        """Give how many times as large as the first one a batch is."""
        return min(1 + frames / self.halving / self.workers, LARGEST_GROWTH)


STANDARD = Schedule()
