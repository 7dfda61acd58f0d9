"""Words in windows: as large as is asked for, smaller where there is less room, never cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.theme import Box, Colour

SMALLEST_SIZE = 7
GAP = "    "  # between two parts on one line
MAX_KEPT = 200  # rendered words; a rally's numbers come again and again


class Text:
    """Fonts and rendered words, kept for as long as they are used. Whoever closes a window closes it too.

    Args:
        module: pygame.ftfont for one that outlives windows; else pygame.font, whose fonts end with the first.
    """

    def __init__(self, module: Any = None) -> None:
        self._module = pygame_quietly().font if module is None else module
        self._module.init()
        self._fonts: dict[int, Any] = {}
        self._kept: dict[tuple[str, int, Colour], Any] = {}
        self._fits: dict[tuple[tuple[str, ...], int, int, int], tuple[int, list[list[str]]]] = {}

    def font(self, size: int) -> Any:
        """Pygame's own font; a line of it is two thirds of its size high."""
        if size not in self._fonts:
            self._fonts[size] = self._module.Font(None, size)
        return self._fonts[size]

    def render(self, words: str, size: int, colour: Colour) -> Any:
        """Words on one line, as a surface."""
        key = words, size, colour
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self.font(size).render(words, True, colour)
        return self._kept[key]

    def fit(self, parts: Sequence[str], width: int, height: int, size: int) -> tuple[int, list[list[str]]]:
        """Find the largest font up to `size`, and the lines, each of one or more parts, that fit a box.

        A part that is wider than the box is broken between its words.
        """
        key = tuple(parts), width, height, size
        if key not in self._fits:
            if len(self._fits) >= MAX_KEPT:
                self._fits.clear()
            self._fits[key] = self._fit(*key)
        return self._fits[key]

    def _fit(self, parts: Sequence[str], width: int, height: int, size: int) -> tuple[int, list[list[str]]]:
        while True:
            lines = self._flow(parts, width, size)
            small = size <= SMALLEST_SIZE
            if small or (
                len(lines) * self.font(size).get_linesize() <= height
                and all(self.width(line, size) <= width for line in lines)
            ):
                return size, lines
            size -= 1

    def _flow(self, parts: Sequence[str], width: int, size: int) -> list[list[str]]:
        lines: list[list[str]] = []
        for part in parts:
            if lines and self.width([*lines[-1], part], size) <= width:
                lines[-1].append(part)
            else:
                lines += [[line] for line in self._broken(part, width, size)]
        return lines

    def _broken(self, part: str, width: int, size: int) -> list[str]:
        lines: list[str] = []
        for word in part.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width([longer], size) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def width(self, line: Sequence[str], size: int) -> int:
        """How many pixels a line takes."""
        width: int = self.font(size).size(GAP.join(line))[0]
        return width

    def spread(
        self, surface: Any, box: Box, parts: Sequence[str], size: int, colours: Sequence[Colour]
    ) -> None:
        """Write parts into a box, each in its colour: a line's first at the left, the others at the right."""
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
                colour = colour_of.get(part, colour)  # a broken part's lines keep its colour
                words = self.render(part + GAP * (number < len(line) - 1), size, colour)
                surface.blit(words, (place, y))
                place += words.get_width() + free * (number == 0)
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
        """Write parts into a box from its upper left, each on a line of its own if there is room for that."""
        x, y, width, height = box
        lines = [[part] for part in parts]
        for smaller in range(size, 2 * size // 3, -1):
            step = self.font(smaller).get_linesize()
            if step * len(lines) <= height and all(self.width(line, smaller) <= width for line in lines):
                size = smaller
                break
        else:
            size, lines = self.fit(parts, width, height, size)
        step = self.font(size).get_linesize()
        space = min(step // 2, (height - len(lines) * step) // max(len(lines) - 1, 1))
        for number, line in enumerate(lines):
            surface.blit(self.render(GAP.join(line), size, colour), (x, y + number * (step + max(space, 0))))

    def close(self) -> None:
        """Give the fonts back."""
        self._kept.clear()
        self._fonts.clear()
        self._module.quit()
