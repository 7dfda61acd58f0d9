"""The palette, and the units that all views draw in."""

from __future__ import annotations

from typing import TypeAlias

BACKGROUND, BAR, LINE, WHITE, DIM, ACCENT = (
    (12, 14, 20),
    (26, 29, 38),
    (60, 64, 76),
    (240, 240, 240),
    (140, 146, 160),
    (255, 196, 60),
)


BLUE: Colour = (92, 146, 255)
PANEL: Colour = (19, 22, 30)  # behind frames and curves
GAINS: Colour = (125, 100, 44)  # the two colours at half their strength, for what lies behind a line
LOSSES: Colour = (52, 78, 131)
Colour: TypeAlias = tuple[int, int, int]
Box: TypeAlias = tuple[int, int, int, int]  # x, y, width, height in pixels
