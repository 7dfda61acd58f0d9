"""The handshake: two generators, each is sent the messages that come and yields what to send."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.wire.framing import Kind, message, unpack
from pongrl.wire.messages import (
    CHALLENGE,
    HELLO,
    IDENTITY_BYTES,
    MAGIC,
    NOBODY,
    PROOF_BYTES,
    VERSION,
    Role,
    Session,
    printable,
)

HANDSHAKE_SECONDS = 5.0  # for the whole handshake; a LAN needs a hundredth of it
Handshake: TypeAlias = Generator[bytes, tuple[Kind, bytes], "Admission"]


@dataclass(frozen=True)
class Admission:
    """What a finished handshake has settled; `last` is what the server still has to send."""

    role: Role
    session: Session
    identity: bytes = NOBODY
    last: bytes = b""


def _expect(kind: Kind, came: tuple[Kind, bytes]) -> bytes:
    if came[0] is not kind:
        raise ProtocolError(f"a {came[0].name} where a {kind.name} is due")
    return came[1]


def _proof(token: str, side: bytes, role: int, nonces: bytes) -> bytes:
    text = b"pong-rl %s %d %d " % (side, VERSION, role)
    return hmac.digest(token.encode(errors="surrogateescape"), text + nonces, "sha256")


def server_handshake(token: str, admit: Callable[[Role, bytes], Session]) -> Handshake:
    """The server's half. `admit` gives the session for a role and an identity, or raises RefusedError.

    Raises:
        ProtocolError: the peer is no Pong agent.
        RefusedError: it is one, and is to be sent the reason.
    """
    hello = _expect(Kind.HELLO, (yield b""))
    if hello[: len(MAGIC)] != MAGIC or len(hello) < len(MAGIC) + 2:
        raise ProtocolError("a HELLO without Pong's magic")
    version = int.from_bytes(hello[len(MAGIC) : len(MAGIC) + 2], "big")
    if version != VERSION:
        raise RefusedError(
            Refusal.VERSION,
            f"the server speaks version {VERSION} of the protocol and the agent version {version}: "
            "run the same release on both machines",
        )
    _, _, wanted, agent_nonce = unpack(HELLO, Kind.HELLO, hello)
    nonce = secrets.token_bytes(32)
    answer = _expect(Kind.PROOF, (yield message(Kind.CHALLENGE, CHALLENGE.pack(VERSION, nonce))))
    proof, identity = answer[:PROOF_BYTES], answer[PROOF_BYTES:]
    secrets_of_this = agent_nonce + nonce + identity
    if len(identity) != IDENTITY_BYTES or not hmac.compare_digest(
        proof, _proof(token, b"agent", wanted, secrets_of_this)
    ):
        raise RefusedError(
            Refusal.TOKEN,
            "the token is wrong: give the agent the one that the server printed, "
            "by PONG_TOKEN or --token-file"
            if token
            else "the token is wrong: this server has none, so start the agent without one",
        )
    try:
        role = Role(wanted)
    except ValueError as error:
        raise RefusedError(Refusal.ROLE, f"this server knows no role {wanted}") from error
    session = admit(role, identity)
    own_proof = _proof(token, b"server", role, secrets_of_this)
    return Admission(role, session, identity, message(Kind.WELCOME, own_proof + session.serialize()))


def client_handshake(token: str, role: Role, identity: bytes = NOBODY) -> Handshake:
    """The agent's half.

    Raises:
        ProtocolError: the peer is no Pong server, or does not know the token.
        RefusedError: the server's own reason.
    """
    nonce = secrets.token_bytes(32)
    came = yield message(Kind.HELLO, HELLO.pack(MAGIC, VERSION, role, nonce))
    challenge = _expect(Kind.CHALLENGE, _unless_refused(came))
    version = int.from_bytes(challenge[:2], "big")
    if version != VERSION:
        raise ProtocolError(
            f"the server speaks version {version} of the protocol and this agent version {VERSION}: "
            "run the same release on both machines"
        )
    _, server_nonce = unpack(CHALLENGE, Kind.CHALLENGE, challenge)
    secrets_of_this = nonce + server_nonce + identity
    came = yield message(Kind.PROOF, _proof(token, b"agent", role, secrets_of_this) + identity)
    welcome = _expect(Kind.WELCOME, _unless_refused(came))
    proof, parameters = welcome[:PROOF_BYTES], welcome[PROOF_BYTES:]
    if not hmac.compare_digest(proof, _proof(token, b"server", role, secrets_of_this)):
        raise ProtocolError("the server does not know the token: it may be somebody else's, go no further")
    return Admission(role, Session.parse(parameters), identity)


def _unless_refused(came: tuple[Kind, bytes]) -> tuple[Kind, bytes]:
    kind, body = came
    if kind is not Kind.REFUSAL:
        return came
    try:
        reason, sentence = Refusal(body[0]), printable(body[1:].decode())
    except (IndexError, ValueError) as error:
        raise ProtocolError("a REFUSAL without a reason") from error
    raise RefusedError(reason, f"the server refused: {sentence}")
