"""The keys that move paddles: which of them are held."""

from __future__ import annotations

from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys


class Keyboard:
    """Follows the keys W, S and the arrows, and gives the move of the key that was pressed last."""

    def __init__(self) -> None:
        self._pygame = pygame = pygame_quietly()
        self._letters = {pygame.K_w: UP, pygame.K_s: DOWN}
        self._arrows = {pygame.K_UP: UP, pygame.K_DOWN: DOWN}
        self._either = self._letters | self._arrows
        self._held: list[int] = []  # the key pressed last is the last one

    def handle(self, event: Any) -> None:
        """Take note of a pygame event."""
        pygame = self._pygame
        if event.type == pygame.KEYDOWN and event.key in self._either:
            self._held.append(event.key)
        elif event.type == pygame.KEYUP and event.key in self._held:
            self._held.remove(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._held.clear()  # the keys' releases go to another window

    def keys(self, paused: bool) -> Keys:
        """Return the moves of the keys that are held."""
        return Keys(
            self._latest(self._letters), self._latest(self._arrows), self._latest(self._either), paused
        )

    def _latest(self, moves: dict[int, int]) -> int | None:
        return next((moves[key] for key in reversed(self._held) if key in moves), None)
