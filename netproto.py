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

import contextlib
import enum
import functools
import hmac
import ipaddress
import logging
import math
import os
import secrets
import select
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

# The "as" lets others take them from here.
from plain import PongError as PongError
from plain import ProtocolError as ProtocolError
from plain import dumps, loads, pack_array, unpack_array

MAGIC = b"PONG-RL\n"
VERSION = 2
DEFAULT_PORT = 12345

HANDSHAKE_SECONDS = 5.0  # for the whole handshake; a LAN needs a hundredth of it
HEARTBEAT_SECONDS = 2.0  # less than a quarter of the silence below, so that one lost packet is no lost peer
SILENCE_SECONDS = 9.0  # so that a peer that vanished is given up within ten
MAX_FRAME_CELLS = 1 << 16  # an index within a frame crosses as u16
MAX_STEP_CELLS = 1 << 19  # all frames of one STEP: reading the worst one takes 14 MB
MAX_GAMES = 128
SPIN_SECONDS = 0.0003 if (os.cpu_count() or 1) > 1 else 0.0  # see `wait`
READS_AT_ONCE = 16
VIEWS_AT_ONCE = 10_000  # minutes of them: a flood must not hold up the window
READ_BYTES = 1 << 16  # the most that one read takes; of who has little to say, the server reads less
SHORT_WAITS, MOST_SHORT_WAITS = 3, 8  # before a wait begins by looking, and that are counted
MAX_UNSENT_BYTES = 1 << 20  # a peer that leaves this much unread is gone

Address: TypeAlias = tuple[str, int]
UInt8Array: TypeAlias = npt.NDArray[np.uint8]
Int32Array: TypeAlias = npt.NDArray[np.int32]
IntpArray: TypeAlias = npt.NDArray[np.intp]

# A socket that does not wait says so: nothing is there now, or nothing fits now.
AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

log = logging.getLogger("pong.wire")


# ---------------------------------------------------------------------------------------------
# Errors


class RefusedError(PongError):
    """The server answered and refused; `reason` says why in a word, the message in a sentence."""

    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class ConnectionLostError(PongError):
    """The peer left, or went silent, or the network between did."""


class GoodbyeError(ConnectionLostError):
    """The peer ended the connection in order, and said so."""


def printable(text: str) -> str:
    """Escape what a peer sent, so that printing it can neither move a cursor nor forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# ---------------------------------------------------------------------------------------------
# Kinds


@enum.unique
class Kind(enum.IntEnum):
    """What a message is; the number is the header's first byte."""

    HELLO = 1
    PROOF = 2
    ACTION = 3
    PAUSE = 4
    PING = 5
    BYE = 6
    HEARTBEAT = 7
    CHALLENGE = 16
    REFUSAL = 17
    WELCOME = 18
    STEP = 19
    PONG = 20
    VIEW = 21


@enum.unique
class Role(enum.IntEnum):
    """What a client asks to be: the player of one paddle, or a spectator."""

    LEFT = 0
    RIGHT = 1
    WATCH = 2


@enum.unique
class Refusal(enum.IntEnum):
    """Why a server refuses."""

    VERSION = 1
    TOKEN = 2
    ROLE = 3
    BUSY = 4


@enum.unique
class Mover(enum.IntEnum):
    """Who made the move that a STEP reports."""

    AGENT = 0  # the agent, with the move it sent for this very state
    HELD = 1  # nobody in time: the move before went on, or the paddle stood still
    HUMAN = 2  # a person at the server's keyboard
    BUILTIN = 3  # the built-in AI (a demonstration)


# ---------------------------------------------------------------------------------------------
# Messages

_HEADER = struct.Struct("!BI")
_HELLO = struct.Struct("!8sHB32s")
_CHALLENGE = struct.Struct("!H32s")
_NUMBER = struct.Struct("!I")
_ECHO = struct.Struct("!Q")
_PROOF_BYTES = 32
IDENTITY_BYTES = 16
NOBODY = bytes(IDENTITY_BYTES)
_REASON_BYTES = 400
_STATUS_CHARACTERS = 150

# A HELLO or CHALLENGE of a later version may be longer; it must still be told apart from garbage.
SERVER_HANDSHAKE_LIMITS: Mapping[int, int] = {Kind.HELLO: 128, Kind.PROOF: _PROOF_BYTES + IDENTITY_BYTES}
CLIENT_HANDSHAKE_LIMITS: Mapping[int, int] = {
    Kind.CHALLENGE: 128,
    Kind.REFUSAL: 1 + _REASON_BYTES,
    Kind.WELCOME: _PROOF_BYTES + 1024,
}


def message(kind: Kind, body: bytes = b"") -> bytes:
    """One whole message, ready to send."""
    return _HEADER.pack(kind, len(body)) + body


class Parser:
    """Bytes in, messages out: `feed` what came, then `next` until it gives None.

    It never holds more than one message of the largest kind allowed, and what was fed beyond it.
    """

    def __init__(self, limits: Mapping[int, int]) -> None:
        self.limits = limits
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they came."""
        self._buffer += data

    def next(self) -> tuple[Kind, bytes] | None:
        """Take the next whole message (kind, body) out, or None while it is not all there.

        Raises:
            ProtocolError: a kind that may not come now, or a length beyond that kind's limit.
        """
        if len(self._buffer) < _HEADER.size:
            if self._buffer and self._buffer[0] not in self.limits:
                raise ProtocolError(f"a message of kind {self._buffer[0]}, which may not come here")
            return None
        kind, length = _HEADER.unpack_from(self._buffer)
        limit = self.limits.get(kind)
        if limit is None:
            raise ProtocolError(f"a message of kind {kind}, which may not come here")
        if length > limit:
            raise ProtocolError(f"a {Kind(kind).name} of {length} bytes, where {limit} are allowed")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return Kind(kind), body


def _unpack(layout: struct.Struct, kind: Kind, body: bytes) -> tuple[Any, ...]:
    if len(body) != layout.size:
        raise ProtocolError(f"a {kind.name} of {len(body)} bytes instead of {layout.size}")
    return layout.unpack(body)


@dataclass(frozen=True)
class Session:
    """What the server plays, told once in WELCOME. All games have frames of one size."""

    games: int
    height: int  # of a frame, in cells
    width: int
    level: int
    frameskip: int  # ticks in one decision
    ticks_per_second: int  # of real time
    points_to_win: int
    lockstep: bool

    def serialize(self) -> bytes:
        """Pack the parameters for WELCOME."""
        return dumps(asdict(self))

    @classmethod
    def parse(cls, body: bytes) -> Session:
        """Read WELCOME's parameters.

        Raises:
            ProtocolError: they are others, or out of their ranges.
        """
        values = loads(body)
        if type(values) is not dict or values.keys() != {field.name for field in fields(cls)}:
            raise ProtocolError("a WELCOME without the session's parameters")
        numbers = {name: value for name, value in values.items() if name != "lockstep"}
        if type(values["lockstep"]) is not bool or not all(
            type(value) is int and 0 < value <= 1_000_000 for value in numbers.values()
        ):
            raise ProtocolError("a WELCOME with a parameter out of its range")
        session = cls(**values)
        cells = session.height * session.width
        if session.games > MAX_GAMES or cells > MAX_FRAME_CELLS or cells * session.games > MAX_STEP_CELLS:
            raise ProtocolError("a WELCOME with more or larger games than one connection carries")
        return session

    @property
    def step_limit(self) -> int:
        """The largest STEP in bytes: every cell lit, at three bytes, and a little per game."""
        return 512 + self.games * (128 + 3 * self.height * self.width)


@enum.unique
class Column(enum.IntEnum):
    """What STEP says of each game, i32 each. "Since" means since the last STEP that was sent."""

    REWARD = 0  # points won less points lost, since
    LEFT = 1  # score of the match being played
    RIGHT = 2
    MATCHES = 3  # matches finished
    MOVE = 4  # the move really made since, for most of the ticks
    MOVER = 5  # and by whom (Mover)
    POINTS = 6  # points played to their end, since; from here on none is negative
    TICKS = 7  # ticks played, since
    HITS = 8  # times that a paddle hit the ball, since
    CELLS = 9  # lit cells of the frame; `serialize` counts them


@dataclass(frozen=True, eq=False)
class Step:
    """One state of all games, and what has happened since the last one.

    Rewards of states that were dropped are in the next one's, so that all rewards received always equal
    the change of the score. Where `points` is not 0 an episode has ended, and the frame already shows
    what follows it. A frame crosses the wire, and is kept here, as its K lit cells.
    """

    number: int
    dropped: int  # states that this session has dropped so far because the agent was late
    table: Int32Array  # (games, len(Column))
    shape: tuple[int, int, int]  # games, height and width
    lit: IntpArray  # (K,) which cells of all frames, ascending: (game · height + row) · width + column
    light: UInt8Array  # (K,) how bright they are

    # Of shape (games,), but for the scores.
    rewards = property(lambda self: self.table[:, Column.REWARD])
    points = property(lambda self: self.table[:, Column.POINTS])
    ticks = property(lambda self: self.table[:, Column.TICKS])
    moves = property(lambda self: self.table[:, Column.MOVE])
    movers = property(lambda self: self.table[:, Column.MOVER])
    scores = property(lambda self: self.table[:, Column.LEFT : Column.RIGHT + 1])  # (games, 2)
    matches = property(lambda self: self.table[:, Column.MATCHES])
    hits = property(lambda self: self.table[:, Column.HITS])

    @classmethod
    def of(cls, number: int, dropped: int, frames: UInt8Array, table: Int32Array) -> Step:
        """Make a state of whole frames (games, height, width)."""
        games, height, width = frames.shape
        lit = np.flatnonzero(frames != 0)  # of booleans: ten times as fast as of bytes
        return cls(number, dropped, table, (games, height, width), lit, frames.reshape(-1)[lit])

    @functools.cached_property
    def frames(self) -> UInt8Array:
        """The whole frames: (games, height, width)."""
        frames = np.zeros(self.shape, np.uint8)
        frames.reshape(-1)[self.lit] = self.light
        return frames

    def serialize(self) -> bytes:
        """Pack the whole message; a lit cell takes three bytes: place in its frame u16, light u8."""
        games, height, width = self.shape
        game, cell = np.divmod(self.lit, height * width) if games > 1 else (self.lit, self.lit)
        table = self.table.copy()
        table[:, Column.CELLS] = np.bincount(game, minlength=games) if games > 1 else len(cell)
        packed = pack_array(table), pack_array(cell.astype(np.uint16)), pack_array(self.light)
        return message(Kind.STEP, dumps((self.number, self.dropped, *packed)))

    @classmethod
    def parse(cls, body: bytes, session: Session) -> Step:
        """Read a STEP's body.

        Raises:
            ProtocolError: it does not fit the session.
        """
        values = loads(body)
        if type(values) is not tuple or len(values) != 5 or not all(
            type(value) is int and 0 <= value < 1 << 32 for value in values[:2]
        ):  # fmt: skip
            raise ProtocolError("a STEP that is none")
        games, size = session.games, session.height * session.width
        table = unpack_array(values[2], np.int32, (games, len(Column)))
        cell = unpack_array(values[3], np.uint16, None)
        light = unpack_array(values[4], np.uint8, (len(cell),))
        # Counted, since that is by far the fastest that numpy does with booleans.
        if np.count_nonzero(table[:, Column.POINTS :] < 0):
            raise ProtocolError("a STEP with negative counts")
        rewards, points = table[:, Column.REWARD].tolist(), table[:, Column.POINTS].tolist()
        if any(abs(reward) > played for reward, played in zip(rewards, points, strict=True)):
            raise ProtocolError("a STEP with rewards for points that were not played")
        counts = table[:, Column.CELLS].tolist()
        if sum(counts) != len(cell) or np.count_nonzero(cell >= size):
            raise ProtocolError("a STEP with cells outside its frames")
        if np.count_nonzero(light) != len(light):
            raise ProtocolError("a STEP with cells that are dark")
        lit = cell.astype(np.intp)
        if games > 1:
            lit += np.arange(0, games * size, size).repeat(counts)
        if np.count_nonzero(lit[1:] <= lit[:-1]):
            raise ProtocolError("a STEP with cells out of order")
        return cls(values[0], values[1], table, (games, session.height, session.width), lit, light)


@dataclass(frozen=True)
class View:
    """What a person is shown of one moment of the first game, here or at the other end of a network."""

    ball: tuple[int, int]
    paddles: tuple[int, int]
    score: tuple[int, int]
    matches: int  # finished
    last_match: tuple[int, int] | None  # its score
    rally: int  # hits in this point
    last_rally: int  # and in the one before
    sounds: tuple[int, int, int]  # hits, bounces and points so far: a change is to be heard
    status: str

    def serialize(self) -> bytes:
        """Pack the whole message."""
        played = (self.score, self.matches, self.last_match, self.rally, self.last_rally)
        status = self.status[:_STATUS_CHARACTERS]
        return message(Kind.VIEW, dumps((self.ball, self.paddles, *played, self.sounds, status)))

    @classmethod
    def parse(cls, body: bytes) -> View:
        """Read a VIEW's body.

        Raises:
            ProtocolError: it is none.
        """
        match loads(body):
            case (
                (int(), int()) as ball, (int(), int()) as paddles, (int(), int()) as score, int(matches),
                None | (int(), int()) as last, int(rally), int(before), (int(), int(), int()) as sounds,
                str(status),
            ) if all(
                abs(number) < 1 << 31
                for part in (ball, paddles, score, last or (), (matches, rally, before), sounds)
                for number in part
            ):  # fmt: skip
                words = printable(status[:_STATUS_CHARACTERS])
                return cls(ball, paddles, score, matches, last, rally, before, sounds, words)
        raise ProtocolError("a VIEW that is none")


def action(number: int, moves: bytes) -> bytes:
    """ACTION: the answer to STEP `number`, one byte per game."""
    return message(Kind.ACTION, _NUMBER.pack(number) + moves)


def parse_action(body: bytes, games: int) -> tuple[int, bytes]:
    """Read an ACTION's body: the number of the STEP that it answers, and the moves."""
    if len(body) != _NUMBER.size + games:
        raise ProtocolError(f"an ACTION of {len(body)} bytes for {games} games")
    return _NUMBER.unpack_from(body)[0], body[_NUMBER.size :]


def parse_pause(body: bytes) -> bool:
    """Read a PAUSE's body: whether to pause, or to go on."""
    if body not in (b"\0", b"\1"):
        raise ProtocolError("a PAUSE that is neither 0 nor 1")
    return body == b"\1"


def parse_echo(body: bytes) -> bytes:
    """Read a PING's body, which its PONG sends back."""
    if len(body) != _ECHO.size:
        raise ProtocolError(f"a PING of {len(body)} bytes instead of {_ECHO.size}")
    return body


def server_limits(games: int) -> Mapping[int, int]:
    """What an agent may send once it is in, and how long each may be."""
    return {
        Kind.ACTION: _NUMBER.size + games, Kind.PAUSE: 1, Kind.PING: _ECHO.size,
        Kind.BYE: 0, Kind.HEARTBEAT: 0,
    }  # fmt: skip


WATCHER_LIMITS: Mapping[int, int] = {Kind.PING: _ECHO.size, Kind.BYE: 0, Kind.HEARTBEAT: 0}
VIEWER_LIMITS: Mapping[int, int] = {
    Kind.VIEW: 1024, Kind.PONG: _ECHO.size, Kind.BYE: _REASON_BYTES, Kind.HEARTBEAT: 0,
}  # fmt: skip


def client_limits(session: Session) -> Mapping[int, int]:
    """What a server may send once it has proved itself."""
    return {
        Kind.STEP: session.step_limit, Kind.PONG: _ECHO.size, Kind.BYE: _REASON_BYTES, Kind.HEARTBEAT: 0,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------
# The handshake: two generators, each is sent the messages that come and yields what to send

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
    _, _, wanted, agent_nonce = _unpack(_HELLO, Kind.HELLO, hello)
    nonce = secrets.token_bytes(32)
    answer = _expect(Kind.PROOF, (yield message(Kind.CHALLENGE, _CHALLENGE.pack(VERSION, nonce))))
    proof, identity = answer[:_PROOF_BYTES], answer[_PROOF_BYTES:]
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
    came = yield message(Kind.HELLO, _HELLO.pack(MAGIC, VERSION, role, nonce))
    challenge = _expect(Kind.CHALLENGE, _unless_refused(came))
    version = int.from_bytes(challenge[:2], "big")
    if version != VERSION:
        raise ProtocolError(
            f"the server speaks version {version} of the protocol and this agent version {VERSION}: "
            "run the same release on both machines"
        )
    _, server_nonce = _unpack(_CHALLENGE, Kind.CHALLENGE, challenge)
    secrets_of_this = nonce + server_nonce + identity
    came = yield message(Kind.PROOF, _proof(token, b"agent", role, secrets_of_this) + identity)
    welcome = _expect(Kind.WELCOME, _unless_refused(came))
    proof, parameters = welcome[:_PROOF_BYTES], welcome[_PROOF_BYTES:]
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


def refusal(error: RefusedError) -> bytes:
    """The message that carries a refusal's reason."""
    sentence = str(error).encode()[:_REASON_BYTES].decode(errors="ignore")
    return message(Kind.REFUSAL, bytes((error.reason,)) + sentence.encode())


# ---------------------------------------------------------------------------------------------
# Sockets


class Wake:
    """An event that a thread waiting on a socket hears too. Any thread may `set` it."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """What `select` waits for."""
        return self._reader.fileno()

    def set(self) -> None:
        """Wake whoever waits, now or next."""
        with contextlib.suppress(OSError):  # full: it is set already; closed: nobody waits
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Forget that it was set."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(64):
                pass

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, at most so long; clear it and say whether it was."""
        heard = bool(ready([self._reader], [], seconds)[0])
        if heard:
            self.clear()
        return heard

    def close(self) -> None:
        """Give the sockets back."""
        self._reader.close()
        self._writer.close()


class Connection:
    """An authenticated peer: whole messages, heartbeats, and an end that is always noticed.

    `receive` belongs to one thread; `send` may be called from any.
    """

    def __init__(self, sock: socket.socket, parser: Parser, peer: str, read_bytes: int = READ_BYTES) -> None:
        self.peer = peer
        self._sock, self._read_bytes = sock, read_bytes
        self._parser = parser
        self._unsent = bytearray()
        self._lock = threading.Lock()  # of the socket: a heartbeat thread sends beside the owner
        self._sent = self._heard = time.monotonic()
        self._short_waits = 0  # of late; a long one halves it, so that one alone changes nothing

    def fileno(self) -> int:
        """What `select` waits for."""
        return self._sock.fileno()

    def send(self, data: bytes) -> None:
        """Send a whole message, or keep what the peer does not take yet for later.

        Raises:
            ConnectionLostError: the peer is gone, or has left a megabyte unread.
        """
        with self._lock:
            self._unsent += data
            self._sent = time.monotonic()
            self._flush()
            if len(self._unsent) > MAX_UNSENT_BYTES:
                raise ConnectionLostError(f"{self.peer} does not read what it is sent")

    def flush(self) -> None:
        """Send what was kept for later, as far as the peer takes it now; `take` notices if it is gone."""
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

    @property
    def is_behind(self) -> bool:
        """Whether the peer has not yet taken all that it was sent."""
        return bool(self._unsent)

    def send_heartbeat(self) -> None:
        """Send a HEARTBEAT if nothing else was sent for a while."""
        if time.monotonic() - self._sent >= HEARTBEAT_SECONDS:
            self.send(message(Kind.HEARTBEAT))

    def take(self) -> tuple[Kind, bytes] | None:
        """Give the next message that has come, or None; never wait, nor read on for ever.

        Raises:
            ProtocolError: the peer sent what it may not.
            ConnectionLostError: the peer left, was cut off, or has been silent for ten seconds.
        """
        reads = 0
        while True:
            came = self._parser.next()
            if came is None:
                # A peer that floods us must not keep us from our clock; `wait` ends at once if there is more.
                reads += 1
                if reads > READS_AT_ONCE or not self._read():
                    return None
            elif came[0] is Kind.BYE:
                reason = printable(came[1].decode(errors="replace"))
                raise GoodbyeError(f"{self.peer} said goodbye" + f": {reason}" * bool(reason))
            elif came[0] is not Kind.HEARTBEAT:
                return came

    def _read(self) -> bool:
        try:
            with self._lock:
                data = self._sock.recv(self._read_bytes)
        except AGAIN:
            if time.monotonic() - self._heard >= SILENCE_SECONDS:
                raise ConnectionLostError(
                    f"{self.peer} has been silent for {SILENCE_SECONDS:.0f} seconds"
                ) from None
            return False
        except OSError as error:
            raise ConnectionLostError(f"{self.peer} is gone ({reason_of(error)})") from error
        if not data:
            raise ConnectionLostError(f"{self.peer} has left")
        self._heard = time.monotonic()
        self._parser.feed(data)
        return True

    def receive(self, until: float | None = None, wake: Wake | None = None) -> tuple[Kind, bytes] | None:
        """Wait for the next message; None when `until` (time.monotonic) is reached or `wake` set.

        Raises:
            ProtocolError, ConnectionLostError: as `take` does.
        """
        while (came := self.take()) is None:
            if not wait([self], until, wake) or (until is not None and time.monotonic() >= until):
                return None
        return came

    def close(self, reason: str = "") -> None:
        """Say BYE, and why if it is the agent's fault, if that is still possible, and close."""
        with contextlib.suppress(ConnectionLostError):
            self.send(message(Kind.BYE, reason.encode()[:_REASON_BYTES]))
        self._sock.close()


# Divisions each of which needs the result of the one before, two microseconds of them: the nearest that
# Python has to a processor's instruction for a pause. Who looks again and again without one takes half the
# speed of the other thread of the same core, and that may be the peer's.
_ONES, _QUOTIENTS = np.ones((2, 300))


def wait(
    connections: Sequence[Connection],
    until: float | None = None,
    wake: Wake | None = None,
) -> bool:
    """Wait for any of these peers, keeping the lines alive; False when `until` is reached or `wake` set.

    True says that something may have come, or a peer may be gone: `take` tells, and then wait again.

    While answers keep coming within `SPIN_SECONDS` it looks again and again for so long before it sleeps.
    To be woken costs more than that: the processor falls asleep too, and runs slower for a while after.
    On loopback that was 60 % of a step. A peer that takes longer, as in real time, is slept for at once.
    """
    begin = time.monotonic()
    end = min(min(c._sent + HEARTBEAT_SECONDS, c._heard + SILENCE_SECONDS) for c in connections)
    if until is not None:
        end = min(end, until)
    readers: list[Connection | Wake] = [*connections] if wake is None else [*connections, wake]
    readable: list[Any] = []
    if SPIN_SECONDS and min(c._short_waits for c in connections) >= SHORT_WAITS:
        spin_end = min(begin + SPIN_SECONDS, end)
        while not readable and time.monotonic() < spin_end:
            np.divide.accumulate(_ONES, out=_QUOTIENTS)
            readable, _ = ready(readers, [], 0)
    if not readable:
        unsent = [c for c in connections if c._unsent]
        readable, writable = ready(readers, unsent, max(end - time.monotonic(), 0.0))
        for connection in writable:
            connection.flush()
    now = time.monotonic()
    for connection in connections:
        if connection in readable:
            short = connection._short_waits
            is_short = now - begin < SPIN_SECONDS
            connection._short_waits = min(short + 1, MOST_SHORT_WAITS) if is_short else short // 2
        with contextlib.suppress(ConnectionLostError):  # `take` will find out, and say whose it was
            connection.send_heartbeat()
    if wake is not None and wake in readable:
        wake.clear()
        return False
    return bool(readable) or until is None or now < until


def ready(readers: list[Any], writers: list[Any], seconds: float | None) -> tuple[list[Any], list[Any]]:
    """Wait until some of these can be read, or written: which."""
    try:
        readable, writable, _ = select.select(readers, writers, [], seconds)
        return readable, writable
    except ValueError:  # a file number beyond what `select` takes: this process has many files open
        with selectors.DefaultSelector() as selector:
            for one in {*readers, *writers}:
                selector.register(
                    one, selectors.EVENT_READ * (one in readers) | selectors.EVENT_WRITE * (one in writers)
                )
            found = selector.select(seconds)
        return (
            [key.fileobj for key, event in found if event & selectors.EVENT_READ],
            [key.fileobj for key, event in found if event & selectors.EVENT_WRITE],
        )


def reason_of(error: OSError) -> str:
    """Say in a few words what went wrong."""
    return error.strerror or str(error) or type(error).__name__


def resolve(host: str, port: int, passive: bool) -> list[tuple[Any, ...]]:
    """Find a host's addresses, as `getaddrinfo` does.

    Raises:
        PongError: there are none, or the port is none.
    """
    if not 0 <= port <= 65535:
        raise PongError(f"port {port} is out of range: give one from 1 to 65535")
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE if passive else 0
        )
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the host {printable(host)!r} cannot be found: check its spelling and the network"
        ) from error


def tuned(sock: socket.socket) -> socket.socket:
    """Make a socket fit for the game: small messages at once, and no call that waits."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or every step waits 40 ms
    sock.setblocking(False)
    return sock


# ---------------------------------------------------------------------------------------------
# Tokens


def read_token(token_file: str | None) -> str | None:
    """The token that the user gave: the file's, else PONG_TOKEN's, else None. "" means open.

    Raises:
        PongError: the file cannot be read.
    """
    if token_file is None:
        return os.environ.get("PONG_TOKEN")
    try:
        return Path(token_file).read_text("utf-8-sig").strip()  # Notepad marks its files
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the token file {token_file} cannot be read ({getattr(error, 'strerror', None) or error}): "
            "name a text file with the token in it"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether everybody who can reach this host is on this machine."""
    addresses = resolve(host, 0, passive=True)
    return all(ipaddress.ip_address(address[4][0].split("%")[0]).is_loopback for address in addresses)


# ---------------------------------------------------------------------------------------------
# The agent's end


class _Client:
    """A connection to a server, in any role. One thread uses it; a second one of its own sends heartbeats."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        token: str = "",
        role: Role = Role.LEFT,
        timeout: float = HANDSHAKE_SECONDS,
        identity: bytes = NOBODY,
        ca: str | None = None,
    ) -> None:
        self.host, self.port, self.role, self.timeout = host, port, role, timeout
        self._token, self._identity, self._ca = token, identity, ca
        self._session: Session | None = None
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def session(self) -> Session:
        """What the server plays; known once connected."""
        if self._session is None:
            raise RuntimeError("not connected: call connect() first")
        return self._session

    def _open(self) -> None:
        """Connect and shake hands.

        Raises:
            PongError: the host cannot be found.
            ConnectionLostError: nobody listens there, or no longer.
            RefusedError: a Pong server refuses us.
            ProtocolError: what listens there is no Pong server.
        """
        if self._connection is not None:
            raise RuntimeError("connected already")
        resolve(self.host, self.port, passive=False)
        where = f"{self.host}:{self.port}"
        try:
            sock = socket.create_connection((self.host, self.port), self.timeout)
        except OSError as error:
            raise ConnectionLostError(f"no server at {where} ({reason_of(error)})") from error
        try:
            if self._ca is not None:
                sock = self._encrypted(sock, self._ca)
            parser = Parser(CLIENT_HANDSHAKE_LIMITS)
            admission = self._shake_hands(sock, parser)
            watching = self.role is Role.WATCH
            parser.limits = VIEWER_LIMITS if watching else client_limits(admission.session)
            self._session = admission.session
            self._connection = Connection(tuned(sock), parser, f"the server at {where}")
        except ProtocolError as error:
            sock.close()
            raise ProtocolError(f"{where} is not a Pong server that this agent can use: {error}") from error
        except BaseException:
            sock.close()
            raise
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._heart.start()

    def _encrypted(self, sock: socket.socket, ca: str) -> socket.socket:
        """Agree upon TLS with a server whose certificate is in, or is signed by one in, the file `ca`."""
        try:
            context = ssl.create_default_context(cafile=ca)
        except OSError as error:
            raise PongError(
                f"the certificates in {ca} cannot be read ({reason_of(error)}): give --ca a PEM file"
            ) from error
        try:
            return context.wrap_socket(sock, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise ProtocolError(
                f"its certificate is not one that {ca} vouches for ({error.verify_message})"
            ) from error
        except OSError as error:
            raise ProtocolError(
                f"it does not speak TLS ({reason_of(error)}): leave out --ca if it has no --certificate"
            ) from error

    def _shake_hands(self, sock: socket.socket, parser: Parser) -> Admission:
        deadline = time.monotonic() + self.timeout
        handshake = client_handshake(self._token, self.role, self._identity)
        hint = "" if self._ca else "; if it has a --certificate, give --ca"
        try:
            sock.sendall(next(handshake))
            while True:
                while (came := parser.next()) is None:
                    sock.settimeout(max(deadline - time.monotonic(), 0.001))
                    data = sock.recv(4096)
                    if not data:
                        raise ProtocolError(f"it hung up in the middle of the handshake{hint}")
                    parser.feed(data)
                sock.sendall(handshake.send(came))
        except StopIteration as done:
            admission: Admission = done.value
            return admission
        except TimeoutError as error:
            raise ProtocolError(f"it has not answered for {self.timeout:g} seconds") from error
        except OSError as error:
            raise ConnectionLostError(f"the server is gone ({reason_of(error)}){hint}") from error

    def _beat(self) -> None:
        with contextlib.suppress(ConnectionLostError):  # the owner's next call will say so
            while not self._closed.wait(HEARTBEAT_SECONDS / 2):
                if self._connection is not None:
                    self._connection.send_heartbeat()

    @property
    def connection(self) -> Connection:
        """For `wait`, where several clients are to be waited for."""
        if self._connection is None or self._closed.is_set():
            raise RuntimeError("not connected: call connect() first")
        return self._connection

    def close(self) -> None:
        """Say BYE and close; calling it again does nothing."""
        if not self._closed.is_set():
            self._closed.set()
            if self._connection is not None:
                self._connection.close()
            if self._heart is not None:
                self._heart.join()


class PongClient(_Client):
    """The agent's end of the wire; any agent can be built on it.

    With role=Role.RIGHT it plays the right paddle, and is told of everything as if that were the left one.
    With an `identity` (16 secret bytes) a client that lost its connection takes over its own place. With
    `ca`, a file of certificates, the connection is encrypted and the server's certificate is checked.

        with PongClient("raspberrypi.local", token="…") as client:
            step = client.connect()
            while True:
                step = client.step(moves(step.frames, step.rewards))  # one of 0, 1, 2 per game

    One thread uses it; a second one of its own sends heartbeats, so that an agent may think between two
    steps for as long as it likes.
    """

    def __init__(self, *where: Any, **options: Any) -> None:
        super().__init__(*where, **options)
        if self.role is Role.WATCH:
            raise ValueError("who watches is sent no states to answer: use PongWatcher")
        self._answered = True  # there is no state that waits for an answer
        self._step: Step | None = None  # came while something else was waited for
        self._number = -1  # of the STEP to be answered
        self._pings = 0  # that have not been answered

    def connect(self) -> Step:
        """Connect, shake hands and wait for the first state.

        Raises:
            PongError: the host cannot be found.
            ConnectionLostError: nobody listens there, or no longer.
            RefusedError: a Pong server refuses us.
            ProtocolError: what listens there is no Pong server.
        """
        self._open()
        step = self.observe()
        assert step is not None  # nothing could wake it
        return step

    def act(self, moves: npt.ArrayLike) -> None:
        """Answer the last state: one move from 0 to 255 per game. `observe` gives the next state.

        Raises:
            ValueError: too few or too many moves, or what is none.
            ConnectionLostError: the server is gone.
        """
        given, games = np.asarray(moves), self.session.games
        if given.shape != (games,) or given.dtype.kind not in "iu":
            raise ValueError(f"moves must be {games} integers, one per game")
        answer = given.astype(np.uint8, copy=False)
        if answer is not given and (answer != given).any():
            raise ValueError("moves must be from 0 to 255")
        self._answered = True
        self.connection.send(action(self._number, answer.tobytes()))

    def observe(self, wake: Wake | None = None) -> Step | None:
        """Wait for the next state; None when `wake` was set meanwhile: call again.

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: it is gone.
        """
        step, self._step = self._step, None
        while step is None:
            came = self.connection.receive(wake=wake)
            if came is None:
                return None
            step = self._read_step(came)  # or a PONG that nobody waits for any more
        return step

    def poll(self) -> Step | None:
        """Give the next state if it has come, or None; never wait.

        Raises:
            ProtocolError, ConnectionLostError: as `observe` does.
        """
        step, self._step = self._step, None
        while step is None and (came := self.connection.take()) is not None:
            step = self._read_step(came)
        return step

    def _read_step(self, came: tuple[Kind, bytes]) -> Step | None:
        if came[0] is Kind.PONG:
            self._pings -= 1
            if self._pings < 0:  # or a server could keep us reading for ever
                raise ProtocolError("a PONG that answers no PING")
            return None
        step = Step.parse(came[1], self.session)
        if step.number != (self._number + 1) % (1 << 32):
            raise ProtocolError(f"STEP {step.number} where {self._number + 1} is due")
        if not self._answered:
            raise ProtocolError(f"STEP {step.number} before the one before it was answered")
        self._number, self._answered = step.number, False
        return step

    def step(self, moves: npt.ArrayLike) -> Step:
        """`act`, then `observe`: answer the last state and wait for the next."""
        self.act(moves)
        step = self.observe()
        assert step is not None  # nothing could wake it
        return step

    def pause(self, paused: bool = True) -> None:
        """Stop the game, or let it go on. It stays connected; `ping` and `attend` work meanwhile."""
        self.connection.send(message(Kind.PAUSE, bytes((paused,))))

    def ping(self, patience: float = SILENCE_SECONDS) -> float:
        """Seconds that one PING takes there and back; infinity if it is not answered for so many.

        Raises:
            ConnectionLostError: the server is gone, or silent.
        """
        echo = secrets.token_bytes(_ECHO.size)
        self._pings += 1
        start = time.perf_counter()
        self.connection.send(message(Kind.PING, echo))
        until = time.monotonic() + patience
        while (came := self.connection.receive(until)) is not None:
            self._step = self._read_step(came) or self._step
            if came == (Kind.PONG, echo):
                return time.perf_counter() - start
        return math.inf

    def attend(self, seconds: float, wake: Wake | None = None) -> None:
        """Do nothing but keep the line alive, for so long or until `wake` is set.

        Raises:
            ConnectionLostError: the server is gone.
        """
        until = time.monotonic() + seconds
        while (came := self.connection.receive(until, wake)) is not None:
            self._step = self._read_step(came) or self._step


class PongWatcher(_Client):
    """The end of the wire of somebody who only watches."""

    def __init__(self, *where: Any, **options: Any) -> None:
        super().__init__(*where, role=Role.WATCH, **options)

    def connect(self) -> None:
        """Connect and shake hands.

        Raises:
            PongError: as `PongClient.connect`.
        """
        self._open()

    def watch(self, until: float, wake: Wake | None = None) -> View | None:
        """Give the newest view that has come, at the latest when it is `until` (time.monotonic).

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: it is gone.
        """
        newest, read = None, 0
        came = self.connection.receive(until, wake)
        while came is not None and read < VIEWS_AT_ONCE:
            read += 1
            newest = came[1] if came[0] is Kind.VIEW else newest
            came = self.connection.take()
        return None if newest is None else View.parse(newest)
