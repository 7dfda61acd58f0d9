"""What the panels of the agent's window are drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BACKGROUND, BLUE, DIM, LINE, PANEL, WHITE, Colour

pygame = pygame_quietly()


class Brush:
    """A surface, its layout, and the font."""

    def __init__(self, surface: Any, layout: AgentLayout) -> None:
        self.surface, self.layout, self.size = surface, layout, surface.get_size()
        self.text = Text()

    def width(self, words: str) -> int:
        """Return how many pixels wide words are."""
        return self.text.width([words], self.layout.text)

    def write(self, words: str, colour: Colour = DIM, **place: tuple[float, float]) -> Any:
        """Write words; return the pygame.Rect that they take.

        Args:
            words: what to write.
            colour: of the words.
            place: where, named as in pygame.Rect: `topleft=(x, y)` or `midright=(x, y)`.
        """
        picture = self.text.render(words, self.layout.text, colour)
        return self.surface.blit(picture, picture.get_rect(**place))

    def begin(self, panel: Any, title: str, note: str = "", colour: Colour = DIM) -> Any:
        """Clear a panel, and let all drawing stay inside it.

        Args:
            panel: a pygame.Rect.
            title: stands at its top left.
            note: stands at its top right if there is room.
            colour: of the note.

        Returns:
            The panel's part below the title, a pygame.Rect.
        """
        self.surface.set_clip(panel)
        self.surface.fill(BACKGROUND)
        self.write(title, topleft=panel.topleft)
        if note and self.width(title) + self.layout.gap + self.width(note) <= panel.width:
            self.write(note, colour, topright=panel.topright)
        return self.layout.inside(panel)

    def axes(self, panel: Any, title: str, note: str, marks: Sequence[tuple[str, float]]) -> Any:
        """Begin a panel for a plot with an upright axis.

        Args:
            panel: a pygame.Rect.
            title: as for `begin`.
            note: as for `begin`.
            marks: labels of the axis, each at a share of the height from the top.

        Returns:
            The area of the plot, a pygame.Rect.
        """
        area = self.begin(panel, title, note, WHITE)
        space = self.layout.gap // 2
        gutter = max(self.width(words) for words, _ in marks) + space
        plot = pygame.Rect(area.x + gutter, area.y, area.width - gutter, area.height)
        self.surface.fill(PANEL, plot)
        half = self.layout.text // 3
        for words, share in marks:
            y = plot.y + round(share * (plot.height - 1))
            self.write(words, midright=(plot.x - space, min(max(y, area.y + half), area.bottom - half)))
            self.surface.fill(LINE, (plot.x, y, plot.width, 1))
        return plot

    def line(self, places: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Draw a line through places, thicker where the text is larger."""
        thickness = self.layout.text // 12
        if len(places) > 1 and thickness > 1:
            pygame.draw.lines(self.surface, colour, False, places, thickness)
        elif len(places) > 1:
            pygame.draw.aalines(self.surface, colour, False, places)

    def arrow(self, middle: tuple[float, float], size: float, up: bool, colour: Colour) -> None:
        """Draw a triangle that points up or down."""
        (x, y), tip = middle, -size if up else size
        corners = [(x - size, y - tip / 2), (x + size, y - tip / 2), (x, y + tip / 2)]
        pygame.draw.polygon(self.surface, colour, corners)


def fit_into(picture: Any, size: tuple[int, int]) -> Any:
    """Return a surface scaled to a size (width, height): its pixels become squares, or are mixed."""
    shrinks = size[0] < picture.get_width() or size[1] < picture.get_height()
    return (pygame.transform.smoothscale if shrinks else pygame.transform.scale)(picture, size)


def two_coloured(values: npt.NDArray[Any], limit: float) -> Any:
    """Make a pygame surface of numbers (height, width): 0 is dark, `limit` ACCENT, −`limit` BLUE."""
    share = np.clip(values.T / np.float32(limit), -1, 1).astype(np.float32)[:, :, None]
    dark, good, bad = (np.array(colour, np.float32) for colour in (PANEL, ACCENT, BLUE))
    ends = np.where(share > 0, good, bad)
    return pygame.surfarray.make_surface((dark + np.abs(share) * (ends - dark)).astype(np.uint8))
