"""What each end may send in which state, and how long it may be: one table for both ends.

                  HANDSHAKE               PLAYING                       WATCHING
    client sends  HELLO, PROOF            ACTION, PAUSE, PING           PING
    server sends  CHALLENGE, REFUSAL,     STEP, PONG                    VIEW, PONG
                  WELCOME
    both send                             BYE, HEARTBEAT                BYE, HEARTBEAT

A state never goes back: HANDSHAKE ends in PLAYING or WATCHING, by the role, and these end with the
connection. The Parser of each end is given the row of its peer, so anything else is refused at its first
byte, and a length at the header.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pongrl.wire.framing import Kind
from pongrl.wire.handshake import PROOF_BYTES
from pongrl.wire.messages import ECHO, IDENTITY_BYTES, NAME_BYTES, NUMBER, REASON_BYTES, Role, Session

Limits: TypeAlias = Mapping[int, int]  # kind → the largest body in bytes, as a Parser takes it


@enum.unique
class Sender(enum.Enum):
    """An end of the wire."""

    CLIENT = "client"  # connected, to play or to watch
    SERVER = "server"


@enum.unique
class State(enum.Enum):
    """How far a connection has come."""

    HANDSHAKE = "handshake"
    PLAYING = "playing"
    WATCHING = "watching"

    @classmethod
    def of(cls, role: Role) -> State:
        """Return the state that follows the handshake for this role."""
        return cls.WATCHING if role is Role.WATCH else cls.PLAYING


# HELLO and CHALLENGE of a later version may be longer; they must still be told apart from garbage.
MAY_SEND: Mapping[State, Mapping[Sender, Mapping[Kind, int | Callable[[Session], int]]]] = {
    State.HANDSHAKE: {
        Sender.CLIENT: {Kind.HELLO: 128, Kind.PROOF: PROOF_BYTES + IDENTITY_BYTES + NAME_BYTES},
        Sender.SERVER: {
            Kind.CHALLENGE: 128,
            Kind.REFUSAL: 1 + REASON_BYTES,
            Kind.WELCOME: PROOF_BYTES + 1024,
        },
    },
    State.PLAYING: {
        Sender.CLIENT: {
            Kind.ACTION: lambda session: NUMBER.size + session.games,
            Kind.PAUSE: 1,
            Kind.PING: ECHO.size,
            Kind.BYE: 0,
            Kind.HEARTBEAT: 0,
        },
        Sender.SERVER: {
            Kind.STEP: lambda session: session.step_limit,
            Kind.PONG: ECHO.size,
            Kind.BYE: REASON_BYTES,
            Kind.HEARTBEAT: 0,
        },
    },
    State.WATCHING: {
        Sender.CLIENT: {Kind.PING: ECHO.size, Kind.BYE: 0, Kind.HEARTBEAT: 0},
        Sender.SERVER: {Kind.VIEW: 1024, Kind.PONG: ECHO.size, Kind.BYE: REASON_BYTES, Kind.HEARTBEAT: 0},
    },
}


def limits(state: State, sender: Sender, session: Session | None = None) -> Limits:
    """Return what an end may send in a state, as a Parser takes it.

    Args:
        state: how far the connection has come.
        sender: the end that sends, which is the peer of the one that reads.
        session: what is played; needed for PLAYING, whose sizes depend on it.
    """

    def size(limit: int | Callable[[Session], int]) -> int:
        if isinstance(limit, int):
            return limit
        assert session is not None
        return limit(session)

    return {kind: size(limit) for kind, limit in MAY_SEND[state][sender].items()}


# The rows by the name of who reads them.
SERVER_HANDSHAKE_LIMITS = limits(State.HANDSHAKE, Sender.CLIENT)
CLIENT_HANDSHAKE_LIMITS = limits(State.HANDSHAKE, Sender.SERVER)
WATCHER_LIMITS = limits(State.WATCHING, Sender.CLIENT)
VIEWER_LIMITS = limits(State.WATCHING, Sender.SERVER)


def server_limits(session: Session) -> Limits:
    """Return what a server takes from an agent that plays."""
    return limits(State.PLAYING, Sender.CLIENT, session)


def client_limits(session: Session) -> Limits:
    """Return what an agent that plays takes from its server."""
    return limits(State.PLAYING, Sender.SERVER, session)
