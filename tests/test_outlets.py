"""Standard output and error as pipes: nobody who says something waits for a reader."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pongrl import outlets
from pongrl.outlets import WAITING_LINES, Outlet, outlet_of, start_log
from tests.support import PATIENCE, ROOT


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for number in (reader, writer):
        os.close(number)


def test_lines_arrive_in_their_order_whatever_is_in_them(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1], "cp1252")
    for line in ("one", "日", "three"):
        outlet.put(line)
    outlet.drain(time.monotonic() + PATIENCE)
    assert os.read(pipe[0], 1000) == b"one\n\\u65e5\nthree\n"


def test_a_pipe_that_nobody_reads_holds_up_nobody_and_lines_left_out_are_counted(
    pipe: tuple[int, int],
) -> None:
    reader, writer = pipe
    outlet, long = Outlet(writer, "utf-8"), "x" * 1000
    for _ in range(3 * WAITING_LINES):  # this pipe takes some sixty of them
        outlet.put(long)
    outlet.drain(time.monotonic() + 0.01)
    with open(os.dup(reader), encoding="utf-8") as text:
        lines = [text.readline() for _ in range(WAITING_LINES)]
        outlet.put("the end")
        while lines[-1] != "the end\n":
            lines.append(text.readline())
    told = [line for line in lines if "were left out here, since nobody read them" in line]
    assert sum(
        int(line[1:].split(" ")[0].replace(",", "")) for line in told
    ) == 3 * WAITING_LINES - lines.count(long + "\n")


def test_a_reader_that_has_gone_is_told_at_a_later_line() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outlet = Outlet(writer, "utf-8")
    outlet.put("lost")
    outlet.drain(time.monotonic() + PATIENCE)
    with pytest.raises(BrokenPipeError):
        outlet.put("lost too")
    os.close(writer)


def test_files_and_what_is_no_file_have_no_outlet() -> None:
    with open(os.devnull, "w") as file:
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


def test_a_log_that_nobody_reads_holds_up_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.wait(PATIENCE) == 0  # before anything was read


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
