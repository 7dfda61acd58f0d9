"""The books of a run: counting, reports, checkpoints, rows."""

from __future__ import annotations

import contextlib
import csv
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pongrl.agent import books as books_module
from pongrl.agent.books import CHECKPOINT_SECONDS, LONGEST_DECISION, Books, TrainingBooks
from pongrl.agent.checkpoints import Checkpoint, load
from pongrl.agent.files import BEST, LATEST, ROWS
from pongrl.agent.observers import Audience, Observer, Standing
from pongrl.agent.player import Player
from pongrl.agent.progress import Progress
from pongrl.errors import CheckpointError
from tests.support import PATIENCE
from tests.support.agents import Lines, learner_of, options_of, state, training_books

posix = pytest.mark.skipif(sys.platform == "win32", reason="replacing open files, and files with holes")
WON, LOST = state(points=[1], reward=[1]), state(points=[1], reward=[-1])


@contextlib.contextmanager
def opened(directory: Path, lines: Lines | None = None, **given: Any) -> Iterator[TrainingBooks]:
    """Books of a run in a directory, opened, with a small learner."""
    observers = given.pop("observers", ())
    examinations = given.pop("examinations", None)
    others = {"checkpoint_seconds": given.pop("checkpoint_seconds", CHECKPOINT_SECONDS)}
    options = options_of(hiddenUnits=2, seed=1, directory=str(directory), **given)
    books = training_books(
        options, lines or Lines(), observers=observers, examinations=examinations, **others
    )
    with contextlib.closing(books):
        books.open(learner_of(options), 2)
        yield books


def rows_of(directory: Path) -> list[dict[str, str]]:
    with open(directory / "progress.csv", newline="") as file:
        return list(csv.DictReader(file))


class Notes(Observer):
    def __init__(self) -> None:
        self.standings: list[Standing] = []

    def reported(self, standing: Standing) -> None:
        self.standings.append(standing)


def test_what_came_of_a_decision_is_counted_in_every_game() -> None:
    lines = Lines()
    books = Books(options_of(), Progress(), Audience(), lines)
    books.count(state(2, points=[1, 3], reward=[-1, 1]))  # none of one won, two of three
    progress = books.progress
    assert (progress.decisions, progress.frames, progress.points) == (2, 8, 4)
    assert progress.win_rate == 0.5
    assert progress.seconds > 0


def test_time_that_was_no_training_is_left_out() -> None:
    books = Books(options_of(), Progress(), Audience(), Lines())
    books.restart_clock()
    books.pass_time()
    first = books.progress.seconds
    assert first > 0
    books.restart_clock()
    assert books.progress.seconds == first


def test_time_that_this_machine_has_slept_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    books = Books(options_of(), Progress(), Audience(), Lines())
    for seconds in (2.0, 3600.0, 3.0):
        now[0] += seconds
        books.count(WON)
    assert books.progress.seconds == 2 + LONGEST_DECISION + 3


def test_every_hundred_points_are_reported_once(tmp_path: Path) -> None:
    lines, notes = Lines(), Notes()
    with opened(tmp_path, lines, observers=(notes,)) as books:
        for _ in range(250):
            books.count(WON)
        assert [standing.status.split("   ")[0] for standing in notes.standings]
        assert len(notes.standings) == 2
        assert notes.standings[0].rows == tmp_path / "progress.csv"
        assert notes.standings[0].is_connected
        assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200"]
        assert [line.split("   ")[0] for line in lines.said] == ["100 points", "200 points"]
        books.finish()
    assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200", "250"]
    assert lines.said[-1].startswith("saved interrupt.p: 250 points")


def test_points_against_opponents_are_not_counted_and_their_decisions_are() -> None:
    books = Books(options_of(), Progress(), Audience(), Lines())
    books.count(state(2, points=[1, 1], reward=[1, 1]), with_points=False)
    assert (books.progress.points, books.progress.decisions) == (0, 2)


@pytest.mark.parametrize(("level", "points", "share"), [(2, 4, 0.5), (3, 2, 0.0)])
def test_points_of_the_level_that_was_asked_for_are_counted(
    tmp_path: Path, level: int, points: int, share: float
) -> None:
    """On servers of its own a run at level 3 plays every second game at level 2."""
    with opened(tmp_path, local=True, level=level) as books:
        books.count(state(6, points=[1, 1, 1, 0, 0, 1], reward=[-1, 1, -1, 0, 0, 1]))
        assert (books.progress.points, books.progress.win_rate) == (points, share)
        assert books.progress.decisions == 6


def test_the_best_policy_at_a_report_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        for outcome, best in ((LOST, 100), (WON, 200), (LOST, 200)):
            for _ in range(100):
                books.count(outcome)
            assert books.save("behind.p").result(PATIENCE)  # checkpoints are written in their order
            assert load(tmp_path / BEST)["progress"]["points"] == best


def test_a_server_that_makes_points_up_is_reported_so_often_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_module, "REPORTS_AT_ONCE", 3)
    monkeypatch.setattr(books_module, "REPORTS_PER_SECOND", 0)
    with opened(tmp_path) as books:
        for _ in range(10):
            books.count(state(128, points=[100] * 128, reward=[100] * 128))
        assert books.progress.points == 128_000
        assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200", "300"]
        books.finish()
    assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200", "300", "128000"]


def test_the_best_policy_is_not_written_again_and_again_but_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_module, "BESTS_AT_ONCE", 1)
    monkeypatch.setattr(books_module, "BESTS_PER_SECOND", 0)
    with opened(tmp_path) as books:
        for outcome in (LOST, WON, WON):
            for _ in range(100):
                books.count(outcome)
        assert books.save("behind.p").result(PATIENCE)  # checkpoints are written in their order
        assert load(tmp_path / BEST)["progress"]["points"] == 100
        books.count(LOST)
        books.finish()
        assert load(tmp_path / BEST)["progress"]["points"] == 300


@pytest.mark.parametrize(("seconds", "is_due"), [(CHECKPOINT_SECONDS, False), (0.0, True)])
def test_the_latest_policy_is_kept_now_and_then_whenever_the_best_was_kept(
    tmp_path: Path, seconds: float, is_due: bool
) -> None:
    with opened(tmp_path, checkpoint_seconds=seconds) as books:
        books.count(state())
        assert books.save(BEST).result(PATIENCE)  # checkpoints are written in their order
        assert (tmp_path / LATEST).exists() == is_due


def test_save_writes_the_latest_at_once_and_says_so(tmp_path: Path) -> None:
    lines = Lines()
    with opened(tmp_path, lines) as books:
        books.save_now()
        assert lines.said == ["saved interrupt.p"]
        assert load(tmp_path / LATEST)["options"]["hiddenUnits"] == 2


def test_what_cannot_be_saved_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    lines = Lines()
    (tmp_path / "run").mkdir()
    with opened(tmp_path / "run", lines) as books:
        (tmp_path / "run").rename(tmp_path / "elsewhere")
        books.save_now()
        assert not books.finish()
    assert "nothing is saved there" in lines.said[0]
    assert sum(line.startswith("NOT saved: ") for line in lines.said) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a directory with open files cannot be removed there")
def test_rows_that_go_nowhere_are_told(tmp_path: Path) -> None:
    lines = Lines()
    (tmp_path / "run").mkdir()
    with opened(tmp_path / "run", lines) as books:
        shutil.rmtree(tmp_path / "run")
        for _ in range(100):
            books.count(WON)
        assert sum("progress.csv could not be written (No such file" in line for line in lines.said) == 1


@posix
def test_what_found_no_room_is_written_once_there_is_some_and_each_is_said_once(tmp_path: Path) -> None:
    """The directory is away for a while, as if the disk were full."""
    lines, run = Lines(), tmp_path / "run"
    run.mkdir()
    with opened(run, lines, checkpoint_seconds=0) as books:
        run.rename(tmp_path / "elsewhere")
        for came in 100 * [LOST] + 200 * [WON]:
            books.count(came)
        best = books.progress.best
        books.save_now()
        assert f"NOT saved: {run / LATEST} could not be written (" in lines.said.pop()
        run.mkdir()
        for _ in range(100):
            books.count(LOST)
        assert books.finish()
    assert books.progress.best == best  # so what save.p was to have has waited
    assert load(run / BEST)["progress"]["points"] == 300
    assert [row["points"] for row in rows_of(run)] == ["100", "200", "300", "400"]
    for name in (ROWS, LATEST, BEST):
        assert sum(f"{name} could not be written (" in line for line in lines.said) == 1
        assert sum(f"{name} could be written again" in line for line in lines.said) == 1


@posix
@pytest.mark.parametrize(
    ("separator", "aside"), [(",", None), (";", "seconds;frames;decisions;points;updates")]
)
def test_a_spreadsheet_that_replaces_the_rows_during_the_run_loses_none(
    tmp_path: Path, separator: str, aside: str | None
) -> None:
    rows = tmp_path / "progress.csv"
    with opened(tmp_path) as books:
        for _ in range(200):
            books.count(WON)
        (tmp_path / "saved").write_text(rows.read_text().replace(",", separator))
        (tmp_path / "saved").rename(rows)
        for _ in range(100):
            books.count(WON)
    if aside is None:
        assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200", "300"]
    else:
        assert [row["points"] for row in rows_of(tmp_path)] == ["300"]
        assert (tmp_path / "previous-1" / "progress.csv").read_text().startswith(aside)


def test_a_run_that_ends_before_its_first_report_tells_rate_and_batch_too(tmp_path: Path) -> None:
    with opened(tmp_path, learningRate=0.25) as books:
        books.count(WON)
        books.finish()
    (row,) = rows_of(tmp_path)
    assert (row["points"], row["learning_rate"], row["batch_size"]) == ("1", "0.25", "10")


def test_in_other_games_the_best_policy_is_that_of_the_best_matches(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        for score in (20, 30, 10):  # a hundred matches, in each of them a point that is won
            for _ in range(100):
                books.count(WON, scores=[score])
        assert "mean score   +10.0 a match, best at a report +30.0" in books.describe()
        books.finish()
    assert Checkpoint.read(tmp_path / BEST).progress.points == 200
    assert [row["match_score"] for row in rows_of(tmp_path)] == ["20.00", "30.00", "10.00"]


def test_a_run_of_victories_alone_can_be_gone_on_with(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        for _ in range(1500):
            books.count(WON)
        books.finish()
    assert Checkpoint.read(tmp_path / BEST).progress.best == pytest.approx(1)
    assert Checkpoint.read(tmp_path / LATEST).progress.points == 1500


def test_a_server_that_changes_its_level_again_and_again_fills_no_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        learner = learner_of(options_of(hiddenUnits=2, seed=1))
        for _ in range(100):
            books.count(WON)
        assert books.save("behind.p").result(PATIENCE)  # checkpoints are written in their order
        for level in (1, 2, 1, 3):
            books.open(learner, level)
            books.count(WON)
    assert [path.name for path in tmp_path.glob("previous-*")] == ["previous-1"]


@posix
def test_files_that_cannot_be_kept_are_told_before_anything_is_changed(tmp_path: Path) -> None:
    with (tmp_path / ROWS).open("wb") as file:
        file.truncate(60 << 30)  # it takes no room
    (tmp_path / BEST).write_bytes(b"precious")
    with (
        pytest.raises(CheckpointError, match=r"cannot be kept in .* \(it has 64,424,509,440 bytes"),
        opened(tmp_path, resume=str(tmp_path / "other" / "save.p")),
    ):
        pass
    assert (tmp_path / ROWS).stat().st_size == 60 << 30
    assert (tmp_path / BEST).read_bytes() == b"precious"


@posix
def test_a_best_policy_of_another_level_that_cannot_be_kept_ends_the_run_with_a_sentence(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as books:
        for _ in range(100):
            books.count(WON)
        assert books.finish()
    progress, latest = Checkpoint.read(tmp_path / LATEST).progress, (tmp_path / LATEST).read_bytes()
    with (tmp_path / BEST).open("wb") as file:
        file.truncate(60 << 30)  # it takes no room
    options = options_of(hiddenUnits=2, seed=1, directory=str(tmp_path), resume=True)
    with (
        contextlib.closing(training_books(options, Lines(), progress=progress, level=2)) as books,
        pytest.raises(CheckpointError, match=r"cannot be kept in .* \(it has 64,424,509,440 bytes"),
        books.finishing(),
    ):
        books.open(learner_of(options), 3)
    assert (tmp_path / LATEST).read_bytes() == latest


def test_the_learner_is_told_how_much_of_the_run_is_over(tmp_path: Path) -> None:
    options = options_of(hiddenUnits=2, directory=str(tmp_path), points=4)
    learner = learner_of(options)
    with contextlib.closing(training_books(options, Lines())) as books:
        books.open(learner, 2)
        done = []
        for _ in range(4):
            books.count(WON)
            done.append(learner.done)
    assert done == [0.25, 0.5, 0.75, 1.0]


def test_where_no_server_of_ours_could_play_an_evaluation_says_so(tmp_path: Path) -> None:
    lines = Lines()
    with opened(tmp_path, lines) as books:
        books.open(learner_of(options_of(hiddenUnits=2)), 0)  # an arena, or another game
        books.evaluate_now()
    lines.wait_for("no server of our own could play this game")


def test_evaluations_that_can_never_be_due_are_told_once(tmp_path: Path) -> None:
    lines, exam = Lines(), Exam()
    options = options_of(hiddenUnits=2, seed=1, directory=str(tmp_path), evaluate_every=100)
    with contextlib.closing(training_books(options, lines, examinations=exam)) as books:
        for _ in range(2):
            books.open(learner_of(options), 0)  # an arena, or another game, that is found again
            for _ in range(100):
                books.count(WON)
    assert sum(line.startswith("--evaluate-every does nothing here: ") for line in lines.said) == 1
    assert exam.asked == []


def test_on_another_level_the_run_is_measured_anew_and_its_best_is_kept_aside(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        for _ in range(100):
            books.count(WON)
        assert books.finish()
    lines, progress = Lines(), Checkpoint.read(tmp_path / LATEST).progress
    options = options_of(hiddenUnits=2, seed=1, directory=str(tmp_path), resume=True)
    with contextlib.closing(training_books(options, lines, progress=progress, level=2)) as books:
        books.open(learner_of(options), 3)
        assert lines.said[0] == "the run was on level 2, now it is on level 3: measuring starts again"
        for _ in range(100):
            books.count(LOST)
        assert books.finish()
    assert Checkpoint.read(tmp_path / BEST).level == 3
    assert Checkpoint.read(tmp_path / "previous-1" / BEST).level == 2
    assert [row["points"] for row in rows_of(tmp_path)] == ["100", "200"]


def test_rows_that_are_not_ours_are_kept_aside_when_the_run_goes_on(tmp_path: Path) -> None:
    lines, progress = Lines(), Progress()
    progress.points = 200
    (tmp_path / "progress.csv").write_text("seconds;frames\n1,5;2\n")
    options = options_of(hiddenUnits=2, seed=1, directory=str(tmp_path), resume=True)
    with contextlib.closing(training_books(options, lines, progress=progress)) as books:
        books.open(learner_of(options), 2)
    assert (tmp_path / "previous-1" / "progress.csv").read_text() == "seconds;frames\n1,5;2\n"
    assert lines.said == [
        "progress.csv is too large, or has rows that we did not write, so it is kept aside",
        f"the files of the run before are kept in {tmp_path / 'previous-1'}",
    ]


def test_files_of_an_earlier_run_are_kept_beside_what_is_kept_already(tmp_path: Path) -> None:
    for name in ("previous-2", "previous-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "progress.csv").write_text("precious")
    lines = Lines()
    with opened(tmp_path, lines) as books:
        assert (tmp_path / "previous-3" / "progress.csv").read_text() == "precious"
        assert lines.said == [f"the files of the run before are kept in {tmp_path / 'previous-3'}"]
        books.finish()


def test_a_checkpoint_from_elsewhere_begins_new_rows_and_copies_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "progress.csv").write_text("precious")
    with opened(tmp_path, resume=str(tmp_path / "other" / "save.p")) as books:
        books.finish()
    assert (tmp_path / "previous-1" / "progress.csv").read_text() == "precious"
    assert rows_of(tmp_path) == []


def run_on(directory: Path, resume: Path, outcomes: str) -> None:
    """Go on from a checkpoint, for so many reports."""
    options = options_of(hiddenUnits=2, seed=1, directory=str(directory), resume=str(resume))
    progress = Checkpoint.read(resume).progress
    with contextlib.closing(training_books(options, Lines(), progress=progress, level=2)) as books:
        books.open(learner_of(options), 2)
        for outcome in outcomes:
            for _ in range(100):
                books.count(WON if outcome == "w" else LOST)
        assert books.finish()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run: its best policy is that after 200 points, its latest that after 300."""
    directory = tmp_path / "run"
    directory.mkdir()
    with opened(directory) as books:
        for came in 200 * [WON] + 100 * [LOST]:
            books.count(came)
        assert books.finish()
    return directory


def checkpoints_in(directory: Path) -> dict[str, int]:
    """The points of the checkpoints in a directory."""
    return {path.name: Checkpoint.read(path).progress.points for path in directory.glob("*.p")}


def test_a_run_that_comes_from_elsewhere_leaves_no_checkpoint_of_the_one_before(
    tmp_path: Path, run: Path
) -> None:
    """Else the next --resume or --play would take that."""
    other = tmp_path / "other"
    other.mkdir()
    with opened(other) as books:
        books.count(WON)
        assert books.finish()
    run_on(run, other / LATEST, "")
    assert checkpoints_in(run) == {LATEST: 1}
    assert checkpoints_in(run / "previous-1") == {BEST: 200, LATEST: 300}


def test_a_run_that_comes_from_elsewhere_has_its_best_policy_from_its_first_report_on(
    tmp_path: Path, run: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run_on(other, run / BEST, "l")  # worse than it was, and better than nothing
    assert checkpoints_in(other) == {BEST: 300, LATEST: 300}


def test_a_run_that_goes_back_to_its_best_keeps_what_came_after_that_aside(run: Path) -> None:
    run_on(run, run / BEST, "")
    assert checkpoints_in(run) == {BEST: 200, LATEST: 200}
    assert checkpoints_in(run / "previous-1") == {BEST: 200, LATEST: 300}


def test_a_run_that_goes_on_from_its_latest_by_name_keeps_its_best(run: Path) -> None:
    run_on(run, run / LATEST, "l")
    assert checkpoints_in(run) == {BEST: 200, LATEST: 400}


class Exam:
    """Stands in for examinations: one is due at every report, and every second time it gives a share."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.is_closed = False

    def is_due(self, points: int) -> bool:
        return True

    def evaluate(self, policy: object, points: int, level: int, standing: Standing) -> float | None:
        self.asked.append((points, level))
        return 0.25 if len(self.asked) == 2 else None

    def close(self) -> None:
        self.is_closed = True


def test_an_evaluation_goes_into_the_row_of_its_report_and_observers_see_it_before(tmp_path: Path) -> None:
    exam = Exam()
    with opened(tmp_path, evaluate_every=200, examinations=exam) as books:
        for _ in range(300):
            books.count(WON)
        books.finish()
    assert exam.asked == [(100, 2), (200, 2), (300, 2)]
    assert [row["evaluation_win_rate"] for row in rows_of(tmp_path)] == ["", "0.2500", ""]
    assert exam.is_closed


def test_an_evaluation_that_a_person_asks_for_goes_into_the_next_row(tmp_path: Path) -> None:
    exam = Exam()
    with opened(tmp_path, examinations=exam) as books:
        for _ in range(150):
            books.count(WON)
        books.evaluate_now()
        for _ in range(50):
            books.count(WON)
        books.finish()
    assert exam.asked == [(100, 2), (150, 2), (200, 2)]
    assert [row["evaluation_win_rate"] for row in rows_of(tmp_path)] == ["", "0.2500"]


def test_the_games_are_held_during_an_evaluation(tmp_path: Path) -> None:
    happened: list[str] = []

    class Held(Exam):
        def evaluate(self, *given: Any) -> float | None:
            happened.append("evaluated")
            return super().evaluate(*given)

    @contextlib.contextmanager
    def holding() -> Iterator[None]:
        happened.append("held")
        yield
        happened.append("going on")

    with opened(tmp_path, examinations=Held()) as books:
        books.holding = holding
        books.evaluate_now()
    assert happened == ["held", "evaluated", "going on"]


def test_without_learning_there_is_nothing_to_evaluate() -> None:
    lines = Lines()
    Books(options_of(play=True), Progress(), Audience(), lines).evaluate_now()
    assert lines.said == ["nothing is learned with --play: --evaluate says how good a checkpoint is"]


def test_without_learning_nothing_is_kept(tmp_path: Path) -> None:
    lines = Lines()
    options = options_of(play=True, directory=str(tmp_path))
    books = Books(options, Progress(), Audience(), lines)
    books.open(Player(learner_of(options_of(hiddenUnits=2)).policy), 2)
    for _ in range(100):
        books.count(WON)
    books.seat_lost()
    books.save_now()
    books.finish()
    books.close()
    assert lines.said[1:] == [
        "nothing is learned with --play, so there is nothing to save", f"played: {books.progress}",
    ]  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_stats_say_what_was_learned_and_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        told = books.describe()
    assert told[2] == "decisions    0 in 0.00 M frames, updates 0, steps refused: 0"
    assert told[1] == "running mean +0.000, best at a report none"
    assert told[3] == "network      2 hidden units, learning rate 0.002"
    assert told[4] == f"files        {tmp_path}"


def test_stats_tell_the_rate_of_now(tmp_path: Path) -> None:
    with opened(tmp_path) as books:
        books.count(state(ticks=[20_000_000]))
        learner = learner_of(options_of(hiddenUnits=2))
        learner.frames = 20_000_000
        books.open(learner, 2)
        assert books.describe()[3] == "network      2 hidden units, learning rate 0.001"


def test_stats_without_learning_tell_of_the_policy_that_plays() -> None:
    books = Books(options_of(play=True), Progress(), Audience(), Lines())
    books.open(Player(learner_of(options_of(hiddenUnits=4)).policy), 2)
    assert books.describe()[3] == "network      4 hidden units"


def test_the_status_line_says_that_the_run_is_paused() -> None:
    books = Books(options_of(), Progress(), Audience(), Lines())
    assert books.status(is_paused=False).startswith("0 points")
    assert books.status(is_paused=True).startswith("paused   0 points")
