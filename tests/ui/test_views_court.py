"""The court as people see it, from what an agent is sent: where things are found; a window's pace."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.places import places
from pongrl.game.rules import Game
from pongrl.ui import court_window
from pongrl.ui.court_window import CourtWindow, picture

pygame = pygame_quietly()
SCORES = np.array([3, 14], np.int32)
FRAME = Camera().look(Game(1)).copy()


@pytest.fixture(autouse=True)
def _driver_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.quit()


def game_with(left: int, right: int, x: int, y: int) -> Game:
    game = Game(1)
    game.paddles, game.ball_x, game.ball_y = [left, right], x, y
    return game


@given(st.integers(0, 400), st.integers(0, 400), st.integers(10, 680), st.integers(0, 490))
def test_paddles_and_ball_are_found_to_the_pixel(left: int, right: int, x: int, y: int) -> None:
    found = places(Camera().look(game_with(left, right, x, y)))
    assert (found.paddles, found.ball) == ((left, right), (x, y))


@given(
    st.integers(0, 400), st.integers(0, 400),
    st.one_of(st.integers(1, 9), st.integers(681, 689)), st.integers(0, 490),
)  # fmt: skip
def test_a_ball_within_a_paddles_column_is_found_nearly(left: int, right: int, x: int, y: int) -> None:
    found = places(Camera().look(game_with(left, right, x, y)))
    assert found.ball is not None
    assert np.abs(np.subtract(found.ball, (x, y))).max() <= 1
    assert np.abs(np.subtract(found.paddles, (left, right))).max() <= 10


@pytest.mark.parametrize("x", [0, 690])
def test_a_ball_that_a_paddles_column_hides_is_not_drawn(x: int) -> None:
    assert places(Camera().look(game_with(200, 200, x, 250))).ball is None


def test_a_picture_needs_no_display_and_outlives_one() -> None:
    first = picture(FRAME, SCORES)
    assert not pygame.display.get_init()
    pygame.quit()  # as a window that is closed does with the fonts
    np.testing.assert_array_equal(picture(FRAME, SCORES), first)


def test_a_window_is_paced_from_frame_to_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waits = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: (waits.append(seconds), pass_by(seconds)))

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    window = CourtWindow("test")
    window.pace(0.05)
    assert waits == []  # the first frame is due at once
    window.pace(0.05)
    assert sum(waits) == pytest.approx(0.05)
    assert max(waits) <= court_window.POLL_SECONDS  # it answers meanwhile
    pass_by(10)
    waits.clear()
    window.pace(0.05)
    window.pace(0.05)
    assert sum(waits) == pytest.approx(0.05)  # what is lost is not made up for
    window.close()
    waits.clear()
    window.pace(0.05)
    assert waits == []  # nobody looks


def test_a_window_is_closed_while_it_waits() -> None:
    window = CourtWindow("test")
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))
    window.wait(0.001)
    assert not window.is_open
    assert not pygame.display.get_init()
    window.show(FRAME, SCORES)
    window.close()
