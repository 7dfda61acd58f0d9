"""Where the panels of the agent's window are, at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly

LEAST_SIZE = (480, 360)  # the panels are laid out for this or more; a smaller window shows a shrunk picture
LEAST_TEXT = 17  # size of the font
FRAME_SHARE = (0.56, 0.7)  # largest share for the frame: of the window's width, and of the remaining height
TOP_SHARE, UNITS_SHARE = 0.28, 0.34  # of the height: difference and probabilities, hidden units
FEWEST_CELLS, MOST_LOPSIDED = 3, 8  # on a side of a frame; times as long as it is wide
MOST_UNITS, FEWEST_UNITS = 12, 4


def check_frames(shape: tuple[int, ...]) -> None:
    """Check that frames (height, width) can be shown.

    Raises:
        PongError: they are too small, or too long and narrow.
    """
    rows, columns = shape
    if min(shape) < FEWEST_CELLS or max(shape) > MOST_LOPSIDED * min(shape):
        raise PongError(
            f"the server's frames of {columns}×{rows} cells cannot be shown in a window: leave out --render"
        )


def picture_size(window: tuple[int, int]) -> tuple[int, int]:
    """Return the size to draw in: the window's, or a larger one of the same shape that has room for all."""
    factor = max(1.0, *(least / max(length, 1) for length, least in zip(window, LEAST_SIZE, strict=True)))
    return math.ceil(window[0] * factor), math.ceil(window[1] * factor)


def cell_size(room: float, tall: float, shape: tuple[int, ...]) -> int:
    """Return how many pixels wide and high a cell of a frame (height, width) can be in a space."""
    rows, columns = shape
    return max(int(min(room / columns, tall / rows)), 1)


@dataclass(frozen=True)
class AgentLayout:
    """The panels' places, each a pygame.Rect; the first `title` rows of a panel are for its title."""

    text: int  # size of the font
    gap: int
    title: int
    frame: Any
    value: Any
    difference: Any
    moves: Any
    units: Any
    curve: Any
    status: Any

    @classmethod
    def of(cls, size: tuple[int, int], shape: tuple[int, ...]) -> AgentLayout:
        """Lay out the panels.

        Frame and difference have a whole number of pixels for each cell; the rest takes what they leave.

        Args:
            size: (width, height) in pixels, LEAST_SIZE or more.
            shape: (height, width) of the frames.
        """
        rect = pygame_quietly().Rect
        (width, height), (rows, columns) = size, shape
        text = max(LEAST_TEXT, min(width // 66, height // 40))
        gap, title = text * 2 // 3, text + text // 8
        foot = height - text - gap  # where the status begins
        inner = foot - 2 * gap
        big = cell_size(FRAME_SHARE[0] * width, FRAME_SHARE[1] * inner - title, shape)
        frame = rect(gap, gap, columns * big, title + rows * big)
        value = rect(gap, frame.bottom + gap, frame.width, foot - gap - frame.bottom - gap)
        left = frame.right + gap
        right = width - gap - left
        small = cell_size(right * 0.55, TOP_SHARE * inner - title, shape)
        change = rect(left, gap, columns * small, title + rows * small)
        moves = rect(change.right + gap, gap, right - change.width - gap, change.height)
        units = rect(left, change.bottom + gap, right, int(UNITS_SHARE * inner))
        curve = rect(left, units.bottom + gap, right, foot - gap - units.bottom - gap)
        status = rect(gap, foot, width - 2 * gap, text)
        return cls(text, gap, title, frame, value, change, moves, units, curve, status)

    def inside(self, panel: Any) -> Any:
        """Return a panel's part below its title."""
        rect = pygame_quietly().Rect
        return rect(panel.x, panel.y + self.title, panel.width, panel.height - self.title)

    def unit_pictures(self, shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
        """Return the places for the two pictures of each hidden unit: upper and lower.

        Args:
            shape: (height, width) of the frames.
        """
        rect = pygame_quietly().Rect
        rows, columns = shape
        area, thin = self.inside(self.units), self.gap // 2
        tall = max((area.height - self.text - 2 * thin) // 2, 1)
        wide = min(tall * columns // rows, (area.width - (FEWEST_UNITS - 1) * thin) // FEWEST_UNITS)
        tall = max(wide * rows // columns, 1)
        count = min((area.width + thin) // (wide + thin), MOST_UNITS)
        free = area.width - count * wide
        lefts = [area.x + number * wide + number * free // max(count - 1, 1) for number in range(count)]
        return [(rect(x, area.y, wide, tall), rect(x, area.y + tall + thin, wide, tall)) for x in lefts]
