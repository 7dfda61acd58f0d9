"""What a run leaves in its directory, for the agent's page: the rows of progress.csv, and the files."""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pongrl.agent.files import BEST, LATEST, OPPONENTS, ROWS
from pongrl.agent.progress import EVALUATION_COLUMN
from pongrl.files import check_readable

SHOWN = ("points", "frames", "share", "mean", "evaluation", "decisions_per_second", "score")
LARGEST_READ = 1 << 18  # bytes of new rows at once, some 3,000: a tenth of a second
MOST_ROWS = 8000  # that are kept; then every second one is dropped
ROWS_AT_ONCE = 2000  # in one answer
MOST_FILES = 50
FILMS = (".gif", ".mp4")
PICTURES = (".png",)
WORDS = {
    BEST: "the best policy so far",
    LATEST: "the latest policy, and all that is needed to go on from it",
    ROWS: "the learning curve, a row for every 100 points",
    OPPONENTS: "the points against each opponent",
}


class File(NamedTuple):
    """A file of the run."""

    name: str
    bytes: int
    when: float  # changed last, in seconds since 1970
    words: str


class Rows:
    """Follows progress.csv while another process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] = (0, 0)  # which one was read
        self._end = 0  # bytes of it that were read
        self._columns: list[str] = []
        self._rows: list[list[float | None]] = []
        self.step, self._skipped = 1, 0  # every so manyth row is kept; those left out since the last one
        self._keeps_evaluations = True  # all rows with one, while they are few
        self._has_more = False

    def after(self, count: int, step: int = 1) -> tuple[int, list[list[float | None]], bool]:
        """Return rows behind the first `count` ones, which were told when every `step`th was kept.

        If there are fewer by now, or others are kept, all are told again, from the first one on.

        Returns:
            How many rows come before; the rows, each with the columns SHOWN; whether there are more already.
        """
        self._read_on()
        first = count if count <= len(self._rows) and step == self.step else 0
        rows = self._rows[first : first + ROWS_AT_ONCE]
        return first, rows, self._has_more or first + len(rows) < len(self._rows)

    def _read_on(self) -> None:
        """Read what was added. A row that is not whole, or makes no sense, is left out."""
        try:
            check_readable(self._path, sys.maxsize)  # opening a pipe would wait for a writer
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self._file or status.st_size < self._end:
                    self._file, self._end = (status.st_dev, status.st_ino), 0
                    self._columns, self._rows = [], []
                    self.step, self._skipped, self._keeps_evaluations = 1, 0, True
                file.seek(self._end)
                data = file.read(LARGEST_READ)
        except OSError:
            return
        self._has_more = len(data) == LARGEST_READ
        whole = data[: data.rfind(b"\n") + 1]
        self._end += len(whole)
        for cells in csv.reader(whole.decode("utf-8-sig", "replace").splitlines()):
            if self._columns:
                self._add(dict(zip(self._columns, cells, strict=False)))
            else:
                self._columns = cells

    def _add(self, row: dict[str, str]) -> None:
        evaluation, score = row.get(EVALUATION_COLUMN), row.get("match_score")
        self._skipped += 1
        if self._skipped < self.step and not (evaluation and self._keeps_evaluations):
            return
        try:
            numbers = [
                float(row["points"]), float(row["frames"]), float(row["win_rate"]),
                (float(row["running_mean"]) + 1) / 2, float(evaluation) if evaluation else None,
                float(row["decisions_per_second"]), float(score) if score else None,
            ]  # fmt: skip
        except (KeyError, ValueError):
            return
        if not all(number is None or math.isfinite(number) for number in numbers):  # JSON has no others
            return
        self._skipped = 0
        self._rows.append(numbers)
        if len(self._rows) > MOST_ROWS:
            kept = [row for place, row in enumerate(self._rows) if place % 2 or row[4] is not None]
            self._keeps_evaluations = self._keeps_evaluations and len(kept) <= MOST_ROWS * 3 // 4
            self._rows = kept if self._keeps_evaluations else self._rows[1::2]
            self.step *= 2


def files_in(directory: Path, words: Callable[[str], str]) -> list[File]:
    """List a run's files that can be downloaded; `words` says what one is, or "" if it is none of them."""
    names = list(WORDS)
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        names += [entry.name for entry in itertools.islice(entries, 10 * MOST_FILES)]
    found = []
    for name in dict.fromkeys(names):  # our own first, however many others there are
        with contextlib.suppress(OSError):
            status = (directory / name).lstat()
            if (said := words(name)) and stat.S_ISREG(status.st_mode):
                found.append(File(name, status.st_size, status.st_mtime, said))
    return sorted(found, key=lambda file: (file.name not in WORDS, file.name))[:MOST_FILES]


def what_is(name: str) -> str:
    """Say what a file of a run's directory is; "" if the page does not offer it."""
    suffix = Path(name).suffix
    return WORDS.get(name) or ("a film" if suffix in FILMS else "a picture" if suffix in PICTURES else "")


def told(count: int, step: int, rows: Rows, directory: Path | None) -> dict[str, Any]:
    """Return what /run.json answers, where the browser has `count` rows of every `step`th already.

    The files are those of the directory; without one there are none.
    """
    first, new, has_more = rows.after(count, step)
    files = [] if directory is None else [file._asdict() for file in files_in(directory, what_is)]
    return {
        "columns": SHOWN, "first": first, "step": rows.step, "rows": new, "more": has_more, "files": files
    }  # fmt: skip
