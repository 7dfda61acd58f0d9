"""The court in a window of a fixed size, and as an array: what it shows, and its pace."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import Game
from pongrl.ui import court_window
from pongrl.ui.court_window import CourtWindow, picture
from tests.support.ui import QUIT, pixels, press

pygame = pygame_quietly()
SCORES = np.array([3, 14], np.int32)
FRAME = Camera().look(Game(1)).copy()


def test_a_picture_needs_no_display_and_outlives_one() -> None:
    first = picture(FRAME, SCORES)
    assert first.shape == (500, 700, 3)
    assert not pygame.display.get_init()
    pygame.quit()  # as a window that is closed does with the fonts
    np.testing.assert_array_equal(picture(FRAME, SCORES), first)


def test_a_window_shows_the_picture() -> None:
    window = CourtWindow("test")
    window.show(FRAME, SCORES)
    np.testing.assert_array_equal(pixels(window.surface), picture(FRAME, SCORES))
    window.close()


@pytest.mark.skipif(not hasattr(pygame, "Window"), reason="pygame itself has one window")
def test_two_windows_show_their_own_pictures_and_one_outlives_the_other() -> None:
    one, other = CourtWindow("one"), CourtWindow("other")
    one.show(FRAME, SCORES)
    other.show(FRAME, SCORES[::-1].copy())
    np.testing.assert_array_equal(pixels(one.surface), picture(FRAME, SCORES))
    np.testing.assert_array_equal(pixels(other.surface), picture(FRAME, SCORES[::-1].copy()))
    one.close()
    other.show(FRAME, SCORES)
    np.testing.assert_array_equal(pixels(other.surface), picture(FRAME, SCORES))
    pygame.event.post(QUIT)
    other.poll()
    assert not other.is_open


def test_a_window_is_paced_from_frame_to_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waits = [100.0], []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", wait)
    window = CourtWindow("test")
    window.pace(0.05)
    assert waits == []  # the first frame is due at once
    window.pace(0.05)
    assert sum(waits) == pytest.approx(0.05)
    assert max(waits) <= court_window.POLL_SECONDS  # it answers meanwhile
    now[0] += 10
    waits.clear()
    window.pace(0.05)
    window.pace(0.05)
    assert sum(waits) == pytest.approx(0.05)  # lost time is not made up for
    window.close()
    waits.clear()
    window.pace(0.05)
    assert waits == []  # nobody looks


@pytest.mark.parametrize("event", [QUIT, press(pygame.K_ESCAPE)], ids=["button", "Escape"])
def test_a_window_is_closed_while_it_waits(event: object) -> None:
    window = CourtWindow("test")
    pygame.event.post(event)
    window.wait(0.001)
    assert not window.is_open
    assert not pygame.display.get_init()
    window.show(FRAME, SCORES)
    window.close()
