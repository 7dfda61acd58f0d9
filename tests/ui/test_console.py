"""The console without a terminal; with one it is tested in test_end_to_end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from pongrl.ui.console import Console
from tests.support import PATIENCE


class PlainConsole:
    """A console that reads plain lines from a pipe in the place of standard input."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self.obeyed: list[str] = []
        self.came = threading.Event()
        self.console = Console((), self.obey, lambda: "")
        self.console.start()

    def obey(self, line: str) -> bool:
        self.obeyed.append(line)
        self.came.set()
        return line != "q"

    def type(self, text: bytes) -> None:
        os.write(self._pipe, text)

    def close(self) -> None:
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)

    def end(self) -> None:
        self.console.join(PATIENCE)
        assert not self.console.is_alive()


@pytest.fixture
def plain() -> Iterator[PlainConsole]:
    kept, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    try:
        console = PlainConsole(writing)
        yield console
        console.close()
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_plain_lines_are_obeyed_until_the_last_one(plain: PlainConsole) -> None:
    plain.type(b"st")
    plain.type(b"ats\n Save \n\xff\nq\n")
    plain.end()
    assert plain.obeyed == ["stats", " Save ", "\ufffd", "q"]


def test_a_line_is_obeyed_when_it_is_whole(plain: PlainConsole) -> None:
    plain.type(b"save\nst")
    assert plain.came.wait(PATIENCE)
    assert plain.obeyed == ["save"]
    plain.type(b"ats\nq\n")
    plain.end()
    assert plain.obeyed == ["save", "stats", "q"]


def test_a_last_line_without_an_end_is_obeyed_at_the_end_of_the_input(plain: PlainConsole) -> None:
    plain.type(b"save\nstats")
    plain.close()
    plain.end()
    assert plain.obeyed == ["save", "stats"]


@pytest.mark.skipif(sys.platform == "win32", reason="a thread that reads cannot be woken there")
def test_closing_a_console_of_plain_lines_does_not_wait_for_one(plain: PlainConsole) -> None:
    plain.console.close()
    plain.end()
    assert plain.obeyed == []


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_without_standard_streams_nothing_is_read(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    monkeypatch.setattr(sys, stream, None)
    console = Console((), lambda _: True, lambda: "")
    console.start()
    console.join(PATIENCE)
    assert not console.is_alive()
    console.close()


def test_where_no_prompt_can_be_drawn_lines_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(os, "get_terminal_size", lambda _: (80, 24))
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    console = Console((), lambda _: True, lambda: "")
    console.start()
    console.close()
    console.join(PATIENCE)
    assert not console.is_alive()


def test_nul_which_windows_calls_a_terminal_is_read_as_plain_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: int) -> None:
        raise OSError(6, "The handle is invalid")

    def obey(line: str) -> bool:
        obeyed.append(line)
        return True

    reading, obeyed = os.open(os.devnull, os.O_RDONLY), list[str]()
    kept = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    try:
        with open(os.devnull) as stdin, open(os.devnull, "w") as stdout:
            for name, stream in (("stdin", stdin), ("stdout", stdout)):
                monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
                monkeypatch.setattr(sys, name, stream)
            monkeypatch.setattr(os, "get_terminal_size", refuse)
            monkeypatch.setattr(sys, "platform", "win32")
            monkeypatch.setitem(sys.modules, "prompt_toolkit", None)  # it would say that there is no console
            monkeypatch.setitem(sys.modules, "prompt_toolkit.patch_stdout", None)
            console = Console((), obey, lambda: "")
            console.start()
            console.join(PATIENCE)
            assert not console.is_alive()
            console.close()
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert obeyed == []
