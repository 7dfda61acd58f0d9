"""What the agent sees: frames become observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.wire.messages import Step

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.intp]
Booleans: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sparse:
    """B observations by the cells that are lit or have changed: those of observation b begin at starts[b]."""

    cells: Integers  # (K,) row · width + column; those of changes lie behind all those of light
    values: Floats  # (K,) light from 0 to 255, change from −255 to 255
    starts: Integers  # (B,)

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def join(cls, parts: list[Sparse]) -> Sparse:
        """Put batches behind one another."""
        lengths = np.cumsum([0] + [len(part.cells) for part in parts[:-1]])
        starts = [part.starts + length for part, length in zip(parts, lengths, strict=True)]
        return cls(
            np.concatenate([part.cells for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate(starts),
        )


class Eyes:
    """Turns frames into observations: how bright each cell is, and how much it has changed."""

    def __init__(self, games: int, height: int, width: int) -> None:
        self._cells = height * width
        self._seen = np.zeros(games * self._cells, np.uint8)  # all frames, as they were seen last
        self._lit: Integers | None = None  # which cells of them are not dark
        self._starts = np.arange(games)

    def look(self, step: Step) -> Sparse:
        """Observe a state. The first of an episode has no frame before it and so no difference."""
        seen, lit, light = self._seen, step.lit, step.light
        were_lit = lit if self._lit is None else self._lit
        before = light.copy() if self._lit is None else seen[lit]
        light_before = seen[were_lit]
        for game in step.points.nonzero()[0].tolist():
            here = _part(lit, game, self._cells)
            before[here] = light[here]
            light_before[_part(were_lit, game, self._cells)] = 0
        seen[were_lit] = 0
        seen[lit] = light
        self._lit = lit
        # What has changed is lit now, or was.
        change = np.subtract(light, before, dtype=np.float32)
        different = change.nonzero()[0]
        light_before[seen[were_lit] > 0] = 0
        gone = light_before.nonzero()[0]
        cells = np.concatenate((lit, lit[different], were_lit[gone]))
        values = np.concatenate((light, change[different], -light_before[gone].astype(np.float32)))
        if len(self._starts) == 1:
            cells[len(lit) :] += self._cells
            return Sparse(cells, values, self._starts)
        game, cells = np.divmod(cells, self._cells)
        cells[len(lit) :] += self._cells
        order = game.argsort(kind="stable")
        return Sparse(cells[order], values[order], game[order].searchsorted(self._starts))


def _part(places: Integers, game: int, cells: int) -> slice:
    """Where among ascending places in all frames, of so many cells each, those of a game are."""
    return slice(*places.searchsorted((game * cells, (game + 1) * cells)).tolist())
