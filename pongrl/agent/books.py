"""The books of a run: what was achieved, the reports of it, and the files that are left.

    Books           counts and reports; that is all when nothing is learned (--play)
    TrainingBooks   keeps save.p, interrupt.p and progress.csv too

They belong to the training thread; `status` may be called from any.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from pongrl.agent.aside import make_room, put_aside
from pongrl.agent.checkpoints import Checkpoint, Saver
from pongrl.agent.examinations import Examinations
from pongrl.agent.files import BEST, LATEST, ROWS
from pongrl.agent.learning import Learner
from pongrl.agent.observers import Audience, Standing
from pongrl.agent.options import RunOptions
from pongrl.agent.player import Decider
from pongrl.agent.progress import Progress, ProgressFile, Row, rows_up_to
from pongrl.agent.scoreboard import Scoreboard
from pongrl.errors import CheckpointError
from pongrl.game.players import has_second_level
from pongrl.wire.allowance import Allowance
from pongrl.wire.arrays import Int32Array
from pongrl.wire.messages import Column, Step
from pongrl.wire.session import against

# No run reports as often. A server that makes points up must not fill the disk.
REPORTS_AT_ONCE, REPORTS_PER_SECOND = 200, 20
BESTS_AT_ONCE, BESTS_PER_SECOND = 20, 1  # times that save.p is written
CHECKPOINT_SECONDS = 60.0  # between two times that interrupt.p is written
LONGEST_DECISION = 10.0  # seconds; in a longer time this machine has slept, or the server has
NOTHING_TO_EXAMINE = (
    "no server of our own could play this game: an arena has its ladder, and a checkpoint of another game is "
    "evaluated with --evaluate FILE --env NAME"
)

Holding: TypeAlias = Callable[[], AbstractContextManager[object]]


def points_of(table: Int32Array, options: RunOptions) -> Iterator[tuple[int, int]]:
    """Give the points (won, lost) in each game of a STEP's table where there were some.

    Games of another level than the run's are left out.
    """
    counted = table
    if options.second_level is not None:
        counted = np.delete(table, [game for game in range(len(table)) if has_second_level(game)], 0)
    for row in counted[counted[:, Column.POINTS] > 0]:
        points, reward = int(row[Column.POINTS]), int(row[Column.REWARD])
        won = (points + reward) // 2
        yield won, points - won


class Books:
    """Counts what is played and reports it every 100 points.

    Args:
        options: of the run.
        progress: what was achieved before.
        audience: is told of each report.
        say: takes lines for the console.
    """

    def __init__(
        self, options: RunOptions, progress: Progress, audience: Audience, say: Callable[[str], None]
    ) -> None:
        self._score = Scoreboard(progress, options.points, options.minutes)
        self._options, self._audience, self._say = options, audience, say
        self._reports = Allowance(REPORTS_AT_ONCE, REPORTS_PER_SECOND)
        self._player: Decider | None = None
        self.holding: Holding = contextlib.nullcontext  # the games, while this takes long; a Run sets it
        self._last = time.monotonic()  # until when training time is counted

    @property
    def progress(self) -> Progress:
        """What has been achieved so far."""
        return self._score.progress

    def is_complete(self) -> bool:
        """Whether the length that was asked for is over."""
        return self._score.is_complete()

    def status(self, is_paused: bool) -> str:
        """Return one line that says how it goes. Any thread may call it."""
        return ("paused   " if is_paused else "") + self._score.status()

    def standing(self, is_connected: bool = True, is_paused: bool = False) -> Standing:
        """Return what observers are told."""
        policy = None if self._player is None else self._player.policy
        status = self.status(is_paused)
        return Standing(policy, self.progress, self._rows_path(), is_connected, is_paused, status)

    # What happens.

    def open(self, player: Decider, level: int) -> None:
        """Begin, or go on, since there is a server to play on; `level` is that of its AI, 0 in an arena."""
        self._player = player

    def restart_clock(self) -> None:
        """Leave out the time since something was counted last: it was no training."""
        self._last = time.monotonic()

    def pass_time(self) -> None:
        """Count the time since something was counted last."""
        now = time.monotonic()
        self.progress.seconds += min(now - self._last, LONGEST_DECISION)
        self._last = now

    def count(self, step: Step, with_points: bool = True, scores: Sequence[int] = ()) -> None:
        """Count what came of a decision in each game of a server.

        Args:
            step: The state after it.
            with_points: Whether the points measure the run.
            scores: Of the matches that are over with it; none in our own game.
        """
        self.pass_time()
        self.progress.count_matches(scores)
        self.count_decisions(len(step.table), sum(step.ticks.tolist()))  # faster than numpy's sum
        if with_points and np.count_nonzero(step.points):
            for won, lost in points_of(step.table, self._options):
                self.count_points(won, lost)
        self.go_on()

    def count_decisions(self, decisions: int, frames: int) -> None:
        """Count decisions, and the frames that they took."""
        self._score.count_decisions(decisions, frames)

    def count_points(self, won: int, lost: int) -> None:
        """Count points, and report them if that is due, and not too often."""
        if self._score.count_points(won, lost) and self._reports.take():
            self._score.note_report()
            self.report()
            self._say(str(self.progress))

    def go_on(self) -> None:
        """Do what is due from time to time."""
        self.progress.measure_speed()

    def report(self) -> None:
        """Write down where the run stands."""
        self._audience.reported(self.standing())

    def seat_lost(self) -> None:
        """A server has gone."""

    # Commands, and the end.

    def save_now(self) -> None:
        """Write interrupt.p, and say so."""
        self._say("nothing is learned with --play, so there is nothing to save")

    def evaluate_now(self) -> None:
        """Evaluate what was learned."""
        self._say("nothing is learned with --play: --evaluate says how good a checkpoint is")

    def describe(self) -> list[str]:
        """Return lines that say where the run stands."""
        progress = self.progress
        mean, best = f"running mean {progress.running_mean:+.3f}", f"{progress.best:+.3f}"
        if progress.match_score is not None:
            mean = f"mean score   {progress.match_score:+.1f} a match"
            best = f"{progress.best_score or 0:+.1f}"
        return [
            f"progress     {progress}",
            f"{mean}, best at a report {best if progress.has_best else 'none'}",
            f"decisions    {progress.decisions:,} in {progress.frames / 1e6:.2f} M frames, "
            f"updates {self._updates()}",
            f"network      {self._network()}",
            f"files        {Path(self._options.directory).resolve()}",
        ]

    def finish(self) -> bool:
        """Leave everything on disk, and say how it went; return whether all could be written."""
        self._say(f"played: {self.progress}")
        return True

    @contextlib.contextmanager
    def finishing(self) -> Iterator[None]:
        """Finish when the block ends, however it ends.

        Raises:
            CheckpointError: the block went well, but the end of the run could not be written.
        """
        try:
            yield
        finally:
            is_kept = self.finish()
        if not is_kept:
            raise CheckpointError("the end of the run could not be written: see above why")

    def close(self) -> None:
        """Give everything back."""

    def _updates(self) -> str:
        return "0"

    def _network(self) -> str:
        assert self._player is not None
        return f"{self._player.policy.hidden_units} hidden units"

    def _rows_path(self) -> Path | None:
        return None


class TrainingBooks(Books):
    """Books that keep the checkpoints and progress.csv, from the first server on.

    If a file cannot be written, that is said, and training goes on: the next time may go well.

    Args:
        options: of the run.
        progress: what was achieved before.
        audience: is told of each report.
        say: takes lines for the console; the thread that writes checkpoints calls it too.
        identity: by which servers know this agent again; it is kept in the checkpoints.
        examinations: evaluate the policy, at some of the reports or when a person asks for it.
        level: that the run was on when it was stopped, if it is resumed.
        checkpoint_seconds: between two times that interrupt.p is written.
    """

    def __init__(
        self,
        options: RunOptions,
        progress: Progress,
        audience: Audience,
        say: Callable[[str], None],
        identity: bytes,
        examinations: Examinations,
        level: int | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        super().__init__(options, progress, audience, say)
        self._identity, self._examinations = identity, examinations
        self._directory = Path(options.directory)
        self._saver, self._checkpoint_seconds = Saver(say), checkpoint_seconds
        self._best: dict[str, Any] | None = None  # the best policy, until the saver has it
        self._unkept: tuple[Future[bool], dict[str, Any]] | None = None  # that the saver has
        self._bests = Allowance(BESTS_AT_ONCE, BESTS_PER_SECOND)
        self._saved = time.monotonic()  # when interrupt.p was last written because of its age
        self._learner: Learner | None = None
        self._level = level  # None until there is a server
        self._file: ProgressFile | None = None
        self._has_rows = True  # all of them are in the file

    def open(self, player: Decider, level: int) -> None:
        """Begin the files with the first server; what an earlier run left in the directory is kept aside."""
        assert isinstance(player, Learner)
        is_first = self._file is None
        if self._file is None:
            make_room(self._options, self.progress.points, self._say)
            if not (self._directory / BEST).exists():
                self.progress.forget_best()
            self._file = self._begin_rows(self._options.resumes_here)
        self._begin_level(level)
        if is_first and self._options.evaluate_every is not None and not self._can_examine:
            self._say(f"--evaluate-every does nothing here: {NOTHING_TO_EXAMINE}")
        self._learner = player
        super().open(player, level)

    def go_on(self) -> None:
        """Write interrupt.p now and then, and save.p if its turn has come."""
        super().go_on()
        if self._learner is not None:
            self._learner.done = self._score.share_done() or 0.0
        self._write_best()
        if self._last - self._saved >= self._checkpoint_seconds:
            self._saved = self._last
            self.save(LATEST)
            self._take_back()

    def report(self) -> None:
        """Evaluate if that is due, add a row to progress.csv, and keep the best policy in save.p."""
        progress, learner = self.progress, self._learner
        assert learner is not None
        self._note_learning(learner)
        if self._can_examine and self._examinations.is_due(progress.points):
            self._examine(learner)
        super().report()
        self._write_row()
        if progress.note_best():
            self._best = self._checkpoint()
            self._write_best()

    def _write_best(self, is_urgent: bool = False) -> None:
        """Write the best policy into save.p, if there is a new one; soon after others it waits."""
        if self._best is not None and (is_urgent or self._bests.take()):
            best, self._best = self._best, None
            self._unkept = self._saver.save(self._directory / BEST, best), best

    def _take_back(self, is_urgent: bool = False) -> None:
        """Let the best policy wait again if it could not be written, as on a disk that is full."""
        if self._unkept is None or not (is_urgent or self._unkept[0].done()):
            return
        saved, best = self._unkept
        self._unkept = None
        if not saved.result() and self._best is None:
            self._best = best

    def _keep_best(self) -> bool:
        """Write the best policy now if it is not in save.p; return whether it is there then."""
        self._take_back(is_urgent=True)
        self._write_best(is_urgent=True)
        return self._unkept is None or self._unkept[0].result()

    def save(self, name: str, tells: bool = True) -> Future[bool]:
        """Write a checkpoint soon, in the saver's thread; see `Saver.save`."""
        return self._saver.save(self._directory / name, self._checkpoint(), tells)

    def _checkpoint(self) -> dict[str, Any]:
        """Return the plain values of a checkpoint of now."""
        learner = self._learner
        assert learner is not None
        self._note_learning(learner)
        checkpoint = Checkpoint(
            self._options.kept, self.progress, learner.policy, learner.to_plain(), self._identity, self._level
        )
        return checkpoint.to_plain()

    def _note_learning(self, learner: Learner) -> None:
        """Note how far the learner is, and what its next update will be."""
        self.progress.updates = learner.updates
        self.progress.learning_rate, self.progress.batch_size = learner.rate, learner.batch_size

    def seat_lost(self) -> None:
        """Save what was learned before a server went."""
        self.save(LATEST)

    def save_now(self) -> None:
        """Write interrupt.p, wait until that is done, and say so."""
        is_saved = self.save(LATEST, tells=False).result()
        self._say(f"saved {LATEST}" if is_saved else f"NOT saved: {self._problem()}")

    def _problem(self) -> str:
        """Say why interrupt.p could not be written; that may have been told long ago."""
        return self._saver.problem(self._directory / LATEST)

    def evaluate_now(self) -> None:
        """Evaluate what was learned, and go on."""
        assert self._learner is not None
        if self._can_examine:
            self._examine(self._learner)
        else:
            self._say(NOTHING_TO_EXAMINE)

    def finish(self) -> bool:
        """Write interrupt.p and the last row, if anything was begun."""
        if self._file is None or self._learner is None:
            return True
        has_best, is_saved = self._keep_best(), self.save(LATEST, tells=False).result()
        has_row = self._write_row()
        if not is_saved:
            self._say(self._problem())
        self._say(f"{f'saved {LATEST}' if is_saved else 'NOT saved'}: {self.progress}")
        return has_best and is_saved and has_row

    def close(self) -> None:
        """Write the checkpoints that wait; end the saver's thread and the server of the evaluations."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # it was said when the row was written
                self._file.close()
        self._examinations.close()
        self._saver.close()

    def _begin_rows(self, is_ours: bool = True) -> ProgressFile:
        """Begin progress.csv, with the rows that are there if they are ours."""
        rows = self._read_rows() if is_ours else []
        return ProgressFile(self._directory / ROWS, rows, self._read_rows)

    def _read_rows(self) -> Sequence[Row]:
        """Read the rows that are there if they are ours. Others are kept aside."""
        rows, is_foreign = rows_up_to(self._directory / ROWS, self.progress.points)
        if is_foreign:
            self._say(f"{ROWS} is too large, or has rows that we did not write, so it is kept aside")
            put_aside(self._directory, self._say, copy=[ROWS])
        return rows

    def _begin_level(self, level: int) -> None:
        """Take the level that is played: a share of points won means nothing on another level.

        Where there are several servers, the first one counts.
        """
        if self._learner is not None and len(self._options.addresses) > 1:
            return
        before, self._level = self._level, level
        if before is not None and before != level:
            self._keep_best()
            self._say(
                f"the run was on {against(before)}, now it is on {against(level)}: measuring starts again"
            )
            if self.progress.has_best:  # else save.p is of another level, and kept already
                put_aside(self._directory, self._say, copy=[BEST])
            self._unkept = None
            self.progress.begin_level()

    @property
    def _can_examine(self) -> bool:
        """Whether a server of our own can play the game that is learned."""
        return bool(self._level) or self._options.env is not None

    def _examine(self, learner: Learner) -> None:
        """Evaluate the policy while the games are held; the time it takes is not training's."""
        with self.holding():
            share = self._examinations.evaluate(
                learner.policy, self.progress.points, self._level or 0, self.standing()
            )
        self.restart_clock()
        if share is not None:
            self.progress.evaluation_win_rate = share

    def _write_row(self) -> bool:
        """Add a row to progress.csv; return whether all rows are there."""
        assert self._file is not None
        had_rows, self._has_rows = self._has_rows, True
        try:
            self._file.write(self.progress)
        except (OSError, CheckpointError) as error:
            self._has_rows = False
            if had_rows:
                reason = getattr(error.__cause__ or error, "strerror", error)
                self._say(f"{ROWS} could not be written ({reason}): training goes on, and its rows wait")
        else:
            if not had_rows:
                self._say(f"{ROWS} could be written again")
        return self._has_rows

    def _updates(self) -> str:
        assert self._learner is not None
        return f"{self._learner.updates:,}, steps refused: {self._learner.refused}"

    def _network(self) -> str:
        assert self._learner is not None
        return f"{super()._network()}, learning rate {self._learner.rate:.3g}"

    def _rows_path(self) -> Path | None:
        return None if self._file is None else self._directory / ROWS
