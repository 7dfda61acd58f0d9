"""A run's directory: it must be there, may be written into, and belongs to one run at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pongrl.agent.files import claimed, prepare_directory
from pongrl.errors import UsageError

LOCKS = pytest.mark.skipif(sys.platform == "win32", reason="directories have no locks there")


def test_a_directory_is_made_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    prepare_directory("--directory", str(tmp_path / "one" / "two"))
    assert list((tmp_path / "one" / "two").iterdir()) == []


def test_what_is_no_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write into .*file .*: choose another --directory"):
        prepare_directory("--directory", str(tmp_path / "file"))


@LOCKS
def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    with (
        claimed(tmp_path),
        pytest.raises(UsageError, match=r"another run writes into .*: end it"),
        claimed(tmp_path),
    ):
        pass
    with claimed(tmp_path):
        pass


@LOCKS
def test_a_forked_copy_of_the_process_does_not_keep_the_next_run_out(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with claimed(tmp_path):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    try:
        with claimed(tmp_path):
            pass
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)


def test_a_directory_that_cannot_be_locked_is_used_as_it_is(tmp_path: Path) -> None:
    with claimed(tmp_path / "gone"):
        pass
