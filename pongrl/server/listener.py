"""The server's door: listens, and shakes hands with many strangers at a time beside the game.

A stranger is a peer that has not yet proved the token. It costs a socket, a parser of at most 128 bytes
and a place in a dictionary, for five seconds at most:

    accept ──► (TLS) ──► HELLO ──► CHALLENGE ──► PROOF ──► delivered to the engine
                  │         │                      │
                  └─────────┴── anything else, or five seconds: sent away

When there are too many, the address with most of them loses its oldest. An address that has given five
wrong tokens lately has its proofs looked at once a second, in turn: what it sends waits so long.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pongrl.errors import PongError, ProtocolError, Refusal, RefusedError
from pongrl.server.throttle import FREE_ATTEMPTS, SECONDS_PER_ATTEMPT, Attempts, network_of
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, Parser
from pongrl.wire.handshake import HANDSHAKE_SECONDS, Admission, Handshake, server_handshake
from pongrl.wire.limits import SERVER_HANDSHAKE_LIMITS, Sender, State, limits
from pongrl.wire.messages import Role, Session, refusal
from pongrl.wire.sockets import AGAIN, Address, reason_of, resolve, tuned
from pongrl.wire.waiting import Wake, ready

PENDING_HANDSHAKES = 64  # strangers beyond that push out another
READ_BYTES = 1024  # of a peer's few words, a client's messages being short
DEAF_SECONDS = 1.0  # without accepting, when this process can open no more files


log = logging.getLogger("pong.listener")


@dataclass
class _Stranger:
    """A peer in the middle of its handshake."""

    sock: socket.socket
    peer: str
    network: str
    deadline: float
    parser: Parser
    handshake: Handshake
    is_greeting: bool  # TLS is still being agreed upon
    held: tuple[Kind, bytes] | None = None  # a proof that has to wait
    due: float = 0.0  # until then


class Listener(threading.Thread):
    """Listens, and shakes hands with many peers at a time beside whatever the server is doing.

    Args:
        admit: gives the session to a role and an agent's identity, or raises RefusedError; called in
            this thread.
        deliver: takes over an authenticated connection; called in this thread.
        tls: the certificate to show, if connections are to be encrypted.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        admit: Callable[[Role, bytes], Session],
        deliver: Callable[[Connection, Admission], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(name="listener", daemon=True)
        self._token, self._admit, self._deliver, self._tls = token, admit, deliver, tls
        self._strangers: dict[int, _Stranger] = {}  # by file number, oldest first
        self._attempts = Attempts()
        self._deaf_until = 0.0
        self._closing = False
        self._sock = _listening_socket(host, port)
        self._wake = Wake()
        self.address: Address = self._sock.getsockname()[:2]

    def run(self) -> None:
        """The thread: shake hands until `close`."""
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
        self._sock.close()
        self._wake.close()

    def _turn(self) -> None:
        """Wait for the next thing to happen on any socket, and do what it asks for."""
        now = time.monotonic()
        readers: list[Any] = [self._wake]
        times = [stranger.deadline for stranger in self._strangers.values()]
        if now < self._deaf_until:
            times.append(self._deaf_until)
        else:
            readers.append(self._sock)
        for number, stranger in self._strangers.items():
            if stranger.held is None:
                readers.append(number)
            else:
                times.append(stranger.due)
        readable, _ = ready(readers, [], max(min(times) - now, 0.0) if times else None)
        for one in readable:
            if one is self._sock:
                self._accept()
            elif one is self._wake:
                self._wake.clear()
            elif one in self._strangers:
                self._attend(one, self._read)
        self._look_at_clock()

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        for number, stranger in list(self._strangers.items()):
            if now >= stranger.deadline:
                self._send_away(number, "took too long over the handshake")
            elif stranger.held is not None and now >= stranger.due:
                self._attend(number, self._take_up)

    def _accept(self) -> None:
        try:
            sock, address = self._sock.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                log.warning("no connection can be accepted now: %s", reason_of(error))
                self._deaf_until = time.monotonic() + DEAF_SECONDS
            return  # else the peer left already
        try:
            tuned(sock)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:  # macOS says so of a peer that has left already
            sock.close()
            return
        peer, network = f"{address[0]}:{address[1]}", network_of(address[0])
        log.debug("%s has connected", peer)
        if len(self._strangers) >= PENDING_HANDSHAKES:
            self._make_room()
        handshake = server_handshake(self._token, self._admit)
        next(handshake)
        self._strangers[sock.fileno()] = _Stranger(
            sock,
            peer,
            network,
            time.monotonic() + HANDSHAKE_SECONDS,
            Parser(SERVER_HANDSHAKE_LIMITS),
            handshake,
            self._tls is not None,
        )

    def _make_room(self) -> None:
        """Send away the oldest stranger of the address that has most of them."""
        most = Counter(stranger.network for stranger in self._strangers.values()).most_common(1)[0][0]
        oldest = next(n for n, stranger in self._strangers.items() if stranger.network == most)
        self._send_away(oldest, "had to make room for another")

    def _attend(self, number: int, go_on: Callable[[_Stranger], None]) -> None:
        """Go on with a stranger's handshake, to whatever end it comes."""
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
            # Until there is no more: what TLS has decrypted already, `select` does not see.
            while stranger.held is None:
                data = stranger.sock.recv(READ_BYTES)
                if not data:
                    raise ProtocolError("it left in the middle of the handshake")
                stranger.parser.feed(data)
                self._answer(stranger)
        except AGAIN:
            pass

    def _answer(self, stranger: _Stranger) -> None:
        while stranger.held is None and (came := stranger.parser.next()) is not None:
            wait = self._attempts.wait(stranger.network, time.monotonic())
            if came[0] is Kind.PROOF and wait > 0:
                stranger.held, stranger.due = came, time.monotonic() + wait
            else:
                stranger.sock.sendall(stranger.handshake.send(came))

    def _take_up(self, stranger: _Stranger) -> None:
        """Look at a proof that had to wait, unless another from there came first."""
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
                FREE_ATTEMPTS, stranger.network, SECONDS_PER_ATTEMPT,
            )  # fmt: skip

    def _let_in(self, stranger: _Stranger, admission: Admission) -> None:
        stranger.parser.limits = limits(State.of(admission.role), Sender.CLIENT, admission.session)
        connection = Connection(stranger.sock, stranger.parser, stranger.peer, READ_BYTES)
        with contextlib.suppress(PongError):  # whoever takes it over will find out
            connection.send(admission.last)
        self._deliver(connection, admission)

    def _send_away(self, number: int, why: str) -> None:
        stranger = self._strangers.pop(number)
        stranger.sock.close()
        log.info("%s %s", stranger.peer, why)


def _listening_socket(host: str, port: int) -> socket.socket:
    """Make a socket that listens.

    Raises:
        PongError: it cannot listen there.
    """
    family, kind, protocol, _, address = resolve(host, port, passive=True)[0]
    sock = None
    try:
        sock = socket.socket(family, kind, protocol)
        if sys.platform != "win32":  # there it would let two servers share one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
        sock.setblocking(False)
    except OSError as error:
        if sock is not None:
            sock.close()
        advice = "end the program that has this port, or choose another with --port"
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            advice = "give --host an address of this machine"
        raise PongError(f"cannot listen on {host}:{port} ({reason_of(error)}): {advice}") from error
    return sock


def certificate_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """What a server needs for TLS.

    Raises:
        PongError: a file cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # never ask on the terminal
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        raise PongError(
            f"the certificate {certificate} cannot be used ({getattr(error, 'strerror', None) or error}): "
            "give --certificate and --key two PEM files that belong together, the key without a password"
        ) from error
    return context
