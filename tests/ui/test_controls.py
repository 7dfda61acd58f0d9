"""What people hold and wish for, from all that they play with."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys, People
from pongrl.game.rules import LEFT, RIGHT
from pongrl.ui.controls import Controls
from pongrl.ui.pointer import place_of
from tests.support.ui import button, press

pygame = pygame_quietly()
SIZE, COURT = (700, 560), (0, 30, 700, 500)
ABOVE_LEFT, BELOW_RIGHT, W = button((100, 40)), button((600, 500)), press(pygame.K_w)


@pytest.mark.parametrize(
    ("sides", "events", "held"),
    [
        ((LEFT,), [ABOVE_LEFT], {"letters": UP, "either": UP}),
        ((LEFT,), [BELOW_RIGHT], {"letters": DOWN, "either": DOWN}),
        ((RIGHT,), [BELOW_RIGHT], {"arrows": DOWN, "either": DOWN}),
        ((LEFT,), [BELOW_RIGHT, W], {"letters": UP, "either": UP}),  # a key goes before the mouse
        ((LEFT, RIGHT), [BELOW_RIGHT, W], {"letters": UP, "arrows": DOWN, "either": UP}),
        ((), [BELOW_RIGHT], {}),
    ],
)  # fmt: skip
def test_keys_go_before_mouse_and_touch(
    sides: tuple[int, ...], events: list[Any], held: dict[str, int]
) -> None:
    controls = Controls(People(sides, play=True))
    for event in events:
        controls.handle(event, place_of(event, SIZE, 1.0), COURT)
    assert controls.keys(False, (200, 200)) == Keys(**held)


def test_wishes_are_kept_and_counted() -> None:
    controls = Controls(People((LEFT,), play=True, choose_level=True))
    assert controls.wish(pygame.K_r)
    assert controls.wish(pygame.K_r)
    assert not controls.wish(pygame.K_3)
    assert not controls.wish(pygame.K_x)
    assert controls.keys(True, (200, 200)) == Keys(paused=True, level=3, restarts=2)
