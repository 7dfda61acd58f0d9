"""A connection to a peer that has proved itself: whole messages, heartbeats, an end that is always noticed.

    send         a message: now, or kept until the peer takes it          any thread
    take         the next message that has come, or None at once          the owner's thread
    wait         until a connection may have something to take            the owner's thread
    receive      take, and wait until there is something                  the owner's thread
    keep_alive   heartbeats while the owner does something else           a thread beside it

A STEP waits for its ACTION, so these come as fast as both sides want. Of all other messages of a player a
peer may send a hundred a second; one that sends more is cut off. Heartbeats that came while the owner was
busy are not counted: it may think for hours between two states.

Each side sends a HEARTBEAT when it has sent nothing for two seconds, and gives up a peer that has been silent
for nine. A process that was stopped itself, with its machine or alone, does not blame the peer for that: the
nine seconds begin when it goes on. `wait` serves any number of connections, by their public names alone. It
decides how to wait: on loopback an answer comes so soon that sleeping would cost more than polling.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from pongrl.errors import ConnectionLostError, GoodbyeError, ProtocolError
from pongrl.wire.allowance import Allowance
from pongrl.wire.framing import Kind, Message, Parser, message
from pongrl.wire.messages import goodbye, parse_goodbye
from pongrl.wire.sockets import AGAIN, reason_of
from pongrl.wire.waiting import Wake, give_way, ready

HEARTBEAT_SECONDS = 2.0  # less than a quarter of the silence: one lost packet must not look like a lost peer
SILENCE_SECONDS = 9.0  # so that a peer that vanished is given up within ten
SLEPT_SECONDS = SILENCE_SECONDS / 2  # between two looks, after which this process has slept, or thought
HAS_FINE_CLOCK = time.get_clock_info("monotonic").resolution < 0.001  # Windows before Python 3.13: 16 ms
SPIN_SECONDS = 0.001 if HAS_FINE_CLOCK and (os.cpu_count() or 1) > 1 else 0.0  # `wait` polls so long
SHORT_WAITS, MOST_SHORT_WAITS = 3, 8  # fast waits needed before `wait` polls, and the most that are counted
SMALL_TALK = frozenset((Kind.HEARTBEAT, Kind.PAUSE, Kind.PING, Kind.PONG))  # kinds that wait for nothing
SMALL_TALK_AT_ONCE, SMALL_TALK_PER_SECOND = 200, 100
READS_AT_ONCE = 16  # in one `take`: a peer that floods us must not keep us from our clock
READ_BYTES = 1 << 16  # maximum of one read; the server, whose peers say little, uses a smaller one
MAX_UNSENT_BYTES = 1 << 20  # a peer that leaves this much unread is gone

_HEARTBEAT = message(Kind.HEARTBEAT)
# What `wait` does between two polls: two microseconds of divisions, each of which needs the result of the one
# before. It is the nearest that Python has to a processor's pause instruction. Polling without a pause halves
# the speed of the sibling hyperthread, where the peer may be running.
_ONES, _QUOTIENTS = np.ones((2, 300))


class Connection:
    """An authenticated peer: whole messages, heartbeats, and an end that is always noticed.

    One thread owns it, and calls `take` or `receive`. Any thread may send.

    Args:
        sock: connected, and set not to block.
        parser: knows what the peer may send now, and may hold bytes that have come already.
        peer: its name in messages to people.
        read_bytes: maximum of one read.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        sock: socket.socket,
        parser: Parser,
        peer: str,
        read_bytes: int = READ_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peer = peer
        self._sock, self._parser = sock, parser
        self._read_bytes, self._clock = read_bytes, clock
        self._lock = threading.Lock()  # of the socket and what is unsent: any thread may send
        self._unsent = bytearray()
        self._sent = self._heard = self._looked = clock()
        self._short_waits = 0
        self._small_talk = Allowance(SMALL_TALK_AT_ONCE, SMALL_TALK_PER_SECOND, clock)
        self._missed = 0.0  # heartbeats that may have come while we looked away

    def fileno(self) -> int:
        """Return the file number of the socket, for `select`."""
        return self._sock.fileno()

    def send(self, data: bytes) -> None:
        """Send a whole message; what the peer does not take yet is kept, and sent later.

        Raises:
            ConnectionLostError: the peer is gone, or has left a megabyte unread.
        """
        with self._lock:
            self._sent = self._clock()  # if this fails too: `wait` lasts until the next try is due
            self._flush()
            if len(self._unsent) > MAX_UNSENT_BYTES:  # of what it was sent before: one message may be larger
                raise ConnectionLostError(f"{self.peer} does not read what it is sent")
            self._unsent += data
            self._flush()

    @property
    def quiet_seconds(self) -> float:
        """How long nothing has come from the peer."""
        return self._clock() - self._heard

    @property
    def is_behind(self) -> bool:
        """Whether the peer has not yet taken all that it was sent."""
        return bool(self._unsent)

    def flush(self) -> None:
        """Send what was kept, as far as the peer takes it now; if the peer is gone, `take` will say so."""
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

    def send_heartbeat(self) -> None:
        """Send a HEARTBEAT if nothing else was sent for two seconds.

        Raises:
            ConnectionLostError: the peer is gone.
        """
        if self._clock() - self._sent >= HEARTBEAT_SECONDS:
            self.send(_HEARTBEAT)

    def keep_alive(self, closed: threading.Event) -> None:
        """Send heartbeats until `closed` is set, or the peer is gone: the owner's next call will say so."""
        with contextlib.suppress(ConnectionLostError):
            while not closed.wait(HEARTBEAT_SECONDS / 2):
                self.send_heartbeat()

    def take(self) -> Message | None:
        """Return the next message that has come, or None; never wait.

        Raises:
            ProtocolError: the peer sent what it may not.
            GoodbyeError: the peer said that it leaves.
            ConnectionLostError: the peer left, was cut off, or has been silent for nine seconds.
        """
        reads = 0
        while True:
            came = self._parser.next()
            if came is None:
                reads += 1  # if there is more than this takes, the next `wait` ends at once
                if reads > READS_AT_ONCE or not self._read():
                    return None
            elif came[0] is Kind.BYE:
                reason = parse_goodbye(came[1])
                raise GoodbyeError(f"{self.peer} said goodbye{': ' if reason else ''}{reason}")
            elif came[0] in SMALL_TALK and not self._may_talk(came[0]):
                raise ProtocolError(
                    f"over {SMALL_TALK_PER_SECOND} messages a second that are neither states nor moves"
                )
            elif came[0] is not Kind.HEARTBEAT:
                return came

    def _may_talk(self, kind: Kind) -> bool:
        """Count a message that waits for nothing; return False if there are too many."""
        if kind is Kind.HEARTBEAT and self._missed >= 1:
            self._missed -= 1
            return True
        return self._small_talk.take()

    def why_gone(self, error: ConnectionLostError) -> ConnectionLostError:
        """Return why a send has failed with this error: the peer's goodbye if that came; else the error."""
        try:
            while self.take() is not None:
                pass
        except GoodbyeError as goodbye:
            return goodbye
        except (ConnectionLostError, ProtocolError):
            pass
        return error

    def _read(self) -> bool:
        """Feed the parser with what has come; return False if nothing has."""
        try:
            with self._lock:
                data = self._sock.recv(self._read_bytes)
        except AGAIN:
            self._check_silence()
            return False
        except OSError as error:
            raise ConnectionLostError(f"{self.peer} is gone ({reason_of(error)})") from error
        if not data:
            raise ConnectionLostError(f"{self.peer} has left")
        self._missed = max(self._missed, self._look() / HEARTBEAT_SECONDS)
        self._heard = self._looked
        self._parser.feed(data)
        return True

    def _look(self) -> float:
        """Note that we look now; return for how many seconds we looked away."""
        before, self._looked = self._looked, self._clock()
        return self._looked - before

    def _check_silence(self) -> None:
        """Give up a peer that has been silent for too long while we were looking."""
        if self._look() >= SLEPT_SECONDS:  # it may have slept too, and could not speak
            self._heard = self._looked
        if self._looked - self._heard >= SILENCE_SECONDS:
            raise ConnectionLostError(f"{self.peer} has been silent for {SILENCE_SECONDS:.0f} seconds")

    def receive(self, until: float | None = None, wake: Wake | None = None) -> Message | None:
        """Wait for the next message.

        Args:
            until: the time on the clock when to stop waiting; None is never.
            wake: stops the waiting when it is set; it is cleared then.

        Returns:
            The message; None if time is over, or `wake` was set.

        Raises:
            ProtocolError, ConnectionLostError: as `take` does.
        """
        while (came := self.take()) is None:
            if not wait([self], until, wake, self._clock) or (until is not None and self._clock() >= until):
                return None
        return came

    def close(self, reason: str = "") -> None:
        """Say BYE if that is still possible, with a reason if it is the peer's fault, and close."""
        with contextlib.suppress(ConnectionLostError):
            self.send(goodbye(reason))
        with self._lock:  # another thread may be sending
            self._sock.close()

    @property
    def due(self) -> float:
        """The time until which a wait may last: a heartbeat must be sent then, or the peer is given up."""
        return min(self._sent + HEARTBEAT_SECONDS, self._heard + SILENCE_SECONDS)

    @property
    def is_quick(self) -> bool:
        """Whether waits for the peer have lately ended within `SPIN_SECONDS`, so that polling pays."""
        return self._short_waits >= SHORT_WAITS

    def note_wait(self, seconds: float) -> None:
        """Count a wait for the peer as short or long; a long one halves the count of short ones.

        Args:
            seconds: how long it was.
        """
        if seconds < SPIN_SECONDS:
            self._short_waits = min(self._short_waits + 1, MOST_SHORT_WAITS)
        else:
            self._short_waits //= 2


def wait(
    connections: Sequence[Connection],
    until: float | None = None,
    wake: Wake | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait for any of these peers, and keep the lines to them alive.

    While all answer within `SPIN_SECONDS`, it polls for that long before it sleeps. To be woken takes longer
    than that: the processor falls asleep too, and runs slower for a while after. On loopback that was 60 % of
    a step. For a peer that takes longer it sleeps at once, and so in real time, where nothing is due for most
    of the ticks.

    Args:
        connections: the peers to wait for, at least one.
        until: the time on the clock when to stop waiting; None is never.
        wake: stops the waiting when it is set; it is cleared then.
        clock: gives the time in seconds.

    Returns:
        False if `wake` was set or `until` is reached. True if something may have come, or a peer may be gone:
        call `take` of each, and then wait again.
    """
    begin = clock()
    end = min(connection.due for connection in connections)
    if until is not None:
        end = min(end, until)
    readers: list[Connection | Wake] = [*connections] if wake is None else [*connections, wake]
    readable: list[Connection | Wake] = []
    if SPIN_SECONDS and all(connection.is_quick for connection in connections):
        readable = _poll(readers, min(begin + SPIN_SECONDS, end), clock)
    if not readable:
        behind = [connection for connection in connections if connection.is_behind]
        readable, writable = ready(readers, behind, max(end - clock(), 0.0))
        for connection in writable:
            connection.flush()
    now = clock()
    is_in_vain = not readable and now - begin >= SPIN_SECONDS  # as between two answers in real time
    for connection in connections:
        if is_in_vain or connection in readable:
            connection.note_wait(now - begin)
        if now >= connection.due:
            with contextlib.suppress(ConnectionLostError):  # `take` will find out, and say so
                connection.send_heartbeat()
    if wake is not None and wake in readable:
        wake.clear()
        return False
    return bool(readable) or until is None or now < until


def _poll(
    readers: Sequence[Connection | Wake], end: float, clock: Callable[[], float]
) -> list[Connection | Wake]:
    """Look again and again, with short pauses, until some can be read or the time is reached."""
    while clock() < end:
        np.divide.accumulate(_ONES, out=_QUOTIENTS)
        readable, _ = ready(readers, [], 0)
        if readable:
            return readable
        give_way()
    return []
