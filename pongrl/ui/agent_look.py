"""What the program sends to the agent's window or page, which is a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pongrl.ui.agent_tape import Moment

FULL_EFFECT = 127  # in a picture of a hidden unit
MOST_UNITS = 12  # that are shown


@dataclass(frozen=True)
class UnitPictures:
    """The strongest hidden units."""

    chosen: list[int]
    effects: npt.NDArray[np.int8]  # (units, 2, height, width) of a lit cell there, and of one that appears
    weights: list[float]  # of each for up


@dataclass(frozen=True)
class Look:
    """What there is to see now."""

    moment: Moment | None  # None if no further decision is to be shown
    is_live: bool  # what is shown has only just happened
    notice: tuple[str, ...]  # why nothing is played: a headline, and what stands below; or nothing
    pictures: UnitPictures | None  # None if they are as before
    rows: Path | None  # progress.csv, once it has the rows that were resumed
    points: int
    win_rate: float
    match_score: float | None
    frames: int
    decisions_per_second: float
    is_connected: bool
    is_paused: bool
    status: str  # the console's status line
