"""The handshake: each side proves that it has the token, which itself never crosses.

    client   HELLO ─►             PROOF ─►
    server            ◄─ CHALLENGE         ◄─ WELCOME      (or REFUSAL, in place of either)

The docstring of netproto.py says what each of them carries and proves. Each half is a generator with no
socket in it: it is sent each message that comes (`send`), yields the bytes to answer with, and returns an
Admission.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.wire.framing import Kind, Message, message
from pongrl.wire.messages import (
    IDENTITY_BYTES,
    MAGIC,
    NAME_BYTES,
    NOBODY,
    VERSION,
    Role,
    Session,
    name_of,
    parse_refusal,
)

HANDSHAKE_SECONDS = 5.0  # for the whole handshake; a LAN needs a hundredth of it
PROOF_BYTES = 32
NONCE_BYTES = 32

_HELLO = struct.Struct(f"!{len(MAGIC)}sHB{NONCE_BYTES}s")  # magic, version, role, nonce
_CHALLENGE = struct.Struct(f"!H{NONCE_BYTES}s")  # version, nonce
_VERSION_BYTES = 2


@dataclass(frozen=True)
class Applicant:
    """A peer that has proved the token, and asks to come in."""

    role: Role
    identity: bytes = field(default=NOBODY, repr=False)
    name: str = ""  # that it gives itself, ready to print; empty if it gives none
    network: str = ""  # where it comes from; agents of one machine have the same


@dataclass(frozen=True)
class Admission:
    """What a finished handshake has settled; `last` is what the server still has to send."""

    role: Role
    session: Session
    identity: bytes = field(default=NOBODY, repr=False)
    name: str = ""
    last: bytes = b""


Handshake: TypeAlias = Generator[bytes, Message, Admission]
Admit: TypeAlias = Callable[[Applicant], Session]
"""Gives the session for an applicant, or raises RefusedError."""


def server_handshake(token: str, admit: Admit, network: str = "") -> Handshake:
    """Run the server's half; it yields nothing at first, since the client begins.

    Args:
        token: the secret that both sides have; "" lets everybody in.
        admit: lets applicants in, or refuses them.
        network: where the peer comes from.

    Raises:
        ProtocolError: the peer is no Pong client.
        RefusedError: the peer is one, and is to be sent this reason.
    """
    number, client_nonce = _parse_hello(_expect(Kind.HELLO, (yield b"")))
    nonce = secrets.token_bytes(NONCE_BYTES)
    answer = _expect(Kind.PROOF, (yield message(Kind.CHALLENGE, _CHALLENGE.pack(VERSION, nonce))))
    proof, claims = answer[:PROOF_BYTES], answer[PROOF_BYTES:]
    signed = client_nonce + nonce + claims
    if len(claims) < IDENTITY_BYTES or not hmac.compare_digest(
        proof, _proof(token, b"agent", number, signed)
    ):
        raise _wrong_token(token)
    try:
        role = Role(number)
    except ValueError as error:
        raise RefusedError(Refusal.ROLE, f"this server knows no role {number}") from error
    identity, name = claims[:IDENTITY_BYTES], name_of(claims[IDENTITY_BYTES:])
    session = admit(Applicant(role, identity, name, network))
    welcome = message(Kind.WELCOME, _proof(token, b"server", role, signed) + session.serialize())
    return Admission(role, session, identity, name, welcome)


def client_handshake(token: str, role: Role, identity: bytes = NOBODY, name: str = "") -> Handshake:
    """Run the client's half; it yields the HELLO at first.

    Args:
        token: the secret that both sides have; "" if there is none.
        role: what to be at the server.
        identity: by which the server knows the client again.
        name: by which people are to know it; what is longer than 96 bytes is cut.

    Raises:
        ProtocolError: the peer is no Pong server, or does not know the token.
        RefusedError: the server refuses us, for this reason.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    came = yield message(Kind.HELLO, _HELLO.pack(MAGIC, VERSION, role, nonce))
    claims = identity + name.encode(errors="replace")[:NAME_BYTES]
    signed = nonce + _parse_challenge(_expect(Kind.CHALLENGE, _unless_refused(came))) + claims
    came = yield message(Kind.PROOF, _proof(token, b"agent", role, signed) + claims)
    welcome = _expect(Kind.WELCOME, _unless_refused(came))
    proof, parameters = welcome[:PROOF_BYTES], welcome[PROOF_BYTES:]
    if not hmac.compare_digest(proof, _proof(token, b"server", role, signed)):
        raise ProtocolError("the server does not know the token: it may be somebody else's, go no further")
    return Admission(role, Session.parse(parameters), identity, name)


def _proof(token: str, side: bytes, role: int, signed: bytes) -> bytes:
    """Return a side's proof over what both have said; it names the side, so that it cannot be reflected."""
    text = b"pong-rl %s %d %d " % (side, VERSION, role)
    return hmac.digest(token.encode(errors="surrogateescape"), text + signed, "sha256")


def _parse_hello(body: bytes) -> tuple[int, bytes]:
    """Read a HELLO: return the number of the role, which may be unknown, and the client's nonce."""
    if body[: len(MAGIC)] != MAGIC or len(body) < len(MAGIC) + _VERSION_BYTES:
        raise ProtocolError("a HELLO without Pong's magic")
    version = int.from_bytes(body[len(MAGIC) : len(MAGIC) + _VERSION_BYTES], "big")
    if version != VERSION:
        raise RefusedError(
            Refusal.VERSION,
            f"the server speaks version {VERSION} of the protocol and the agent version {version}: "
            "run the same release on both machines",
        )
    _check_size(Kind.HELLO, body, _HELLO.size)
    _, _, role, nonce = _HELLO.unpack(body)
    return role, nonce


def _parse_challenge(body: bytes) -> bytes:
    """Read a CHALLENGE: return the server's nonce."""
    version = int.from_bytes(body[:_VERSION_BYTES], "big")
    if version != VERSION:
        raise ProtocolError(
            f"the server speaks version {version} of the protocol and this agent version {VERSION}: "
            "run the same release on both machines"
        )
    _check_size(Kind.CHALLENGE, body, _CHALLENGE.size)
    return body[_VERSION_BYTES:]


def _expect(kind: Kind, came: Message) -> bytes:
    """Return the body of the message that came, if it is of this kind."""
    if came[0] is not kind:
        raise ProtocolError(f"a {came[0].name} where a {kind.name} is due")
    return came[1]


def _unless_refused(came: Message) -> Message:
    """Return the message that came, unless it is a REFUSAL, which is raised."""
    if came[0] is Kind.REFUSAL:
        raise parse_refusal(came[1])
    return came


def _check_size(kind: Kind, body: bytes, size: int) -> None:
    if len(body) != size:
        raise ProtocolError(f"a {kind.name} of {len(body)} bytes instead of {size}")


def _wrong_token(token: str) -> RefusedError:
    """Return the refusal of a client whose proof is wrong, with the advice that fits."""
    advice = (
        "give the agent the one that the server printed, by PONG_TOKEN or --token-file"
        if token
        else "this server has none, so start the agent without one"
    )
    return RefusedError(Refusal.TOKEN, f"the token is wrong: {advice}")
