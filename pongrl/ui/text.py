"""Words in windows: as large as is asked for, smaller where there is less room, never cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.theme import Box, Colour

SMALLEST_SIZE = 7
GAP = "    "  # between two parts on one line
MAX_KEPT = 200  # rendered words and fitted lines; the numbers of a rally come again and again


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

    def font(self, size: int) -> Any:
        """Return pygame's own font in a size; a line is two thirds of the size high."""
        if size not in self._fonts:
            self._fonts[size] = self._module.Font(None, size)
        return self._fonts[size]

    def render(self, words: str, size: int, colour: Colour) -> Any:
        """Return a surface with words on one line."""
        key = words, size, colour
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self.font(size).render(words, True, colour)
        return self._kept[key]

    def width(self, line: Sequence[str], size: int) -> int:
        """Return how many pixels wide a line of parts is."""
        width: int = self.font(size).size(GAP.join(line))[0]
        return width

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
        high = len(lines) * self.font(size).get_linesize()
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
        step = self.font(size).get_linesize()
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
        step = self.font(size).get_linesize()
        y += (height - step * len(lines)) // 2
        for number, line in enumerate(lines):
            words = self.render(GAP.join(line), size, colour)
            surface.blit(words, (x + (width - words.get_width()) // 2, y + number * step))

    def column(self, surface: Any, box: Box, parts: Sequence[str], size: int, colour: Colour) -> None:
        """Write parts into a box from its top left corner, one on each line if there is room for that."""
        x, y, width, height = box
        size, lines = self._column(parts, width, height, size)
        step = self.font(size).get_linesize()
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
