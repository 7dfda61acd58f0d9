"""Everything by which people play: keys, mouse and touch, and what they wish for meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Keys, People
from pongrl.game.rules import LEFT, RIGHT
from pongrl.ui.keyboard import Keyboard
from pongrl.ui.pointer import Pointer
from pongrl.ui.theme import Box

pygame = pygame_quietly()

LEVELS = {pygame.K_1: 1, pygame.K_2: 2, pygame.K_3: 3, pygame.K_KP_1: 1, pygame.K_KP_2: 2, pygame.K_KP_3: 3}


class Controls:
    """Follows what people at one game do, from its beginning on."""

    def __init__(self, people: People) -> None:
        self._people, self._keyboard, self._pointer = people, Keyboard(), Pointer()
        self._level: int | None = None
        self._restarts = 0

    def handle(self, event: Any, place: tuple[float, float] | None, court: Box) -> None:
        """Take note of a pygame event; `place` is what pointer.place_of says of it."""
        self._keyboard.handle(event)
        self._pointer.handle(event, place, court)

    def wish(self, key: int) -> bool:
        """Take note of a wish, and return True if this key is one and these people may have it."""
        if key == pygame.K_r and self._people.play:
            self._restarts += 1
            return True
        if key in LEVELS and self._people.choose_level:
            self._level = LEVELS[key]
        return False

    def keys(self, paused: bool, paddles: Sequence[int]) -> Keys:
        """Return what people hold and wish for; keys go before mouse and touch.

        Args:
            paused: True if they pause the game.
            paddles: y of left and right.
        """
        held, pointed = self._keyboard.keys(paused), self._pointer.moves(self._people.sides, paddles)
        own = next((pointed[side] for side in self._people.sides if side in pointed), None)
        return held._replace(
            letters=pointed.get(LEFT) if held.letters is None else held.letters,
            arrows=pointed.get(RIGHT) if held.arrows is None else held.arrows,
            either=own if held.either is None else held.either,
            level=self._level,
            restarts=self._restarts,
        )
