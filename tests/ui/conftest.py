"""Fixtures for tests of views."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.game_window import GameWindow


@pytest.fixture(autouse=True)
def pygame_afresh() -> Iterator[None]:
    """Leave no window, font, sound or event to the next test."""
    yield
    pygame_quietly().quit()


@pytest.fixture
def window() -> Iterator[GameWindow]:
    """Open a game's window with the inset, with no events yet."""
    window = GameWindow("test", inset=True)
    pygame_quietly().event.clear()
    yield window
    window.close()
