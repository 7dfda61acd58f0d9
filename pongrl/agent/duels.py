"""How a training does against its opponents, and the snapshots with which it joins them.

    Tally    what was won against each opponent in a period
    Duels    counts, writes opponents.csv, and makes snapshots

A period goes from one snapshot to the next.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pongrl.agent.aside import put_aside
from pongrl.agent.checkpoints import Checkpoint, Saver
from pongrl.agent.files import OPPONENTS
from pongrl.agent.observers import Observer, Standing
from pongrl.agent.opponents import snapshot_path
from pongrl.agent.options import RunOptions
from pongrl.agent.sparring import Result
from pongrl.errors import CheckpointError
from pongrl.files import LARGEST_TEXT, check_replaceable, read_file, replacing

SNAPSHOT_POINTS = 5000  # from one snapshot to the next, unless --snapshot-every says otherwise
MOST_WAITING = 1 << 20  # bytes of rows that wait for room on the disk
COLUMNS = ("points", "opponent", "played", "won", "share")
_HEAD = (",".join(COLUMNS) + "\r\n").encode()


class Tally:
    """What was won against each opponent. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of the next two
        self._won: Counter[str] = Counter()
        self._played: Counter[str] = Counter()

    def count(self, result: Result) -> None:
        """Add a result."""
        with self._lock:
            self._won[result.opponent] += result.won
            self._played[result.opponent] += result.won + result.lost

    def take(self) -> list[Result]:
        """Return what was counted since the last call, by the opponents' names."""
        with self._lock:
            results = [
                Result(name, self._won[name], played - self._won[name])
                for name, played in sorted(self._played.items())
                if played
            ]
            self._won.clear()
            self._played.clear()
        return results


class Duels(Observer):
    """Counts the points against opponents, and puts a snapshot of the policy among them now and then.

    A snapshot has the policy alone, and no secret: anybody may have it.

    Args:
        options: of the run.
        points: that were played before.
        say: takes lines for the console; the thread that writes snapshots calls it too.
    """

    def __init__(self, options: RunOptions, points: int, say: Callable[[str], None]) -> None:
        assert options.opponents is not None
        self._options, self._say = options, say
        self._opponents = Path(options.opponents)
        self._before = points
        self._every = options.snapshot_every or SNAPSHOT_POINTS
        self._periods = points // self._every  # that are over
        self._run = secrets.token_hex(4)  # in the names of its snapshots, so that they replace no other
        self._tally, self._saver = Tally(), Saver(say)
        self._path = Path(options.directory, OPPONENTS)
        self._has_begun = False
        self._rows = b""  # that the file lacks still; it may begin within a row

    def hear(self, result: Result) -> None:
        """Count a result. Any thread may call it."""
        self._tally.count(result)

    def reported(self, standing: Standing) -> None:
        """End the period, and make a snapshot, if that is due."""
        points = standing.progress.points
        if points // self._every > self._periods and standing.policy is not None:
            self._periods = points // self._every
            self._end_period(points)
            self._save(standing)

    def ended(self, standing: Standing) -> None:
        """End the last period."""
        self._end_period(standing.progress.points, "its last rows are lost")
        self._saver.close()

    def _save(self, standing: Standing) -> None:
        policy, progress, options = standing.policy, standing.progress, self._options
        assert policy is not None
        snapshot = Checkpoint(options.kept, progress, policy, learner={}, level=options.level)
        path = snapshot_path(self._opponents, progress.points, self._run)
        self._saver.save(path, snapshot.to_plain())

    def _end_period(self, points: int, otherwise: str = "training goes on, and its rows wait") -> None:
        """Write down and say how it went against the opponents; `otherwise` says what comes of an error."""
        results = self._tally.take()
        if not results:
            return
        self._say(f"against opponents: {summary(results)}")
        text = io.StringIO(newline="")
        csv.writer(text).writerows(_row(points, result) for result in results)
        if len(self._rows) < MOST_WAITING:
            self._rows += text.getvalue().encode()
        try:
            if not self._has_begun:
                self._begin_file()
                self._has_begun = True
            check_replaceable(self._path)
            with open(self._path, "ab", buffering=0) as file:
                if not os.fstat(file.fileno()).st_size:  # it was moved away, or emptied
                    self._rows = _HEAD + self._rows.removeprefix(_HEAD)
                while self._rows:
                    self._rows = self._rows[file.write(self._rows) or 0 :]
        except OSError as error:
            self._say(f"{OPPONENTS} could not be written ({error.strerror}): {otherwise}")
        except CheckpointError as error:
            self._say(f"{error}; {otherwise}")

    def _begin_file(self) -> None:
        """Begin opponents.csv, with the rows that are there if the run goes on with them.

        Raises:
            OSError: it cannot be read or written.
            CheckpointError: what is there cannot be kept aside.
        """
        rows: list[list[str]] | None = []
        if self._options.resumes_here:
            rows = _rows_up_to(self._path, self._before)
            if rows is None:
                put_aside(self._path.parent, self._say, move=[OPPONENTS])
        with replacing(self._path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *(rows or ())])


def summary(results: list[Result]) -> str:
    """Say in a line what was won of all points, and against which opponent it was least."""
    hardest = min(results, key=_share)
    won, played = (
        sum(numbers) for numbers in zip(*((one.won, one.won + one.lost) for one in results), strict=True)
    )
    words = f"won {100 * won / played:.1f} % of {played:,} points"
    return f"{words}, least against {hardest.opponent}: {100 * _share(hardest):.1f} %"


def _share(result: Result) -> float:
    return result.won / (result.won + result.lost)


def _row(points: int, result: Result) -> list[str]:
    played = result.won + result.lost
    return [str(points), result.opponent, str(played), str(result.won), f"{_share(result):.4f}"]


def _rows_up_to(path: Path, points: int) -> list[list[str]] | None:
    """Read the rows up to so many points; None if the file has others. The last one may be cut.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        text = read_file(path, LARGEST_TEXT).decode("utf-8-sig", "replace")  # spreadsheets write a mark first
    except FileNotFoundError:
        return []
    try:
        header, *rows = csv.reader(io.StringIO(text))
    except (csv.Error, ValueError):
        return None
    if tuple(header) != COLUMNS:
        return None
    whole = [row for row in rows if len(row) == len(COLUMNS) and row[0].isdecimal()]
    if len(whole) < len(rows) and whole != rows[:-1]:
        return None
    return [row for row in whole if int(row[0]) <= points]
