"""A game from its start to its end: puts the server's parts together, and owns their threads.

listener ──► Seats ──► Engine ──► Playing: the match, or another game
   │           │          │
   │           ▼          ▼
   │        Gallery ◄── Snapshots ──► the window
strangers      │
            watchers
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from pongrl.game.people import Keys, Snapshot
from pongrl.server.engine import Engine, Observer
from pongrl.server.entrance import Entrance
from pongrl.server.gallery import Gallery
from pongrl.server.guests import Guests
from pongrl.server.listener import Listener, open_listener
from pongrl.server.playing import Playing
from pongrl.server.seats import Seats
from pongrl.server.snapshots import Audience, Snapshots
from pongrl.server.status import waiting
from pongrl.wire.sockets import Address

ENDS_BY_ITSELF = "until_eof ends a program that waits for its end: leave it out with block=False"


class Run:
    """One game, served or not, from `start` to `close`.

    Args:
        match: the games.
        entrance: where agents come in; None if nothing is served.
        has_window: somebody looks at `snapshot`.
        observers: are told what the engine does.
        guests: people who play from elsewhere.
        audiences: people who watch from elsewhere, beside the gallery.

    Raises:
        PongError: it cannot listen there, or the certificate cannot be used.
    """

    def __init__(
        self,
        match: Playing,
        entrance: Entrance | None,
        has_window: bool = False,
        observers: Sequence[Observer] = (),
        guests: Guests | None = None,
        audiences: Sequence[Audience] = (),
    ) -> None:
        self._gallery = Gallery()
        self._seats = Seats(match.options, self._gallery, guests)
        self._listener: Listener | None = None
        if entrance is not None:
            try:
                self._listener = open_listener(entrance, self._seats.admit, self._seats.deliver)
            except BaseException:
                self._seats.close()
                self._gallery.close()
                raise
        self._closed = threading.Event()
        self._heart = threading.Thread(
            target=self._seats.keep_alive, args=(self._closed,), name="heartbeats", daemon=True
        )
        idle = "" if self._listener is None else waiting(self._listener.address)
        self._snapshots = Snapshots(match, (self._gallery, *audiences), idle, has_window)
        self._engine = Engine(match, self._seats, (self._snapshots, *observers), guests)

    @property
    def address(self) -> Address | None:
        """Host and port that the server listens on; None if nothing is served."""
        return None if self._listener is None else self._listener.address

    @property
    def addresses(self) -> list[Address]:
        """All hosts and ports that the server listens on; a name can have several addresses."""
        return [] if self._listener is None else self._listener.addresses

    @property
    def snapshot(self) -> Snapshot | None:
        """What people see now; None before the first tick."""
        return self._snapshots.latest

    def start(self) -> None:
        """Start the threads."""
        if self._listener is not None:
            self._gallery.start()
            self._listener.start()
            self._heart.start()
        self._engine.start()

    def hold(self, keys: Keys) -> None:
        """Let people at the window hold these keys until the next call."""
        self._engine.hold(keys)

    def stop(self) -> None:
        """Let the game end soon. Any thread, or a signal's handler, may call it."""
        self._engine.stop()

    def is_alive(self) -> bool:
        """Return whether the game goes on."""
        return self._engine.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for the game's end, at most so long."""
        self._engine.join(seconds)

    def close(self) -> None:
        """End the game and all threads.

        Raises:
            BaseException: what ended the engine, if it was not `stop`.
        """
        if self._listener is not None:
            self._listener.close()
        self._engine.stop()
        if self._engine.is_alive():
            self._engine.join()
        self._closed.set()
        if self._heart.is_alive():
            self._heart.join()
        self._seats.close()
        self._gallery.close()
        if self._engine.error is not None:
            raise self._engine.error


class Lasting(Protocol):
    """What goes on until somebody ends it: a Run, or an arena."""

    def is_alive(self) -> bool:
        """Return whether it goes on."""

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most so long."""


class Window(Protocol):
    """What people at this machine see the game in."""

    def poll(self) -> tuple[bool, Keys]:
        """Return whether it is open, and the keys that are held."""

    def show(self, snapshot: Snapshot) -> None:
        """Draw what has changed."""


def await_end(run: Lasting, is_ending: Callable[[], bool]) -> None:
    """Wait until a run ends, or is to end."""
    while run.is_alive() and not is_ending():
        run.wait(1.0)  # a wait without end cannot be interrupted on Windows


def show(run: Run, window: Window, is_ending: Callable[[], bool]) -> None:
    """Show a game in a window, and give it the keys that people hold, until either ends."""
    while run.is_alive() and not is_ending():
        is_open, keys = window.poll()
        if not is_open:
            return
        run.hold(keys)
        if run.snapshot is not None:
            window.show(run.snapshot)


def stop_at_eof(stop: Callable[[], None]) -> None:
    """Call `stop` when standard input ends, from a thread of its own; at once if it is closed already."""
    if sys.stdin is None:  # closed from the start, and its file number may belong to a socket by now
        stop()
        return
    number = 0
    if sys.platform == "win32":  # a process that inherits what a thread reads hangs at its start
        number, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
    threading.Thread(target=_await_eof, args=(stop, number), name="until-eof", daemon=True).start()


def _await_eof(stop: Callable[[], None], number: int) -> None:
    with contextlib.suppress(OSError):  # it cannot be read, so nobody holds us by it
        while _read_input(number):
            pass
    stop()


def _read_input(number: int) -> bytes:
    """Wait for standard input; not by sys.stdin, whose lock would be held while Python shuts down."""
    while True:
        try:
            return os.read(number, 1024)
        except BlockingIOError:  # our parent has set it not to block
            select.select([number], [], [])
