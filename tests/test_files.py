"""Files that a person names: what may be read, and how they are replaced."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from pongrl.files import check_readable, read_file, replacing
from tests.support.wire import memory_below

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links as POSIX has them")


def test_an_ordinary_file_is_read_up_to_its_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert read_file(path, 8) == read_file(path, 8, b"123") == b"12345678"
    with pytest.raises(OSError, match="it has 8 bytes, where 7 are the most"):
        read_file(path, 7)


def test_a_file_that_begins_otherwise_is_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert read_file(path, 8, b"abc") == b"123"


def test_a_small_file_takes_little_memory_however_large_it_might_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    with memory_below(1 << 20):
        assert read_file(path, 1 << 29, b"123") == b"12345678"


@posix
def test_what_is_no_ordinary_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path / "pipe", "it is a pipe"), (tmp_path, "it is a directory"),
        (Path("/dev/zero"), "it is a device"),
    ):  # fmt: skip
        with pytest.raises(OSError, match=reason):
            read_file(path, 8)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other words, and shorter paths")
def test_a_socket_is_not_read(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="No such device or address"):
            read_file(tmp_path / "socket", 8)


@posix
def test_what_a_library_will_read_is_looked_at_before(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(bytes(9))
    check_readable(tmp_path / "file", 9)
    for path, largest, reason in (
        (tmp_path / "pipe", 9, "it is a pipe"), (tmp_path / "file", 8, "it has 9 bytes"),
        (tmp_path / "none", 9, "No such file"),
    ):  # fmt: skip
        with pytest.raises(OSError, match=reason):
            check_readable(path, largest)


@posix
def test_of_two_that_write_one_file_at_once_none_puts_half_of_it_there(tmp_path: Path) -> None:
    path, ends = tmp_path / "file", contextlib.ExitStack()
    with pytest.raises(FileExistsError, match="another program writes it too"), replacing(path, "w"):
        ends.enter_context(replacing(path, "w")).write("half")
    assert not path.exists()
    with pytest.raises(FileExistsError, match="another program writes it too"):
        ends.close()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_file_is_not_replaced_if_something_else_is_in_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe"), replacing(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo()


@posix
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("file", "file.tmp"):
        (tmp_path / name).symlink_to(victim)
    with replacing(tmp_path / "file", "w", encoding="utf-8") as file:
        file.write("new")
    assert (tmp_path / "file").read_text() == "new"
    assert victim.read_text() == "precious"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "victim"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(TypeError), replacing(tmp_path / "file", "w") as file:
        file.writelines(["new", 5])
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "old")]


@pytest.mark.parametrize(("refusals", "text"), [(2, "new"), (100, "old")])
def test_a_file_that_another_program_reads_is_replaced_a_little_later_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int, text: str
) -> None:
    replace, pauses = os.replace, list[float]()

    def busy(source: Path, target: Path) -> None:
        if len(pauses) < refusals:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(time, "sleep", pauses.append)
    path = tmp_path / "file"
    path.write_text("old")
    with contextlib.suppress(PermissionError), replacing(path, "w") as file:
        file.write("new")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", text)]
    assert 0 < sum(pauses) < 1
