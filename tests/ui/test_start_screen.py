"""The start screen: its keys, its mouse, and what is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.game_window import GameWindow
from pongrl.ui.start_screen import CHOICES, StartScreen, choose, rows
from tests.support.ui import QUIT, colours_in, part, pixels, press

pygame = pygame_quietly()


@pytest.fixture
def window() -> Iterator[GameWindow]:
    """Open a game's window without the inset, with no events yet."""
    window = GameWindow("test", inset=False)
    pygame.event.clear()
    yield window
    window.close()


UP, DOWN, W, S = pygame.K_UP, pygame.K_DOWN, pygame.K_w, pygame.K_s
ENTER, SPACE = pygame.K_RETURN, pygame.K_SPACE
X, Y, _, HEIGHT = rows((700, 560))[3]


def click(place: tuple[int, int], button: int = 1) -> Any:
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=button)


def motion(*by: int) -> Any:
    return pygame.event.Event(pygame.MOUSEMOTION, pos=(X, Y + HEIGHT - 1), rel=by)


@pytest.mark.parametrize(
    ("events", "choice"),
    [
        ([], None), ([press(DOWN)], None), ([press(ENTER)], 1), ([press(SPACE)], 1),
        ([press(DOWN), press(ENTER)], 2), ([press(UP), press(ENTER)], 0), ([press(W), press(SPACE)], 0),
        ([press(S), press(S), press(ENTER)], 3), ([press(UP), press(UP), press(ENTER)], 4),
        ([press(pygame.K_1)], 0), ([press(pygame.K_5)], 4), ([press(pygame.K_KP_3)], 2),
        ([press(pygame.K_6)], None), ([press(pygame.K_x), press(ENTER)], 1),
        ([click((X + 1, Y + 1))], 3), ([click((X + 1, Y + 1), button=3)], None), ([click((X - 5, Y))], None),
        ([motion(0, -1), press(ENTER)], 3), ([motion(0, 0), press(ENTER)], 1),
    ],
)  # fmt: skip
def test_keys_and_mouse_choose(window: GameWindow, events: list[Any], choice: int | None) -> None:
    screen = StartScreen(window)
    for event in events:
        pygame.event.post(event)
    assert screen.poll() == choice


@pytest.mark.parametrize(
    ("event", "choice"),
    [(press(ord("é"), pygame.KSCAN_2), 1), (press(ord("ы"), pygame.KSCAN_S), None)],
    ids=["AZERTY", "Russian"],
)
def test_it_works_on_every_layout(window: GameWindow, event: Any, choice: int | None) -> None:
    screen = StartScreen(window)
    pygame.event.post(event)
    assert screen.poll() == choice
    assert screen.marked == (1 if choice == 1 else 2)


def test_a_gamepad_chooses(window: GameWindow) -> None:
    screen = StartScreen(window)
    pygame.event.post(pygame.event.Event(pygame.JOYHATMOTION, instance_id=1, hat=0, value=(0, -1)))
    pygame.event.post(pygame.event.Event(pygame.JOYBUTTONDOWN, instance_id=1, button=0))
    assert screen.poll() == 2


@pytest.mark.parametrize("last", [(choice.level, choice.opponent) for choice in CHOICES])
def test_what_was_chosen_last_is_marked_the_next_time(window: GameWindow, last: tuple[int, str]) -> None:
    pygame.event.post(press(ENTER))
    assert choose(window, lambda: False, last) == last


def test_a_choice_is_its_level_and_its_opponent(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_4))
    assert choose(window, lambda: False, None) == (2, "human")


@pytest.mark.parametrize("event", [press(pygame.K_ESCAPE), QUIT], ids=["Escape", "button"])
def test_escape_and_the_close_button_end_it(window: GameWindow, event: Any) -> None:
    pygame.event.post(event)
    assert choose(window, lambda: False, None) is None


def test_a_signal_ends_it(window: GameWindow) -> None:
    assert choose(window, lambda: True, None) is None


def test_it_goes_on_until_somebody_chooses(window: GameWindow) -> None:
    frames = 0

    def is_ending() -> bool:
        nonlocal frames
        frames += 1
        if frames == 3:
            pygame.event.post(press(ENTER))
        return False

    assert choose(window, is_ending, None) == (2, "ai")
    assert frames == 3


@pytest.mark.parametrize("size", [(350, 250), (700, 560), (2560, 1440), (400, 1200)], ids=str)
def test_at_every_size_all_of_it_is_drawn_within_the_window(
    window: GameWindow, size: tuple[int, int]
) -> None:
    pygame.display.set_mode(size, pygame.RESIZABLE)
    screen = StartScreen(window)
    screen.show()
    boxes = [pygame.Rect(box) for box in rows(size)]
    assert len(boxes) == len(CHOICES)
    assert pygame.Rect(0, 0, *size).contains(boxes[0].unionall(boxes[1:]))
    picture = pixels()
    for number, box in enumerate(boxes):
        assert box.collidelist(boxes[number + 1 :]) == -1
        assert colours_in(part(picture, box)) > 2  # there are words on it
    screen.marked = 4
    screen.show()
    assert part(picture != pixels(), boxes[4]).any()


def test_a_game_goes_on_behind_it(window: GameWindow) -> None:
    screen = StartScreen(window)

    def behind() -> npt.NDArray[np.uint8]:
        screen.show()
        return pixels()[:, -10:]  # where the right paddle is

    before = behind()
    assert any((behind() != before).any() for _ in range(60))  # frames, until it has moved
