"""The console: words that are commands, plain lines, and a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from pongrl.ui.console import Console
from tests.support import PATIENCE

COMMANDS = {"p": "pause", "ping": "measure the network", "stats": "tell", "save": "write", "q": "quit"}


@pytest.mark.parametrize(
    ("line", "command", "answer"),
    [
        ("ping", "ping", ""), (" St ", "stats", ""), ("pi", "ping", ""), ("p", "p", ""), ("sa", "save", ""),
        ("he", None, "say this"), ("s", None, "no command 's'; there are p, ping, q, save, stats and help\n"),
        ("pp", None, "no command 'pp'"), ("", None, ""), ("  ", None, ""),
    ],
)  # fmt: skip
def test_a_word_of_the_console_may_be_cut_short(
    line: str, command: str | None, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    obeyed: list[str] = []
    Console(COMMANDS, obeyed.append, lambda: "").take(line)
    assert obeyed == ([] if command is None else [command])
    out = capsys.readouterr().out
    assert answer in out if answer else out == ""


def test_help_has_a_line_for_each_command_in_the_order_of_the_table() -> None:
    assert Console(COMMANDS, print, lambda: "").help().split("\n") == [
        "p      pause",
        "ping   measure the network",
        "stats  tell",
        "save   write",
        "q      quit",
        "help   say this",
    ]


@pytest.mark.parametrize("commands", [COMMANDS, COMMANDS | {"help": "say this"}])
def test_a_table_may_have_help_of_its_own(commands: dict[str, str]) -> None:
    assert Console(commands, print, lambda: "").help().count("help") == 1


class PlainConsole:
    """A console that reads plain lines from a pipe in the place of standard input."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self.obeyed: list[str] = []
        self.came = threading.Event()
        self.console = Console(COMMANDS, self.obey, lambda: "")
        self.console.start()

    def obey(self, word: str) -> None:
        self.obeyed.append(word)
        self.came.set()

    def type(self, text: bytes) -> None:
        os.write(self._pipe, text)

    def end(self) -> None:
        self.console.join(PATIENCE)
        assert not self.console.is_alive()


@pytest.fixture
def plain() -> Iterator[PlainConsole]:
    kept, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    try:
        yield PlainConsole(writing)
    finally:
        with contextlib.suppress(OSError):
            os.close(writing)
        os.dup2(kept, 0)
        os.close(kept)


def test_plain_lines_are_obeyed_until_q(plain: PlainConsole) -> None:
    plain.type(b"st")
    plain.type(b"ats\nsave\n\xff\nq\n")
    plain.end()
    assert plain.obeyed == ["stats", "save", "q"]


def test_a_line_is_obeyed_when_it_is_whole(plain: PlainConsole) -> None:
    plain.type(b"save\nst")
    assert plain.came.wait(PATIENCE)
    assert plain.obeyed == ["save"]
    plain.type(b"ats\nq\n")
    plain.end()
    assert plain.obeyed == ["save", "stats", "q"]


def test_closing_a_console_of_plain_lines_does_not_wait_for_one(plain: PlainConsole) -> None:
    plain.console.close()
    assert plain.console.is_alive()
    plain.type(b"\n")
    plain.end()


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_without_standard_streams_nothing_is_read(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    monkeypatch.setattr(sys, stream, None)
    console = Console(COMMANDS, print, lambda: "")
    console.start()
    console.join(PATIENCE)
    assert not console.is_alive()
    console.close()
