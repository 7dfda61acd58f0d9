"""The keys that move paddles."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys
from pongrl.ui.keyboard import Keyboard, meant
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


@pytest.mark.parametrize(
    ("letter", "place", "key"),
    [
        (pygame.K_w, pygame.KSCAN_W, pygame.K_w),
        (ord("ц"), pygame.KSCAN_W, pygame.K_w), (ord("ы"), pygame.KSCAN_S, pygame.K_s),  # Russian
        (ord("ς"), pygame.KSCAN_W, pygame.K_w), (ord("π"), pygame.KSCAN_P, pygame.K_p),  # Greek
        (ord("з"), pygame.KSCAN_P, pygame.K_p), (ord("ב"), pygame.KSCAN_C, ord("ב")),
        (pygame.K_z, pygame.KSCAN_W, pygame.K_w), (pygame.K_w, pygame.KSCAN_Z, pygame.K_w),  # AZERTY
        (ord("&"), pygame.KSCAN_1, pygame.K_1), (ord("ç"), pygame.KSCAN_9, pygame.K_9),
        (pygame.K_r, pygame.KSCAN_S, pygame.K_r), (pygame.K_s, pygame.KSCAN_D, pygame.K_s),  # Colemak
        (pygame.K_p, pygame.KSCAN_R, pygame.K_p), (pygame.K_l, pygame.KSCAN_P, pygame.K_l),  # Dvorak
        (pygame.K_UP, pygame.KSCAN_UP, pygame.K_UP), (pygame.K_p, 0, pygame.K_p),
    ],
)  # fmt: skip
def test_a_key_means_the_same_on_every_layout(letter: int, place: int, key: int) -> None:
    assert meant(press(letter, place)) == key


def test_a_key_that_is_held_while_the_layout_changes_is_let_go() -> None:
    keyboard = Keyboard()
    keyboard.handle(press(W, pygame.KSCAN_W))
    keyboard.handle(release(ord("ц"), pygame.KSCAN_W))
    assert keyboard.keys(paused=False) == Keys()


def test_an_event_that_knows_no_place_is_known_by_its_letter() -> None:
    assert meant(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_m)) == pygame.K_m
