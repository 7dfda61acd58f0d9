"""Windows: their size at first, full screen, and what comes of a machine without a display."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui import screen as screen_module
from pongrl.ui.screen import Screen, SmallWindow, first_size
from pongrl.ui.theme import ACCENT, WHITE
from tests.support.ui import QUIT, has, pixels, press

pygame = pygame_quietly()


@pytest.fixture(params=["set_mode", "Window"])
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Open a screen by each of pygame's two ways to one."""
    if request.param == "Window":
        if not hasattr(pygame, "Window"):
            pytest.skip("only pygame-ce has it")
        monkeypatch.setattr(screen_module, "COUNT_IN_POINTS", ("dummy",))
    screen = Screen("first", (700, 560))
    pygame.event.clear()
    yield screen
    screen.close()


@pytest.mark.parametrize(
    ("desktop", "size"),
    [
        ((1024, 768), (700, 560)), ((1920, 1080), (700, 560)), ((2560, 1440), (1400, 1120)),
        ((3840, 2160), (2100, 1680)), ((800, 480), (500, 400)), ((480, 320), (300, 240)),
        ((90, 90), (12, 10)),
    ],
)  # fmt: skip
def test_a_new_window_is_as_many_times_as_large_as_the_desktop_has_room_for(
    desktop: tuple[int, int], size: tuple[int, int]
) -> None:
    assert first_size((700, 560), desktop) == size


def test_f_fills_the_screen_and_goes_back_and_escape_leaves_it_first(screen: Screen) -> None:
    def size_after(*events: Any) -> tuple[int, int]:
        for event in events:
            pygame.event.post(event)
        screen.poll()
        return screen.surface.get_size()  # type: ignore[no-any-return]

    full = pygame.display.get_desktop_sizes()[0]
    assert size_after() == (700, 560)
    assert size_after(press(pygame.K_f)) == full
    assert size_after(press(pygame.K_f)) == (700, 560)
    assert size_after(press(pygame.K_f)) == full
    screen.update([(0, 0, 10, 10)])
    assert size_after(press(pygame.K_ESCAPE)) == (700, 560)
    assert (screen.is_stale, screen.is_full, screen.is_closed) == (True, False, False)
    pygame.event.post(press(pygame.K_ESCAPE))
    assert [event.key for event in screen.poll() if event.type == pygame.KEYDOWN] == [pygame.K_ESCAPE]


@pytest.mark.parametrize(("driver", "hint"), [("x11", "0"), ("cocoa", None), ("wayland", None)])
def test_only_on_x11_the_graphics_card_is_passed_by(
    monkeypatch: pytest.MonkeyPatch, driver: str, hint: str | None
) -> None:
    monkeypatch.setattr(pygame.display, "get_driver", lambda: driver)
    monkeypatch.delenv("SDL_FRAMEBUFFER_ACCELERATION", raising=False)
    SmallWindow("test", (70, 50), "stay at home").close()
    assert os.environ.pop("SDL_FRAMEBUFFER_ACCELERATION", None) == hint


def test_a_window_fits_the_smallest_of_several_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(3840, 2160), (1366, 768)])
    screen = Screen("test", (700, 560))
    assert screen.surface.get_size() == (700, 560)
    screen.close()


def test_every_window_has_the_programs_own_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    icons: list[Any] = []
    monkeypatch.setattr(pygame.display, "set_icon", icons.append)
    Screen("test", (700, 560)).close()
    SmallWindow("test", (700, 500), "stay at home")
    assert len(icons) == 2
    for each in icons:
        assert each.get_size() == (64, 64)
        assert has(pixels(each), ACCENT).any()
        assert has(pixels(each), WHITE).any()


def test_a_screen_has_a_title_and_a_density(screen: Screen) -> None:
    assert (screen.title, screen.density) == ("first", 1.0)
    screen.title = "second"
    assert screen.title == "second"


def test_a_window_that_was_covered_is_stale_until_it_is_updated(screen: Screen) -> None:
    screen.update([])
    assert not screen.is_stale
    pygame.event.post(pygame.event.Event(pygame.WINDOWEXPOSED))
    screen.poll()
    assert screen.is_stale


def test_the_close_button_closes(screen: Screen) -> None:
    pygame.event.post(QUIT)
    screen.poll()
    assert screen.is_closed


def test_full_screen_begins_in_the_corner_where_no_window_manager_moves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not hasattr(pygame.display, "set_window_position"):
        pytest.skip("only pygame-ce 2.5 has it")
    screen = Screen("test", (700, 560))
    places = [(450, 220)]
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "x11")
    monkeypatch.setattr(pygame.display, "get_window_position", lambda: places[-1])
    monkeypatch.setattr(pygame.display, "set_window_position", places.append)
    screen.toggle_full()
    assert places == [(450, 220), (0, 0)]
    screen.toggle_full()
    assert places == [(450, 220), (0, 0), (450, 220)]
    screen.close()


def test_the_pointer_is_hidden_only_in_full_screen(screen: Screen) -> None:
    shown = []
    for _ in range(2):
        for wanted in (True, False):
            screen.show_pointer(wanted)
            shown.append(pygame.mouse.get_visible())
        screen.toggle_full()
    assert shown == [True, True, True, False]


def test_without_a_display_one_sentence_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(PongError, match=r"no window can be opened \(.*\): stay at home on a machine without"):
        SmallWindow("test", (700, 500), "stay at home")
    with pytest.raises(PongError, match="use --headless"):
        Screen("test", (700, 500))


def test_a_driver_that_draws_where_nobody_sees_it_is_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    Screen("test", (700, 500)).close()  # somebody has chosen it
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.setattr(pygame.display, "init", lambda: None)
    with pytest.raises(PongError, match="no screen was found"):
        Screen("test", (700, 500))
