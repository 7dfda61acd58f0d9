"""Mouse and touch: which paddle goes where."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.rules import LEFT, RIGHT
from pongrl.ui.pointer import Pointer, place_of
from tests.support.ui import button, press

pygame = pygame_quietly()
SIZE, COURT = (700, 560), (0, 30, 700, 500)
FOCUS_LOST = pygame.event.Event(pygame.WINDOWFOCUSLOST)
LET_GO = button((0, 0), down=False)


def drag(x: int, y: int, held: int = 1) -> Any:
    return pygame.event.Event(pygame.MOUSEMOTION, pos=(x, y), rel=(1, 1), buttons=(held, 0, 0), touch=False)


def finger(kind: int, x: float, y: float, number: int = 1) -> Any:
    return pygame.event.Event(kind, x=x / 700, y=y / 560, finger_id=number, touch_id=1)


def moves(events: list[Any], sides: tuple[int, ...], paddles: tuple[int, int] = (200, 200)) -> dict[int, int]:
    pointer = Pointer()
    for event in events:
        pointer.handle(event, place_of(event, SIZE, 1.0), COURT)
    return pointer.moves(sides, paddles)


@pytest.mark.parametrize(
    ("events", "move"),
    [
        ([], None), ([button((5, 40))], UP), ([button((5, 500))], DOWN), ([button((5, 280))], STAY),
        ([button((5, 289))], STAY), ([button((5, 292))], DOWN), ([button((5, 268))], UP),
        ([button((690, 40))], UP), ([button((5, 40), number=3)], None), ([button((5, 40), number=4)], None),
        ([button((5, 40)), drag(5, 500)], DOWN), ([drag(5, 500, held=0)], None),
        ([button((5, 40)), button((5, 40), number=4, down=False)], UP),  # the wheel
        ([button((5, 40)), LET_GO], None), ([button((5, 40)), FOCUS_LOST], None),
        ([finger(pygame.FINGERDOWN, 5, 40)], UP), ([press(pygame.K_w)], None),
        ([finger(pygame.FINGERDOWN, 5, 40), finger(pygame.FINGERMOTION, 5, 500)], DOWN),
        ([finger(pygame.FINGERDOWN, 5, 40), finger(pygame.FINGERUP, 5, 40)], None),
        ([finger(pygame.FINGERDOWN, 5, 40), finger(pygame.FINGERUP, 5, 40, 2)], UP),
        ([button((5, 5))], UP), ([button((5, 559))], DOWN),  # beside the court
    ],
)  # fmt: skip
def test_the_paddle_of_one_person_goes_to_where_that_person_points(
    events: list[Any], move: int | None
) -> None:
    for side in (LEFT, RIGHT):
        assert moves(events, (side,)) == ({} if move is None else {side: move})
    assert moves(events, ()) == {}


def test_each_of_two_people_points_in_the_own_half() -> None:
    both = [finger(pygame.FINGERDOWN, 100, 40, 1), finger(pygame.FINGERDOWN, 600, 500, 2)]
    assert moves(both, (LEFT, RIGHT)) == {LEFT: UP, RIGHT: DOWN}
    assert moves(both[1:], (LEFT, RIGHT)) == {RIGHT: DOWN}


def test_a_mouse_that_sdl_makes_of_a_finger_is_no_second_one() -> None:
    made = pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(5, 40), button=1, touch=True)
    assert place_of(made, SIZE, 1.0) is None


def test_places_of_the_mouse_are_in_points_and_those_of_fingers_are_shares() -> None:
    assert place_of(button((5, 40)), (1400, 1120), 2.0) == (10, 80)
    assert place_of(finger(pygame.FINGERDOWN, 350, 280), (1400, 1120), 2.0) == (700, 560)
