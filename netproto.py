"""The wire between a game server and its agents: both ends, and nothing of Pong or of learning.

A message is a header and a body; every integer on the wire is big-endian:

    ┌──────────┬────────────┬──────────────┐
    │ kind  u8 │ length u32 │ body, length │      length is checked against the kind's own limit
    └──────────┴────────────┴──────────────┘      before a byte of the body is waited for

    agent → server (fixed layouts)                    server → agent
    HELLO      magic 8s, version u16, role u8,        CHALLENGE  version u16, nonce 32s
               nonce 32s                              REFUSAL    reason u8, sentence (UTF-8)
    PROOF      HMAC 32s, identity 16s                 WELCOME    HMAC 32s, pickle of the Session
    ACTION     number u32, one u8 per game            STEP       pickle of one Step
    PAUSE      u8, 1 pause or 0 go on                 PONG       u64, what the PING said
    PING       u64                                    BYE        sentence (UTF-8), or nothing
    BYE        –                                      HEARTBEAT  –
    HEARTBEAT  –                                      VIEW       pickle of one View, to those who watch

The handshake proves to each side that the other one has the token, which itself never crosses:

        agent                                          server
    1.  HELLO(magic, version, role, nonce a)  ──────►  magic and version are checked
    2.                                        ◄──────  CHALLENGE(version, nonce s)
    3.  PROOF(HMAC("agent", …), identity)     ──────►  compared in constant time; role and place checked
    4.                                        ◄──────  WELCOME(HMAC("server", …), session)
    5.  the server's proof is compared, then the session is read

    HMAC(side, …) is HMAC-SHA256, keyed with the token, over side, version, role, nonce a, nonce s, identity.
    The identity is the agent's secret: with it an agent whose machine died takes over the place that the
    server still keeps for it. Sixteen zeros are none.
    In place of 2 or 4 the server may send REFUSAL with a reason that a person can act on. One deadline
    covers all of it.

After it the server sends STEP n and the agent answers ACTION n, one STEP outstanding at a time. An agent in
the role RIGHT is told the mirror image: frames from right to left, its own score first, its own rewards and
moves. Either side sends a HEARTBEAT when it has sent nothing for two seconds; a peer silent for ten is given
up.

Threat model. Anybody can connect, and send and answer anything. The listening side never unpickles.
The connecting side unpickles only what comes after the server's proof, and only plain values (`plain`).
Somebody who can read or change the traffic of a network is kept out by TLS alone, which is optional.

    PongError                 one sentence for a person: what happened, and what to do
    ├── ProtocolError         the peer broke the rules above, or is no Pong peer at all
    ├── RefusedError          the server answered, and refused us (.reason says why)
    └── ConnectionLostError   the peer left, or went silent, or the network did
        └── GoodbyeError      the peer said that it leaves
"""

from __future__ import annotations

from pongrl.errors import (
    ConnectionLostError,
    GoodbyeError,
    PongError,
    ProtocolError,
    Refusal,
    RefusedError,
)
from pongrl.wire.client import PongClient, PongWatcher
from pongrl.wire.connection import Connection, wait
from pongrl.wire.framing import Kind
from pongrl.wire.messages import (
    DEFAULT_PORT,
    IDENTITY_BYTES,
    MAX_GAMES,
    NOBODY,
    VERSION,
    Column,
    Mover,
    Role,
    Session,
    Step,
    View,
)
from pongrl.wire.waiting import Wake

__all__ = [
    "DEFAULT_PORT", "IDENTITY_BYTES", "MAX_GAMES", "NOBODY", "VERSION", "Column", "Connection", "ConnectionLostError",
    "GoodbyeError", "Kind", "Mover", "PongClient", "PongError", "PongWatcher", "ProtocolError", "Refusal", "RefusedError",
    "Role", "Session", "Step", "View", "Wake", "wait",
]  # fmt: skip
