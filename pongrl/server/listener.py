"""The thread that listens, and shakes hands with many strangers at a time, beside the game.

A stranger is a peer that has not yet proved that it has the token. It costs a socket, a parser of some 1,200
bytes at most and a place in a dictionary, for five seconds at most:

    accept ──► (TLS) ──► HELLO ──► CHALLENGE ──► PROOF ──► delivered
                  │         │                      │
                  └─────────┴── anything else, or five seconds: sent away

When there are too many strangers, the address that has most of them loses its oldest. An address that has
given five wrong tokens lately has one proof checked a second; the others wait for their turn.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pongrl.errors import PongError, ProtocolError, Refusal, RefusedError
from pongrl.server.entrance import Entrance
from pongrl.wire import throttle
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, Parser
from pongrl.wire.handshake import HANDSHAKE_SECONDS, Admission, Admit, Handshake, server_handshake
from pongrl.wire.limits import SERVER_HANDSHAKE_LIMITS, Sender, State, limits
from pongrl.wire.listening import certificate_context, listening_sockets
from pongrl.wire.messages import refusal
from pongrl.wire.sockets import AGAIN, Address, reason_of, spelled, tuned
from pongrl.wire.throttle import Attempts, network_of
from pongrl.wire.waiting import Wake, ready

PENDING_HANDSHAKES = 64  # at the same time; one more pushes out another
READ_BYTES = 1024  # maximum per recv; all that an agent or a watcher sends is short
DEAF_SECONDS = 1.0  # pause in accepting connections, when this process can open no more files
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


log = logging.getLogger("pong.listener")


@dataclass
class _Stranger:
    """A peer in the middle of its handshake."""

    sock: socket.socket
    peer: str  # host:port, for the log
    network: str  # whose wrong tokens are counted together
    deadline: float  # time.monotonic
    parser: Parser
    handshake: Handshake
    is_greeting: bool  # TLS is still being agreed upon
    held: tuple[Kind, bytes] | None = None  # a proof that has to wait
    due: float = 0.0  # when it may be checked


class Listener(threading.Thread):
    """Lets in the peers that know the token, from `start` to `close`.

    Args:
        host: the address to listen on.
        port: the port; 0 for any that is free.
        token: what agents must have; empty if none is asked for.
        admit: gives an applicant its session, or raises RefusedError; called in this thread.
        deliver: takes over a connection that has proved the token; called in this thread.
        tls: the certificate to show, if connections are encrypted.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        admit: Admit,
        deliver: Callable[[Connection, Admission], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(name="listener", daemon=True)
        self._token, self._admit, self._deliver, self._tls = token, admit, deliver, tls
        self._strangers: dict[int, _Stranger] = {}  # by file number, oldest first
        self._attempts = Attempts()
        self._deaf_until = 0.0
        self._closing = False
        self._socks = listening_sockets(host, port)
        self._wake = Wake()
        self.addresses: list[Address] = [sock.getsockname()[:2] for sock in self._socks]
        self.address = self.addresses[0]

    def run(self) -> None:
        """Shake hands until `close`. This is the thread."""
        try:
            while not self._closing:
                self._turn()
        finally:
            for stranger in self._strangers.values():
                stranger.sock.close()

    def close(self) -> None:
        """Stop listening, send pending strangers away, and wait for the thread's end."""
        self._closing = True
        self._wake.set()
        if self.is_alive():
            self.join()
        for sock in self._socks:
            sock.close()
        self._wake.close()

    def _turn(self) -> None:
        """Wait for the next thing to happen on any socket, and do what it asks for."""
        now = time.monotonic()
        readable, _ = ready(self._readers(now), [], self._seconds_to_wait(now))
        for one in readable:
            if one is self._wake:
                self._wake.clear()
            elif one in self._socks:
                self._accept(one)
            elif one in self._strangers:
                self._attend(one, self._read)
        self._look_at_clock()

    def _readers(self, now: float) -> list[Any]:
        """Return what to wait for. Nothing is read from a stranger whose proof is held."""
        strangers = [number for number, stranger in self._strangers.items() if stranger.held is None]
        if now < self._deaf_until:
            return [self._wake, *strangers]
        return [self._wake, *self._socks, *strangers]

    def _seconds_to_wait(self, now: float) -> float | None:
        """Return the time to the next deadline, None if there is none."""
        times = [stranger.deadline for stranger in self._strangers.values()]
        times += [stranger.due for stranger in self._strangers.values() if stranger.held is not None]
        if now < self._deaf_until:
            times.append(self._deaf_until)
        return max(min(times) - now, 0.0) if times else None

    def _look_at_clock(self) -> None:
        """Send away those whose time is over, and check the proofs that have waited long enough."""
        now = time.monotonic()
        for number, stranger in list(self._strangers.items()):
            if now >= stranger.deadline:
                self._send_away(number, "took too long over the handshake")
            elif stranger.held is not None and now >= stranger.due:
                self._attend(number, self._take_up)

    def _accept(self, listening: socket.socket) -> None:
        """Take the next connection, if its peer is still there."""
        try:
            sock, address = listening.accept()
        except OSError as error:
            if error.errno in OUT_OF_FILES:
                log.warning("no connection can be accepted now: %s", reason_of(error))
                self._deaf_until = time.monotonic() + DEAF_SECONDS
            return
        try:
            tuned(sock)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:  # on macOS, if the peer has left already
            sock.close()
            return
        log.debug("%s has connected", spelled(*address[:2]))
        if len(self._strangers) >= PENDING_HANDSHAKES:
            self._make_room()
        self._strangers[sock.fileno()] = self._stranger(sock, *address[:2])

    def _stranger(self, sock: socket.socket, host: str, port: int) -> _Stranger:
        """Begin the handshake with a peer."""
        network = network_of(host)
        handshake = server_handshake(self._token, self._admit, network)
        next(handshake)
        deadline, parser = time.monotonic() + HANDSHAKE_SECONDS, Parser(SERVER_HANDSHAKE_LIMITS)
        is_greeting = self._tls is not None
        return _Stranger(sock, spelled(host, port), network, deadline, parser, handshake, is_greeting)

    def _make_room(self) -> None:
        """Send away the oldest stranger of the address that has the most."""
        most = Counter(stranger.network for stranger in self._strangers.values()).most_common(1)[0][0]
        oldest = next(n for n, stranger in self._strangers.items() if stranger.network == most)
        self._send_away(oldest, "had to make room for another")

    def _attend(self, number: int, go_on: Callable[[_Stranger], None]) -> None:
        """Go on with a stranger's handshake. It may end: by letting the stranger in, or sending it away."""
        stranger = self._strangers[number]
        try:
            go_on(stranger)
        except StopIteration as done:
            del self._strangers[number]
            self._let_in(stranger, done.value)
        except RefusedError as error:
            if error.reason is Refusal.TOKEN:
                self._count_attempt(stranger)
            with contextlib.suppress(OSError):
                stranger.sock.sendall(refusal(error))
            self._send_away(number, f"was refused: {error}")
        except (ProtocolError, OSError) as error:
            self._send_away(number, f"is no agent of ours: {error}")

    def _read(self, stranger: _Stranger) -> None:
        """Take what a stranger has sent."""
        try:
            if stranger.is_greeting:
                assert isinstance(stranger.sock, ssl.SSLSocket)
                stranger.sock.do_handshake()
                stranger.is_greeting = False
            # Read until nothing is left: `select` does not see what TLS has decrypted already.
            while stranger.held is None:
                data = stranger.sock.recv(READ_BYTES)
                if not data:
                    raise ProtocolError("it left in the middle of the handshake")
                stranger.parser.feed(data)
                self._answer(stranger)
        except AGAIN:
            pass

    def _answer(self, stranger: _Stranger) -> None:
        """Answer the messages that are whole; hold a proof from an address that has guessed too often."""
        while stranger.held is None and (came := stranger.parser.next()) is not None:
            wait = self._attempts.wait(stranger.network, time.monotonic())
            if came[0] is Kind.PROOF and wait > 0:
                stranger.held, stranger.due = came, time.monotonic() + wait
            else:
                stranger.sock.sendall(stranger.handshake.send(came))

    def _take_up(self, stranger: _Stranger) -> None:
        """Check a proof that had to wait, unless another one from its address was checked meanwhile."""
        assert stranger.held is not None
        wait = self._attempts.wait(stranger.network, time.monotonic())
        if wait > 0:
            stranger.due = time.monotonic() + wait
        else:
            stranger.sock.sendall(stranger.handshake.send(stranger.held))

    def _count_attempt(self, stranger: _Stranger) -> None:
        if self._attempts.count(stranger.network, time.monotonic()):
            log.warning(
                "%d wrong tokens from %s: from now on one attempt in %g s is looked at from there",
                throttle.FREE_ATTEMPTS, stranger.network, throttle.SECONDS_PER_ATTEMPT,
            )  # fmt: skip

    def _let_in(self, stranger: _Stranger, admission: Admission) -> None:
        stranger.parser.limits = limits(State.of(admission.role), Sender.CLIENT, admission.session)
        connection = Connection(stranger.sock, stranger.parser, stranger.peer, READ_BYTES)
        with contextlib.suppress(PongError):  # the next to use the connection will notice
            connection.send(admission.last)
        self._deliver(connection, admission)

    def _send_away(self, number: int, why: str) -> None:
        stranger = self._strangers.pop(number)
        stranger.sock.close()
        log.info("%s %s", stranger.peer, why)


def open_listener(
    entrance: Entrance, admit: Admit, deliver: Callable[[Connection, Admission], None]
) -> Listener:
    """Return a listener at a server's entrance; the arguments are those of Listener.

    Raises:
        PongError: it cannot listen there, or the certificate cannot be used.
    """
    tls = None
    if entrance.certificate is not None:
        tls = certificate_context(entrance.certificate, entrance.key)
    return Listener(entrance.host, entrance.port, entrance.token, admit, deliver, tls)
