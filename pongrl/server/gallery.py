"""Those who only watch: a thread that shows them the game, beside it.

The engine leaves the latest view and never waits for a watcher. Sixty times a second each watcher that has
read all of the last one is sent the latest; one that is slow is sent fewer, and one that is silent for long
is given up. No oftener is a watcher listened to, one message at a time, so that one that talks without end
costs the others nothing.
"""

from __future__ import annotations

import contextlib
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


log = logging.getLogger("pong.gallery")


class Gallery(threading.Thread):
    """Shows the latest view to any number of watchers. Any thread may call `add` and set `latest`."""

    def __init__(self) -> None:
        super().__init__(name="gallery", daemon=True)
        self.latest: View | None = None
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

    def run(self) -> None:
        """The thread: show the game until `close`."""
        due, shown = time.monotonic(), None
        while not self._stopping:
            self._wake.wait(max(due - time.monotonic(), 0.0) if self._watchers else None)
            while not self._arrivals.empty():
                self._watchers.append(self._arrivals.get())
                shown = None  # the new one has seen nothing yet
                log.info("%s watches", self._watchers[-1].peer)
            if time.monotonic() >= due:
                due = max(due + 1 / VIEWS_PER_SECOND, time.monotonic())
                self._listen()
                if self.latest is not shown and self.latest is not None:
                    shown = self.latest
                    self._show(shown.serialize())

    def _listen(self) -> None:
        for watcher in list(self._watchers):
            with self._leaving(watcher):
                watcher.flush()
                watcher.send_heartbeat()
                came = watcher.take()
                if came is not None and came[0] is Kind.PING:
                    watcher.send(message(Kind.PONG, parse_echo(came[1])))

    def _show(self, data: bytes) -> None:
        for watcher in list(self._watchers):
            with self._leaving(watcher):
                if not watcher.is_behind:
                    watcher.send(data)

    @contextlib.contextmanager
    def _leaving(self, watcher: Connection) -> Iterator[None]:
        """Let a watcher go that left, or broke the rules."""
        try:
            yield
        except PongError as error:
            self._watchers.remove(watcher)
            watcher.close(f"it was sent {error}" * isinstance(error, ProtocolError))
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
