"""The game's window: what it draws when, its keys, and its sounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import UP
from pongrl.game.people import Keys
from pongrl.game.rules import Game
from pongrl.ui.court import scaled
from pongrl.ui.game_layout import GameLayout
from pongrl.ui.game_window import GameWindow
from pongrl.ui.sound import Sounds
from pongrl.ui.theme import ACCENT, BACKGROUND
from tests.support.ui import QUIT, SNAPSHOT, has, pixels, press, release

pygame = pygame_quietly()
# Rows of the window.
HEADER, COURT, INSET, FOOTER = slice(0, 30), slice(30, 530), slice(530, 698), slice(698, 728)


def shown(window: GameWindow, **changes: Any) -> npt.NDArray[np.uint8]:
    """Return what the window shows of a snapshot: (height, width, 3)."""
    window.show(replace(SNAPSHOT, **changes))
    return pixels()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"status": "paused"}, HEADER), ({"status": "waiting   keys have the left paddle"}, HEADER),
        ({"rally": 7}, FOOTER), ({"last_rally": 7, "sounds": (0, 0, 1)}, FOOTER),
        ({"last_match": (21, 3)}, FOOTER), ({"matches": 3}, FOOTER), ({"score": (3, 0)}, COURT),
        ({"frame": np.full((50, 70), 9, np.uint8)}, INSET), ({"sounds": (1, 1, 0)}, None),
    ],
)  # fmt: skip
def test_a_change_is_shown_in_its_own_part_of_the_window(
    window: GameWindow, change: dict[str, Any], part: slice | None
) -> None:
    changed = (shown(window) != shown(window, **change)).any(axis=(1, 2))
    for each in (HEADER, COURT, INSET, FOOTER):
        assert changed[each].any() == (each == part)


def test_without_inset_the_window_is_court_and_two_bars() -> None:
    window = GameWindow("test", inset=False)
    picture = shown(window, frame=np.full((50, 70), 9, np.uint8))
    assert picture.shape == (560, 700, 3)
    assert tuple(picture[400, 100]) == BACKGROUND
    assert window.screen.title == "test"
    window.close()
    assert not pygame.display.get_init()
    assert not pygame.mixer.get_init()


def test_a_larger_window_is_drawn_at_its_own_resolution(window: GameWindow) -> None:
    pygame.display.set_mode((1400, 1456), pygame.RESIZABLE)
    window.poll()
    found = has(shown(window), ACCENT)
    x, y, width, height = scaled(GameLayout.of((1400, 1456), True).court, 345, 245, 10, 10)
    assert found[y : y + height, x : x + width].all()
    assert found.sum() == width * height == 400


def test_a_window_that_was_covered_is_drawn_again(window: GameWindow) -> None:
    before = shown(window)
    pygame.display.get_surface().fill((1, 2, 3))
    pygame.event.post(pygame.event.Event(pygame.WINDOWEXPOSED))
    window.poll()
    np.testing.assert_array_equal(shown(window), before)


def test_the_camera_sees_the_same_beside_a_window(window: GameWindow) -> None:
    before = Camera.full(Game(1))
    window.close()
    np.testing.assert_array_equal(before, Camera.full(Game(1)))


# Notices and pauses.


def test_a_notice_is_written_on_the_court_alone_and_goes_away(window: GameWindow) -> None:
    before = shown(window)
    window.show(SNAPSHOT, ("looking for a game",))
    changed = (pixels() != before).any(axis=(1, 2))
    assert changed[COURT].any()
    assert not changed[HEADER].any()
    np.testing.assert_array_equal(shown(window), before)


@pytest.mark.parametrize("key", [pygame.K_p, pygame.K_SPACE])
def test_people_without_a_server_pause_and_go_on(window: GameWindow, key: int) -> None:
    def is_paused_after(*keys: int) -> bool:
        for each in keys:
            pygame.event.post(press(each))
        return window.poll()[1].paused

    assert not is_paused_after(key)  # the server leads
    window.begin("alone", people=1)
    playing = shown(window)
    assert is_paused_after(key)
    assert (shown(window)[COURT] != playing[COURT]).any()
    assert not is_paused_after(key)
    np.testing.assert_array_equal(shown(window), playing)
    assert not is_paused_after(pygame.K_RETURN)
    assert is_paused_after(key)
    assert not is_paused_after(pygame.K_RETURN)


def test_after_a_match_people_are_waited_for(window: GameWindow) -> None:
    window.begin("alone", people=1)
    shown(window)
    after = {"matches": 1, "last_match": (21, 3)}
    told = shown(window, **after)
    assert window.poll()[1].paused
    pygame.event.post(press(pygame.K_RETURN))
    assert not window.poll()[1].paused
    assert (shown(window, **after)[COURT] != told[COURT]).any()


# Keys.


def test_the_keys_that_are_held_are_told_as_long_as_they_are(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_w))
    for _ in range(2):
        assert window.poll() == (True, Keys(letters=UP, arrows=None, either=UP))
    pygame.event.post(release(pygame.K_w))
    assert window.poll() == (True, Keys())


def test_a_new_game_begins_with_no_key_held(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_w))
    window.poll()
    window.begin("next")
    assert window.poll() == (True, Keys())


@pytest.mark.parametrize("event", [QUIT, press(pygame.K_ESCAPE)], ids=["button", "Escape"])
def test_escape_and_the_close_button_end_the_game(window: GameWindow, event: Any) -> None:
    pygame.event.post(press(pygame.K_w))
    pygame.event.post(event)
    assert window.poll() == (False, Keys())


def test_escape_in_full_screen_does_not_end_the_game(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_f))
    assert window.poll()[0]
    shown(window)
    pygame.event.post(press(pygame.K_ESCAPE))
    assert window.poll()[0]
    pygame.event.post(press(pygame.K_ESCAPE))
    assert not window.poll()[0]


# Sounds.


def test_the_sounds_are_those_of_the_snapshots(window: GameWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, ...]] = []
    monkeypatch.setattr(Sounds, "play", lambda _, counts: heard.append(counts))
    shown(window, sounds=(1, 2, 3))
    shown(window, sounds=(1, 2, 4))
    assert heard == [(1, 2, 3), (1, 2, 4)]
