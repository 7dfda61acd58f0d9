"""Where the panels of the agent's window are, at any size.

    an ordinary window            a flat one                           a tall one
    frame   difference, moves     frame   difference, moves, value     frame
            units                         units                        value
    value   curve                         curve                        difference, moves
                                                                       units
                                                                       curve

The status is at the foot. The arrangement that shows the largest frame is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_look import MOST_UNITS

LEAST_SIZE = (480, 360)  # the panels are laid out for this or more; a smaller window shows a shrunk picture
LEAST_TEXT = 17  # size of the font
# Largest shares for the frame, of the window's width and of the height above the status.
ORDINARY_FRAME, FLAT_FRAME, TALL_FRAME = (0.56, 0.7), (0.45, 1.0), (1.0, 0.45)
TOP_SHARE, UNITS_SHARE = 0.28, 0.34  # of that height: difference and moves, hidden units
TALL_VALUE, TALL_TOP, TALL_UNITS = 0.2, 0.26, 0.3  # of the height that the frame leaves in a tall window
CHANGE_SHARE = 0.55  # largest share for the difference of the width that it has together with the moves
FEWEST_CELLS, MOST_LOPSIDED = 3, 8  # on a side of a frame; times as long as it is wide
FEWEST_UNITS = 4


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
    """Return the size to draw in: the window's, or a larger one of the same shape that has room for all.

    A window that is nearly a line gets a less flat picture: one of its own shape would need a gigabyte.
    """
    shape = [max(length, math.ceil(max(window) / MOST_LOPSIDED), 1) for length in window]
    factor = max(1.0, *(least / length for length, least in zip(shape, LEAST_SIZE, strict=True)))
    width, height = (math.ceil(length * factor) for length in shape)
    return width, height


def fitted(width: float, height: float, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the largest size (width, height) of a frame's picture in a space.

    Each cell has a whole number of pixels if there is room for one.

    Args:
        width: of the space in pixels.
        height: of the space in pixels.
        shape: (height, width) of the frame.
    """
    rows, columns = shape
    side = min(width / columns, height / rows)
    side = int(side) if side >= 1 else side
    return max(int(columns * side), 1), max(int(rows * side), 1)


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

        Args:
            size: (width, height) in pixels, LEAST_SIZE or more.
            shape: (height, width) of the frames.
        """
        room = _Room.of(size, shape)
        return max((_ordinary(room), _flat(room), _tall(room)), key=lambda layout: layout.frame.width)

    def inside(self, panel: Any) -> Any:
        """Return a panel's part below its title."""
        return _rect(panel.x, panel.y + self.title, panel.width, panel.height - self.title)

    def unit_pictures(self, shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
        """Return the places for the two pictures of each hidden unit: upper and lower.

        Args:
            shape: (height, width) of the frames.
        """
        rows, columns = shape
        area, thin = self.inside(self.units), self.gap // 2
        tall = max((area.height - self.text - 2 * thin) // 2, 1)
        wide = min(tall * columns // rows, (area.width - (FEWEST_UNITS - 1) * thin) // FEWEST_UNITS)
        tall = max(wide * rows // columns, 1)
        count = min((area.width + thin) // (wide + thin), MOST_UNITS)
        free = area.width - count * wide
        lefts = [area.x + number * wide + number * free // max(count - 1, 1) for number in range(count)]
        return [(_rect(x, area.y, wide, tall), _rect(x, area.y + tall + thin, wide, tall)) for x in lefts]


def _rect(x: int, y: int, width: int, height: int) -> Any:
    return pygame_quietly().Rect(x, y, width, height)


@dataclass(frozen=True)
class _Room:
    """A window without panels."""

    width: int  # of the window
    foot: int  # where the status begins
    text: int  # size of the font
    shape: tuple[int, ...]  # (height, width) of the frames

    @classmethod
    def of(cls, size: tuple[int, int], shape: tuple[int, ...]) -> _Room:
        text = max(LEAST_TEXT, min(size[0] // 66, size[1] // 40))
        return cls(size[0], size[1] - text - text * 2 // 3, text, shape)

    @property
    def gap(self) -> int:
        """Between two panels."""
        return self.text * 2 // 3

    @property
    def title(self) -> int:
        """A title's height."""
        return self.text + self.text // 8

    @property
    def height(self) -> int:
        """Height for panels."""
        return self.foot - 2 * self.gap

    def frame(self, shares: tuple[float, float]) -> Any:
        """Return the frame's panel, which has these shares of the window at most."""
        wide = min(shares[0] * self.width, self.width - 2 * self.gap)
        wide, tall = fitted(wide, shares[1] * self.height - self.title, self.shape)
        return _rect(self.gap, self.gap, wide, self.title + tall)

    def top(self, x: int, y: int, width: int, height: float) -> tuple[Any, Any]:
        """Return the panels of the difference and the moves, side by side."""
        wide, tall = fitted(CHANGE_SHARE * width, height - self.title, self.shape)
        change = _rect(x, y, wide, self.title + tall)
        return change, _rect(change.right + self.gap, y, width - wide - self.gap, change.height)

    def below(self, panel: Any, height: float | None = None) -> Any:
        """Return a panel as wide as another and below it; it ends above the status if it has no height."""
        y = panel.bottom + self.gap
        return _rect(panel.x, y, panel.width, self.foot - self.gap - y if height is None else int(height))

    def beside(self, panel: Any) -> tuple[int, int, int]:
        """Return left edge, upper edge and width of what is to the right of a panel."""
        x = panel.right + self.gap
        return x, panel.y, self.width - self.gap - x

    def layout(self, frame: Any, value: Any, top: tuple[Any, Any], units: Any) -> AgentLayout:
        """Complete a layout: the curve is below the units, the status at the foot."""
        status = _rect(self.gap, self.foot, self.width - 2 * self.gap, self.text)
        return AgentLayout(
            self.text, self.gap, self.title, frame, value, *top, units, self.below(units), status
        )


def _ordinary(room: _Room) -> AgentLayout:
    frame = room.frame(ORDINARY_FRAME)
    top = room.top(*room.beside(frame), TOP_SHARE * room.height)
    units = room.below(top[0].union(top[1]), UNITS_SHARE * room.height)
    return room.layout(frame, room.below(frame), top, units)


def _flat(room: _Room) -> AgentLayout:
    frame = room.frame(FLAT_FRAME)
    x, y, width = room.beside(frame)
    top = room.top(x, y, (width - room.gap) // 2, TOP_SHARE * room.height)
    x, y, width = room.beside(top[1])
    value = _rect(x, y, width, top[0].height)
    units = room.below(top[0].union(value), UNITS_SHARE * room.height)
    return room.layout(frame, value, top, units)


def _tall(room: _Room) -> AgentLayout:
    frame = room.frame(TALL_FRAME)
    row = _rect(room.gap, frame.y, room.width - 2 * room.gap, frame.height)
    rest = room.foot - frame.bottom - 5 * room.gap
    value = room.below(row, TALL_VALUE * rest)
    top = room.top(value.x, value.bottom + room.gap, value.width, TALL_TOP * rest)
    return room.layout(frame, value, top, room.below(top[0].union(top[1]), TALL_UNITS * rest))
