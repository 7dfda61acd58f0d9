"""The start screen of those who just want to play: its keys and mouse, and the program around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pong import Pong
from pongrl.cli import parse
from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Keys
from pongrl.server.engine import Engine
from pongrl.ui.game_window import GameWindow
from pongrl.ui.start_screen import CHOICES, StartScreen, choose, rows

pygame = pygame_quietly()


@pytest.fixture(autouse=True)
def _drivers_without_devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    yield
    pygame.quit()


@pytest.fixture
def window() -> Iterator[GameWindow]:
    window = GameWindow("test", inset=False)
    pygame.event.clear()
    yield window
    window.close()


def press(key: int) -> Any:
    return pygame.event.Event(pygame.KEYDOWN, key=key)


def click(place: tuple[int, int], button: int = 1) -> Any:
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=place, button=button)


def motion(*by: int) -> Any:
    return pygame.event.Event(pygame.MOUSEMOTION, pos=(X, Y + HEIGHT - 1), rel=by)


def chosen_after(window: GameWindow, *events: Any) -> int | None:
    screen = StartScreen(window)
    for event in events:
        pygame.event.post(event)
    return screen.poll()


UP, DOWN, W, S = pygame.K_UP, pygame.K_DOWN, pygame.K_w, pygame.K_s
ENTER, SPACE = pygame.K_RETURN, pygame.K_SPACE
X, Y, _, HEIGHT = rows((700, 560))[3]


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
    assert chosen_after(window, *events) == choice


def test_what_was_chosen_last_is_marked_the_next_time(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_4))
    assert choose(window, lambda: False) == (2, "human")
    pygame.event.post(press(ENTER))
    assert choose(window, lambda: False) == (2, "human")


@pytest.mark.parametrize("event", [press(pygame.K_ESCAPE), pygame.event.Event(pygame.QUIT)])
def test_escape_and_the_close_button_end_it(window: GameWindow, event: Any) -> None:
    pygame.event.post(event)
    assert choose(window, lambda: False) is None


def test_a_signal_ends_it(window: GameWindow) -> None:
    assert choose(window, lambda: True) is None


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
    picture = pygame.surfarray.array3d(window.screen.surface)
    for number, box in enumerate(boxes):
        assert box.collidelist(boxes[number + 1 :]) == -1
        row = picture[box.left : box.right, box.top : box.bottom]
        assert len({tuple(pixel) for pixel in row.reshape(-1, 3)}) > 2  # there are words on it
    marked = picture.copy()
    screen.marked = 4
    screen.show()
    changed = (marked != pygame.surfarray.array3d(window.screen.surface)).any(axis=2)
    assert changed[boxes[4].left : boxes[4].right, boxes[4].top : boxes[4].bottom].any()


# ---------------------------------------------------------------------------------------------
# The program around it


def statuses(monkeypatch: pytest.MonkeyPatch, pong: Pong, presses: Callable[[int], list[int]]) -> list[str]:
    """The titles of the games that a program plays, while keys are pressed on each screen in turn."""
    titles: list[str] = []
    begin, show, screen_of = GameWindow.begin, GameWindow.show, StartScreen.__init__

    def act(*_: Any) -> None:
        for key in presses(len(titles)):
            pygame.event.post(press(key))

    def begin_and_tell(window: GameWindow, title: str, people: int | None = None) -> None:
        begin(window, title, people)
        titles.append(f"{title}: {people}")

    def show_and_leave(window: GameWindow, *arguments: Any) -> None:
        show(window, *arguments)
        pygame.event.post(press(pygame.K_ESCAPE))

    def meet(screen: StartScreen, window: GameWindow) -> None:
        screen_of(screen, window)
        act()

    monkeypatch.setattr(GameWindow, "begin", begin_and_tell)
    monkeypatch.setattr(GameWindow, "show", show_and_leave)
    monkeypatch.setattr(StartScreen, "__init__", meet)
    pong.start()
    return titles[1:]  # the window's own comes first


def test_escape_goes_from_the_game_to_the_start_screen_and_ends_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = {1: [pygame.K_1], 2: [pygame.K_4], 3: [pygame.K_5], 4: [pygame.K_ESCAPE]}
    titles = statuses(monkeypatch, Pong(server=False, given=frozenset()), lambda games: keys[games])
    assert titles == ["Pong, level 1: 1", "Pong, two players: 2", "Pong, level 4: 0"]
    assert not pygame.display.get_init()


@pytest.mark.parametrize(
    ("flags", "title"),
    [
        (["--level", "2"], "Pong, level 2: 1"), (["--opponent", "human"], "Pong, two players: 2"),
        (["--opponent", "ai"], "Pong, level 2: 1"), (["--level", "4"], "Pong, level 4: 0"),
    ],
)  # fmt: skip
def test_who_names_level_or_opponent_plays_at_once(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], title: str
) -> None:
    def presses(_: int) -> list[int]:
        raise AssertionError("there is a start screen")

    assert statuses(monkeypatch, parse(Pong, ["--no-server", *flags]), presses) == [title]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "left paddle: W/S or arrow keys   right paddle: level 2   P pauses, Escape leaves"),
        ({"opponent": "human"}, "left paddle: W/S   right paddle: arrow keys   P pauses, Escape leaves"),
        ({"levelodiff": 4}, "   level 4 plays both paddles   P pauses, Escape leaves"),
    ],
)
def test_the_header_says_which_keys_move_whom(options: dict[str, Any], status: str) -> None:
    with Pong(server=False, **options) as server:
        server._open(watched=True)
        assert server._engine is not None
        assert server._engine.idle_status == status


def test_a_paused_game_stands_still_and_goes_on() -> None:
    with Pong(server=False, given=frozenset()) as server:
        engine = Engine(server, watched=True)
        ticks: list[bool] = []
        shown: list[bool] = []

        def tick() -> bool:
            ticks.append(engine.keys.paused)
            return False

        def show(*_: object, **__: object) -> None:
            shown.append(engine.keys.paused)
            engine.keys = Keys(paused=2 <= len(shown) < 5)

        engine._tick, engine._show = tick, show  # type: ignore[method-assign]
        while len(shown) < 7:
            engine._turn()
        engine.release()
        assert shown == [False, False, True, True, True, False, False]
        assert ticks == [False] * 4
