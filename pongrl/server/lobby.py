"""Where those who were let in wait for the thread that plays with them, or shows them the game."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from pongrl.errors import Refusal, RefusedError
from pongrl.server.gallery import MAX_WATCHERS
from pongrl.wire.connection import Connection
from pongrl.wire.waiting import Wake


class Watchers(Protocol):
    """Takes the connections of peers that only watch."""

    @property
    def size(self) -> int:
        """How many there are."""

    def add(self, watcher: Connection) -> None:
        """Let one more watch."""


class HasConnection(Protocol):
    """An arrival."""

    @property
    def connection(self) -> Connection:
        """The agent's connection."""


A = TypeVar("A", bound=HasConnection)


class Lobby(Generic[A]):
    """The listener's thread brings agents here, and the thread that plays takes them out.

    Args:
        watchers: take those who only watch.
    """

    def __init__(self, watchers: Watchers) -> None:
        self.wake = Wake()  # set when there is an arrival, and by `shut`
        self.is_shut = False
        self._watchers = watchers
        self._arrivals: queue.SimpleQueue[A] = queue.SimpleQueue()

    def check_watchers(self) -> None:
        """Refuse one more who only watches, if there are too many.

        Raises:
            RefusedError: there are.
        """
        if self._watchers.size >= MAX_WATCHERS:
            raise RefusedError(Refusal.BUSY, f"{MAX_WATCHERS} are watching already: come back later")

    def arrive(self, arrival: A) -> None:
        """Let an agent wait until it is taken out."""
        self._arrivals.put(arrival)
        self.wake.set()

    def arrivals(self) -> Iterator[A]:
        """Take out the agents that have arrived."""
        while not self._arrivals.empty():
            yield self._arrivals.get()

    def shut(self) -> None:
        """Let no agent in from now on. Any thread may call it."""
        self.is_shut = True
        self.wake.set()

    def close(self) -> None:
        """Close the connections that nobody has taken out. The thread that plays has ended by now."""
        for arrival in self.arrivals():
            arrival.connection.close()
        self.wake.close()
