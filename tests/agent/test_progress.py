"""Progress: counted, kept in checkpoints, and written as progress.csv."""

from __future__ import annotations

import contextlib
import csv
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pongrl.agent import progress as progress_module
from pongrl.agent.progress import (
    COLUMNS,
    EVALUATION_COLUMN,
    Progress,
    ProgressFile,
    read_progress,
    rows_up_to,
)
from pongrl.errors import CheckpointError, PongError
from pongrl.wire.plain import dumps, loads
from tests.support import PATIENCE, ROOT


def test_the_share_won_is_over_the_last_thousand_points_and_the_mean_over_all() -> None:
    progress = Progress()
    for won in itertools.chain([True] * 500, [False] * 1000):
        progress.count_point(won)
    assert progress.win_rate == 0
    weights = 0.999 ** np.arange(1499, -1, -1.0)
    rewards = np.array([1] * 500 + [-1] * 1000)
    assert progress.running_mean == pytest.approx((weights * rewards).sum() / weights.sum())


def test_many_points_at_once_count_like_one_after_the_other_in_no_time() -> None:
    at_once, singly = Progress(), Progress()
    for won, times in ((True, 3), (False, 2), (True, 0)):
        at_once.count_point(won, times)
        for _ in range(times):
            singly.count_point(won)
    assert at_once.to_plain() == singly.to_plain() | {"sum": pytest.approx(singly.to_plain()["sum"])}
    at_once.count_point(False, (1 << 31) - 1)
    assert at_once.points == (1 << 31) + 4
    assert (at_once.win_rate, at_once.running_mean) == (0, -1)


def test_progress_survives_a_checkpoint() -> None:
    progress = Progress()
    for won in (True, False, True):
        progress.count_point(won)
    progress.frames = 12
    progress.best = 0.25
    copy = Progress.from_plain(loads(dumps(progress.to_plain())))
    assert copy.to_plain() == progress.to_plain()
    assert copy.row()[1:7] == progress.row()[1:7]


def test_a_resumed_progress_file_drops_rows_of_points_that_are_lost(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    progress = Progress()
    file = ProgressFile(path)
    for points in (100, 200, 300):
        progress.points = points
        file.write(progress)
        file.write(progress)  # the last row is not written twice
    file.close()
    ProgressFile(path, rows_up_to(path, 250)[0]).close()
    with open(path, newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["points"] for row in rows] == ["100", "200"]
    assert tuple(rows[0]) == COLUMNS


@pytest.mark.skipif(sys.platform == "win32", reason="a file's size cannot be limited there")
def test_a_progress_file_is_kept_when_there_is_no_room_to_go_on_with_it(tmp_path: Path) -> None:
    import resource

    path, progress = tmp_path / "progress.csv", Progress()
    file = ProgressFile(path)
    for points in (100, 200):
        progress.points = points
        file.write(progress)
    file.close()
    before, limits = path.read_text(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"progress\.csv cannot be written \(File too large\)"):
            ProgressFile(path, rows_up_to(path, 500)[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["progress.csv"]


@pytest.mark.parametrize("rest", ["12.3,4", "x,y,z,a,b,c,d,e", "\n"])
def test_a_row_that_was_cut_is_dropped(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "progress.csv"
    file, progress = ProgressFile(path), Progress()
    progress.points = 100
    file.write(progress)
    file.close()
    whole = path.read_text()
    path.write_text(whole + rest)
    rows, is_foreign = rows_up_to(path, 500)
    assert not is_foreign
    ProgressFile(path, rows).close()
    assert path.read_text() == whole


def test_curves_are_drawn_without_a_row_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    write_rows(path, 100, 200)
    whole = path.read_text()
    path.write_text(whole + "12.3,4")
    assert read_progress(path)["points"] == [100, 200]
    path.write_text(whole + "12.3,4\n5,6\n")  # these were not
    with pytest.raises(PongError, match="a row has something else"):
        read_progress(path)


def test_a_file_that_a_spreadsheet_has_marked_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    write_rows(path, 100, 200)
    whole = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + whole)
    rows, is_foreign = rows_up_to(path, 500)
    assert [row["points"] for row in rows] == ["100", "200"]
    assert not is_foreign


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(".", ",").replace(",", ";"),  # a spreadsheet where numbers have a comma
        lambda text: text.replace("100,", "1E+02,", 1),
        lambda text: text.replace("seconds", "time"),
        lambda text: text.replace(",,\r\n", ",n/a,\r\n", 1),  # where the score of matches would be
        lambda text: text.replace("\r\n", ",note\r\n"),
        lambda text: "\0\ufffd" + text,
        lambda _: "precious",
    ],
)
def test_what_a_file_has_beside_our_own_rows_is_told(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = tmp_path / "progress.csv"
    write_rows(path, 100, 200, 300)
    text = change(path.read_bytes().decode())
    path.write_bytes(text.encode())
    assert rows_up_to(path, 500)[1]


def test_a_file_of_more_rows_than_memory_holds_is_read_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "MOST_ROWS", 10)
    path = tmp_path / "progress.csv"
    path.write_text(",".join(Progress.COLUMNS) + "\n" + "0\n" * 11)
    assert rows_up_to(path, 1000) == ([], True)
    with pytest.raises(PongError, match="has more than 10 rows"):
        read_progress(path)


def test_a_file_of_a_run_of_many_days_is_kept_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "LARGEST_TEXT", 10)
    (tmp_path / "progress.csv").write_text("more than ten bytes\n")
    assert rows_up_to(tmp_path / "progress.csv", 1000) == ([], True)


def test_there_may_be_no_file_to_go_on_with(tmp_path: Path) -> None:
    assert rows_up_to(tmp_path / "progress.csv", 500) == ([], False)
    (tmp_path / "progress.csv").touch()
    assert rows_up_to(tmp_path / "progress.csv", 500) == ([], False)


def test_what_is_no_file_cannot_be_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    path.mkdir()
    with pytest.raises(CheckpointError, match=r"progress\.csv cannot be gone on with"):
        rows_up_to(path, 500)
    with pytest.raises(CheckpointError, match=r"progress\.csv cannot be written"):
        ProgressFile(path)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_file_that_was_removed_or_replaced_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    for replacement in (None, "by a spreadsheet"):
        file = ProgressFile(path)
        assert not file.is_gone
        path.unlink()
        if replacement:
            path.write_text(replacement)
        assert file.is_gone
        file.close()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
@pytest.mark.parametrize("is_copied", [False, True])
def test_a_file_that_is_rotated_away_begins_again_with_its_columns(tmp_path: Path, is_copied: bool) -> None:
    path, progress = tmp_path / "progress.csv", Progress()
    with contextlib.closing(ProgressFile(path)) as file:
        progress.count_point(True)
        file.write(progress)
        if is_copied:  # as logrotate does it with copytruncate
            os.truncate(path, 0)
        else:
            path.rename(tmp_path / "progress.csv.1")
        for _ in range(2):
            progress.count_point(True)
            file.write(progress)
    assert b"\0" not in path.read_bytes()
    rows, is_foreign = rows_up_to(path, 10)
    assert [row["points"] for row in rows] == ["2", "3"]
    assert not is_foreign


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit of a file's size there")
def test_rows_that_find_no_room_wait_for_it_and_are_whole(tmp_path: Path) -> None:
    """A limit of the file's size is the disk that is full."""
    code = f"""
import resource, signal
from pathlib import Path
from pongrl.agent.progress import Progress, ProgressFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file, progress, failed = ProgressFile(Path({str(tmp_path / "progress.csv")!r})), Progress(), 0
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for points in range(1, 401):
    if points in (100, 300):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000 if points == 100 else most, most))
    progress.count_point(True)
    try:
        file.write(progress)
    except OSError:
        failed += 1
print(failed)
"""
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert result.stdout == "200\n", result
    rows, is_foreign = rows_up_to(tmp_path / "progress.csv", 400)
    assert [row["points"] for row in rows] == [str(points) for points in range(1, 401)]
    assert not is_foreign


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("times", [1, 7])
def test_the_running_mean_of_victories_alone_is_one_and_not_more(won: bool, times: int) -> None:
    progress = Progress()
    for _ in range(3000):
        progress.count_point(won, times)
        assert -1 <= progress.running_mean <= 1
    assert progress.running_mean == pytest.approx(1 if won else -1)
    progress.best = 1.0000000000000142  # as releases without this bound wrote it
    assert Progress.from_plain(progress.to_plain()).best == progress.best


def test_what_is_written_can_be_read_again_however_far_it_has_come() -> None:
    progress = Progress.from_plain(
        Progress().to_plain() | {
            "seconds": 1e12, "frames": 2**62, "decisions": 2**62, "points": 2**62, "updates": 2**62,
            "measured": 2**62, "recent": bytes(1000), "sum": -1.0,
        }
    )  # fmt: skip
    progress.count_point(True, 2**31)
    progress.seconds += 1000
    progress.frames += 1
    progress.decisions += 1
    progress.updates += 1
    again = Progress.from_plain(progress.to_plain())
    assert (again.seconds, again.frames, again.points) == (1e12, 2**62, 2**62)


@pytest.mark.parametrize(
    "change",
    [
        {"sum": 1.0}, {"sum": 0.3}, {"measured": 99}, {"measured": 301}, {"measured": 0}, {"points": 299},
        {"recent": b""}, {"recent": bytes(301)}, {"points": 0, "measured": 0, "recent": b""},
    ],
)  # fmt: skip
def test_counts_that_do_not_go_together_are_refused(change: dict[str, object]) -> None:
    progress = Progress()
    progress.count_point(True, 300)
    plain = progress.to_plain()
    assert Progress.from_plain(plain).running_mean == pytest.approx(1)
    with pytest.raises(ValueError, match="do not go together"):
        Progress.from_plain(plain | change)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", "x"), ("seconds", -1.0), ("seconds", 1e300), ("seconds", float("nan")), ("points", None),
        ("points", -5), ("points", 2**80), ("frames", True), ("best", 1), ("best", 1.5), ("sum", 1.7e308),
        ("recent", [1]), ("recent", b"\2"), ("recent", bytes(1001)), ("measured", -1), ("scores", [1]),
        ("scores", (0,) * 101), ("score", (1.0,)), ("score", (2**40,)), ("best_score", 1),
        ("best_score", float("nan")),
    ],
)  # fmt: skip
def test_progress_that_cannot_be_is_refused(name: str, value: object) -> None:
    key = "scores" if name == "score" else name
    with pytest.raises((TypeError, ValueError), match=name):
        Progress.from_plain(Progress().to_plain() | {key: value})


def test_where_matches_are_counted_their_scores_say_how_good_a_policy_is() -> None:
    progress = Progress()
    progress.count_point(True, 300)  # a reward with each step: all points are won, whatever is done
    assert progress.note_best()
    assert str(progress).startswith("300 points   won 100.0 %   mean +1.000   ")
    progress.count_matches([10, 20])
    assert progress.match_score == 15
    assert progress.note_best()  # the first of its kind
    assert str(progress).startswith("300 points   score +15.0 in the last matches   ")
    assert progress.row()[COLUMNS.index("match_score")] == "15.00"
    progress.count_matches([9])
    assert progress.note_best()  # few matches say little, so the newest policy is the best
    progress.count_matches([-3] * 50 + [40] * 50)  # the last hundred count
    assert progress.match_score == 18.5
    assert progress.note_best()
    progress.count_matches([-4])
    assert not progress.note_best()
    copy = Progress.from_plain(loads(dumps(progress.to_plain())))
    assert copy.to_plain() == progress.to_plain()
    assert not copy.note_best()
    progress.begin_level()
    assert (progress.match_score, progress.has_best) == (None, False)


def test_after_a_change_of_level_a_lucky_beginning_is_not_the_best_for_good() -> None:
    progress = Progress()
    progress.count_point(True, 2000)
    assert progress.note_best()
    progress.begin_level()
    progress.count_point(True, 100)
    assert progress.note_best()
    progress.count_point(False, 10)
    progress.count_point(True, 800)
    assert progress.note_best()  # though the share was higher after the first hundred
    progress.count_point(False, 1000)
    assert not progress.note_best()


def test_another_level_is_measured_anew_and_the_counters_go_on() -> None:
    progress = Progress()
    progress.count_point(True, 900)
    progress.best = 0.9
    progress.begin_level()
    assert (progress.points, progress.win_rate, progress.running_mean, progress.best) == (900, 0, 0, -2)
    progress.count_point(False, 10)
    assert (progress.points, progress.win_rate, progress.running_mean) == (910, 0, pytest.approx(-1))
    assert Progress.from_plain(progress.to_plain()).running_mean == pytest.approx(-1)


def test_the_progress_of_an_older_checkpoint_is_read() -> None:
    progress = Progress()
    progress.count_point(True, 900)
    plain = progress.to_plain()
    for name in ("measured", "scores", "best_score"):
        del plain[name]
    assert Progress.from_plain(plain).to_plain() == progress.to_plain()


def write_rows(path: Path, *points: int, share: float | None = None) -> None:
    """Write a progress.csv with a row at each number of points."""
    file, progress = ProgressFile(path), Progress()
    for number in points:
        progress.points, progress.evaluation_win_rate = number, share
        file.write(progress)
    file.close()


def test_an_evaluation_is_in_the_row_that_follows_it(tmp_path: Path) -> None:
    path, progress = tmp_path / "progress.csv", Progress()
    file = ProgressFile(path)
    progress.points = 100
    file.write(progress)
    progress.points, progress.evaluation_win_rate = 200, 0.25
    file.write(progress)
    progress.points = 300
    file.write(progress)
    file.close()
    with open(path, newline="") as text:
        assert [row[EVALUATION_COLUMN] for row in csv.DictReader(text)] == ["", "0.2500", ""]


def test_a_file_with_evaluations_keeps_its_column_when_it_is_resumed_without(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    write_rows(path, 100, share=0.5)
    before = path.read_text()
    ProgressFile(path, rows_up_to(path, 100)[0]).close()
    assert path.read_text() == before


def test_the_columns_that_are_drawn_are_read_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    write_rows(path, 100, 200)
    run = read_progress(path)
    assert run["points"] == [100, 200]
    assert set(run) == {"seconds", "frames", "points", "win_rate", "running_mean", "match_score"}
    assert np.isnan(run["match_score"]).all()  # which is of other games


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"), (b"a,b\n1,2\n", "no column of numbers 'seconds'"),
        (
            b"seconds,frames,points,win_rate,running_mean\n1,2,x,4,5\n",
            "no column of numbers: a row has something else",
        ),
        (b"\xff\xfe\x00", "it is no text"), (b"seconds,frames,points,win_rate,running_mean\n", "no rows yet"),
    ],
)  # fmt: skip
def test_a_file_that_has_nothing_to_draw_is_told_in_a_sentence(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "progress.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PongError, match=rf"progress\.csv .*{reason}"):
        read_progress(path)
