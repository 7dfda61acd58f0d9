"""How training goes: `Curve` has the clock and writes curve.csv, and `draw_curves` draws several of them."""

from __future__ import annotations

import csv
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from math import nan
from pathlib import Path
from statistics import fmean

FILE = "curve.csv"
WINDOW = 20  # matches that the score is a mean of
FRAMES = 4  # in one decision
BEST_SCORE = 21  # points that win a match


@dataclass(frozen=True)
class Row:
    """A row of curve.csv."""

    minutes: float  # of training
    decisions: int
    frames: int
    score: float  # mean of the last 20 matches that ended, ours of 100: points won minus points lost; or nan
    updates: int  # steps of the optimiser; ours counts batches

    def texts(self) -> list[str]:
        """Give the numbers as the file has them."""
        return [f"{number:.4f}" if isinstance(number, float) else str(number) for number in astuple(self)]


class Curve:
    """Counts what a learner does while its time lasts, and writes a row now and then.

    Args:
        directory: For the file, which starts again.
        minutes: Of training.
        every: Minutes from one row to the next.
    """

    def __init__(self, directory: Path, minutes: float, every: float = 0.5) -> None:
        self.minutes, self.updates = minutes, 0
        self._every, self._due = every, every
        self._decisions = 0
        self._scores: deque[float] = deque(maxlen=WINDOW)
        self._path = directory / FILE
        self.last = Row(0.0, 0, 0, nan, 0)
        self.write([])
        self._begun = time.monotonic()

    def begin(self) -> None:
        """Start the clock, once everything that training needs is there."""
        self._begun = time.monotonic()

    def count(self, decisions: int) -> bool:
        """Count decisions, and write a row if one is due.

        Returns:
            Whether there is time left.
        """
        self._decisions += decisions
        minutes = (time.monotonic() - self._begun) / 60
        is_over = minutes >= self.minutes
        if is_over or minutes >= self._due:
            self._due += self._every
            score = fmean(self._scores) if self._scores else nan
            self.append(Row(minutes, self._decisions, FRAMES * self._decisions, score, self.updates))
        return not is_over

    def finish_match(self, score: float) -> None:
        """Count a match that has ended, with points won minus points lost."""
        self._scores.append(score)

    def append(self, row: Row) -> None:
        """Add a row."""
        self.last = row
        with open(self._path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row.texts())

    def write(self, rows: Sequence[Row]) -> None:
        """Start the file again with these rows."""
        with open(self._path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([each.name for each in fields(Row)])
        for row in rows:
            self.append(row)


def read(directory: Path) -> list[Row]:
    """Read the curve of a run."""
    with open(directory / FILE, newline="", encoding="utf-8") as file:
        return [
            Row(
                float(row["minutes"]), int(row["decisions"]), int(row["frames"]),
                float(row["score"]), int(row["updates"]),
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def draw_curves(directories: Sequence[Path], output: Path) -> None:
    """Draw the scores of several runs, against million frames and against minutes.

    Args:
        directories: Of the runs, by whose names the curves are called.
        output: The picture to write; its ending says of which kind.

    Raises:
        PongError: matplotlib is not installed, or the picture cannot be written.
    """
    from pongrl.ui.plots import new_figure, write_picture

    figure = new_figure(11, 4)
    by_frames, by_minutes = figure.subplots(1, 2, sharey=True)
    for directory in directories:
        rows = read(directory)
        scores = [row.score for row in rows]
        name = directory.resolve().name
        by_frames.plot([row.frames / 1e6 for row in rows], scores, label=name)
        by_minutes.plot([row.minutes for row in rows], scores, label=name)
    by_frames.set_ylabel("points won minus points lost in a match")
    by_frames.set_xlabel("million frames")
    by_minutes.set_xlabel("minutes")
    for axis in (by_frames, by_minutes):
        axis.set_ylim(-BEST_SCORE - 1, BEST_SCORE + 1)
        axis.axhline(0, color="0.7", linewidth=1, zorder=0)
        axis.grid(alpha=0.3)
    by_minutes.legend(loc="best")
    write_picture(figure, output)
