"""Work that pauses: a generator yields after each piece and returns its result at the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Work: TypeAlias = Generator[None, None, T]
"""Something that takes a while: it pauses after each piece, and returns what came of it at its end."""


def finish(work: Work[T]) -> T:
    """Do all pieces that are left: what came of it."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
