"""The keys that move paddles."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys
from pongrl.ui.keyboard import Keyboard
from tests.support.ui import press, release

pygame = pygame_quietly()
W, S, UP_ARROW, DOWN_ARROW, OTHER = pygame.K_w, pygame.K_s, pygame.K_UP, pygame.K_DOWN, pygame.K_x
FOCUS_LOST = pygame.event.Event(pygame.WINDOWFOCUSLOST)


@pytest.mark.parametrize(
    ("events", "move"),
    [
        ([], None), ([press(OTHER)], None), ([release(W)], None),
        ([press(W)], UP), ([press(UP_ARROW)], UP), ([press(S)], DOWN), ([press(DOWN_ARROW)], DOWN),
        ([press(W), press(S)], DOWN), ([press(S), press(UP_ARROW)], UP), ([press(W), press(OTHER)], UP),
        ([press(W), press(S), release(S)], UP), ([press(W), press(S), release(W)], DOWN),
        ([press(W), press(UP_ARROW), release(W)], UP), ([press(W), release(W)], None),
        ([press(W), press(S), FOCUS_LOST], None), ([press(W), FOCUS_LOST, release(W)], None),
        ([press(W), FOCUS_LOST, press(S)], DOWN),
    ],
)  # fmt: skip
def test_the_latest_key_held_gives_the_move(events: list[Any], move: int | None) -> None:
    keyboard = Keyboard()
    for event in events:
        keyboard.handle(event)
    assert keyboard.keys(paused=False).either == move
    assert keyboard.keys(paused=False).either == move  # as long as it is held


def test_two_people_hold_keys_of_their_own() -> None:
    keyboard = Keyboard()
    keyboard.handle(press(W))
    keyboard.handle(press(DOWN_ARROW))
    assert keyboard.keys(paused=False) == Keys(letters=UP, arrows=DOWN, either=DOWN)
    keyboard.handle(release(DOWN_ARROW))
    assert keyboard.keys(paused=True) == Keys(letters=UP, arrows=None, either=UP, paused=True)
