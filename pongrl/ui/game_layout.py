"""Where the parts of the game's window are, at any size."""

from __future__ import annotations

from dataclasses import dataclass

from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.ui.theme import Box

WINDOW = (COURT_WIDTH, COURT_HEIGHT + 60)  # the size at first, without the inset
INSET_BELOW, INSET_BESIDE = 168, 250  # pixels that the inset adds to the height, or to the width
TEXT, SMALLEST_TEXT = 22, 17  # sizes of the font


def window_size(inset: bool) -> tuple[int, int]:
    """Return the window's size at first, with or without the inset."""
    return (WINDOW[0], WINDOW[1] + INSET_BELOW) if inset else WINDOW


def largest_court(width: int, height: int) -> tuple[int, int]:
    """Return the size of the largest court that fits into so many pixels with its proportions kept."""
    scale = min(width / COURT_WIDTH, height / COURT_HEIGHT)
    return max(round(COURT_WIDTH * scale), 1), max(round(COURT_HEIGHT * scale), 1)


@dataclass(frozen=True)
class GameLayout:
    """The boxes of all parts of a window, in pixels."""

    text: int  # size of the font
    header: Box
    court: Box
    footer: Box
    inset: Box | None

    @classmethod
    def of(cls, size: tuple[int, int], inset: bool, density: float = 1.0) -> GameLayout:
        """Lay out a window.

        Args:
            size: (width, height) of the window in pixels.
            inset: True to leave room for the inset, where the court loses least by it.
            density: pixels in a point, in which people see sizes.
        """
        width, height = max(size[0], 1), max(size[1], 1)
        below = min(width / WINDOW[0], height / (WINDOW[1] + INSET_BELOW * inset))
        beside = min(width / (WINDOW[0] + INSET_BESIDE * inset), height / WINDOW[1])
        scale = max(below, beside)
        text = text_size(scale, density)
        lines = 1 if width >= 26 * text else 2
        header, footer = round(text * (0.6 + 0.76 * lines)), round(text * 1.36)
        right, bottom = width, height - footer  # where the court's area ends
        box: Box | None = None
        if inset and below >= beside:
            bottom -= round(INSET_BELOW * scale)
            box = (0, bottom, width, height - footer - bottom)
        elif inset:
            right -= round(INSET_BESIDE * scale)
            box = (right, header, width - right, bottom - header)
        wide, high = largest_court(right, max(bottom - header, 0))
        court = ((right - wide) // 2, header + max(bottom - header - high, 0) // 2, wide, high)
        return cls(text, (0, 0, width, header), court, (0, height - footer, width, footer), box)


def text_size(scale: float, density: float) -> int:
    """Return the size of the font in a window that is `scale` times as large as at first."""
    # People sit farther away from a larger screen, but not in proportion.
    grown = scale if scale < 1 else 0.3 + 0.7 * scale
    return max(round(TEXT * grown), round(SMALLEST_TEXT * density))
