"""Reach a server: find the host, connect, agree on TLS if asked, and shake hands.

host, port  ──►  TCP  ──►  (TLS)  ──►  handshake  ──►  a Connection, and what is played on it
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

from pongrl.errors import ConnectionLostError, PongError, ProtocolError
from pongrl.files import LARGEST_PEM, check_readable
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Parser
from pongrl.wire.handshake import HANDSHAKE_SECONDS, Admission, client_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, Sender, State, limits
from pongrl.wire.messages import DEFAULT_PORT, IDENTITY_BYTES, NOBODY, Role, Session
from pongrl.wire.sockets import check_types, reason_of, resolve, spelled, tuned


@dataclass(frozen=True)
class Call:
    """Where to connect, and as whom.

    Args:
        host: name or address of the server.
        port: its port.
        token: the secret that the server has too; "" if it has none.
        role: what to be there.
        identity: 16 secret bytes, by which a client that lost its connection takes over its own place.
        timeout: seconds for connecting, and again for the handshake.
        ca: a file of certificates (PEM), which turns on TLS and must vouch for the server's.
        name: by which people there are to know us.

    Raises:
        UsageError: host or port is of another type.
        ValueError: the identity has another length.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = field(default="", repr=False)
    role: Role = Role.LEFT
    identity: bytes = field(default=NOBODY, repr=False)
    timeout: float = HANDSHAKE_SECONDS
    ca: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_types(self.host, self.port)
        if len(self.identity) != IDENTITY_BYTES:
            raise ValueError(f"identity must be {IDENTITY_BYTES} bytes, not {len(self.identity)}")


@dataclass(frozen=True)
class Line:
    """A connection to a server that has proved itself, and what it plays."""

    connection: Connection
    session: Session


def dial(call: Call) -> Line:
    """Connect to a server and shake hands.

    Raises:
        PongError: the host or the file of certificates cannot be found.
        ConnectionLostError: nobody listens there, or no longer.
        RefusedError: a Pong server refuses us.
        ProtocolError: what listens there is no Pong server.
    """
    where = spelled(call.host, call.port)
    resolve(call.host, call.port, passive=False)
    try:
        sock = socket.create_connection((call.host, int(call.port)), call.timeout)
    except OSError as error:
        raise ConnectionLostError(f"no server at {where} ({reason_of(error)})") from error
    try:
        if call.ca is not None:
            sock = _encrypted(sock, call, call.ca)
        parser = Parser(CLIENT_HANDSHAKE_LIMITS)
        session = _shake_hands(sock, parser, call).session
        parser.limits = limits(State.of(call.role), Sender.SERVER, session)
        return Line(Connection(tuned(sock), parser, f"the server at {where}"), session)
    except ProtocolError as error:
        sock.close()
        raise ProtocolError(f"{where} is not a Pong server that this agent can use: {error}") from error
    except OSError as error:  # on macOS, if the server has left already
        sock.close()
        raise ConnectionLostError(f"the server at {where} is gone ({reason_of(error)})") from error
    except BaseException:
        sock.close()
        raise


def _encrypted(sock: socket.socket, call: Call, ca: str) -> socket.socket:
    """Agree on TLS with a server whose certificate is in the file `ca`, or signed by one in it."""
    try:
        check_readable(Path(ca), LARGEST_PEM)
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise PongError(
            f"the certificates in {ca} cannot be read ({reason_of(error)}): give --ca a PEM file"
        ) from error
    try:
        return context.wrap_socket(sock, server_hostname=call.host)
    except ssl.SSLCertVerificationError as error:
        raise ProtocolError(
            f"its certificate is not one that {ca} vouches for ({error.verify_message})"
        ) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError) as error:
        raise _lost(call, error, has_spoken=False) from error
    except OSError as error:
        raise ProtocolError(
            f"it does not speak TLS ({reason_of(error)}): leave out --ca if it has no --certificate"
        ) from error


def _shake_hands(sock: socket.socket, parser: Parser, call: Call) -> Admission:
    """Carry the client's half of the handshake over a socket; all of it has one deadline.

    Raises:
        ConnectionLostError: the peer hung up, or time was over.
    """
    handshake = client_handshake(call.token, call.role, call.identity, call.name)
    deadline, has_spoken = time.monotonic() + call.timeout, False
    try:
        sock.sendall(next(handshake))
        while True:
            while (came := parser.next()) is None:
                sock.settimeout(max(deadline - time.monotonic(), 0.001))
                data = sock.recv(4096)
                if not data:
                    raise EOFError
                has_spoken = True
                parser.feed(data)
            sock.sendall(handshake.send(came))
    except StopIteration as done:
        admission: Admission = done.value
        return admission
    except (EOFError, OSError) as error:
        raise _lost(call, error, has_spoken) from error


def _lost(call: Call, error: Exception, has_spoken: bool) -> ConnectionLostError:
    """Say how the peer was lost during the handshake. A silent one may forward to a server that is absent."""
    where, is_silent = spelled(call.host, call.port), isinstance(error, TimeoutError)
    if has_spoken:
        how = "fell silent" if is_silent else "hung up"
        return ConnectionLostError(f"the server at {where} {how} in the middle of the handshake")
    silence = f"has not said a word for {call.timeout:g} seconds"
    how = silence if is_silent else "hung up before it said a word"
    tls = "has no --certificate: then leave out --ca" if call.ca else "has a --certificate: give --ca"
    return ConnectionLostError(
        f"what listens at {where} {how}: perhaps it only forwards, and no server runs behind it; or it {tls}"
    )
