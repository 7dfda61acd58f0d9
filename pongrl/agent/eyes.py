"""What the agent sees: frames become observations.

An observation is the light of every cell of the frame, and how much each has changed since the frame before.
Of 3,500 cells only about thirty are lit or have changed, so an observation lists only these. One number says
which cell it is, and whether its light or its change is meant:

    light of a cell     row · width + column
    change of a cell    height · width + row · width + column

In other games than ours an observation tells which move was made last, too: there a paddle may go on moving
for a while, and moves may be repeated at random.

    up, down            2 · height · width, and one more; nothing if it was stay

`learning` says what the network makes of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.game.moves import DOWN
from pongrl.wire.arrays import Int32Array, UInt8Array
from pongrl.wire.messages import Session, Step

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.intp]
Booleans: TypeAlias = npt.NDArray[np.bool_]

GREY = np.float32(1 / 255)  # turns the light of a cell, from 0 to 255, into a number from 0 to 1


@dataclass(frozen=True)
class Observations:
    """B observations as one list of K cells. Those of observation b begin at starts[b]."""

    cells: Integers  # (K,) as the module says; in each observation light, then change, then the move
    values: Floats  # (K,) light from 0 to 1, change from −1 to 1, 1 for a move
    starts: Integers  # (B,)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return self.cells.nbytes + self.values.nbytes

    @classmethod
    def join(cls, parts: list[Observations]) -> Observations:
        """Put batches of observations one behind the other."""
        lengths = np.cumsum([0] + [len(part.cells) for part in parts[:-1]])
        starts = [part.starts + length for part, length in zip(parts, lengths, strict=True)]
        return cls(
            np.concatenate([part.cells for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate(starts),
        )

    def of(self, some: Sequence[int]) -> Observations:
        """Take these of the observations, by their numbers; at least one."""
        ends = [*self.starts[1:].tolist(), len(self.cells)]
        parts = [slice(int(self.starts[one]), ends[one]) for one in some]
        lengths = [part.stop - part.start for part in parts]
        return Observations(
            np.concatenate([self.cells[part] for part in parts]),
            np.concatenate([self.values[part] for part in parts]),
            np.cumsum([0, *lengths[:-1]]),
        )

    def dense(self, cells: int) -> tuple[Integers, Floats]:
        """Make a matrix of the observations, with a column for each cell that occurs in any of them.

        Args:
            cells: How many cells there are, of light and of change together.

        Returns:
            The cells that occur, ascending (A,), and the matrix (B, A).
        """
        occurs = np.zeros(cells, bool)
        occurs[self.cells] = True
        active = occurs.nonzero()[0]  # (A,)
        columns = np.empty(cells, np.intp)  # of the cells that occur; the others have none
        columns[active] = np.arange(len(active))
        row = np.arange(len(self)).repeat(np.diff(self.starts, append=len(self.cells)))  # (K,)
        X = np.zeros((len(self), len(active)), np.float32)  # (B, A)
        X[row, columns[self.cells]] = self.values  # no cell occurs twice in one observation
        return active, X


class Eyes:
    """Turns the frames of the games of one server into observations, and remembers them until the next.

    Args:
        games: That are played side by side.
        height, width: Of a frame.
        is_our_game: In another one, observations tell which moves were made last, and a point does not begin
            an episode, only a match does.
    """

    def __init__(self, games: int, height: int, width: int, is_our_game: bool = True) -> None:
        self._cells = height * width  # of one frame
        self._is_our_game = is_our_game
        self._matches = np.zeros(games, np.int32)  # that were over at the last look
        self._seen = np.zeros(games * self._cells, np.uint8)  # the last frames, one behind the other
        self._lit: Integers = np.zeros(0, np.intp)  # places of `_seen` that are not dark
        self._is_blank = True  # until the first look
        self._starts = np.arange(games)

    @classmethod
    def on(cls, session: Session) -> Eyes:
        """Make eyes for the games of a session."""
        return cls(session.games, session.height, session.width, session.is_our_game)

    def look(self, step: Step) -> Observations:
        """Observe a state. The first frame of an episode has nothing before it, so it has no change."""
        lit, were_lit = step.lit, self._lit
        before, light_before = self._recall(step)
        self._seen[were_lit] = 0
        self._seen[lit] = step.light
        self._lit = lit
        # A cell that has changed is lit now, or it was lit and is dark now.
        change = np.subtract(step.light, before, dtype=np.float32)
        different = change.nonzero()[0]
        light_before[self._seen[were_lit] > 0] = 0
        gone = light_before.nonzero()[0]
        places = np.concatenate((lit, lit[different], were_lit[gone]))
        values = np.concatenate((step.light, change[different], -light_before[gone].astype(np.float32)))
        values *= GREY
        return self._observations(places, values, len(lit), None if self._is_our_game else step.moves)

    def _recall(self, step: Step) -> tuple[UInt8Array, UInt8Array]:
        """Look up the light that was there before.

        Returns:
            Light before of the cells that are lit now, and of the cells that were lit. In a new episode the
            first is as now and the second is 0: nothing has changed.
        """
        before, light_before = self._seen[step.lit], self._seen[self._lit]
        for game in self._begun(step):
            here = self._part(step.lit, game)
            before[here] = step.light[here]
            light_before[self._part(self._lit, game)] = 0
        return before, light_before

    def _begun(self, step: Step) -> Iterable[int]:
        """Give the games in which an episode begins."""
        if self._is_blank:
            self._is_blank, self._matches = False, step.matches
            return range(len(self._starts))
        begun = step.points
        if not self._is_our_game:
            begun, self._matches = step.matches - self._matches, step.matches
        games: list[int] = begun.nonzero()[0].tolist()
        return games

    def _part(self, places: Integers, game: int) -> slice:
        """Find which of ascending places in all frames are in the frame of one game."""
        return slice(*places.searchsorted((game * self._cells, (game + 1) * self._cells)).tolist())

    def _observations(
        self, places: Integers, values: Floats, lit: int, moves: Int32Array | None
    ) -> Observations:
        """Sort light and changes at places in all frames into one observation a game.

        Args:
            places: Of the light, then of the changes.
            values: Likewise.
            lit: How many of them are light.
            moves: (games,) that the observations tell; None if they tell none.
        """
        if len(self._starts) == 1 and moves is None:
            places[lit:] += self._cells
            return Observations(places, values, self._starts)
        game, cells = np.divmod(places, self._cells)
        cells[lit:] += self._cells
        if moves is not None:
            moved = moves.nonzero()[0]  # not STAY
            game = np.concatenate((game, moved))
            cells = np.concatenate((cells, 2 * self._cells + (moves[moved] == DOWN)))
            values = np.concatenate((values, np.ones(len(moved), np.float32)))
        order = game.argsort(kind="stable")
        return Observations(cells[order], values[order], game[order].searchsorted(self._starts))
