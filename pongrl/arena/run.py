"""An arena from its start to its end: puts its parts together, and owns their threads.

listener ──► Doorkeeper ──► Hall ──► Tables ──► Scribe ──► Ledger
   │             │         │ │ ▲                             │
   │             ▼         │ │ └──────────── Draw ◄──────────┘
   │          Gallery ◄── Herald ──► the page ──► Visitors ──► Persons ──► Hall
strangers        │
              watchers
"""

from __future__ import annotations

import random
from pathlib import Path

from pongrl.arena.doorkeeper import Doorkeeper
from pongrl.arena.draw import Draw
from pongrl.arena.hall import Hall
from pongrl.arena.herald import Audience, Herald
from pongrl.arena.ledger import Ledger
from pongrl.arena.lock import Lock
from pongrl.arena.persons import Persons
from pongrl.arena.rating import Rating, rated
from pongrl.arena.scribe import Scribe
from pongrl.arena.table import ArenaOptions
from pongrl.arena.visitors import Visitors
from pongrl.game.camera import Camera
from pongrl.server.entrance import Entrance
from pongrl.server.gallery import Gallery
from pongrl.server.listener import Listener, certificate_context
from pongrl.wire.sockets import Address

HALL_PATIENCE = 0.2  # seconds that all matches may wait for another program that writes into the file


class ArenaRun:
    """An arena, from `start` to `close`.

    Args:
        options: How matches are played.
        path: The file that keeps it.
        entrance: Where agents come in.
        visitors: What people on the page ask for.

    Raises:
        PongError: The file cannot be used, it cannot listen there, or the certificate cannot be used.
    """

    def __init__(
        self,
        options: ArenaOptions,
        path: Path,
        entrance: Entrance,
        visitors: Visitors,
    ) -> None:
        # Load what draws and what rates now: threads that import at once get in each other's way.
        Camera()
        rated(Rating(), Rating(), None)
        self._lock = Lock(path)
        try:
            self._ledger = Ledger(path, patience=HALL_PATIENCE)
        except BaseException:
            self._lock.close()
            raise
        self._gallery = Gallery()
        self._doorkeeper = Doorkeeper(options, path, self._gallery)
        try:
            tls = None
            if entrance.certificate is not None:
                tls = certificate_context(entrance.certificate, entrance.key)
            self._listener = Listener(
                entrance.host, entrance.port, entrance.token,
                self._doorkeeper.admit, self._doorkeeper.deliver, tls,
            )  # fmt: skip
        except BaseException:
            self._close_parts()
            raise
        wake = self._doorkeeper.wake
        visitors.wake_by(wake)
        self._scribe = Scribe(path, wake)
        persons = Persons(self._ledger, visitors)
        draw = Draw(self._ledger, random.Random(options.seed), options.points_to_win)
        self._herald = Herald(self._ledger, self._gallery)
        self._hall = Hall(options, self._scribe, self._doorkeeper, persons, draw, self._herald)

    @property
    def address(self) -> Address:
        """Host and port that the arena listens on."""
        return self._listener.address

    @property
    def addresses(self) -> list[Address]:
        """All hosts and ports that it listens on; a name can have several addresses."""
        return self._listener.addresses

    def show_to(self, audience: Audience) -> None:
        """Show people on a page what goes on, too. Call it before `start`."""
        self._herald.audience = audience

    def start(self) -> None:
        """Start the threads."""
        self._gallery.start()
        self._scribe.start()
        self._listener.start()
        self._hall.start()

    def stop(self) -> None:
        """Let the arena end soon. Any thread, or a signal's handler, may call it."""
        self._hall.stop()

    def is_alive(self) -> bool:
        """Return whether matches are played."""
        return self._hall.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for the arena's end, at most so long."""
        self._hall.join(seconds)

    def close(self) -> None:
        """End all matches and all threads. What was being played is not kept.

        Raises:
            BaseException: What ended the hall, if it was not `stop`.
        """
        self._listener.close()
        self._hall.stop()
        if self._hall.is_alive():
            self._hall.join()
        self._scribe.close()
        self._close_parts()
        if self._hall.error is not None:
            raise self._hall.error

    def _close_parts(self) -> None:
        self._doorkeeper.close()
        self._gallery.close()
        self._ledger.close()
        self._lock.close()
