"""Fixtures for every test."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import run_program


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run each test in an empty folder, without a token, a screen or a loudspeaker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """See that a test leaves no thread behind."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train for 100 points, once for all tests.

    Returns:
        a folder with save.p, interrupt.p and progress.csv; tests copy what they change.
    """
    directory = tmp_path_factory.mktemp("trained")
    options = ("--local", "--games", "4", "--seed", "1", "--points", "100", "--directory", str(directory))
    code, program = run_program("mainmodel.py", *options)
    assert code == 0, program.output
    return directory


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Note the processes that are started."""
    started: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen.__init__

    def note(process: subprocess.Popen[bytes], *arguments: Any, **more: Any) -> None:
        started.append(process)
        begin(process, *arguments, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    return started
