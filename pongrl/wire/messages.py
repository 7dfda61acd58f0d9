"""What the messages say: each layout has its `serialize` beside its `parse`."""

from __future__ import annotations

import enum
import functools
import struct
from dataclasses import asdict, dataclass, fields

import numpy as np

from pongrl.errors import ProtocolError, RefusedError
from pongrl.wire.arrays import Int32Array, IntpArray, UInt8Array, pack_array, unpack_array
from pongrl.wire.framing import Kind, message
from pongrl.wire.plain import dumps, loads

MAGIC = b"PONG-RL\n"
VERSION = 2
DEFAULT_PORT = 12345
MAX_FRAME_CELLS = 1 << 16  # an index within a frame crosses as u16
MAX_STEP_CELLS = 1 << 19  # all frames of one STEP: reading the worst one takes 14 MB
MAX_GAMES = 128


def printable(text: str) -> str:
    """Escape what a peer sent, so that printing it can neither move a cursor nor forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@enum.unique
class Role(enum.IntEnum):
    """What a client asks to be: the player of one paddle, or a spectator."""

    LEFT = 0
    RIGHT = 1
    WATCH = 2


@enum.unique
class Mover(enum.IntEnum):
    """Who made the move that a STEP reports."""

    AGENT = 0  # the agent, with the move it sent for this very state
    HELD = 1  # nobody in time: the move before went on, or the paddle stood still
    HUMAN = 2  # a person at the server's keyboard
    BUILTIN = 3  # the built-in AI (a demonstration)


HELLO = struct.Struct("!8sHB32s")
CHALLENGE = struct.Struct("!H32s")
NUMBER = struct.Struct("!I")
ECHO = struct.Struct("!Q")
PROOF_BYTES = 32
IDENTITY_BYTES = 16
NOBODY = bytes(IDENTITY_BYTES)
REASON_BYTES = 400
_STATUS_CHARACTERS = 150


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
    return message(Kind.ACTION, NUMBER.pack(number) + moves)


def parse_action(body: bytes, games: int) -> tuple[int, bytes]:
    """Read an ACTION's body: the number of the STEP that it answers, and the moves."""
    if len(body) != NUMBER.size + games:
        raise ProtocolError(f"an ACTION of {len(body)} bytes for {games} games")
    return NUMBER.unpack_from(body)[0], body[NUMBER.size :]


def parse_pause(body: bytes) -> bool:
    """Read a PAUSE's body: whether to pause, or to go on."""
    if body not in (b"\0", b"\1"):
        raise ProtocolError("a PAUSE that is neither 0 nor 1")
    return body == b"\1"


def parse_echo(body: bytes) -> bytes:
    """Read a PING's body, which its PONG sends back."""
    if len(body) != ECHO.size:
        raise ProtocolError(f"a PING of {len(body)} bytes instead of {ECHO.size}")
    return body


def refusal(error: RefusedError) -> bytes:
    """The message that carries a refusal's reason."""
    sentence = str(error).encode()[:REASON_BYTES].decode(errors="ignore")
    return message(Kind.REFUSAL, bytes((error.reason,)) + sentence.encode())
