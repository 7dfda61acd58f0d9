"""What is written over a picture: a notice, or a table of keys."""

from __future__ import annotations

from typing import Any, NamedTuple

from pongrl.ui.notices import KeyTable
from pongrl.ui.text import SMALLEST_SIZE, Text
from pongrl.ui.theme import BAR, DIM, LINE, WHITE, Box


class Cover(NamedTuple):
    """A picture on a surface, and the fonts to write over it."""

    surface: Any
    text: Text
    picture: Box
    size: int  # of the font

    def write(self, notice: tuple[str, ...]) -> None:
        """Write a notice across the picture: the first part large, the others below it."""
        x, y, width, height = self._sheet(round(0.8 * self.picture[2]), round(0.3 * self.picture[3]))
        first = round(height * (0.6 if notice[1:] else 1))
        self.text.centre(self.surface, (x, y, width, first), notice[:1], 2 * self.size, WHITE)
        self.text.centre(self.surface, (x, y + first, width, height - first), notice[1:], self.size, DIM)

    def write_keys(self, keys: KeyTable) -> None:
        """Write a table of keys over the picture, as large as there is room for."""
        columns = [[row[column] for row in keys] for column in (0, 1)]
        margins = 2 * self.size
        for size in range(self.size, SMALLEST_SIZE - 1, -1):
            first, second = (max(self.text.width([words], size) for words in column) for column in columns)
            high = round(1.3 * self.text.line_height(size))
            width, height = first + size + second + margins, high * len(keys) + margins // 2
            if width <= self.picture[2] and height <= self.picture[3]:
                break
        x, y, _, room = self._sheet(width, height)
        y += max(room - high * len(keys), 0) // 2
        for number, (key, words) in enumerate(keys):
            for place, part, colour in ((x, key, WHITE), (x + first + size, words, DIM)):
                self.surface.blit(self.text.render(part, size, colour), (place, y + high * number))

    def _sheet(self, width: int, height: int) -> Box:
        """Lay a sheet to write on over the middle, and return the box inside its margins."""
        left, top, wide, high = self.picture
        width, height = min(width, wide), min(height, high)
        x, y = left + (wide - width) // 2, top + (high - height) // 2
        self.surface.fill(BAR, (x, y, width, height))
        for edge in (y, y + height - 1):
            self.surface.fill(LINE, (x, edge, width, 1))
        side, above = self.size, self.size // 3
        return x + side, y + above, max(width - 2 * side, 1), max(height - 2 * above, 1)
