"""Checkpoints and progress: what is on disk is whole, and can be gone on from."""

from __future__ import annotations

import csv
import gc
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pongrl.agent import checkpoints
from pongrl.agent.checkpoints import Saver, load, save
from pongrl.agent.progress import Progress, ProgressFile, fold
from pongrl.errors import CheckpointError
from pongrl.wire.plain import dumps, loads
from tests.support import PATIENCE, ROOT

posix = pytest.mark.skipif(os.name != "posix", reason="fork, limits and permissions as POSIX has them")

# Checkpoints


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    values = {"a": [1, 2.5, None, True], "b": b"\0" * 100, "c": {"d": ("e", -(2**100))}}
    save(tmp_path / "save.p", values)
    assert load(tmp_path / "save.p") == values
    assert [path.name for path in tmp_path.iterdir()] == ["save.p"]


def test_a_checkpoint_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "save.p"
    save(path, {"a": list(range(20))})
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"save\.p"):
            load(path)


def test_a_checkpoint_with_any_byte_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "save.p"
    save(path, {"a": list(range(20))})
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
        with pytest.raises(CheckpointError):
            load(path)


def test_a_newer_a_foreign_and_a_missing_checkpoint_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "save.p"
    save(path, {})
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\0\2" + data[10:])
    with pytest.raises(CheckpointError, match="format 2"):
        load(path)
    path.write_bytes(b"\x80\x05N.")
    with pytest.raises(CheckpointError, match="no checkpoint of this program"):
        load(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "other.p")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "save.p"
    save(path, {"a": 1})
    (tmp_path / "save.p.tmp").mkdir()  # so the new file cannot be opened
    with pytest.raises(CheckpointError, match="the file before stays"):
        save(path, {"a": 2})
    assert load(path) == {"a": 1}


@posix
def test_a_process_killed_at_any_moment_while_it_saves_leaves_the_old_file_or_the_new_one(
    tmp_path: Path,
) -> None:
    result = python("-m", "tools.crashes", str(tmp_path), "500", patience=10 * PATIENCE)  # for slow cards
    assert result.returncode == 0, result
    found = re.search(r"newer than told (\d+), unfinished beside (\d+)", result.stdout)
    assert found is not None
    assert int(found[2]) > 0, "no kill came while a file was being written"
    save(tmp_path / "save.p", {})
    assert [path.name for path in tmp_path.iterdir()] == ["save.p"]  # what the kills left is gone


def python(*arguments: str, patience: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """Run a Python of our own to its end."""
    command = [sys.executable, "-X", "dev", "-W", "error", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience)


FAILING = """
import os, sys
import records
from pathlib import Path

os.chdir(sys.argv[1])
{before}
try:
    checkpoints.save(Path("save.p"), {{"new": bytes(1 << 20)}})
except errors.CheckpointError as error:
    print(error)
"""
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))"
# Whoever may write everywhere becomes somebody who may not; the directory is the current one by then.
NOT_ROOT = "os.getuid() == 0 and os.setuid(65534)"
READ_ONLY = "os.chmod('.', 0o555); " + NOT_ROOT
READ_ONLY_FILE = "os.chmod('.', 0o777); os.chmod('save.p', 0o444); " + NOT_ROOT


@posix
@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param(FULL, "File too large", id="full"),
        pytest.param(READ_ONLY, "Permission denied", id="read-only directory"),
        pytest.param(
            READ_ONLY_FILE,
            "Permission denied",
            id="read-only file",
        ),
    ],
)
def test_a_disk_that_takes_no_more_is_told_in_a_sentence_and_keeps_the_old_file(
    tmp_path: Path, before: str, reason: str
) -> None:
    save(tmp_path / "save.p", {"old": 1})
    result = python("-c", FAILING.format(before=before), str(tmp_path))
    tmp_path.chmod(0o755)
    assert result.stdout == f"save.p could not be written ({reason}): the file before stays\n", result
    assert result.stderr == ""
    assert load(tmp_path / "save.p") == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["save.p"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full there")
def test_a_disk_without_space_is_told_in_a_sentence_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "save.p"
    save(path, {"old": 1})
    path.with_name("save.p.tmp").symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match=r"\(No space left on device\): the file before stays"):
        save(path, {"new": bytes(1 << 20)})
    assert load(path) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["save.p"]
    save(path, {"new": 2})  # there is space again
    assert load(path) == {"new": 2}


def test_a_directory_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    save(directory / "save.p", {"old": 1})
    shutil.rmtree(directory)
    with pytest.raises(CheckpointError, match=r"save\.p could not be written \(No such file or directory\)"):
        save(directory / "save.p", {"new": 2})
    directory.mkdir()  # and is back
    save(directory / "save.p", {"new": 2})
    assert load(directory / "save.p") == {"new": 2}


class Waiting(dict[str, Any]):
    """What waits to be written, and can be watched."""


def test_of_checkpoints_that_wait_for_one_file_the_newest_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, written = threading.Event(), threading.Event(), []
    kept: list[weakref.ref[Waiting]] = []

    def slowly(path: Path, values: dict[str, Any]) -> None:
        begun.set()
        assert goes_on.wait(PATIENCE)
        written.append((path.name, values["number"]))
        save(path, values)

    monkeypatch.setattr(checkpoints, "save", slowly)
    said: list[str] = []
    saver = Saver(said.append)
    saver.save(tmp_path / "save.p", {"number": 1})
    assert begun.wait(PATIENCE)
    for number in (2, 3):
        values = Waiting(number=number)
        kept.append(weakref.ref(values))
        saver.save(tmp_path / "save.p", values)
        del values
    saver.save(tmp_path / "interrupt.p", {"number": 4})
    last = saver.save(tmp_path / "save.p", {"number": 5})
    gc.collect()
    assert [one() for one in kept] == [None, None]  # a slow disk costs no memory
    goes_on.set()
    assert last.result(PATIENCE)
    saver.close()
    assert written == [("save.p", 1), ("save.p", 5), ("interrupt.p", 4)]
    assert load(tmp_path / "save.p") == {"number": 5}
    assert said == []


def test_a_mistake_of_ours_while_saving_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(_path: Path, values: dict[str, Any]) -> None:
        values["nothing"]

    monkeypatch.setattr(checkpoints, "save", mistaken)
    saver = Saver(print)
    with pytest.raises(KeyError):
        saver.save(tmp_path / "save.p", {}).result(PATIENCE)
    with pytest.raises(KeyError):
        saver.save(tmp_path / "save.p", {})
    with pytest.raises(KeyError):
        saver.close()


def test_a_checkpoint_that_could_not_be_written_is_told_and_the_next_may_be(tmp_path: Path) -> None:
    said: list[str] = []
    saver = Saver(said.append)
    tries = [saver.save(tmp_path / "run" / "save.p", {}) for _ in range(2)]
    assert not any(one.result(PATIENCE) for one in tries)
    del said[1:]  # once or twice, by how soon the first was done
    assert len(said) == 1
    assert "could not be written" in said[0]
    (tmp_path / "run").mkdir()
    saver.save(tmp_path / "run" / "save.p", {"a": 1})
    saver.close()
    assert load(tmp_path / "run" / "save.p") == {"a": 1}
    assert len(said) == 1


# Progress


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
    file = ProgressFile(path, 0)
    for points in (100, 200, 300):
        progress.points = points
        file.write(progress)
        file.write(progress)  # the last row is not written twice
    file.close()
    file = ProgressFile(path, 250)
    file.close()
    with open(path, newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["points"] for row in rows] == ["100", "200"]
    assert tuple(rows[0]) == Progress.COLUMNS


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
        with pytest.raises(CheckpointError, match=r"progress\.csv cannot be gone on with \(File too large\)"):
            ProgressFile(path, 500)
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
    ProgressFile(path, 500).close()
    assert path.read_text() == whole


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_progress_file_that_cannot_be_gone_on_with_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "progress.csv"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"progress\.csv cannot be gone on with"):
        ProgressFile(path, 500)


@pytest.mark.parametrize(
    ("name", "value"), [("seconds", "x"), ("points", None), ("best", 1), ("recent", [1])]
)
def test_progress_of_another_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=name):
        Progress.from_plain(Progress().to_plain() | {name: value})


def test_a_line_is_folded_between_its_parts() -> None:
    line = "7 points   won 50.0 %   9,612 decisions/s"
    assert fold(line, len(line)) == line
    assert fold(line, len(line) - 1) == "7 points   won 50.0 %\n9,612 decisions/s"
    assert fold(line, 3) == "7 points\nwon 50.0 %\n9,612 decisions/s"
    assert (
        fold("server       here\n" + line, 21)
        == "server       here\n7 points   won 50.0 %\n9,612 decisions/s"
    )
    assert fold("", 5) == ""
