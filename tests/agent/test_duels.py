"""What a training counts against opponents, and its snapshots."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pongrl.agent import duels as module
from pongrl.agent.checkpoints import load, load_trained
from pongrl.agent.duels import COLUMNS, Duels, summary
from pongrl.agent.observers import Standing
from pongrl.agent.progress import Progress
from pongrl.agent.sparring import Result
from tests.support.agents import Lines, options_of
from tests.support.opponents import policy_that

POLICY = policy_that(stays=True)


def standing(points: int) -> Standing:
    progress = Progress()
    progress.count_point(True, points)
    return Standing(POLICY, progress, None, True, False, "")


@contextlib.contextmanager
def duels_in(directory: Path, lines: Lines, points: int = 0, **given: Any) -> Iterator[Duels]:
    """Make duels of a run in a directory, with its opponents in `pool`."""
    (directory / "pool").mkdir(exist_ok=True)
    options = options_of(
        local=True, hiddenUnits=2, directory=str(directory), opponents=str(directory / "pool"), **given
    )
    duels = Duels(options, points, lines)
    yield duels
    duels.ended(standing(points + 999))


def rows_of(directory: Path) -> list[list[str]]:
    with open(directory / "opponents.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    return rows


def test_each_period_ends_with_a_snapshot_and_rows(tmp_path: Path) -> None:
    lines = Lines()
    with duels_in(tmp_path, lines, snapshot_every=1000, level=3) as duels:
        duels.reported(standing(900))
        duels.hear(Result("b", 1, 3))
        duels.hear(Result("a", 2, 0))
        duels.hear(Result("a", 0, 2))
        duels.reported(standing(1000))
        duels.hear(Result("a", 0, 1))
        duels.reported(standing(1100))
        duels.reported(standing(2100))
    assert rows_of(tmp_path) == [
        ["1000", "a", "4", "2", "0.5000"],
        ["1000", "b", "4", "1", "0.2500"],
        ["2100", "a", "1", "0", "0.0000"],
    ]
    assert lines.said[0] == "against opponents: won 37.5 % of 8 points, least against b: 25.0 %"
    first, second = sorted((tmp_path / "pool").iterdir())
    assert (first.name[:10], second.name[:10]) == ("000001000-", "000002100-")
    assert load_trained(first)[1] == 3
    assert load(first)["identity"] is None  # a secret of the training


def test_the_default_is_five_thousand_points(tmp_path: Path) -> None:
    with duels_in(tmp_path, Lines()) as duels:
        duels.reported(standing(4999))
        duels.reported(standing(5000))
    assert [path.name[:10] for path in (tmp_path / "pool").iterdir()] == ["000005000-"]


def test_what_is_left_at_the_end_is_written(tmp_path: Path) -> None:
    with duels_in(tmp_path, Lines(), points=100) as duels:
        duels.hear(Result("a", 1, 0))
    assert rows_of(tmp_path) == [["1099", "a", "1", "1", "1.0000"]]


def test_without_points_against_opponents_nothing_is_said_or_written(tmp_path: Path) -> None:
    with duels_in(tmp_path, lines := Lines()) as duels:
        duels.hear(Result("a", 0, 0))
    assert lines.said == []
    assert not (tmp_path / "opponents.csv").exists()


def old_rows(directory: Path, text: str) -> None:
    (directory / "opponents.csv").write_text(text, "utf-8")


@pytest.mark.parametrize(("resume", "kept"), [(True, 1), (False, 0), ("elsewhere/save.p", 0)])
def test_a_resumed_run_goes_on_with_the_rows_up_to_its_points(
    tmp_path: Path, resume: bool | str, kept: int
) -> None:
    mark = "\ufeff"  # that spreadsheets write first
    old_rows(tmp_path, mark + ",".join(COLUMNS) + "\n1000,a,4,2,0.5\n2000,a,4,2,0.5\n3000,a")
    with duels_in(tmp_path, Lines(), points=1500, resume=resume) as duels:
        duels.hear(Result("b", 1, 0))
    assert [row[1] for row in rows_of(tmp_path)] == ["a"] * kept + ["b"]


@pytest.mark.parametrize(
    "text", ["name,score\nx,1\n", "", "\0", f"{','.join(COLUMNS)}\nx,1\n1000,a,4,2,0.5\n"]
)
def test_a_file_of_another_kind_is_kept_aside(tmp_path: Path, text: str) -> None:
    old_rows(tmp_path, text)
    with duels_in(tmp_path, lines := Lines(), resume=True) as duels:
        duels.hear(Result("b", 1, 0))
    assert f"the files of the run before are kept in {tmp_path / 'previous-1'}" in lines.said
    assert len(rows_of(tmp_path)) == 1
    assert (tmp_path / "previous-1" / "opponents.csv").read_text() == text


def test_what_cannot_be_written_is_said_and_the_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "opponents.csv").mkdir()
    with duels_in(tmp_path, lines := Lines(), snapshot_every=100) as duels:
        (tmp_path / "pool").rmdir()
        duels.hear(Result("a", 1, 0))
        duels.reported(standing(100))
    words = "opponents.csv could not be written (it is a directory): training goes on, and its rows wait"
    assert words in lines.said
    lines.wait_for("nothing is saved there")


def test_rows_that_could_not_be_written_come_with_the_next(tmp_path: Path) -> None:
    rows = tmp_path / "opponents.csv"
    with duels_in(tmp_path, lines := Lines(), snapshot_every=100) as duels:
        for points in (100, 200, 300, 400):
            rows.mkdir() if points == 200 else None
            duels.hear(Result("a", 1, 0))
            if points == 200:
                duels.reported(standing(points))
                rows.rmdir()
            else:
                duels.reported(standing(points))
                rows.rename(tmp_path / f"moved-{points}")
    assert sum("could not be written" in line for line in lines.said) == 1
    moved = [(tmp_path / f"moved-{points}").read_text().split("\n") for points in (300, 400)]
    assert [[row.split(",")[0] for row in rows if row] for rows in moved] == [
        ["points", "200", "300"], ["points", "400"]
    ]  # fmt: skip


def test_the_hardest_opponent_is_named() -> None:
    results = [Result("a", 1, 1), Result("b", 0, 1), Result("c", 5, 0)]
    assert summary(results) == "won 75.0 % of 8 points, least against b: 0.0 %"
    assert module.SNAPSHOT_POINTS == 5000
