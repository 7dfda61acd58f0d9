"""STEP: one state of all games, and what has happened since the last one.

    number, dropped      u32 each; after its largest, `number` goes on from 0, and `dropped` stays
    table                i32, a row per game, the columns of Column
    cells, light         K lit cells of all frames, game by game: place in its frame u16, light u8

The five cross as one pickle of plain values. The table's column CELLS says how many of the K cells each game
has. Frames of Pong are sparse: a STEP of one game takes about 170 bytes, its frame alone has 3,500 cells.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pongrl.errors import ProtocolError
from pongrl.wire.arrays import Int32Array, IntpArray, UInt8Array, pack_array, unpack_array
from pongrl.wire.framing import Kind, message
from pongrl.wire.plain import dumps, loads
from pongrl.wire.session import Session

MOST_DROPPED = (1 << 32) - 1
MOST_COUNTED = (1 << 31) - 1  # in a cell of the table


def number_after(number: int) -> int:
    """Return the number of the STEP that follows this one; 0 follows the largest that a u32 holds."""
    return (number + 1) % (1 << 32)


@enum.unique
class Mover(enum.IntEnum):
    """Who made the move that a STEP reports."""

    AGENT = 0  # the agent, with the move it sent for this very state
    HELD = 1  # nobody in time: the last move went on, or the paddle stood still
    HUMAN = 2  # a person at the server's keyboard
    BUILTIN = 3  # the built-in AI (a demonstration)


@enum.unique
class Column(enum.IntEnum):
    """What STEP says of each game, i32 each. "Since" means since the last STEP that was sent.

    A score or a sum that an i32 cannot hold stays at the largest number, or at its negative.
    """

    REWARD = 0  # points won minus points lost, since
    LEFT = 1  # score of the match being played
    RIGHT = 2
    MATCHES = 3  # matches finished; after 2^31 − 1 it goes on from 0
    MOVE = 4  # the move really made since, for most of the ticks
    MOVER = 5  # who made it (Mover)
    POINTS = 6  # points that ended, since; this column and the next ones are never negative
    TICKS = 7  # ticks played, since
    HITS = 8  # times that a paddle hit the ball, since
    CELLS = 9  # lit cells of the frame; `serialize` counts them


@dataclass(frozen=True, eq=False)
class Step:
    """One state of all games, and what has happened since the last one.

    The rewards of a state that was dropped are added to the next one's, so the sum of all rewards received
    always equals the change of the score, unless people begin a match again. Where `points` is not 0 an
    episode has ended, and the frame already shows the next one. Frames are sparse: they cross the wire, and
    are kept here, as K lit cells.
    """

    number: int
    dropped: int  # states dropped so far in this session because the agent was late
    table: Int32Array  # (games, len(Column))
    shape: tuple[int, int, int]  # games, height, width
    lit: IntpArray  # (K,) the lit cells of all frames, ascending: (game · height + row) · width + column
    light: UInt8Array  # (K,) how bright they are, 1 to 255

    @property
    def rewards(self) -> Int32Array:
        """Points won minus points lost since the last state: (games,)."""
        return self.table[:, Column.REWARD]

    @property
    def points(self) -> Int32Array:
        """Points that ended since the last state: (games,)."""
        return self.table[:, Column.POINTS]

    @property
    def ticks(self) -> Int32Array:
        """Ticks played since the last state: (games,)."""
        return self.table[:, Column.TICKS]

    @property
    def moves(self) -> Int32Array:
        """The moves really made since the last state: (games,)."""
        return self.table[:, Column.MOVE]

    @property
    def movers(self) -> Int32Array:
        """Who made these moves, as numbers of Mover: (games,)."""
        return self.table[:, Column.MOVER]

    @property
    def scores(self) -> Int32Array:
        """Scores of the matches being played, left and right: (games, 2)."""
        return self.table[:, Column.LEFT : Column.RIGHT + 1]

    @property
    def matches(self) -> Int32Array:
        """Matches finished: (games,)."""
        return self.table[:, Column.MATCHES]

    @property
    def hits(self) -> Int32Array:
        """Times that a paddle hit the ball since the last state: (games,)."""
        return self.table[:, Column.HITS]

    @functools.cached_property
    def frames(self) -> UInt8Array:
        """The whole frames: (games, height, width)."""
        frames = np.zeros(self.shape, np.uint8)
        frames.reshape(-1)[self.lit] = self.light
        return frames

    @classmethod
    def of(cls, number: int, dropped: int, frames: UInt8Array, table: Int32Array) -> Step:
        """Make a state from whole frames: (games, height, width)."""
        games, height, width = frames.shape
        lit = np.flatnonzero(frames != 0)  # ten times as fast on booleans as on bytes
        return cls(number, dropped, table, (games, height, width), lit, frames.reshape(-1)[lit])

    def serialize(self) -> bytes:
        """Return the whole message; a lit cell takes three bytes."""
        games, height, width = self.shape
        game, cell = np.divmod(self.lit, height * width) if games > 1 else (self.lit, self.lit)
        table = self.table.copy()
        table[:, Column.CELLS] = np.bincount(game, minlength=games) if games > 1 else len(cell)
        packed = pack_array(table), pack_array(cell.astype(np.uint16)), pack_array(self.light)
        return message(Kind.STEP, dumps((self.number, min(self.dropped, MOST_DROPPED), *packed)))

    @classmethod
    def parse(cls, body: bytes, session: Session) -> Step:
        """Read the body of a STEP.

        Raises:
            ProtocolError: it does not fit the session.
        """
        values = loads(body)
        if type(values) is not tuple or len(values) != 5 or not all(
            type(value) is int and 0 <= value < 1 << 32 for value in values[:2]
        ):  # fmt: skip
            raise ProtocolError("a STEP that is none")
        table = unpack_array(values[2], np.int32, (session.games, len(Column)))
        cell = unpack_array(values[3], np.uint16, None)
        light = unpack_array(values[4], np.uint8, (len(cell),))
        _check_table(table)
        if np.count_nonzero(light) != len(light):
            raise ProtocolError("a STEP with cells that are dark")
        lit = _places(cell, table[:, Column.CELLS].tolist(), session.height * session.width)
        shape = session.games, session.height, session.width
        return cls(values[0], values[1], table, shape, lit, light)


def _check_table(table: Int32Array) -> None:
    """Refuse counts below zero, and rewards for points that were not played."""
    if np.count_nonzero(table[:, Column.POINTS :] < 0):  # the fastest that numpy does with booleans
        raise ProtocolError("a STEP with negative counts")
    rewards, points = table[:, Column.REWARD].tolist(), table[:, Column.POINTS].tolist()
    if any(abs(reward) > played for reward, played in zip(rewards, points, strict=True)):
        raise ProtocolError("a STEP with rewards for points that were not played")


def _places(cell: npt.NDArray[np.uint16], counts: list[int], size: int) -> IntpArray:
    """Turn places within frames of `size` cells into places within all frames.

    Args:
        cell: (K,) the places within the frames, game by game.
        counts: how many of them each game has.
        size: cells of one frame.

    Raises:
        ProtocolError: a place is outside its frame, or the places do not ascend.
    """
    if sum(counts) != len(cell) or np.count_nonzero(cell >= size):
        raise ProtocolError("a STEP with cells outside its frames")
    lit = cell.astype(np.intp)
    if len(counts) > 1:
        lit += np.arange(0, len(counts) * size, size).repeat(counts)
    if np.count_nonzero(lit[1:] <= lit[:-1]):
        raise ProtocolError("a STEP with cells out of order")
    return lit
