"""How far a run has come: counted, and as the rows of progress.csv.

Progress        what has been achieved so far
ProgressFile    writes progress.csv
read_progress   reads it
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
from collections import deque
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from pongrl.errors import CheckpointError, PongError

WINDOW_POINTS = 1000  # over which the share won is measured
RUNNING_DECAY = 0.999  # of the running mean, per point
EVALUATION_COLUMN = "evaluation_win_rate"

Run: TypeAlias = dict[str, list[float]]
"""Columns of a progress.csv by name; each has one number for a row."""


class Progress:
    """What has been achieved so far. It goes into checkpoints, progress.csv and the status line."""

    COLUMNS = ("seconds", "frames", "decisions", "points", "updates", "win_rate", "running_mean",
               "decisions_per_second")  # fmt: skip
    KINDS: ClassVar = {
        "seconds": float, "frames": int, "decisions": int, "points": int, "updates": int, "best": float,
        "sum": float, "recent": bytes,
    }  # fmt: skip

    def __init__(self) -> None:
        self.seconds = 0.0  # of training, without pauses and waiting
        self.frames = self.decisions = self.points = self.updates = 0
        self.best = -2.0  # the best running mean at a report; lower than any reward to begin with
        self._sum = 0.0  # of rewards, decaying
        self._recent: deque[bool] = deque(maxlen=WINDOW_POINTS)  # which of the last points were won
        self._lap = (0.0, 0)  # seconds and decisions when the speed was last measured
        self.decisions_per_second = 0.0
        self.evaluation_win_rate: float | None = None  # of an evaluation since the last row, if there was one

    @property
    def win_rate(self) -> float:
        """Share won of the last 1,000 points."""
        return sum(self._recent) / max(len(self._recent), 1)

    @property
    def running_mean(self) -> float:
        """Mean reward per point, from −1 (all lost) to +1 (all won); older points count less."""
        return self._sum / max(1 - RUNNING_DECAY**self.points, 1e-9)

    def count_point(self, won: bool, times: int = 1) -> None:
        """Count a point, or several at once, which takes no longer: a server may report any number."""
        self.points += times
        self._recent.extend([won] * min(times, WINDOW_POINTS))
        kept = RUNNING_DECAY**times
        self._sum = kept * self._sum + (1 - kept) * (1 if won else -1)

    def measure_speed(self) -> None:
        """Measure decisions per second since the last measurement, if that is long enough ago."""
        seconds, decisions = self._lap
        if self.seconds - seconds >= (1 if self.decisions_per_second else 0.1):
            self.decisions_per_second = (self.decisions - decisions) / (self.seconds - seconds)
            self._lap = self.seconds, self.decisions

    def row(self) -> list[str]:
        """Give the row for progress.csv; the evaluation is last."""
        evaluation = self.evaluation_win_rate
        return [
            f"{self.seconds:.3f}", str(self.frames), str(self.decisions), str(self.points), str(self.updates),
            f"{self.win_rate:.4f}", f"{self.running_mean:.5f}", f"{self.decisions_per_second:.1f}",
            "" if evaluation is None else f"{evaluation:.4f}",
        ]  # fmt: skip

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        return (
            f"{self.points:,} points   won {100 * self.win_rate:.1f} % of the last {len(self._recent):,}   "
            f"running mean {self.running_mean:+.3f}   {self.decisions_per_second:,.0f} decisions/s   "
            f"{minutes}:{seconds:02d}   {self.frames / 1e6:.2f} M frames"
        )

    def to_plain(self) -> dict[str, Any]:
        """Give plain values of which `from_plain` makes the same progress."""
        return {
            "seconds": self.seconds, "frames": self.frames, "decisions": self.decisions,
            "points": self.points, "updates": self.updates, "best": self.best,
            "sum": self._sum, "recent": bytes(self._recent),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Progress:
        """Read what `to_plain` gave.

        Raises:
            KeyError: A value is missing.
            TypeError: A value has the wrong type.
            ValueError: A number is not finite.
        """
        self = cls()
        for name, kind in cls.KINDS.items():
            if type(plain[name]) is not kind:
                raise TypeError(f"{name} is not of type {kind.__name__}")
            if kind is float and not math.isfinite(plain[name]):
                raise ValueError(f"{name} is not finite")
        self.seconds, self.frames, self.decisions = plain["seconds"], plain["frames"], plain["decisions"]
        self.points, self.updates, self.best = plain["points"], plain["updates"], plain["best"]
        self._sum = plain["sum"]
        self._recent.extend(map(bool, plain["recent"]))
        self._lap = (self.seconds, self.decisions)
        return self


class ProgressFile:
    """Writes progress.csv, a row for every 100 points.

    Args:
        path: The file. Resuming keeps its rows up to `resumed_points` and drops later ones, whose points are
            lost; otherwise the file begins empty.
        resumed_points: Points of the run that is resumed; 0 for a new run.
        evaluating: Add a column for evaluations, even if the file has none yet.

    Raises:
        CheckpointError: The file cannot be read or written.
    """

    def __init__(self, path: Path, resumed_points: int = 0, evaluating: bool = False) -> None:
        try:
            rows = _rows_up_to(path, resumed_points) if resumed_points and path.exists() else []
            columns: tuple[str, ...] = Progress.COLUMNS
            if evaluating or any(row.get(EVALUATION_COLUMN) is not None for row in rows):
                columns += (EVALUATION_COLUMN,)
            _replace(path, columns, rows)
            self._file = open(path, "a", newline="", encoding="utf-8")  # noqa: SIM115  # closed by `close`
        except (OSError, ValueError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or "it is no text of comma-separated values"
            raise CheckpointError(
                f"{path} cannot be gone on with ({reason}): choose another --directory"
            ) from error
        self._columns = len(columns)
        self._writer = csv.writer(self._file)
        self._points = int(rows[-1]["points"]) if rows else 0  # of the last row

    def write(self, progress: Progress) -> None:
        """Add a row, unless the last one is of the same points.

        Raises:
            OSError: The row could not be written; it may be tried again.
        """
        if progress.points > self._points:
            self._writer.writerow(progress.row()[: self._columns])
            self._file.flush()
            self._points = progress.points
            progress.evaluation_win_rate = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows_up_to(path: Path, points: int) -> list[dict[str, str]]:
    """Read the complete rows up to so many points. A crash may have cut the last row."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row.get(name) for name in Progress.COLUMNS)]
    return [row for row in rows if row["points"].isdigit() and int(row["points"]) <= points]


def _replace(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    """Replace the file by one with these rows. The old file stays if there is no room for both."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([row.get(name, "") for name in columns] for row in rows)
        os.replace(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def read_progress(path: Path) -> Run:
    """Read the columns of a progress.csv that can be drawn.

    Raises:
        PongError: The file cannot be read, has other columns, or has no rows yet.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = ("seconds", "frames", "points", "win_rate", "running_mean")
        run = {name: [float(row[name]) for row in rows] for name in names}
    except UnicodeError as error:
        raise PongError(f"{path} cannot be drawn with curves (it is no text): name a progress.csv") from error
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or f"no column of numbers {error}"
        raise PongError(
            f"{path} cannot be drawn ({reason}): name a progress.csv that this program wrote"
        ) from error
    if not rows:
        raise PongError(f"{path} has no rows yet: train for 100 points first")
    return run
