"""The panel of the strongest hidden units."""

from __future__ import annotations

from typing import Any

from pongrl.agent.eyes import Floats
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_look import FULL_EFFECT, UnitPictures
from pongrl.ui.agent_tape import Activity
from pongrl.ui.brush import Brush, fit_into, two_coloured
from pongrl.ui.theme import ACCENT, BLUE, LINE, PANEL, WHITE, mixed

pygame = pygame_quietly()


class Units:
    """The panel of the strongest hidden units."""

    def __init__(self) -> None:
        self._chosen: list[int] = []  # the units that are shown
        self._surfaces: list[list[Any]] = []  # two of each, a pixel to a cell
        self._scaled: dict[tuple[int, int], list[list[Any]]] = {}  # the same in the size that is drawn
        self._weights: list[float] = []  # of each, for up
        self._activity = Activity()

    def take(self, pictures: UnitPictures) -> None:
        """Show these pictures from now on."""
        self._chosen, self._weights, self._scaled = pictures.chosen, pictures.weights, {}
        self._surfaces = [[two_coloured(effect, FULL_EFFECT) for effect in pair] for pair in pictures.effects]

    def _pictures(self, size: tuple[int, int]) -> list[list[Any]]:
        """Return the pictures in the size that is drawn."""
        if size not in self._scaled:
            self._scaled = {size: [[fit_into(surface, size) for surface in pair] for pair in self._surfaces]}
        return self._scaled[size]

    def draw(self, brush: Brush, places: list[tuple[Any, Any]], hidden: Floats | None) -> None:
        """Draw the pictures and what each unit is for.

        Args:
            brush: draws.
            places: for the two pictures of each unit; see AgentLayout.unit_pictures.
            hidden: (units,) of the decision that is shown, if there is one. The frames of the pictures are
                the brighter the more active the unit is.
        """
        title = "Strongest hidden units"
        brush.begin(brush.layout.units, title, "above: where things are, below: how they move")
        activity = None if hidden is None else self._activity.share(hidden)
        pictures_of = self._pictures(places[0][0].size)
        for pair, unit, pictures, weight in zip(
            places, self._chosen, pictures_of, self._weights, strict=False
        ):
            share = 0.0 if activity is None else float(activity[unit])
            self._draw_unit(brush, pair, pictures, weight, share)

    @staticmethod
    def _draw_unit(
        brush: Brush, places: tuple[Any, Any], pictures: list[Any], weight: float, share: float
    ) -> None:
        """Draw one unit: two pictures, a bar for its activity, its weight for a move."""
        text, below = brush.layout.text, places[1]
        for place, picture in zip(places, pictures, strict=True):
            brush.surface.blit(picture, place)
            pygame.draw.rect(brush.surface, mixed(LINE, WHITE, share), place, max(text // 12, 1))
        bar = pygame.Rect(below.x, below.bottom + 2, below.width, max(text // 6, 2))
        brush.surface.fill(PANEL, bar)
        brush.surface.fill(WHITE, (*bar.topleft, round(bar.width * share), bar.height))
        move, colour = ("up", ACCENT) if weight > 0 else ("down", BLUE)
        words = f"{abs(weight):.2f}"
        if brush.width("down 0.00") <= below.width:
            words = f"{move} {words}"
        brush.write(words, colour, midtop=(below.centerx, bar.bottom + 2))
