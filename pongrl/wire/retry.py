"""Connect again and again until a server is there: for every program that connects.

Retry    one loop, with pauses that grow until a connection has lasted
beside   connects in a thread of its own, while a window or a person is attended to
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pongrl.errors import PongError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two attempts; each pause is twice the one before
LASTING_SECONDS = 10.0  # after which a connection that is lost was a good one: the pauses start again
LOOK_SECONDS = 0.1  # between two looks whether a thread has connected


class Closes(Protocol):
    """A connection."""

    def close(self) -> None:
        """Close it."""


T = TypeVar("T")
C = TypeVar("C", bound=Closes)


class Retry:
    """Connects to one server, as often as it is lost.

    A server that takes each connection and drops it soon is waited for as one that is not there.

    Args:
        clock: gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0  # before the next attempt
        self._connected: float | None = None  # since when there was a connection

    def keep_trying(
        self, connect: Callable[[], T], wait: Callable[[float], bool], report: Callable[[PongError], None]
    ) -> T | None:
        """Call `connect` until it succeeds, with growing pauses between two attempts.

        Args:
            connect: makes one attempt; raises PongError if it fails.
            wait: waits for so many seconds; returns False to give up.
            report: is told each error that differs from the last one; it may raise the error to give up.

        Returns:
            What `connect` returned; None if `wait` gave up.
        """
        last = ""
        if self._connected is not None and self._clock() - self._connected >= LASTING_SECONDS:
            self._pause = 0.0
        while not self._pause or wait(self._pause):
            self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            try:
                came = connect()
            except PongError as error:
                if str(error) != last:
                    last = str(error)
                    report(error)
            else:
                self._connected = self._clock()
                return came
        return None


class _Attempt(threading.Thread, Generic[C]):
    """Connects once."""

    def __init__(self, connect: Callable[[], C]) -> None:
        super().__init__(name="connect", daemon=True)
        self._connect = connect
        self._lock = threading.Lock()  # of the next two
        self._came: C | None = None
        self._is_given_up = False
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            came = self._connect()
        except Exception as error:
            self._error = error
            return
        with self._lock:
            if not self._is_given_up:
                self._came = came
                return
        came.close()

    def give_up(self) -> None:
        with self._lock:
            self._is_given_up = True
            came, self._came = self._came, None
        if came is not None:
            came.close()

    def result(self) -> C:
        self.join()
        if self._error is not None:
            raise self._error
        assert self._came is not None
        return self._came


def beside(connect: Callable[[], C], wait: Callable[[float], bool]) -> C | None:
    """Connect in a thread of its own, and wait meanwhile: finding a host may take long.

    Args:
        connect: makes one attempt.
        wait: waits for so many seconds; returns False to give up. Then the thread ends by itself.

    Returns:
        What `connect` returned; None if `wait` gave up.

    Raises:
        Exception: what `connect` raised.
    """
    attempt = _Attempt(connect)
    attempt.start()
    attempt.join(LOOK_SECONDS)
    while attempt.is_alive():
        if not wait(LOOK_SECONDS):
            attempt.give_up()
            return None
    return attempt.result()
