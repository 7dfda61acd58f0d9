"""Waiting for sockets, and for an event that a thread waiting on a socket hears too."""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
from typing import Any


class Wake:
    """An event that a thread waiting on a socket hears too. Any thread may `set` it."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """What `select` waits for."""
        return self._reader.fileno()

    def set(self) -> None:
        """Wake whoever waits, now or next."""
        with contextlib.suppress(OSError):  # full: it is set already; closed: nobody waits
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Forget that it was set."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(64):
                pass

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, at most so long; clear it and say whether it was."""
        heard = bool(ready([self._reader], [], seconds)[0])
        if heard:
            self.clear()
        return heard

    def close(self) -> None:
        """Give the sockets back."""
        self._reader.close()
        self._writer.close()


def ready(readers: list[Any], writers: list[Any], seconds: float | None) -> tuple[list[Any], list[Any]]:
    """Wait until some of these can be read, or written: which."""
    try:
        readable, writable, _ = select.select(readers, writers, [], seconds)
        return readable, writable
    except ValueError:  # a file number beyond what `select` takes: this process has many files open
        with selectors.DefaultSelector() as selector:
            for one in {*readers, *writers}:
                selector.register(
                    one, selectors.EVENT_READ * (one in readers) | selectors.EVENT_WRITE * (one in writers)
                )
            found = selector.select(seconds)
        return (
            [key.fileobj for key, event in found if event & selectors.EVENT_READ],
            [key.fileobj for key, event in found if event & selectors.EVENT_WRITE],
        )
