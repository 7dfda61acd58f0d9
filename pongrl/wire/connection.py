"""A connection to a peer that has proved itself: whole messages, heartbeats, and an end that is noticed."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from pongrl.errors import ConnectionLostError, GoodbyeError
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.messages import REASON_BYTES, printable
from pongrl.wire.sockets import AGAIN, reason_of
from pongrl.wire.waiting import Wake, ready

HEARTBEAT_SECONDS = 2.0  # less than a quarter of the silence below, so that one lost packet is no lost peer
SILENCE_SECONDS = 9.0  # so that a peer that vanished is given up within ten
SPIN_SECONDS = 0.0003 if (os.cpu_count() or 1) > 1 else 0.0  # see `wait`
READS_AT_ONCE = 16
READ_BYTES = 1 << 16  # the most that one read takes; of who has little to say, the server reads less
SHORT_WAITS, MOST_SHORT_WAITS = 3, 8  # before a wait begins by looking, and that are counted
MAX_UNSENT_BYTES = 1 << 20  # a peer that leaves this much unread is gone


class Connection:
    """An authenticated peer: whole messages, heartbeats, and an end that is always noticed.

    `receive` belongs to one thread; `send` may be called from any.
    """

    def __init__(self, sock: socket.socket, parser: Parser, peer: str, read_bytes: int = READ_BYTES) -> None:
        self.peer = peer
        self._sock, self._read_bytes = sock, read_bytes
        self._parser = parser
        self._unsent = bytearray()
        self._lock = threading.Lock()  # of the socket: a heartbeat thread sends beside the owner
        self._sent = self._heard = time.monotonic()
        self._short_waits = 0  # of late; a long one halves it, so that one alone changes nothing

    def fileno(self) -> int:
        """What `select` waits for."""
        return self._sock.fileno()

    def send(self, data: bytes) -> None:
        """Send a whole message, or keep what the peer does not take yet for later.

        Raises:
            ConnectionLostError: the peer is gone, or has left a megabyte unread.
        """
        with self._lock:
            self._unsent += data
            self._sent = time.monotonic()
            self._flush()
            if len(self._unsent) > MAX_UNSENT_BYTES:
                raise ConnectionLostError(f"{self.peer} does not read what it is sent")

    def flush(self) -> None:
        """Send what was kept for later, as far as the peer takes it now; `take` notices if it is gone."""
        with self._lock, contextlib.suppress(ConnectionLostError):
            self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except AGAIN:
            pass
        except OSError as error:
            raise ConnectionLostError(f"{self.peer} is gone ({reason_of(error)})") from error

    @property
    def is_behind(self) -> bool:
        """Whether the peer has not yet taken all that it was sent."""
        return bool(self._unsent)

    def send_heartbeat(self) -> None:
        """Send a HEARTBEAT if nothing else was sent for a while."""
        if time.monotonic() - self._sent >= HEARTBEAT_SECONDS:
            self.send(message(Kind.HEARTBEAT))

    def take(self) -> tuple[Kind, bytes] | None:
        """Give the next message that has come, or None; never wait, nor read on for ever.

        Raises:
            ProtocolError: the peer sent what it may not.
            ConnectionLostError: the peer left, was cut off, or has been silent for ten seconds.
        """
        reads = 0
        while True:
            came = self._parser.next()
            if came is None:
                # A peer that floods us must not keep us from our clock; `wait` ends at once if there is more.
                reads += 1
                if reads > READS_AT_ONCE or not self._read():
                    return None
            elif came[0] is Kind.BYE:
                reason = printable(came[1].decode(errors="replace"))
                raise GoodbyeError(f"{self.peer} said goodbye" + f": {reason}" * bool(reason))
            elif came[0] is not Kind.HEARTBEAT:
                return came

    def _read(self) -> bool:
        try:
            with self._lock:
                data = self._sock.recv(self._read_bytes)
        except AGAIN:
            if time.monotonic() - self._heard >= SILENCE_SECONDS:
                raise ConnectionLostError(
                    f"{self.peer} has been silent for {SILENCE_SECONDS:.0f} seconds"
                ) from None
            return False
        except OSError as error:
            raise ConnectionLostError(f"{self.peer} is gone ({reason_of(error)})") from error
        if not data:
            raise ConnectionLostError(f"{self.peer} has left")
        self._heard = time.monotonic()
        self._parser.feed(data)
        return True

    def receive(self, until: float | None = None, wake: Wake | None = None) -> tuple[Kind, bytes] | None:
        """Wait for the next message; None when `until` (time.monotonic) is reached or `wake` set.

        Raises:
            ProtocolError, ConnectionLostError: as `take` does.
        """
        while (came := self.take()) is None:
            if not wait([self], until, wake) or (until is not None and time.monotonic() >= until):
                return None
        return came

    def close(self, reason: str = "") -> None:
        """Say BYE, and why if it is the agent's fault, if that is still possible, and close."""
        with contextlib.suppress(ConnectionLostError):
            self.send(message(Kind.BYE, reason.encode()[:REASON_BYTES]))
        self._sock.close()


# Divisions each of which needs the result of the one before, two microseconds of them: the nearest that
# Python has to a processor's instruction for a pause. Who looks again and again without one takes half the
# speed of the other thread of the same core, and that may be the peer's.
_ONES, _QUOTIENTS = np.ones((2, 300))


def wait(
    connections: Sequence[Connection],
    until: float | None = None,
    wake: Wake | None = None,
) -> bool:
    """Wait for any of these peers, keeping the lines alive; False when `until` is reached or `wake` set.

    True says that something may have come, or a peer may be gone: `take` tells, and then wait again.

    While answers keep coming within `SPIN_SECONDS` it looks again and again for so long before it sleeps.
    To be woken costs more than that: the processor falls asleep too, and runs slower for a while after.
    On loopback that was 60 % of a step. A peer that takes longer, as in real time, is slept for at once.
    """
    begin = time.monotonic()
    end = min(min(c._sent + HEARTBEAT_SECONDS, c._heard + SILENCE_SECONDS) for c in connections)
    if until is not None:
        end = min(end, until)
    readers: list[Connection | Wake] = [*connections] if wake is None else [*connections, wake]
    readable: list[Any] = []
    if SPIN_SECONDS and min(c._short_waits for c in connections) >= SHORT_WAITS:
        spin_end = min(begin + SPIN_SECONDS, end)
        while not readable and time.monotonic() < spin_end:
            np.divide.accumulate(_ONES, out=_QUOTIENTS)
            readable, _ = ready(readers, [], 0)
    if not readable:
        unsent = [c for c in connections if c._unsent]
        readable, writable = ready(readers, unsent, max(end - time.monotonic(), 0.0))
        for connection in writable:
            connection.flush()
    now = time.monotonic()
    for connection in connections:
        if connection in readable:
            short = connection._short_waits
            is_short = now - begin < SPIN_SECONDS
            connection._short_waits = min(short + 1, MOST_SHORT_WAITS) if is_short else short // 2
        with contextlib.suppress(ConnectionLostError):  # `take` will find out, and say whose it was
            connection.send_heartbeat()
    if wake is not None and wake in readable:
        wake.clear()
        return False
    return bool(readable) or until is None or now < until
