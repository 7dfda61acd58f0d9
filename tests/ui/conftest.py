"""Fixtures for tests of views."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.game_layout import window_size
from pongrl.ui.game_window import GameWindow


@pytest.fixture(autouse=True)
def pygame_afresh() -> Iterator[None]:
    """Leave no window, font, sound or event to the next test."""
    yield
    pygame_quietly().quit()


@pytest.fixture
def window() -> Iterator[GameWindow]:
    """Open a game's window with the inset, as large as on a large desktop, with no events yet."""
    pygame, window = pygame_quietly(), GameWindow("test", inset=True)
    pygame.display.set_mode(window_size(inset=True), pygame.RESIZABLE)
    pygame.event.clear()
    yield window
    window.close()
