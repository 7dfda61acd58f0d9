"""Connect again and again until a server is there: one loop for every program that connects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pongrl.errors import PongError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two attempts; each pause is twice the one before

T = TypeVar("T")


def keep_trying(
    connect: Callable[[], T], wait: Callable[[float], bool], report: Callable[[PongError], None]
) -> T | None:
    """Call `connect` until it succeeds, with growing pauses between two attempts.

    Args:
        connect: makes one attempt; raises PongError if it fails.
        wait: waits for so many seconds; returns False to give up.
        report: is told each error that differs from the last one; it may raise the error to give up.

    Returns:
        What `connect` returned; None if `wait` gave up.
    """
    pause, last = FIRST_PAUSE, ""
    while True:
        try:
            return connect()
        except PongError as error:
            if str(error) != last:
                last = str(error)
                report(error)
        if not wait(pause):
            return None
        pause = min(2 * pause, LONGEST_PAUSE)
