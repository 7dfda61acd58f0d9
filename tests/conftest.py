"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import run_program


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run each test in an empty folder, without a token, a screen or a loudspeaker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")


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
