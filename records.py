"""What a training run leaves on disk: checkpoints and progress.csv."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import math
import os
import re
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, ClassVar

import plain
from netproto import PongError, ProtocolError

WINDOW_POINTS = 1000  # the share won is over so many
RUNNING_DECAY = 0.999  # of the running mean, per point
EVALUATION_COLUMN = "evaluation_win_rate"


# ---------------------------------------------------------------------------------------------
# Checkpoints

CHECKPOINT_MAGIC = b"PONG-CK\n"
CHECKPOINT_FORMAT = 1


class CheckpointError(PongError):
    """A checkpoint that cannot be read, or not be written."""


class _Hashed:
    """A file that is hashed as it is written, so that a checkpoint needs no second copy in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)


def save(path: Path, values: dict[str, Any]) -> None:
    """Write plain values as a checkpoint, so that the file is at any moment the old or the new one, whole.

    The file is magic (8 bytes), format (2), SHA-256 of the rest (32), and a pickle of plain values.

    Raises:
        CheckpointError: the disk is full, the directory gone, the file read-only.
    """
    unfinished = path.with_name(path.name + ".tmp")
    try:
        if path.exists() and not path.stat().st_mode & 0o222:  # replacing asks the directory alone
            raise PermissionError(errno.EACCES, "Permission denied")
        with open(unfinished, "wb") as file:
            digest_at = file.write(CHECKPOINT_MAGIC + CHECKPOINT_FORMAT.to_bytes(2, "big"))
            file.write(bytes(hashlib.sha256().digest_size))
            body = _Hashed(file)
            plain.dump(values, body)
            file.seek(digest_at)
            file.write(body.digest.digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise CheckpointError(
            f"{path} could not be written ({error.strerror}): the file before stays"
        ) from error


class Saver:
    """Writes checkpoints in a thread of its own, since a disk takes as long as hundreds of decisions.

    Of several for one file that wait the newest alone is kept and written. Why one is not written is said, in
    that thread; what is no fault of the disk's is raised by the next call, or at the end.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._thread = ThreadPoolExecutor(1, "saver")
        self._waiting: dict[Path, dict[str, Any]] = {}  # the caller puts in, the thread takes out
        self._went_well: dict[Path, bool] = {}  # the last time; the thread's alone
        self._mistake: Exception | None = None

    def save(self, path: Path, values: dict[str, Any]) -> Future[bool]:
        """Write these values, which nobody changes any more, soon. The result tells whether it went well."""
        self._raise_mistake()
        self._waiting[path] = values
        return self._thread.submit(self._write, path)

    def _write(self, path: Path) -> bool:
        try:
            if (values := self._waiting.pop(path, None)) is not None:  # else they went with those before
                self._went_well[path] = self._try(path, values)
        except Exception as error:
            self._mistake = error
            raise
        return self._went_well[path]

    def _try(self, path: Path, values: dict[str, Any]) -> bool:
        try:
            save(path, values)
        except CheckpointError as error:
            self._say(str(error))
            return False
        return True

    def _raise_mistake(self) -> None:
        if self._mistake is not None:
            raise self._mistake

    def close(self) -> None:
        """Write what still waits, and end the thread."""
        self._thread.shutdown()
        self._raise_mistake()


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint, from anybody: no code can be in it.

    Raises:
        CheckpointError: it is missing, foreign, damaged, or of a later format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error.strerror}): check its name"
        ) from error
    start = len(CHECKPOINT_MAGIC)
    if data[:start] != CHECKPOINT_MAGIC[: len(data)] or not data:
        raise CheckpointError(f"{path} is no checkpoint of this program: name one that it wrote")
    version, digest, body = (
        int.from_bytes(data[start : start + 2], "big"),
        data[start + 2 :][:32],
        data[start + 34 :],
    )
    if len(data) > start + 1 and version != CHECKPOINT_FORMAT:
        raise CheckpointError(
            f"{path} has format {version}, this release reads {CHECKPOINT_FORMAT}: update it"
        )
    try:
        if hashlib.sha256(body).digest() != digest:
            raise ProtocolError("its checksum is wrong")
        values = plain.loads(body)
        if type(values) is not dict:
            raise ProtocolError("it holds something else")
    except ProtocolError as error:
        raise CheckpointError(f"{path} is damaged ({error}): resume from another, or begin anew") from error
    return values


# ---------------------------------------------------------------------------------------------
# Progress


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
