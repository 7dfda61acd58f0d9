"""Keeping the files of an earlier run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pongrl.agent.aside import keep_aside

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")


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
    assert keep_aside(tmp_path, copy=[tmp_path / "save.p"]) == tmp_path / "previous-1"
    assert files(tmp_path) == {"save.p": "1", "previous-1/save.p": "1"}


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "previous-1").mkdir()
    (tmp_path / "previous-3").mkdir()
    for number in (2, 4):
        (tmp_path / "save.p").write_text(str(number))
        assert keep_aside(tmp_path, [tmp_path / "save.p"]) == tmp_path / f"previous-{number}"
    assert files(tmp_path) == {"previous-2/save.p": "2", "previous-4/save.p": "4"}


@posix
@pytest.mark.parametrize("copy", [True, False])
def test_of_a_link_what_it_leads_to_is_kept(tmp_path: Path, copy: bool) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "mine.p").write_text("mine")
    (run / "save.p").symlink_to("../mine.p")
    (run / "previous-1").symlink_to("nowhere")
    assert keep_aside(run, **{"copy" if copy else "move": [run / "save.p"]}) == run / "previous-2"
    assert (run / "save.p").is_symlink() == copy
    (tmp_path / "mine.p").rename(tmp_path / "elsewhere.p")
    assert (run / "previous-2" / "save.p").read_text() == "mine"


@posix
def test_what_is_no_file_is_moved_and_never_copied(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "save.p")
    assert keep_aside(tmp_path, copy=[tmp_path / "save.p"]) is None
    assert keep_aside(tmp_path, [tmp_path / "save.p"]) == tmp_path / "previous-1"
    assert (tmp_path / "previous-1" / "save.p").is_fifo()


def test_of_one_run_some_are_moved_and_some_are_copied_into_the_same_folder(tmp_path: Path) -> None:
    for name in ("save.p", "progress.csv"):
        (tmp_path / name).write_text(name)
    keep_aside(tmp_path, move=[tmp_path / "save.p"], copy=[tmp_path / "progress.csv"])
    kept = ["previous-1/progress.csv", "previous-1/save.p", "progress.csv"]
    assert sorted(files(tmp_path)) == kept


@posix
def test_what_is_too_large_is_not_copied(tmp_path: Path) -> None:
    with (tmp_path / "save.p").open("wb") as file:
        file.truncate(60 << 30)  # it takes no room
    (tmp_path / "interrupt.p").write_text("small")
    with pytest.raises(OSError, match="it has 64,424,509,440 bytes"):
        keep_aside(tmp_path, copy=[tmp_path / "interrupt.p", tmp_path / "save.p"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["interrupt.p", "save.p"]  # no half of a copy


@pytest.mark.parametrize("names", [[], ["save.p", "progress.csv"]])
def test_where_there_is_nothing_to_keep_no_folder_is_made(tmp_path: Path, names: list[str]) -> None:
    assert keep_aside(tmp_path, [tmp_path / name for name in names]) is None
    assert list(tmp_path.iterdir()) == []
