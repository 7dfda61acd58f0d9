"""Screen: pictures, and the window."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl.envs.screen import Screen
from pongrl.errors import PongError, UsageError
from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import Game
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, WHITE
from pongrl.wire.messages import Column, Step


def step_of(*games: Game) -> Step:
    table = np.zeros((len(games), len(Column)), np.int32)
    for row, game in zip(table, games, strict=True):
        row[[Column.LEFT, Column.RIGHT]] = game.score
    return Step.of(0, 0, np.stack([Camera.full(game) for game in games]), table)


@contextlib.contextmanager
def screen_of(render_mode: str | None) -> Iterator[Screen]:
    with contextlib.closing(Screen(render_mode)) as screen:
        yield screen


def test_a_picture_is_the_court_as_people_see_it() -> None:
    (picture,) = Screen("rgb_array").pictures(step_of(Game(1)))
    assert (picture.shape, picture.dtype) == ((500, 700, 3), np.uint8)
    assert (picture[245:255, 345:355] == ACCENT).all()  # the ball
    for paddle in (picture[200:300, :10], picture[200:300, 690:]):
        assert (paddle == WHITE).all()
    assert (picture[300:, :10] == BACKGROUND).all()
    assert (picture[20:90, :350] == DIM).all(axis=2).any()  # a score


def test_several_games_have_a_picture_each() -> None:
    games = [Game(1), Game(1)]
    games[1].step(-5, 5)
    first, second = Screen("rgb_array").pictures(step_of(*games))
    assert not np.array_equal(first, second)


def test_a_window_shows_the_first_game_until_it_is_closed() -> None:
    pygame, step = pygame_quietly(), step_of(Game(1), Game(2))
    with screen_of("human") as screen:
        screen.show(step, 0)
        assert pygame.display.get_init()  # what it shows is tested with the window
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        screen.wait(0.001)
        assert not pygame.display.get_init()
        screen.show(step, 0)
        assert not pygame.display.get_init()
    with screen_of("human") as screen:
        screen.show(step, 0)
        assert pygame.display.get_init()
    assert not pygame.display.get_init()


def test_a_window_keeps_the_pace_that_it_is_given() -> None:
    with screen_of("human") as screen:
        screen.show(step_of(Game(1)), 0.02)
        start = time.monotonic()
        for _ in range(3):
            screen.show(step_of(Game(1)), 0.02)
        assert time.monotonic() - start >= 0.04


def test_without_a_window_nothing_is_shown_and_waiting_is_just_waiting() -> None:
    for render_mode in (None, "rgb_array"):
        with screen_of(render_mode) as screen:
            screen.show(step_of(Game(1)), 1000)
            screen.wait(0)


def test_a_window_without_a_display_says_what_to_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "none such")
    words = 'leave out render_mode="human", or set SDL_VIDEODRIVER=dummy, on a'
    with screen_of("human") as screen, pytest.raises(PongError, match=words):
        screen.show(step_of(Game(1)), 0)


def test_a_render_mode_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="render_mode must be one of rgb_array, human, not ansi"):
        Screen("ansi")
