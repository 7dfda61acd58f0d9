"""The programs' icon: a court with its paddles and its ball."""

from __future__ import annotations

from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.theme import ACCENT, BACKGROUND, LINE, WHITE

SIZE = 64
PARTS = (  # colour, and x, y, width, height
    (BACKGROUND, (0, 6, 64, 52)), (LINE, (30, 12, 4, 10)), (LINE, (30, 42, 4, 10)),
    (WHITE, (5, 16, 8, 24)), (WHITE, (51, 26, 8, 24)), (ACCENT, (34, 26, 10, 10)),
)  # fmt: skip


def icon() -> Any:
    """Draw the icon on a pygame surface."""
    pygame = pygame_quietly()
    surface = pygame.Surface((SIZE, SIZE), pygame.SRCALPHA)
    for colour, box in PARTS:
        surface.fill(colour, box)
    return surface
