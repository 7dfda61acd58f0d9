"""What a peer may send in which state, and how long each message may be: one table for both ends."""

from __future__ import annotations

from collections.abc import Mapping

from pongrl.wire.framing import Kind
from pongrl.wire.messages import ECHO, IDENTITY_BYTES, NUMBER, PROOF_BYTES, REASON_BYTES, Session

# A HELLO or CHALLENGE of a later version may be longer; it must still be told apart from garbage.
SERVER_HANDSHAKE_LIMITS: Mapping[int, int] = {Kind.HELLO: 128, Kind.PROOF: PROOF_BYTES + IDENTITY_BYTES}
CLIENT_HANDSHAKE_LIMITS: Mapping[int, int] = {
    Kind.CHALLENGE: 128,
    Kind.REFUSAL: 1 + REASON_BYTES,
    Kind.WELCOME: PROOF_BYTES + 1024,
}


def server_limits(games: int) -> Mapping[int, int]:
    """What an agent may send once it is in, and how long each may be."""
    return {
        Kind.ACTION: NUMBER.size + games, Kind.PAUSE: 1, Kind.PING: ECHO.size,
        Kind.BYE: 0, Kind.HEARTBEAT: 0,
    }  # fmt: skip


WATCHER_LIMITS: Mapping[int, int] = {Kind.PING: ECHO.size, Kind.BYE: 0, Kind.HEARTBEAT: 0}
VIEWER_LIMITS: Mapping[int, int] = {
    Kind.VIEW: 1024, Kind.PONG: ECHO.size, Kind.BYE: REASON_BYTES, Kind.HEARTBEAT: 0,
}  # fmt: skip


def client_limits(session: Session) -> Mapping[int, int]:
    """What a server may send once it has proved itself."""
    return {
        Kind.STEP: session.step_limit, Kind.PONG: ECHO.size, Kind.BYE: REASON_BYTES, Kind.HEARTBEAT: 0,
    }  # fmt: skip
