"""What has been achieved so far, and progress.csv."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import re
from collections import deque
from pathlib import Path
from typing import Any, ClassVar

from pongrl.errors import CheckpointError

WINDOW_POINTS = 1000  # the share won is over so many
RUNNING_DECAY = 0.999  # of the running mean, per point
EVALUATION_COLUMN = "evaluation_win_rate"


def fold(text: str, columns: int) -> str:
    """Break lines that a terminal has no room for between their parts, which stand three spaces apart."""
    rows: list[str] = []
    for line in text.split("\n"):
        first, *parts = re.split("(?<! ) {3}(?! )", line)
        rows.append(first)
        for part in parts:
            if len(rows[-1]) + 3 + len(part) <= columns:
                rows[-1] += f"   {part}"
            else:
                rows.append(part)
    return "\n".join(rows)


class Progress:
    """What has been achieved so far; goes into checkpoints, progress.csv and the status line."""

    COLUMNS = ("seconds", "frames", "decisions", "points", "updates", "win_rate", "running_mean",
               "decisions_per_second")  # fmt: skip

    KINDS: ClassVar = {
        "seconds": float, "frames": int, "decisions": int, "points": int, "updates": int, "best": float,
        "sum": float, "recent": bytes,
    }  # fmt: skip

    def __init__(self) -> None:
        self.seconds = 0.0  # of training, pauses and waiting left out
        self.frames = self.decisions = self.points = self.updates = 0
        self.best = -2.0  # the best running mean at a report: a reward is never under −1
        self._sum = 0.0
        self._recent: deque[bool] = deque(maxlen=WINDOW_POINTS)  # points won
        self._lap = (0.0, 0)  # seconds and decisions, where the speed was last measured
        self.decisions_per_second = 0.0
        self.evaluation_win_rate: float | None = None  # if there was one since the last row

    @property
    def win_rate(self) -> float:
        """Share won of the last 1,000 points."""
        return sum(self._recent) / max(len(self._recent), 1)

    @property
    def running_mean(self) -> float:
        """Mean reward of the points so far, the older the less: −1 is all lost, +1 all won."""
        return self._sum / max(1 - RUNNING_DECAY**self.points, 1e-9)

    def count_point(self, won: bool, times: int = 1) -> None:
        """Add a point, or as many as a server says there were: the time that takes does not depend on it."""
        self.points += times
        self._recent.extend([won] * min(times, WINDOW_POINTS))
        kept = RUNNING_DECAY**times
        self._sum = kept * self._sum + (1 - kept) * (1 if won else -1)

    def measure_speed(self) -> None:
        """Measure decisions per second since the last time, if that is long enough ago."""
        seconds, decisions = self._lap
        if self.seconds - seconds >= (1 if self.decisions_per_second else 0.1):
            self.decisions_per_second = (self.decisions - decisions) / (self.seconds - seconds)
            self._lap = self.seconds, self.decisions

    def row(self) -> list[str]:
        """The row of progress.csv, the evaluation last."""
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
        """What `from_plain` needs to go on."""
        return {
            "seconds": self.seconds, "frames": self.frames, "decisions": self.decisions,
            "points": self.points, "updates": self.updates, "best": self.best,
            "sum": self._sum, "recent": bytes(self._recent),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Progress:
        """Go on from there.

        Raises:
            TypeError: a value is not of its kind.
            ValueError: it is no finite number.
        """
        self = cls()
        for name, kind in cls.KINDS.items():
            if type(plain[name]) is not kind:
                raise TypeError(f"{name} is not of type {kind.__name__}")
            if kind is float and not math.isfinite(plain[name]):
                raise ValueError(f"{name} is not finite")
            if name != "sum":
                setattr(self, name, plain[name])
        self._sum = plain["sum"]
        self._recent.extend(map(bool, plain["recent"]))
        self._lap = (self.seconds, self.decisions)
        return self


class ProgressFile:
    """progress.csv: a row for every 100 points. Resuming drops the rows of points that are lost."""

    def __init__(self, path: Path, resumed_points: int = 0, evaluating: bool = False) -> None:
        try:
            rows = self._rows(path, resumed_points) if resumed_points and path.exists() else []
            columns: tuple[str, ...] = Progress.COLUMNS
            if evaluating or any(row.get(EVALUATION_COLUMN) is not None for row in rows):
                columns += (EVALUATION_COLUMN,)
            self._begin(path, columns, rows)
            self._file = open(path, "a", newline="", encoding="utf-8")  # noqa: SIM115  # closed by `close`
        except (OSError, ValueError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or "it is no text of comma-separated values"
            raise CheckpointError(
                f"{path} cannot be gone on with ({reason}): choose another --directory"
            ) from error
        self._columns = len(columns)
        self._writer = csv.writer(self._file)
        self._points = int(rows[-1]["points"]) if rows else 0

    @staticmethod
    def _begin(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
        """Put the rows to be kept in the place of the old ones, which stay if there is no room for both."""
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

    @staticmethod
    def _rows(path: Path, points: int) -> list[dict[str, str]]:
        """The whole rows up to so many points; the last one may have been cut by a crash."""
        with open(path, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if all(row.get(name) for name in Progress.COLUMNS)]
        return [row for row in rows if row["points"].isdigit() and int(row["points"]) <= points]

    def write(self, progress: Progress) -> None:
        """Add a row, unless the last one says the same."""
        if progress.points > self._points:
            self._writer.writerow(progress.row()[: self._columns])
            self._file.flush()
            self._points = progress.points
            progress.evaluation_win_rate = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
