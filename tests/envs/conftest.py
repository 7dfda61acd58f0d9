"""Fixtures for the tests of the environments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.wire import retry


@pytest.fixture(autouse=True)
def quick_retries_and_no_window_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)
    yield
    if "pygame" in sys.modules:
        pygame_quietly().quit()


@pytest.fixture
def own_servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Let environments with local=True start their servers in this process.

    Returns:
        the servers that were started, oldest first.
    """
    from pongrl.envs import link
    from tests.support.envs import ServerInProcess

    started: list[ServerInProcess] = []

    class Recorded(ServerInProcess):
        def __init__(self, flags: tuple[str, ...], debug: bool) -> None:
            super().__init__(flags, debug)
            started.append(self)

    monkeypatch.setattr(link, "LocalServer", Recorded)
    yield started
    for server in started:
        server.close()


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Record the processes that a test starts, oldest first."""
    started: list[subprocess.Popen[str]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started
