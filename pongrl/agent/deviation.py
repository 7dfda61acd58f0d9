"""The usual size of an advantage, by which all of them are divided.

Late in training most batches have no lost point. Their own deviation is tiny, and divided by it their noise
would look as important as a lost point. So the deviation is that of many batches.
"""

from __future__ import annotations

import math

from pongrl.agent.ranges import RANGES, checked, held

DECAY = 0.99  # what is left of a batch's part in the mean after each batch that follows


class Deviation:
    """The root of the running mean of the batches' variances."""

    def __init__(self, total: float = 0.0, weight: float = 0.0) -> None:
        self.total, self.weight = total, weight  # decaying sums of variances, and of their parts

    @classmethod
    def of(cls, plain: object) -> Deviation:
        """Read total and weight from a checkpoint.

        Raises:
            ValueError: They cannot be.
        """
        match plain:
            case (float(total), float(weight)) if 0 <= weight <= 1:
                return cls(checked("variance", total), weight)
        raise ValueError("a deviation that is none")

    def to_plain(self) -> tuple[float, float]:
        """Give what `of` reads."""
        return held("variance", self.total), min(self.weight, 1.0)

    def note(self, variance: float) -> None:
        """Take one more batch into the mean, unless its variance makes no sense: it would stay for good."""
        if not 0 <= variance <= RANGES["variance"].most:  # NaN is not, either
            return
        self.total = DECAY * self.total + (1 - DECAY) * variance
        self.weight = DECAY * self.weight + (1 - DECAY)

    @property
    def value(self) -> float:
        """The deviation; never 0."""
        return math.sqrt(self.total / self.weight) + 1e-6 if self.weight else 1.0
