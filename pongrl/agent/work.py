"""Work that pauses: a generator that yields after each piece and returns its result at the end.

Learning is such work. The agent does a piece of it whenever no server waits for an answer, so learning seldom
delays a move; what is left when the next batch is full is done at once.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Work: TypeAlias = Generator[None, None, T]
"""A computation with a result of type T. `next` does one piece of it; StopIteration carries the result."""


def finish(work: Work[T]) -> T:
    """Do all remaining pieces.

    Returns:
        The result.
    """
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
