"""Keeping the files of an earlier run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pongrl.agent.aside import keep_aside


def files(directory: Path) -> dict[str, str]:
    """Read all files below a directory."""
    return {
        str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()
    }


def test_files_of_an_earlier_run_are_moved_into_a_folder(tmp_path: Path) -> None:
    names = ["save.p", "progress.csv", "interrupt.p"]
    for name in names[:2]:
        (tmp_path / name).write_text(name)
    assert keep_aside(tmp_path, [tmp_path / name for name in names]) == tmp_path / "previous-1"
    assert files(tmp_path) == {"previous-1/save.p": "save.p", "previous-1/progress.csv": "progress.csv"}


def test_files_that_the_new_run_needs_are_copied(tmp_path: Path) -> None:
    (tmp_path / "save.p").write_text("1")
    assert keep_aside(tmp_path, [tmp_path / "save.p"], copy=True) == tmp_path / "previous-1"
    assert files(tmp_path) == {"save.p": "1", "previous-1/save.p": "1"}


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "previous-1").mkdir()
    (tmp_path / "previous-3").mkdir()
    for number in (2, 4):
        (tmp_path / "save.p").write_text(str(number))
        assert keep_aside(tmp_path, [tmp_path / "save.p"]) == tmp_path / f"previous-{number}"
    assert files(tmp_path) == {"previous-2/save.p": "2", "previous-4/save.p": "4"}


@pytest.mark.parametrize("names", [[], ["save.p", "progress.csv"]])
def test_where_there_is_nothing_to_keep_no_folder_is_made(tmp_path: Path, names: list[str]) -> None:
    assert keep_aside(tmp_path, [tmp_path / name for name in names]) is None
    assert list(tmp_path.iterdir()) == []
