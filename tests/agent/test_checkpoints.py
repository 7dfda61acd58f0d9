"""Checkpoints: what is on disk is complete, and can be gone on from."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from pongrl.agent import checkpoints
from pongrl.agent.checkpoints import (
    Checkpoint,
    Saver,
    damage_explained,
    load,
    load_policy,
    load_trained,
    points_learned,
    save,
)
from pongrl.agent.progress import Progress
from pongrl.errors import CheckpointError, UsageError
from tests.support import PATIENCE, ROOT
from tests.support.learning import SMALL, play, small_learner, weights_of

posix = pytest.mark.skipif(os.name != "posix", reason="fork, limits and permissions as POSIX has them")


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
    folder = tmp_path / "new"
    result = python("-m", "tools.crashes", str(folder), "200", patience=10 * PATIENCE)  # for slow cards
    assert result.returncode == 0, result
    found = re.search(r"newer than told (\d+), unfinished beside (\d+)", result.stdout)
    assert found is not None
    assert int(found[2]) > 0, "no kill came while a file was being written"
    save(folder / "save.p", {})
    assert [path.name for path in folder.iterdir()] == ["save.p"]  # what the kills left is gone


def python(*arguments: str, patience: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """Run a Python of our own to its end."""
    command = [sys.executable, "-X", "dev", "-W", "error", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience)


FAILING = """
import os, sys
from pathlib import Path
from pongrl import errors
from pongrl.agent import checkpoints

os.chdir(sys.argv[1])
{before}
try:
    checkpoints.save(Path("save.p"), {{"new": bytes(1 << 20)}})
except errors.CheckpointError as error:
    print(error)
"""
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))"
# Root may write everywhere, so the script becomes another user. It is in the directory already.
NOT_ROOT = "os.getuid() == 0 and os.setuid(65534)"
READ_ONLY = "os.chmod('.', 0o555); " + NOT_ROOT
READ_ONLY_FILE = "os.chmod('.', 0o777); os.chmod('save.p', 0o444); " + NOT_ROOT


@posix
@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param(FULL, "File too large", id="full"),
        pytest.param(READ_ONLY, "Permission denied", id="read-only directory"),
        pytest.param(READ_ONLY_FILE, "Permission denied", id="read-only file"),
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


@posix
def test_a_link_beside_a_checkpoint_is_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "save.p", tmp_path / "victim"
    victim.write_text("precious")
    path.with_name("save.p.tmp").symlink_to(victim)
    save(path, {"a": 1})
    assert load(path) == {"a": 1}
    assert victim.read_text() == "precious"
    assert not path.with_name("save.p.tmp").is_symlink()


@posix
def test_what_is_no_checkpoint_is_not_read_however_large_it_is(tmp_path: Path) -> None:
    pipe, sparse = tmp_path / "pipe.p", tmp_path / "sparse.p"
    os.mkfifo(pipe)
    with sparse.open("wb") as file:
        file.truncate(60 << 30)
    for path, reason in ((pipe, "it is a pipe"), (sparse, "it has 64,424,509,440 bytes")):
        with pytest.raises(CheckpointError, match=reason):
            load(path)
    with pytest.raises(CheckpointError, match="it is a pipe"):
        save(pipe, {})


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
    for _ in range(2):
        assert not saver.save(tmp_path / "run" / "save.p", {}).result(PATIENCE)
    assert len(said) == 1
    assert "could not be written (No such file or directory)" in said[0]
    (tmp_path / "run").touch()
    assert not saver.save(tmp_path / "run" / "save.p", {}).result(PATIENCE)
    assert "could not be written (Not a directory)" in said.pop(1)  # another reason
    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    saver.save(tmp_path / "run" / "save.p", {"a": 1})
    saver.close()
    assert load(tmp_path / "run" / "save.p") == {"a": 1}
    assert said[1:] == [f"{tmp_path / 'run' / 'save.p'} could be written again"]


# The parts of a training run's checkpoint


def checkpoint(identity: bytes | None = bytes(range(16))) -> Checkpoint:
    """Make the checkpoint of a small run."""
    learner, progress = small_learner(), Progress()
    play(learner, 4)
    for won in (True, False, True):
        progress.count_point(won)
    options = {"hiddenUnits": 8, "gamma": 0.99}
    return Checkpoint(options, progress, learner.policy, learner.to_plain(), identity)


@pytest.mark.parametrize("identity", [bytes(range(16)), None])
def test_the_parts_of_a_checkpoint_are_read_as_they_were_written(
    tmp_path: Path, identity: bytes | None
) -> None:
    path, written = tmp_path / "save.p", checkpoint(identity)
    save(path, written.to_plain())
    read = Checkpoint.read(path)
    assert read.to_plain() == written.to_plain()
    assert (read.policy.height, read.policy.width) == SMALL
    learner = small_learner(seed=5)
    learner.policy = read.policy
    learner.restore(read.learner)
    other = small_learner()
    play(other, 4)
    other.settle()
    learner.settle()
    assert weights_of(learner) == weights_of(other)


def test_one_part_can_be_read_alone(tmp_path: Path) -> None:
    path, written = tmp_path / "save.p", checkpoint()
    save(path, written.to_plain())
    assert points_learned(path) == 3
    assert load_policy(path).to_plain() == load_policy(str(path)).to_plain() == written.policy.to_plain()


def test_a_checkpoint_without_an_identity_is_read(tmp_path: Path) -> None:
    values = checkpoint().to_plain()
    del values["identity"]
    save(tmp_path / "save.p", values)
    assert Checkpoint.read(tmp_path / "save.p").identity is None


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("options", {}), ("options", None), ("options", {"hiddenUnits": 10}), ("progress", {}),
        ("progress", Progress().to_plain() | {"best": float("nan")}), ("policy", 1),
        ("policy", {"height": 1}), ("identity", b"short"), ("identity", "a text of 16 ch."), ("level", 7),
        ("options", {"hiddenUnits": "\x1b[2J\n" * 9999}), ("level", "\x1b[2J"),
    ],
)  # fmt: skip
def test_a_part_that_is_damaged_is_told_in_a_sentence(tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "save.p"
    save(path, checkpoint().to_plain() | {part: value})
    with pytest.raises(
        CheckpointError, match=r"save\.p has not what a checkpoint needs .*: resume from another"
    ) as caught:
        Checkpoint.read(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("part", ["options", "progress", "policy", "learner"])
def test_a_part_that_is_missing_is_told_in_a_sentence(tmp_path: Path, part: str) -> None:
    path, values = tmp_path / "save.p", checkpoint().to_plain()
    del values[part]
    save(path, values)
    with pytest.raises(
        CheckpointError, match=rf"save\.p has not what a checkpoint needs \(KeyError: '{part}'\)"
    ):
        Checkpoint.read(path)


@pytest.mark.parametrize("read", [points_learned, load_policy])
def test_a_part_that_is_read_alone_may_be_missing_too(tmp_path: Path, read: Any) -> None:
    save(tmp_path / "save.p", {})
    with pytest.raises(CheckpointError, match="has not what a checkpoint needs"):
        read(tmp_path / "save.p")


def test_the_level_that_was_trained_on_is_read_with_the_policy(tmp_path: Path) -> None:
    path, values = tmp_path / "save.p", checkpoint().to_plain()
    save(path, values | {"level": 3})
    assert load_trained(path)[1] == 3
    del values["level"]  # as older files are
    save(path, values | {"options": values["options"] | {"level": 1}})
    assert load_trained(path)[1] == 1


def test_an_option_that_cannot_be_is_not_called_damage() -> None:
    with pytest.raises(UsageError, match="leave it out"), damage_explained(Path("save.p")):
        raise UsageError("leave it out")
