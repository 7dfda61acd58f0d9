"""A window in a process of its own: what the program is told, and how each ends without the other."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from pongrl.errors import PongError
from pongrl.ui.agent_display import NOTHING
from pongrl.ui.window_process import READY, WindowProcess
from tests.support import PATIENCE, ROOT, failing_module

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

DISPLAY = "pongrl.ui.agent_display"
DEAF = "tests.support.deaf_window"


def never() -> bool:
    return False


def test_a_window_is_open_until_it_is_closed() -> None:
    window = WindowProcess(DISPLAY, never)
    window.show(NOTHING)
    assert window.is_open
    assert list(window.asked()) == []
    assert window.close() == ""
    assert not window.is_open


def test_a_window_that_ends_by_itself_says_why(processes: list[subprocess.Popen[bytes]]) -> None:
    window = WindowProcess(DISPLAY, never)
    for value in (NOTHING, NOTHING, "nothing that can be shown", NOTHING):
        window.show(value)
    processes[0].wait(PATIENCE)
    assert not window.is_open
    assert "AttributeError" in window.close()


def test_without_a_display_no_window_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.setenv("DISPLAY", ":nowhere")
    with pytest.raises(PongError, match=r"no window can be opened.*leave out --render"):
        WindowProcess(DISPLAY, never)


def test_a_person_who_quits_does_not_wait_for_a_window_that_does_not_open() -> None:
    window = WindowProcess(DEAF, lambda: True)
    assert window.is_open
    assert window.close() == ""


def test_a_window_that_does_not_open_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pongrl.ui.window_process.OPENING_SECONDS", 0.1)
    with pytest.raises(PongError, match="the display does not answer"):
        WindowProcess(DEAF, never)


def test_a_window_ends_with_its_program() -> None:
    command = [sys.executable, "-m", DISPLAY]
    with contextlib.ExitStack() as stack:
        window = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        )
        stack.callback(window.kill)
        assert window.stdout is not None
        assert window.stdin is not None
        assert window.stdout.readline().decode().strip() == READY
        window.stdin.close()
        assert window.wait(PATIENCE) == 0


def test_why_a_window_does_not_open_is_told_in_letters_of_any_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = failing_module(monkeypatch, tmp_path, "Jürgen has no display")
    with pytest.raises(PongError, match="Jürgen has no display"):
        WindowProcess(module, never)
