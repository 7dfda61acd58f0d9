"""The thread that shows the game to watchers: people who look on from elsewhere.

The engine leaves the latest view and never waits for a watcher. Sixty times a second each watcher that has
read all of the last view is sent the latest. A slow one is sent fewer; one that is silent for long is given
up. Each watcher is polled at most 60 times a second, for a few messages, so that one that never stops talking
costs the others nothing until its connection cuts it off.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterator

from pongrl.errors import PongError, ProtocolError
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import View, parse_echo
from pongrl.wire.waiting import Wake

VIEWS_PER_SECOND = 60
MAX_WATCHERS = 64
MESSAGES_AT_ONCE = 8  # of a watcher; so more are heard in a second than it may send for long

log = logging.getLogger("pong.gallery")


class Gallery(threading.Thread):
    """Shows the latest view to its watchers until `close`. Any thread may call `add` and `show`."""

    def __init__(self) -> None:
        super().__init__(name="gallery", daemon=True)
        self._latest: View | None = None
        self._watchers: list[Connection] = []
        self._arrivals: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._wake, self._stopping = Wake(), False

    @property
    def size(self) -> int:
        """How many are watching, or about to."""
        return len(self._watchers) + self._arrivals.qsize()

    def add(self, watcher: Connection) -> None:
        """Let one more watch."""
        self._arrivals.put(watcher)
        self._wake.set()

    def show(self, snapshot: View) -> None:
        """Leave the latest view, which the watchers are sent when they are due."""
        self._latest = snapshot

    def run(self) -> None:
        """Show the game until `close`. This is the thread."""
        due, shown = time.monotonic(), None
        while not self._stopping:
            self._wake.wait(max(due - time.monotonic(), 0.0) if self._watchers else None)
            if self._let_in():
                shown = None  # the new one has seen nothing yet
            if time.monotonic() >= due:
                due = max(due + 1 / VIEWS_PER_SECOND, time.monotonic())
                self._listen()
                if self._latest is not shown and self._latest is not None:
                    shown = self._latest
                    self._send(shown.serialize())

    def _let_in(self) -> bool:
        """Add the new watchers to the others. Return whether there were any."""
        before = len(self._watchers)
        while not self._arrivals.empty():
            self._watchers.append(self._arrivals.get())
            log.info("%s watches", self._watchers[-1].peer)
        return len(self._watchers) > before

    def _listen(self) -> None:
        for watcher in list(self._watchers):
            with self._parting(watcher):
                watcher.flush()
                watcher.send_heartbeat()
                for kind, body in itertools.islice(iter(watcher.take, None), MESSAGES_AT_ONCE):
                    if kind is Kind.PING:
                        watcher.send(message(Kind.PONG, parse_echo(body)))

    def _send(self, data: bytes) -> None:
        for watcher in list(self._watchers):
            with self._parting(watcher):
                if not watcher.is_behind:
                    watcher.send(data)

    @contextlib.contextmanager
    def _parting(self, watcher: Connection) -> Iterator[None]:
        """Let a watcher go if it turns out to be gone, or to have broken the protocol."""
        try:
            yield
        except PongError as error:
            self._watchers.remove(watcher)
            watcher.close(f"it was sent {error}" if isinstance(error, ProtocolError) else "")
            log.info("a watcher is gone: %s", error)

    def close(self) -> None:
        """Say goodbye to all, and wait for the thread's end."""
        self._stopping = True
        self._wake.set()
        if self.is_alive():
            self.join()
        while not self._arrivals.empty():
            self._watchers.append(self._arrivals.get())
        for watcher in self._watchers:
            watcher.close()
        self._wake.close()
