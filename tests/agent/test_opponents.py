"""Opponents: which checkpoints of a directory play."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from pongrl.agent import opponents as module
from pongrl.agent.opponents import MOST_OPPONENTS, Opponents, snapshot_path, spread
from tests.support.agents import Lines
from tests.support.opponents import policy_that, put


def names(opponents: Opponents) -> list[str]:
    opponents.look()
    return [opponent.name for opponent in opponents.playing]


@pytest.mark.parametrize(
    ("count", "chosen"), [(0, []), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 4]), (10, [0, 3, 6, 9])]
)
def test_of_many_the_first_the_last_and_some_between_are_chosen(count: int, chosen: list[int]) -> None:
    assert spread(range(count), 4) == chosen


def test_checkpoints_play_and_other_files_do_not(tmp_path: Path) -> None:
    put(tmp_path, "young", 2)
    put(tmp_path, "old", 1)
    (tmp_path / "notes.txt").write_text("of somebody")
    with contextlib.suppress(OSError):  # Windows lets not everybody make links
        (tmp_path / "gone.p").symlink_to(tmp_path / "nowhere.p")
    lines = Lines()
    opponents = Opponents(tmp_path, lines)
    assert names(opponents) == ["old", "young"]
    assert lines.said == []


def test_what_is_new_is_read_and_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, "one", 1)
    put(tmp_path, "other", 2)
    opponents = Opponents(tmp_path, Lines())
    opponents.look()
    one, other = opponents.playing
    put(tmp_path, "third", 3)
    put(tmp_path, "other", 4)  # replaces it
    opponents.look()
    assert [opponent.name for opponent in opponents.playing] == ["one", "third", "other"]
    assert opponents.playing[0] is one
    assert opponents.playing[2] is not other


def test_a_file_that_cannot_play_is_told_once_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = put(tmp_path, "good")
    monkeypatch.setattr(module, "LARGEST_OPPONENT", good.stat().st_size + 1000)
    put(tmp_path, "narrow", policy=policy_that(stays=True, height=50, width=60))
    (tmp_path / "cut.p").write_bytes(good.read_bytes()[:-1])
    (tmp_path / "foreign.p").write_text("nothing of ours")
    (tmp_path / "large.p").write_bytes(bytes(good.stat().st_size + 1001))
    (tmp_path / "folder.p").mkdir()
    lines = Lines()
    opponents = Opponents(tmp_path, lines)
    assert names(opponents) == names(opponents) == ["good"]
    assert len(lines.said) == 5
    for words in ("cut.p is damaged", "frames of 60×50", "no checkpoint", "more than", "a directory"):
        assert any(words in line and line.startswith("an opponent is left out: ") for line in lines.said)


def test_a_bad_file_takes_no_good_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OPPONENTS", 2)
    for number in range(4):
        put(tmp_path, f"good-{number}", number)
    (tmp_path / "newest.p").write_text("nothing of ours")
    assert names(Opponents(tmp_path, Lines())) == ["good-0", "good-3"]


def test_no_more_play_than_the_memory_should_hold(tmp_path: Path) -> None:
    for number in range(MOST_OPPONENTS + 5):
        put(tmp_path, f"{number:02}", number)
    playing = names(Opponents(tmp_path, Lines()))
    assert len(playing) == MOST_OPPONENTS
    assert (playing[0], playing[-1]) == ("00", "12")


def test_those_that_play_go_on_when_the_directory_is_gone(tmp_path: Path) -> None:
    put(tmp_path / "pool", "one")
    opponents = Opponents(tmp_path / "pool", Lines())
    assert names(opponents) == ["one"]
    shutil.rmtree(tmp_path / "pool")
    assert names(opponents) == ["one"]


def test_a_name_moves_no_cursor(tmp_path: Path) -> None:
    try:
        put(tmp_path, "one\n\x1b[2J")
    except OSError:
        pytest.skip("the file system knows no such names")
    assert names(Opponents(tmp_path, Lines())) == ["one\\n\\x1b[2J"]


def test_snapshots_sort_by_points_and_two_runs_have_other_names() -> None:
    early, late = (snapshot_path(Path("pool"), points, "a") for points in (900, 10_000))
    assert early.name < late.name
    assert snapshot_path(Path("pool"), 900, "b") != early
    assert early.suffix == ".p"
