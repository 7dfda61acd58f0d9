"""The thread that writes matches into the arena's file, so that a slow disk holds up no match.

A match that is over is handed to the scribe, and comes back when it is kept. Until then its players play no
other. So where nothing can be written, as on a disk that is full, the arena waits until it can be again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from pathlib import Path

from pongrl.arena.ledger import Ledger
from pongrl.arena.table import Table
from pongrl.errors import PongError
from pongrl.wire.waiting import Wake

RETRY_SECONDS = 1.0  # between two tries to write
LAST_SECONDS = 5.0  # that all matches that wait are tried when the arena ends

log = logging.getLogger("pong.arena")


class Scribe(threading.Thread):
    """Keeps matches until `close`. The hall's thread hands them over and takes them back.

    Args:
        path: The arena's file.
        wake: Is set when a match is kept.
    """

    def __init__(self, path: Path, wake: Wake) -> None:
        super().__init__(name="scribe", daemon=True)
        self._ledger, self._wake = Ledger(path, patience=RETRY_SECONDS), wake
        self._over: queue.SimpleQueue[Table | None] = queue.SimpleQueue()  # None: close
        self._kept: queue.SimpleQueue[tuple[Table, int]] = queue.SimpleQueue()
        self._closing = threading.Event()

    def keep(self, table: Table) -> None:
        """Keep a match that is over."""
        self._over.put(table)

    def kept(self) -> list[tuple[Table, int]]:
        """Return the matches that were kept since the last call, with their numbers."""
        kept = []
        while not self._kept.empty():
            kept.append(self._kept.get())
        return kept

    def run(self) -> None:
        """Write. This is the thread."""
        until = 0.0  # when the arena ends: how long the matches that wait are tried
        while (table := self._over.get()) is not None:
            number = self._write(table)
            if number is None:
                until = until or time.monotonic() + LAST_SECONDS
                if time.monotonic() < until:
                    continue
                return
            self._kept.put((table, number))
            self._wake.set()

    def _write(self, table: Table) -> int | None:
        """Write a match, again and again until it succeeds; None if the arena ends meanwhile."""
        result, has_told = table.result(), False
        while True:
            try:
                self._ledger.check_place()
                number = self._ledger.record(result)
            except PongError as error:
                if not has_told:
                    has_told = True
                    log.error("no match can be kept, and its players wait: %s", error)
                if self._closing.wait(RETRY_SECONDS):
                    return None
            else:
                if has_told:
                    log.info("matches can be kept again")
                return number

    def close(self) -> None:
        """Write what is still to be written, if that is possible, and end."""
        self._over.put(None)
        self._closing.set()
        if self.is_alive():
            self.join()
        self._ledger.close()
