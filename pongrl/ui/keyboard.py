"""What a key means, whatever the keyboard's layout; and which of the keys that move paddles are held."""

from __future__ import annotations

from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys

pygame = pygame_quietly()

# Keys that are meant by their place: one above the other, and in a row. An AZERTY keyboard has Z in the place
# of W, and & in that of 1.
PLACES: dict[int, int] = {
    pygame.KSCAN_W: pygame.K_w, pygame.KSCAN_S: pygame.K_s,
    **{pygame.KSCAN_1 + number: pygame.K_1 + number for number in range(9)},
}  # fmt: skip
# Keys that are meant by their letter. They are known by their place where a layout has no such letters.
LETTERS: dict[int, int] = {
    pygame.KSCAN_P: pygame.K_p, pygame.KSCAN_F: pygame.K_f, pygame.KSCAN_H: pygame.K_h,
    pygame.KSCAN_M: pygame.K_m, pygame.KSCAN_R: pygame.K_r,
}  # fmt: skip
FIRST_FOREIGN, FIRST_NAMED = 0x250, 1 << 30  # letters of Greek, Cyrillic and so on; keys without a letter


def meant(event: Any) -> int:
    """Return the key, as pygame's constant K_…, that an event of the keyboard means."""
    place = getattr(event, "scancode", 0)
    key: int = event.key
    if place in PLACES and key not in LETTERS.values():  # Colemak has R in the place of S
        return PLACES[place]
    return LETTERS.get(place, key) if FIRST_FOREIGN <= key < FIRST_NAMED else key


class Keyboard:
    """Follows the keys W, S and the arrows, and gives the move of the key that was pressed last."""

    def __init__(self) -> None:
        self._letters = {pygame.K_w: UP, pygame.K_s: DOWN}
        self._arrows = {pygame.K_UP: UP, pygame.K_DOWN: DOWN}
        self._either = self._letters | self._arrows
        self._held: list[int] = []  # the key pressed last is the last one

    def handle(self, event: Any) -> None:
        """Take note of a pygame event."""
        if event.type == pygame.KEYDOWN and (key := meant(event)) in self._either:
            self._held.append(key)
        elif event.type == pygame.KEYUP and (key := meant(event)) in self._held:
            self._held.remove(key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._held.clear()  # the keys' releases go to another window

    def keys(self, paused: bool) -> Keys:
        """Return the moves of the keys that are held."""
        return Keys(
            self._latest(self._letters), self._latest(self._arrows), self._latest(self._either), paused
        )

    def _latest(self, moves: dict[int, int]) -> int | None:
        return next((moves[key] for key in reversed(self._held) if key in moves), None)
