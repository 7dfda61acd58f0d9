"""Standard output and error as pipes and terminals: nobody who says something waits for a reader."""

from __future__ import annotations

import errno
import io
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from pongrl import outlets
from pongrl.outlets import WAITING_LINES, Outlet, outlet_of, start_log
from tests.support import PATIENCE, ROOT


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as text, open(writer, "w", encoding="cp1252") as lines:
        yield text, lines


def test_lines_arrive_in_their_order_whatever_is_in_them(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    outlet = Outlet(writer)
    for line in ("one", "日", "three"):
        outlet.put(line)
    assert [reader.readline() for _ in range(3)] == ["one\n", "\\u65e5\n", "three\n"]


@pytest.mark.parametrize("waits", [True, False])
def test_a_pipe_that_nobody_reads_holds_up_nobody_and_lines_left_out_are_counted(
    pipe: tuple[TextIO, TextIO], waits: bool
) -> None:
    reader, writer = pipe
    if not waits:
        if sys.platform == "win32":
            pytest.skip("pipes always wait there")
        os.set_blocking(writer.fileno(), False)
    outlet, long = Outlet(writer), "x" * 1000
    for _ in range(3 * WAITING_LINES):  # this pipe takes some sixty of them
        outlet.put(long)
    outlet.drain(time.monotonic() + 0.01)
    lines = [reader.readline() for _ in range(WAITING_LINES)]
    outlet.put("the end")
    while lines[-1] != "the end\n":
        lines.append(reader.readline())
    told = [line for line in lines if "were left out here, since nobody read them" in line]
    assert sum(
        int(line[1:].split(" ")[0].replace(",", "")) for line in told
    ) == 3 * WAITING_LINES - lines.count(long + "\n")


def test_a_stream_that_gets_the_number_of_another_has_an_outlet_of_its_own() -> None:
    reader, number = os.pipe()
    another, end = os.pipe()
    with (
        open(reader, encoding="utf-8") as one,
        open(another, encoding="utf-8") as other,
        open(number, "w", encoding="utf-8", closefd=False) as before,
        open(number, "w", encoding="utf-8") as after,
    ):
        first = outlet_of(before)
        assert first is not None
        first.put("one")
        assert one.readline() == "one\n"
        os.dup2(end, number)  # the pipe of the first is closed, and its number is another's
        os.close(end)
        second = outlet_of(after)
        assert second is not None
        assert second is not first
        second.put("two")
        assert other.readline() == "two\n"


def test_a_reader_that_has_gone_is_told_at_a_later_line(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    reader.close()
    outlet = Outlet(writer)
    outlet.put("lost")
    outlet.drain(time.monotonic() + PATIENCE)
    with pytest.raises(BrokenPipeError):
        outlet.put("lost too")


class Gone(io.RawIOBase):
    """A pipe as Windows has it, whose reader has gone."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")


def test_a_reader_that_has_gone_on_windows_is_told_alike() -> None:
    outlet = Outlet(io.TextIOWrapper(io.BufferedWriter(Gone())))
    outlet.put("lost")
    outlet.drain(time.monotonic() + PATIENCE)
    with pytest.raises(BrokenPipeError):
        outlet.put("lost too")


def test_files_and_what_is_no_file_have_no_outlet(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        assert outlet_of(file) is None
    assert outlet_of(io.StringIO()) is None
    assert outlet_of(None) is None


SERVER = """
import logging
from pongrl import outlets
outlets.start_log(False)
for number in range(900):
    logging.getLogger("pong").info("%s is a stranger with %s", number, "x" * 2000)
logging.getLogger("pong").info("still here")
"""


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_a_log_that_nobody_reads_holds_up_nothing(kind: str) -> None:
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = pytest.importorskip("pty").openpty()
    try:
        command = [sys.executable, "-c", SERVER]
        assert subprocess.run(command, stderr=writer, cwd=ROOT, timeout=PATIENCE).returncode == 0
    finally:
        os.close(reader)
        os.close(writer)


FORKED = """
import os
from pongrl import cli
cli.say("parent")
child = os.fork()
cli.say("one" if child else "other")
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork there nowhere")
def test_a_process_that_was_forked_says_its_lines_too() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert sorted(result.stdout.split()) == ["one", "other", "parent"]


def test_what_strangers_do_is_logged_some_times_and_then_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    log, before = logging.getLogger("pong.test_outlets"), logging.root.handlers[:]
    monkeypatch.setattr(logging.root, "handlers", [])
    try:
        start_log(False)
        for number in range(100):
            log.info("stranger %d", number)
        log.info("another kind")
        monkeypatch.setattr(outlets, "ALIKE_SECONDS", 0.0)  # the time is over
        log.info("a third kind")
    finally:
        logging.root.handlers = before
    lines = [line.split(" ", 1)[1] for line in shown.getvalue().splitlines()]
    assert lines[:20] == [f"stranger {number}" for number in range(20)]
    assert lines[20:] == ["another kind", "80 more lines like this: stranger 0", "a third kind"]


class Full(io.StringIO):
    """A file on a disk that is full for a while."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full and text.endswith("event 1\n"):  # a traceback would find room
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_line_of_the_log_that_finds_no_room_is_left_out_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown, log, before = Full(), logging.getLogger("pong.test_outlets"), logging.root.handlers[:]
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(logging.root, "handlers", [])
    try:
        start_log(False)
        log.info("event 1")
        shown.is_full = False
        log.info("event 2")
    finally:
        logging.root.handlers = before
    assert [line.split(" ", 1)[1] for line in shown.getvalue().splitlines()] == ["event 2"]
