"""What a run leaves, as the agent's page tells it, while it is being written."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

import pytest

from pongrl.agent.progress import COLUMNS, Progress, ProgressFile
from pongrl.web import run_files
from pongrl.web.run_files import Rows, files_in, what_is


def test_rows_are_read_as_they_are_written(tmp_path: Path) -> None:
    path, progress = tmp_path / "progress.csv", Progress()
    rows = Rows(path)
    assert rows.after(0) == (0, [], False)
    file = ProgressFile(path)
    for points in (100, 200, 300):
        progress.points, progress.frames = points, 10 * points
        progress.evaluation_win_rate = 0.25 if points == 200 else None
        progress.count_matches([-20] if points == 300 else [])
        file.write(progress)
        first, (row,), _ = rows.after(points // 100 - 1)
        assert (first, row[:3]) == (points // 100 - 1, [points, 10 * points, 0.0])
        assert row[4] == (0.25 if points == 200 else None)
        assert row[6] == (-20 if points == 300 else None)
    file.close()
    assert rows.after(3) == (3, [], False)
    assert [row[0] for row in rows.after(0)[1]] == [100, 200, 300]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "progress.csv")
    assert Rows(tmp_path / "progress.csv").after(0) == (0, [], False)


def test_a_row_that_is_not_whole_waits_and_one_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    head, good = ",".join(COLUMNS), "1,2,3,100,5,0.5,0.0,7,8,9,"
    path.write_text(f"{head}\n{good}\n{good[:9]}")
    rows = Rows(path)
    assert len(rows.after(0)[1]) == 1
    bad = [good.replace("0.5", word) for word in ("x", "nan", "inf")]
    path.write_text("\n".join((head, good, good, "nonsense", *bad, good, "")))
    assert len(rows.after(0)[1]) == 3


def test_a_run_that_begins_anew_is_told_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    progress = Progress()
    for rows_written in (3, 1):
        file = ProgressFile(path)
        for number in range(rows_written):
            progress.points = 100 * (number + 1)
            file.write(progress)
        file.close()
    rows = Rows(path)
    assert rows.after(3) == (0, rows.after(0)[1], False)
    assert len(rows.after(0)[1]) == 1


def test_a_long_run_is_told_piece_by_piece_and_thinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_files, "LARGEST_READ", 1000)
    monkeypatch.setattr(run_files, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(run_files, "MOST_ROWS", 40)
    path, progress = tmp_path / "progress.csv", Progress()
    file = ProgressFile(path)
    for number in range(1, 101):
        progress.points, progress.evaluation_win_rate = 100 * number, 0.5 if number == 33 else None
        file.write(progress)
    file.close()
    rows, known, has_more = Rows(path), list[list[float | None]](), True
    while has_more:
        first, new, has_more = rows.after(len(known), rows.step)
        assert len(new) <= 7
        known = [*(known if first else []), *new]
    points = [row[0] or 0.0 for row in known]
    assert points == sorted(set(points))
    assert 10_000 - points[-1] <= 400
    assert 20 < len(points) <= 41
    assert [row[4] for row in known if row[0] == 3300] == [0.5]  # an evaluation is kept


def test_a_run_of_evaluations_alone_is_thinned_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "MOST_ROWS", 40)
    path, progress = tmp_path / "progress.csv", Progress()
    file, rows = ProgressFile(path), Rows(path)
    for number in range(1, 201):
        progress.points, progress.evaluation_win_rate = 100 * number, 0.5
        file.write(progress)
        assert len(rows.after(0)[1]) <= 40
    file.close()
    assert rows.step == 8


def test_rows_that_are_thinned_while_they_are_told_are_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_files, "MOST_ROWS", 40)
    path, progress = tmp_path / "progress.csv", Progress()
    file, rows = ProgressFile(path), Rows(path)
    known, step = list[list[float | None]](), 1
    for number in range(1, 61):
        progress.points = 100 * number
        file.write(progress)
        if number % 5 == 0:  # a browser asks
            first, new, _ = rows.after(len(known), step)
            known, step = [*(known if first else []), *new], rows.step
    file.close()
    assert step == 2
    points = [row[0] or 0.0 for row in known]
    assert all(100 <= after - before <= 300 for before, after in itertools.pairwise([0.0, *points]))
    assert points[-1] >= 5700


def test_files_of_the_run_are_offered_among_many_others(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.txt").touch()
    (tmp_path / "save.p").touch()
    assert [file.name for file in files_in(tmp_path, what_is)] == ["save.p"]


def test_only_files_of_the_run_are_offered(tmp_path: Path) -> None:
    for name in ("save.p", "progress.csv", "film.gif", "secret.txt", ".hidden.gif.swp"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.gif").mkdir()
    with contextlib.suppress(OSError):  # Windows lets not everybody make links
        (tmp_path / "elsewhere.png").symlink_to(__file__)
    assert [file.name for file in files_in(tmp_path, what_is)] == ["progress.csv", "save.p", "film.gif"]
    os.rmdir(tmp_path / "folder.gif")
    assert files_in(tmp_path / "nowhere", what_is) == []
