"""Mouse and touch: a paddle goes to where people point, while they hold the button or the finger down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import towards
from pongrl.game.rules import COURT_HEIGHT, LEFT, RIGHT
from pongrl.ui.theme import Box

MOUSE = "mouse"

pygame = pygame_quietly()


def place_of(event: Any, size: tuple[int, int], density: float) -> tuple[float, float] | None:
    """Return where in the window, in pixels, an event of the mouse's left button or a finger is.

    Args:
        event: any event of pygame.
        size: (width, height) of the window in pixels.
        density: pixels in a point, the unit of the mouse.

    Returns:
        x and y; None if it is another event, or one of the mouse that SDL makes of a finger's.
    """
    if event.type in (pygame.FINGERDOWN, pygame.FINGERMOTION):
        return event.x * size[0], event.y * size[1]
    is_press = event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT
    is_drag = event.type == pygame.MOUSEMOTION and event.buttons[0]
    if (is_press or is_drag) and not getattr(event, "touch", False):
        return event.pos[0] * density, event.pos[1] * density
    return None


class Pointer:
    """Follows the mouse while its button is held, and fingers."""

    def __init__(self) -> None:
        self._held: dict[object, tuple[int, float]] = {}  # half and y of the court; the latest is the last

    def handle(self, event: Any, place: tuple[float, float] | None, court: Box) -> None:
        """Take note of a pygame event.

        Args:
            event: any event.
            place: what `place_of` says of it.
            court: the box of the window that the court fills.
        """
        who = event.finger_id if hasattr(event, "finger_id") else MOUSE
        if place is not None:
            half = RIGHT if place[0] >= court[0] + court[2] / 2 else LEFT
            self._held.pop(who, None)
            self._held[who] = half, (place[1] - court[1]) * COURT_HEIGHT / court[3]
        elif event.type == pygame.FINGERUP or (
            event.type == pygame.MOUSEBUTTONUP and event.button == pygame.BUTTON_LEFT
        ):
            self._held.pop(who, None)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._held.clear()

    def moves(self, sides: Sequence[int], paddles: Sequence[int]) -> dict[int, int]:
        """Return the moves of people's paddles towards where they point.

        Args:
            sides: whose paddles are people's; of two, each is moved from its own half of the court.
            paddles: y of left and right.

        Returns:
            A move for each side that has one.
        """
        moves = {}
        for half, y in self._held.values():
            side = half if len(sides) > 1 else sides[0] if sides else None
            if side is not None:
                moves[side] = towards(y, paddles[side])
        return moves
