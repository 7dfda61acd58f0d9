"""The wire between a game server and its agents: the protocol, and the names to program it with.

Nothing here knows learning, or Pong's rules. An agent needs only PongClient; pongrl/wire has the code.

A message is a header and a body. Every integer on the wire is big-endian:

    ┌──────────┬────────────┬──────────────┐
    │ kind  u8 │ length u32 │ body, length │      the length is checked against the limit of its kind
    └──────────┴────────────┴──────────────┘      before a byte of the body is waited for

    client → server (fixed layouts)                   server → client
    HELLO      magic 8s, version u16, role u8,        CHALLENGE  version u16, nonce 32s
               nonce 32s                              REFUSAL    reason u8, sentence (UTF-8)
    PROOF      HMAC 32s, identity 16s, name           WELCOME    HMAC 32s, pickle of the Session
    ACTION     number u32, one u8 per game            STEP       pickle of one Step
    PAUSE      u8: 1 to pause, 0 to go on             PONG       u64, what the PING said
    PING       u64                                    BYE        sentence (UTF-8), may be empty
    BYE        –                                      HEARTBEAT  –
    HEARTBEAT  –                                      VIEW       pickle of one View, for those who watch

The handshake proves to each side that the other one has the token, which itself never crosses:

        client                                           server
    1.  HELLO(magic, version, role, nonce a)    ──────►  checks magic and version
    2.                                          ◄──────  CHALLENGE(version, nonce s)
    3.  PROOF(HMAC("agent", …), identity, name) ──────►  compares it in constant time; checks role and place
    4.                                          ◄──────  WELCOME(HMAC("server", …), session)
    5.  compares the server's proof, then reads the session

    HMAC(side, …) is HMAC-SHA256 with the token as key, over side, version, role, nonce a, nonce s, identity,
    name.
    The identity is the client's secret: with it a client that lost its connection takes over the place that
    the server still keeps for it. Sixteen zeros are nobody's. The name, which may be empty, is for people: an
    arena shows it. In place of 2 or 4 the server may send a
    REFUSAL with a reason that a person can act on. The whole handshake has one deadline.

After the handshake the server sends STEP n and the agent answers ACTION n, one STEP at a time. An agent in
the role RIGHT is shown the mirror image: frames from right to left, its own score first, its own rewards and
moves. Either side sends a HEARTBEAT when it has sent nothing for two seconds, and gives up a peer that has
been silent for nine. What each side may send in which state is one table, in pongrl/wire/limits.py.

Threat model. Anybody can connect, and can send and answer anything. The listening side never unpickles. The
connecting side unpickles only what comes after the server's proof, and only plain values, checked by
pongrl/wire/plain.py. Only TLS, which is optional, keeps out somebody who can read or change the network's
traffic.

    PongError                 one sentence for a person: what happened, and what to do
    ├── ProtocolError         the peer broke the rules above, or is no Pong peer at all
    ├── RefusedError          the server answered and refused us (.reason says why)
    └── ConnectionLostError   the peer left or went silent, or the network failed
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
from pongrl.wire.connection import HEARTBEAT_SECONDS, SILENCE_SECONDS, Connection, wait
from pongrl.wire.framing import Kind, Message, Parser, message
from pongrl.wire.handshake import (
    HANDSHAKE_SECONDS,
    Admission,
    Applicant,
    Handshake,
    client_handshake,
    server_handshake,
)
from pongrl.wire.identity import identity_for
from pongrl.wire.limits import MAY_SEND, Sender, State, limits
from pongrl.wire.messages import (
    DEFAULT_PORT,
    IDENTITY_BYTES,
    MAGIC,
    MAX_GAMES,
    NOBODY,
    VERSION,
    Column,
    Mover,
    Role,
    Session,
    Step,
    View,
    action,
    goodbye,
    parse_action,
    parse_echo,
    parse_goodbye,
    parse_pause,
    parse_refusal,
    pause,
    refusal,
)
from pongrl.wire.sockets import tuned
from pongrl.wire.tokens import choose_token
from pongrl.wire.waiting import Wake

__all__ = [  # noqa: RUF022  # in the order of reading
    # a client, of a server at an address
    "PongClient", "PongWatcher", "DEFAULT_PORT", "choose_token", "identity_for",
    # what it is told and asks for
    "Role", "Session", "Step", "Column", "Mover", "View", "MAX_GAMES", "NOBODY", "IDENTITY_BYTES",
    # what goes wrong
    "PongError", "ProtocolError", "RefusedError", "Refusal", "ConnectionLostError", "GoodbyeError",
    # to wait for several clients at once
    "Wake", "wait",
    # to write an end yourself: connections …
    "Connection", "HEARTBEAT_SECONDS", "SILENCE_SECONDS", "tuned",
    # … the handshake, both halves …
    "client_handshake", "server_handshake", "Handshake", "Applicant", "Admission",
    "HANDSHAKE_SECONDS", "MAGIC", "VERSION",
    # … messages, and what each side may send when
    "Kind", "Message", "message", "Parser", "MAY_SEND", "Sender", "State", "limits",
    "action", "parse_action", "pause", "parse_pause", "parse_echo", "goodbye", "parse_goodbye",
    "refusal", "parse_refusal",
]  # fmt: skip
