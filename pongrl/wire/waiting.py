"""Wait for sockets, and for an event that a thread waiting for sockets notices too (Wake)."""

from __future__ import annotations

import contextlib
import math
import os
import select
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

LONGEST_WAIT = 0.5  # seconds that a signal may go unheard

# Lets another process have this processor if one waits for it. Windows has nothing like it, which costs a
# little time at most.
give_way = getattr(os, "sched_yield", lambda: None)


class HasFileno(Protocol):
    """What `select` can wait for, apart from the number itself."""

    def fileno(self) -> int:
        """Return the number of the file."""


Waitable: TypeAlias = HasFileno | int
R = TypeVar("R", bound=Waitable)
W = TypeVar("W", bound=Waitable)


class Wake:
    """An event that also wakes a thread which waits for sockets. Any thread may `set` it."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Return the file number that can be read once it is set."""
        return self._reader.fileno()

    def set(self) -> None:
        """Wake the thread that waits, now or as soon as it does."""
        with contextlib.suppress(OSError):  # full: it is set already; closed: nobody waits
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Forget that it was set."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(64):
                pass

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, at most so long (None: for ever), and clear it.

        Returns:
            True if it was set.
        """
        heard = bool(ready([self._reader], [], seconds)[0])
        if heard:
            self.clear()
        return heard

    def close(self) -> None:
        """Give the sockets back."""
        self._reader.close()
        self._writer.close()


def ready(readers: Sequence[R], writers: Sequence[W], seconds: float | None) -> tuple[list[R], list[W]]:
    """Wait until some of these can be read or written, at most so long (None: for ever).

    A long wait is made of short ones. The system may give a signal to another thread, or to this one just
    before it waits; Python hears it when the wait is over.

    Returns:
        The readers that can be read, and the writers that can be written; both empty when time is over.
    """
    if seconds is not None and seconds <= LONGEST_WAIT:
        return _ready(readers, writers, seconds)
    until = math.inf if seconds is None else time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        readable, writable = _ready(readers, writers, min(left, LONGEST_WAIT))
        if readable or writable:
            return readable, writable
    return [], []


def _ready(readers: Sequence[R], writers: Sequence[W], seconds: float) -> tuple[list[R], list[W]]:
    try:
        readable, writable, _ = select.select(readers, writers, [], seconds)
        return readable, writable
    except ValueError:  # a file number beyond what `select` takes: this process has many files open
        return _ready_by_selector(readers, writers, seconds)


def _ready_by_selector(
    readers: Sequence[Any], writers: Sequence[Any], seconds: float
) -> tuple[list[Any], list[Any]]:
    with selectors.DefaultSelector() as selector:
        for one in {*readers, *writers}:
            events = selectors.EVENT_READ if one in readers else 0
            if one in writers:
                events |= selectors.EVENT_WRITE
            selector.register(one, events)
        found = selector.select(seconds)
    return (
        [key.fileobj for key, event in found if event & selectors.EVENT_READ],
        [key.fileobj for key, event in found if event & selectors.EVENT_WRITE],
    )
