"""What each number of a checkpoint may be: one table for those who read it and for those who write it.

    checked   a number that was read: it must have its type, and be in its range
    held      a number to be written: one beyond its range becomes the nearest in it
    are_in    whether all numbers of arrays are in a range

A file may come from anybody, and a number that means nothing would spoil what is learned from it. Since both
ways use the same table, what is saved can be loaded again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Range(NamedTuple):
    """The numbers of one type from the least to the most."""

    kind: type
    least: float
    most: float


COUNT = Range(int, 0, 2**62)  # ten times the age of the universe in seconds
WEIGHT = Range(float, -1e6, 1e6)  # a hundred thousand times what training makes; nothing overflows
SQUARE = Range(float, 0, 1e30)  # a mean of squares

RANGES = {
    "seconds": Range(float, 0, 1e12),  # of training
    "frames": COUNT,
    "decisions": COUNT,
    "points": COUNT,
    "measured": COUNT,  # points in the running mean
    "updates": COUNT,
    "refused": COUNT,  # steps of the learner
    "best": Range(float, -2, 1 + 1e-9),  # running mean at a report, rounded up; −2 before the first
    "score": Range(int, -(2**34), 2**34),  # of a match: points won less points lost
    "best_score": Range(float, -(2.0**34), 2.0**34),  # mean of such at a report
    "variance": SQUARE,  # of advantages
    "sum": Range(float, -1, 1),  # of rewards, decaying
    "level": Range(int, 0, 3),  # of the built-in AI; 0 in an arena
    "height": Range(int, 1, 1 << 14),  # of a frame, in cells; the policy bounds their product too
    "width": Range(int, 1, 1 << 14),
}
"""By the names that the numbers have in the file."""


def checked(name: str, value: Any) -> Any:
    """Check a number that was read.

    Returns:
        The number.

    Raises:
        TypeError: It has another type.
        ValueError: It is out of its range.
    """
    (kind, least, most), its_kind = RANGES[name], type(value)
    if its_kind is not kind:  # True is an int, but no count
        raise TypeError(f"{name} is not of type {kind.__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} is not from {least:g} to {most:g}")
    return value


def held(name: str, value: float) -> float:
    """Give the number to be written."""
    kind, least, most = RANGES[name]
    number: float = kind(min(max(value, least), most))
    return number


def are_in(numbers: Range, arrays: Iterable[npt.NDArray[np.float32]]) -> bool:
    """Tell whether all numbers of all arrays are in a range; NaN is in none."""
    return all(numbers.least <= float(array.min()) and float(array.max()) <= numbers.most for array in arrays)
