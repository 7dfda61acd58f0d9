"""How far a run has come: counted, and as the rows of progress.csv.

Progress        what has been achieved so far
ProgressFile    writes progress.csv
rows_up_to      reads it, to go on with it
read_progress   reads it, to draw it
"""

from __future__ import annotations

import csv
import errno
import io
import math
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pongrl.agent.ranges import checked, held
from pongrl.errors import CheckpointError, PongError
from pongrl.files import LARGEST_TEXT, read_file, replacing

WINDOW_POINTS = 1000  # over which the share won is measured
WINDOW_MATCHES = 100  # over which the score of a match is, in other games than ours
RUNNING_DECAY = 0.999  # of the running mean, per point
MOST_ROWS = 1 << 20  # of a file that is read; each takes hundreds of bytes of memory
MOST_WAITING = 1 << 20  # bytes of rows that wait for room on the disk: those of a million points
NOTHING_YET = -2.0  # the best running mean to begin with; lower than any reward
ROUNDING = 1e-9  # by which sums of numbers may differ from what they are by formula
EVALUATION_COLUMN = "evaluation_win_rate"

Run: TypeAlias = dict[str, list[float]]
"""Columns of a progress.csv by name; each has one number for a row."""

Row: TypeAlias = dict[str, str]
"""A row of a progress.csv: texts by the names of their columns."""


class Progress:
    """What has been achieved so far. It goes into checkpoints, progress.csv and the status line."""

    COLUMNS = ("seconds", "frames", "decisions", "points", "updates", "win_rate", "running_mean",
               "decisions_per_second")  # fmt: skip
    LATER = ("learning_rate", "batch_size", "match_score")
    """Columns that the files of older versions lack."""

    def __init__(self) -> None:
        self.seconds = 0.0  # of training, without pauses and waiting
        self.frames = self.decisions = self.points = self.updates = 0
        self.best = NOTHING_YET  # the best running mean at a report, on this level
        self.best_score: float | None = None  # in its place once matches are counted: the best of their means
        self._measured = 0  # points in the running mean: those of this level
        self._sum = 0.0  # of rewards, decaying
        self._recent: deque[bool] = deque(maxlen=WINDOW_POINTS)  # which of the last points were won
        self._scores: deque[int] = deque(maxlen=WINDOW_MATCHES)  # of the last matches, if they are counted
        self._lap = (0.0, 0)  # seconds and decisions when the speed was last measured
        self.decisions_per_second = 0.0
        self.learning_rate = 0.0  # now
        self.batch_size = 0  # points in a batch now
        self.evaluation_win_rate: float | None = None  # of an evaluation since the last row, if there was one

    @property
    def win_rate(self) -> float:
        """Share won of the last 1,000 points."""
        return sum(self._recent) / max(len(self._recent), 1)

    @property
    def running_mean(self) -> float:
        """Mean reward per point, from −1 (all lost) to +1 (all won); older points count less."""
        mean = self._sum / max(_largest_sum(self._measured), ROUNDING)
        return min(max(mean, -1.0), 1.0)  # rounding makes 1.00000000000001 of victories alone

    @property
    def match_score(self) -> float | None:
        """Mean score of the last 100 matches, points won less points lost; None if none was counted."""
        return sum(self._scores) / len(self._scores) if self._scores else None

    @property
    def has_best(self) -> bool:
        """Whether any report was the best one so far, on this level."""
        return self.best > NOTHING_YET or self.best_score is not None

    def note_best(self) -> bool:
        """Remember at a report how well it goes, if it has never been better on this level.

        The mean of a few matches, or of a few points after a change of level, may be high by luck: until
        there are enough, the newest policy is the best.

        Returns:
            Whether it is the best so far.
        """
        score, mean = self.match_score, self.running_mean
        if score is None:
            has_few = self._measured < min(WINDOW_POINTS, self.points)  # after a change of level
            is_best = has_few or mean > self.best
            self.best = mean if is_best else self.best
        else:
            has_few = len(self._scores) < WINDOW_MATCHES
            is_best = has_few or self.best_score is None or score > self.best_score
            self.best_score = score if is_best else self.best_score
        return is_best

    def forget_best(self) -> None:
        """Forget how well it went at the best report, so that the next one is the best."""
        self.best, self.best_score = NOTHING_YET, None

    def begin_level(self) -> None:
        """Start measuring again, since the points to come are of another level; the counters go on."""
        self.forget_best()
        self._sum, self._measured = 0.0, 0
        self._recent.clear()
        self._scores.clear()

    def count_matches(self, scores: Sequence[int]) -> None:
        """Count matches that are over. From the first one on their scores say how good a policy is.

        In other games a reward may come with every step, and then all points are won, or none.
        """
        self._scores.extend(scores)

    def count_point(self, won: bool, times: int = 1) -> None:
        """Count a point, or several at once, which takes no longer: a server may report any number."""
        self.points += times
        self._measured += times
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
        evaluation, score = self.evaluation_win_rate, self.match_score
        return [
            f"{self.seconds:.3f}", str(self.frames), str(self.decisions), str(self.points), str(self.updates),
            f"{self.win_rate:.4f}", f"{self.running_mean:.5f}", f"{self.decisions_per_second:.1f}",
            f"{self.learning_rate:.4g}", str(self.batch_size), "" if score is None else f"{score:.2f}",
            "" if evaluation is None else f"{evaluation:.4f}",
        ]  # fmt: skip

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        how_well = f"won {100 * self.win_rate:.1f} %   mean {self.running_mean:+.3f}"
        if (score := self.match_score) is not None:
            how_well = f"score {score:+.1f} in the last matches"
        return (  # 80 columns hold millions of points
            f"{self.points:,} points   {how_well}   "
            f"{self.decisions_per_second:,.0f} decisions/s   {minutes}:{seconds:02d}"
        )

    def to_plain(self) -> dict[str, Any]:
        """Give plain values of which `from_plain` makes the same progress."""
        numbers = {
            "seconds": self.seconds, "frames": self.frames, "decisions": self.decisions,
            "points": self.points, "updates": self.updates, "best": self.best,
            "sum": self._sum, "measured": self._measured,
        }  # fmt: skip
        scores = tuple(held("score", score) for score in self._scores)
        best_score = None if self.best_score is None else held("best_score", self.best_score)
        return {name: held(name, value) for name, value in numbers.items()} | {
            "recent": bytes(self._recent), "scores": scores, "best_score": best_score
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Progress:
        """Read what `to_plain` gave.

        Raises:
            KeyError: A value is missing.
            TypeError: A value has the wrong type.
            ValueError: A value cannot be.
        """
        self = cls()
        for name in ("seconds", "frames", "decisions", "points", "updates"):
            setattr(self, name, checked(name, plain[name]))
        self.best = checked("best", plain["best"])
        self._sum = checked("sum", plain["sum"])
        self._measured = checked("measured", plain.get("measured", self.points))  # old files have one level
        if self._measured > self.points or abs(self._sum) > _largest_sum(self._measured) + ROUNDING:
            raise ValueError("points, measured and sum do not go together")
        recent = plain["recent"]
        if type(recent) is not bytes or not set(recent) <= {0, 1}:
            raise ValueError("recent is not a byte, 0 or 1, for each of the last points")
        if len(recent) != min(self._measured, WINDOW_POINTS):
            raise ValueError("measured and recent do not go together")
        self._recent.extend(map(bool, recent))
        scores = plain.get("scores", ())  # old files have none, like all of our game
        if type(scores) is not tuple or len(scores) > WINDOW_MATCHES:
            raise ValueError("scores are not those of the last matches")
        self._scores.extend(checked("score", score) for score in scores)
        if (best_score := plain.get("best_score")) is not None:
            self.best_score = checked("best_score", best_score)
        self._lap = (self.seconds, self.decisions)
        return self


def _largest_sum(points: int) -> float:
    """Compute the decaying sum of the rewards of so many points that were all won."""
    return float(1 - RUNNING_DECAY**points)


COLUMNS = (*Progress.COLUMNS, *Progress.LATER, EVALUATION_COLUMN)
"""The columns of progress.csv."""


class ProgressFile:
    """Writes progress.csv, a row for every 100 points. Rows that find no room on the disk wait for it.

    The file may be moved, removed, replaced or emptied at any time; then it begins again.

    Args:
        path: The file. It starts again, with these rows.
        rows: Of the run that is resumed; see `rows_up_to`.
        reread: Returns the rows that the file begins again with.

    Raises:
        CheckpointError: The file cannot be written.
    """

    def __init__(
        self, path: Path, rows: Sequence[Row] = (), reread: Callable[[], Sequence[Row]] = tuple
    ) -> None:
        self._path, self._reread = path, reread
        self._waiting = b""  # what the file lacks still; it may begin within a row
        self._points = int(rows[-1]["points"]) if rows else 0  # of the last row
        try:
            self._file = self._begin(rows)
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be written ({error.strerror}): choose another --directory"
            ) from error

    def _begin(self, rows: Sequence[Row]) -> io.FileIO:
        """Write these rows, in one step, and open the file to add others."""
        with replacing(self._path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([row.get(name, "") for name in COLUMNS] for row in rows)
        return open(self._path, "ab", buffering=0)

    @property
    def is_gone(self) -> bool:
        """Whether the file was moved, removed, or replaced by another one; then rows would go elsewhere."""
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return True

    def write(self, progress: Progress) -> None:
        """Add a row, unless the last one is of the same points.

        Raises:
            OSError: Not all could be written yet. The next call tries again, and loses no row.
            CheckpointError: The file that is there cannot be gone on with.
        """
        if progress.points > self._points and len(self._waiting) < MOST_WAITING:
            self._waiting += _line(progress.row())
            self._points = progress.points
            progress.evaluation_win_rate = None
        if self.is_gone:
            gone, self._file = self._file, self._begin(self._reread())
            gone.close()
        elif not os.fstat(self._file.fileno()).st_size:  # it was emptied, as logrotate's copytruncate does
            self._waiting = _line(COLUMNS) + self._waiting.removeprefix(_line(COLUMNS))
        while self._waiting:
            self._waiting = self._waiting[self._file.write(self._waiting) or 0 :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _line(row: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(row)
    return text.getvalue().encode()


def rows_up_to(path: Path, points: int) -> tuple[list[Row], bool]:
    """Read the rows of a progress.csv up to so many points, to go on with them.

    Args:
        path: The file; it need not exist.
        points: Of the run that is resumed. Later rows are of points that are lost.

    Returns:
        The rows, and whether there is anything else in the file: rows or columns that are none of ours. The
        last row may be incomplete, since a crash may have cut it.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        text = read_file(path, LARGEST_TEXT).decode("utf-8-sig", "replace")  # spreadsheets write a mark first
    except FileNotFoundError:
        return [], False
    except OSError as error:
        if error.errno == errno.EFBIG:  # of a run of many days; kept aside like one of too many rows
            return [], True
        raise CheckpointError(
            f"{path} cannot be gone on with ({error.strerror}): move it away, or choose another --directory"
        ) from error
    if text.count("\n") > MOST_ROWS:
        return [], True
    reader = csv.DictReader(io.StringIO(text))
    try:
        rows, columns = list(reader), set(reader.fieldnames or ())
    except csv.Error:
        return [], True
    if not set(Progress.COLUMNS) <= columns <= set(COLUMNS):
        return [], bool(text.strip())
    ours = [row for row in rows if _is_whole(row)]
    is_foreign = not all(map(_is_whole, rows[:-1]))  # the last may be cut
    return [row for row in ours if int(row["points"]) <= points], is_foreign


def _is_whole(row: Row) -> bool:
    """Tell whether a row has all its numbers, and nothing else. Those of later versions may be missing."""
    later = (row.get(name) for name in (*Progress.LATER, EVALUATION_COLUMN))
    try:
        numbers = [float(text) for text in (*(row[name] for name in Progress.COLUMNS), *filter(None, later))]
    except (TypeError, ValueError):
        return False
    return all(map(math.isfinite, numbers)) and row["points"].isdecimal() and None not in row


def read_progress(path: Path) -> Run:
    """Read the columns of a progress.csv that can be drawn. A score that is not there is NaN.

    Raises:
        PongError: The file cannot be read, has other columns, or has no rows yet.
    """
    try:
        text = read_file(path, LARGEST_TEXT).decode("utf-8-sig")
        if text.count("\n") > MOST_ROWS:
            raise PongError(f"{path} has more than {MOST_ROWS:,} rows: name a progress.csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        if rows and not text.endswith("\n") and None in rows[-1].values():
            rows.pop()  # a crash, or a full disk, has cut it
        names = ("seconds", "frames", "points", "win_rate", "running_mean")
        run = {name: [float(row[name]) for row in rows] for name in names}
        run["match_score"] = [float(row.get("match_score") or "nan") for row in rows]
    except UnicodeError as error:
        raise PongError(f"{path} cannot be drawn with curves (it is no text): name a progress.csv") from error
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        what = f" {error}" if isinstance(error, KeyError) else ": a row has something else"
        reason = error.strerror if isinstance(error, OSError) else f"no column of numbers{what}"
        raise PongError(
            f"{path} cannot be drawn ({reason}): name a progress.csv that this program wrote"
        ) from error
    if not rows:
        raise PongError(f"{path} has no rows yet: train for 100 points first")
    return run
