"""The game's window: what it draws when, its keys, and its sounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import STAY, UP
from pongrl.game.people import Keys, People
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.ui.court import scaled
from pongrl.ui.game_layout import GameLayout
from pongrl.ui.game_window import GameWindow
from pongrl.ui.sound import Sounds
from pongrl.ui.theme import ACCENT, BACKGROUND
from tests.support.ui import QUIT, SNAPSHOT, button, has, pixels, press, release

pygame = pygame_quietly()
# Rows of the window.
HEADER, COURT, INSET, FOOTER = slice(0, 30), slice(30, 530), slice(530, 698), slice(698, 728)


ALONE = People((LEFT,), play=True, choose_level=True)
TWO = People((LEFT, RIGHT), play=True)
AGAINST_AGENT = People((RIGHT,), play=True, serve=True)
SERVING, WATCHING = People((LEFT,), serve=True), People()


def after(window: GameWindow, key: int) -> Keys:
    """Return what the window tells after a key was pressed and let go."""
    pygame.event.post(press(key))
    pygame.event.post(release(key))
    is_open, keys = window.poll()
    assert is_open
    return keys


def test_escape_of_a_gamepad_leaves_full_screen_first(window: GameWindow) -> None:
    after(window, pygame.K_f)
    assert window.screen.is_full
    button_b = pygame.event.Event(pygame.JOYBUTTONDOWN, instance_id=7, button=1)
    pygame.event.post(button_b)
    assert window.poll()[0]
    assert not window.screen.is_full
    shown(window)
    pygame.event.post(button_b)
    assert window.poll()[0]  # asks first
    pygame.event.post(button_b)
    assert not window.poll()[0]


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


PEOPLE = [ALONE, TWO, AGAINST_AGENT, SERVING, WATCHING]


@pytest.mark.parametrize("people", PEOPLE)
@pytest.mark.parametrize("key", [pygame.K_p, pygame.K_SPACE])
def test_everybody_pauses_and_goes_on_by_a_key(window: GameWindow, key: int, people: People) -> None:
    window.begin("game", people)
    playing = shown(window)
    assert after(window, key).paused
    assert (shown(window)[COURT] != playing[COURT]).any()
    assert not after(window, key).paused
    np.testing.assert_array_equal(shown(window), playing)
    assert not after(window, pygame.K_RETURN).paused
    assert after(window, key).paused
    assert not after(window, pygame.K_RETURN).paused


@pytest.mark.parametrize("people", PEOPLE)
@pytest.mark.parametrize("key", [pygame.K_h, pygame.K_F1])
def test_the_keys_are_shown_until_any_other_is_pressed(window: GameWindow, key: int, people: People) -> None:
    window.begin("game", people)
    playing = shown(window)
    for end in (key, pygame.K_x, pygame.K_ESCAPE):
        assert after(window, key).paused == people.play
        assert (shown(window)[COURT] != playing[COURT]).any()
        assert not after(window, end).paused
        np.testing.assert_array_equal(shown(window), playing)


def test_after_a_match_people_are_waited_for(window: GameWindow) -> None:
    window.begin("alone", ALONE)
    shown(window)
    ended = {"matches": 1, "last_match": (21, 3)}
    told = shown(window, **ended)
    np.testing.assert_array_equal(told[60:100], shown(window, **ended, score=(21, 3))[60:100])  # the board
    assert window.poll()[1].paused
    assert not after(window, pygame.K_RETURN).paused
    assert (shown(window, **ended)[COURT] != told[COURT]).any()


def test_the_countdown_and_what_a_serve_waits_for_are_on_the_court(window: GameWindow) -> None:
    playing, counting = shown(window), shown(window, serve_in=3)
    assert (shown(window, serve_in=2) != counting)[COURT].any()
    waiting = shown(window, notice=("waiting for an agent", "or play yourself"))
    for picture in (counting, waiting):
        changed = (picture != playing).any(axis=(1, 2))
        assert changed[COURT].any()
        assert not changed[HEADER].any()
    np.testing.assert_array_equal(shown(window), playing)


# The mouse, and wishes.


def test_a_click_ends_what_stands_on_the_court_and_the_bars_pause_and_help(window: GameWindow) -> None:
    window.begin("alone", ALONE)
    shown(window)
    for place, is_paused in (
        ((350, 300), False), ((350, 5), True), ((350, 300), False), ((350, 720), True), ((350, 300), False),
    ):  # fmt: skip
        pygame.event.post(button(place))
        pygame.event.post(button(place, down=False))
        assert window.poll()[1].paused == is_paused


def test_a_paddle_goes_where_the_mouse_is_held(window: GameWindow) -> None:
    window.begin("alone", ALONE)
    shown(window, paddles=(200, 200))
    pygame.event.post(button((350, 85)))
    assert window.poll()[1].either == UP
    shown(window, paddles=(0, 200))
    assert window.poll()[1].either == STAY
    pygame.event.post(button((350, 85), down=False))
    assert window.poll()[1].either is None


@pytest.mark.parametrize("people", PEOPLE)
def test_people_who_play_begin_a_match_again_and_choose_the_level(window: GameWindow, people: People) -> None:
    window.begin("game", people)
    after(window, pygame.K_p)
    keys = after(window, pygame.K_r)
    assert (keys.restarts, keys.paused) == ((1, False) if people.play else (0, True))
    assert after(window, pygame.K_3).level == (3 if people.choose_level else None)
    assert after(window, pygame.K_KP_1).level == (1 if people.choose_level else None)
    window.begin("next", people)
    assert window.poll() == (True, Keys())


def test_m_silences_the_window_and_says_so(window: GameWindow) -> None:
    playing = shown(window)
    after(window, pygame.K_m)
    assert (shown(window) != playing)[FOOTER].any()
    after(window, pygame.K_m)
    np.testing.assert_array_equal(shown(window), playing)


# Keys.


@pytest.mark.parametrize(
    ("letter", "place", "changed"),
    [
        (ord("з"), pygame.KSCAN_P, {"paused": True}), (ord("π"), pygame.KSCAN_P, {"paused": True}),
        (ord("ц"), pygame.KSCAN_W, {"letters": UP, "either": UP}),
        (ord("к"), pygame.KSCAN_R, {"restarts": 1}), (ord("р"), pygame.KSCAN_H, {"paused": True}),
        (ord("é"), pygame.KSCAN_2, {"level": 2}),
        (pygame.K_p, pygame.KSCAN_R, {"paused": True}),  # Dvorak
    ],
)  # fmt: skip
def test_keys_work_on_every_layout(
    window: GameWindow, letter: int, place: int, changed: dict[str, Any]
) -> None:
    window.begin("alone", ALONE)
    pygame.event.post(press(letter, place))
    assert window.poll() == (True, Keys()._replace(**changed))


def test_f_in_cyrillic_fills_the_screen(window: GameWindow) -> None:
    pygame.event.post(press(ord("а"), pygame.KSCAN_F))
    window.poll()
    assert window.screen.is_full


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


def test_the_close_button_ends_the_game(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_w))
    pygame.event.post(QUIT)
    assert window.poll() == (False, Keys())


@pytest.mark.parametrize("people", PEOPLE)
def test_escape_asks_once_and_then_ends_the_game(window: GameWindow, people: People) -> None:
    window.begin("game", people)
    playing = shown(window)
    assert after(window, pygame.K_ESCAPE).paused == people.play
    window.show(SNAPSHOT, ("looking for a game",))
    assert (pixels()[COURT] != playing[COURT]).any()
    assert not after(window, pygame.K_x).paused  # any other key goes on
    np.testing.assert_array_equal(shown(window), playing)
    after(window, pygame.K_ESCAPE)
    pygame.event.post(press(pygame.K_ESCAPE))
    assert window.poll() == (False, Keys())


def test_escape_in_full_screen_does_not_even_ask(window: GameWindow) -> None:
    playing = shown(window)
    after(window, pygame.K_f)
    shown(window)
    after(window, pygame.K_ESCAPE)
    np.testing.assert_array_equal(shown(window), playing)


# Sounds.


def test_the_sounds_are_those_of_the_snapshots(window: GameWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, ...]] = []
    monkeypatch.setattr(Sounds, "play", lambda _, counts: heard.append(counts))
    shown(window, sounds=(1, 2, 3))
    shown(window, sounds=(1, 2, 4))
    assert heard == [(1, 2, 3), (1, 2, 4)]
