"""Words in windows: as large as is asked for, smaller where there is less room, never cut off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.theme import Box, Colour

FINER = 4  # small words are drawn so many times as large, and shrunk
LARGE = 64  # the size of font from which on letters stand evenly as they are
SMALLEST_SIZE = 7
GAP = "    "  # between two parts on one line
MAX_KEPT = 200  # rendered words and fitted lines; the numbers of a rally come again and again


def finer(size: int) -> int:
    """Return how many times as large words of this size are drawn before they are shrunk."""
    return FINER if size < LARGE else 1


def even_words(font: Any, words: str, colour: Colour, finer: int) -> Any:
    """Render words by a font that is `finer` times as large as they should be.

    A font places letters on whole pixels, so that small ones stand unevenly. Shrunk afterwards, they stand
    on parts of a pixel. Only their height is kept to whole pixels: the line that they stand on is sharp.
    """
    pygame = pygame_quietly()
    large = pygame.surfarray.array_alpha(font.render(words, True, colour))
    above = -font.get_ascent() % finer
    right, below = (-length % finer for length in (large.shape[0], above + large.shape[1]))
    large = np.pad(large, ((0, right), (above, below)))
    width, height = large.shape[0] // finer, large.shape[1] // finer
    small = pygame.Surface((width, height), pygame.SRCALPHA)
    small.fill(colour)
    shares = large.reshape(width, finer, height, finer).mean(axis=(1, 3))
    pygame.surfarray.pixels_alpha(small)[...] = shares.round()
    return small


class Text:
    """Fonts and rendered words, kept while they are in use. Close it together with its window.

    Args:
        module: pygame.ftfont, whose fonts survive the closing of a window, or None for pygame.font, whose
            fonts do not.
    """

    def __init__(self, module: Any = None) -> None:
        self._module = pygame_quietly().font if module is None else module
        self._module.init()
        self._fonts: dict[int, Any] = {}
        self._kept: dict[tuple[str, int, Colour], Any] = {}
        self._fits: dict[tuple[tuple[str, ...], int, int, int], tuple[int, list[list[str]]]] = {}

    def _font(self, size: int) -> Any:
        """Return pygame's own font, `finer(size)` times as large; a line is two thirds of its size high."""
        if size not in self._fonts:
            self._fonts[size] = self._module.Font(None, finer(size) * size)
        return self._fonts[size]

    def line_height(self, size: int) -> int:
        """Return how many pixels high a line is."""
        high: int = self._font(size).get_linesize()
        return math.ceil(high / finer(size))

    def render(self, words: str, size: int, colour: Colour) -> Any:
        """Return a surface with words on one line."""
        key = words, size, colour
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = even_words(self._font(size), words, colour, finer(size))
        return self._kept[key]

    def width(self, line: Sequence[str], size: int) -> int:
        """Return how many pixels wide a line of parts is."""
        wide: int = self._font(size).size(GAP.join(line))[0]
        return math.ceil(wide / finer(size))

    def fit(self, parts: Sequence[str], width: int, height: int, size: int) -> tuple[int, list[list[str]]]:
        """Arrange parts into lines that fit a box, in the largest font that allows it.

        A part that is wider than the box is broken between its words.

        Args:
            parts: what to write; a part is kept on one line if possible.
            width: pixels of the box.
            height: pixels of the box.
            size: the largest size of font to use.

        Returns:
            The size of the font, and the lines, each with one or more parts.
        """
        key = tuple(parts), width, height, size
        if key not in self._fits:
            if len(self._fits) >= MAX_KEPT:
                self._fits.clear()
            self._fits[key] = self._fit(*key)
        return self._fits[key]

    def _fit(self, parts: Sequence[str], width: int, height: int, size: int) -> tuple[int, list[list[str]]]:
        lines = self._flow(parts, width, size)
        while size > SMALLEST_SIZE and not self._has_room(lines, width, height, size):
            size -= 1
            lines = self._flow(parts, width, size)
        return size, lines

    def _has_room(self, lines: list[list[str]], width: int, height: int, size: int) -> bool:
        high = len(lines) * self.line_height(size)
        return high <= height and all(self.width(line, size) <= width for line in lines)

    def _flow(self, parts: Sequence[str], width: int, size: int) -> list[list[str]]:
        """Put as many parts on each line as it has room for."""
        lines: list[list[str]] = []
        for part in parts:
            if lines and self.width([*lines[-1], part], size) <= width:
                lines[-1].append(part)
            else:
                lines += [[line] for line in self._broken(part, width, size)]
        return lines

    def _broken(self, part: str, width: int, size: int) -> list[str]:
        """Break a part between its words into lines."""
        lines: list[str] = []
        for word in part.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width([longer], size) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def spread(
        self, surface: Any, box: Box, parts: Sequence[str], size: int, colours: Sequence[Colour]
    ) -> None:
        """Write parts into a box: the first part of each line at its left end, the others at its right end.

        Args:
            surface: the pygame surface to draw on.
            box: where on it.
            parts: what to write.
            size: the largest size of font to use.
            colours: one for each part.
        """
        x, y, width, height = box
        size, lines = self.fit(parts, width, height, size)
        colour_of = dict(zip(parts, colours, strict=True))
        step = self.line_height(size)
        y += (height - step * len(lines)) // 2
        colour = colours[0] if colours else (0, 0, 0)
        for line in lines:
            free = max(width - self.width(line, size), 0)
            place = x
            for number, part in enumerate(line):
                colour = colour_of.get(part, colour)  # the lines of a broken part keep its colour
                gap = GAP if number < len(line) - 1 else ""
                words = self.render(part + gap, size, colour)
                surface.blit(words, (place, y))
                place += words.get_width()
                if number == 0:
                    place += free
            y += step

    def centre(self, surface: Any, box: Box, parts: Sequence[str], size: int, colour: Colour) -> None:
        """Write parts into the middle of a box."""
        x, y, width, height = box
        size, lines = self.fit(parts, width, height, size)
        step = self.line_height(size)
        y += (height - step * len(lines)) // 2
        for number, line in enumerate(lines):
            words = self.render(GAP.join(line), size, colour)
            surface.blit(words, (x + (width - words.get_width()) // 2, y + number * step))

    def column(self, surface: Any, box: Box, parts: Sequence[str], size: int, colour: Colour) -> None:
        """Write parts into a box from its top left corner, one on each line if there is room for that."""
        x, y, width, height = box
        size, lines = self._column(parts, width, height, size)
        step = self.line_height(size)
        space = max(min(step // 2, (height - len(lines) * step) // max(len(lines) - 1, 1)), 0)
        for number, line in enumerate(lines):
            surface.blit(self.render(GAP.join(line), size, colour), (x, y + number * (step + space)))

    def _column(
        self, parts: Sequence[str], width: int, height: int, size: int
    ) -> tuple[int, list[list[str]]]:
        """Find a size, down to two thirds of the one given, that leaves each part a line; else use `fit`."""
        lines = [[part] for part in parts]
        for smaller in range(size, 2 * size // 3, -1):
            if self._has_room(lines, width, height, smaller):
                return smaller, lines
        return self.fit(parts, width, height, size)

    def close(self) -> None:
        """Release the fonts."""
        self._kept.clear()  # the module stays: another window may have fonts of it
        self._fonts.clear()
