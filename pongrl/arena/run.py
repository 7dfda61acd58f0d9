"""An arena from its start to its end: puts its parts together, and owns their threads.

listener ──► Doorkeeper ──► Hall ──► Tables ──► Scribe ──► Ledger
   │             │         │ │ ▲                             │
   │             ▼         │ │ └──────────── Draw ◄──────────┘
   │          Gallery ◄── Herald ──► the page ──► Visitors ──► Persons ──► Hall
strangers        │
              watchers
"""

from __future__ import annotations

import contextlib
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
from pongrl.server.listener import open_listener
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
        with contextlib.ExitStack() as stack:  # closes what is open if one of the next cannot be opened
            ledger = Ledger(path, patience=HALL_PATIENCE)
            stack.callback(ledger.close)
            stack.callback(Lock(path.resolve()).close)  # a link leads to the same arena
            self._gallery = Gallery()
            stack.callback(self._gallery.close)
            doorkeeper = Doorkeeper(options, path, self._gallery)
            stack.callback(doorkeeper.close)
            self._scribe = Scribe(path, doorkeeper.wake)
            stack.callback(self._scribe.close)
            self._listener = open_listener(entrance, doorkeeper.admit, doorkeeper.deliver)
            stack.callback(self._listener.close)
            draw = Draw(ledger, random.Random(options.seed), options.points_to_win)
            self._open = stack.pop_all()
        visitors.wake_by(doorkeeper.wake)
        persons = Persons(ledger, visitors)
        self.session = options.session()  # what agents are told
        self._herald = Herald(ledger, self._gallery)
        self._hall = Hall(options, self._scribe, doorkeeper, persons, draw, self._herald)

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
        self._open.close()
        if self._hall.error is not None:
            raise self._hall.error
