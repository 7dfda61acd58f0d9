"""People at this keyboard: the start screen, the game in its window, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pong import Pong
from pongrl.cli import parse
from pongrl.errors import UsageError
from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import People, Snapshot
from pongrl.game.rules import LEFT
from pongrl.ui.game_window import GameWindow
from pongrl.ui.start_screen import StartScreen

pygame = pygame_quietly()
Shown = Callable[[Snapshot], None]


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    pygame.quit()


def press(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def leave(_: Snapshot) -> None:
    """Leave a game as soon as it is shown: Escape asks once."""
    press(pygame.K_ESCAPE)


def titles_of(
    monkeypatch: pytest.MonkeyPatch, program: Pong, choices: Iterator[int], shown: Shown = leave
) -> list[str]:
    """Return the titles of the games that a program plays, and for how many people each is.

    Args:
        monkeypatch: undoes what is changed here.
        program: the program, not started yet.
        choices: the keys that are pressed on the start screens, one on each.
        shown: is called with each snapshot that the window shows.
    """
    titles: list[str] = []
    begin, show, appear = GameWindow.begin, GameWindow.show, StartScreen.__init__

    def begin_and_note(window: GameWindow, title: str, people: People | None = None) -> None:
        begin(window, title, people)
        titles.append(f"{title}: {len(people.sides) if people is not None and people.play else 0}")

    def show_and_act(window: GameWindow, snapshot: Snapshot, *arguments: Any) -> None:
        show(window, snapshot, *arguments)
        shown(snapshot)

    def appear_and_choose(screen: StartScreen, *arguments: Any) -> None:
        appear(screen, *arguments)
        press(next(choices))

    monkeypatch.setattr(GameWindow, "begin", begin_and_note)
    monkeypatch.setattr(GameWindow, "show", show_and_act)
    monkeypatch.setattr(StartScreen, "__init__", appear_and_choose)
    program.start()
    return titles[1:]  # the window's own comes first


def test_escape_goes_from_the_game_to_the_start_screen_and_ends_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = iter([pygame.K_1, pygame.K_4, pygame.K_5, pygame.K_ESCAPE])
    titles = titles_of(monkeypatch, Pong(server=False, given=frozenset()), keys)
    assert titles == ["Pong, against the built-in AI: 1", "Pong, two players: 2", "Pong, level 4: 0"]
    assert not pygame.display.get_init()


def test_what_cannot_be_recorded_is_told_before_anybody_has_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = Pong(server=False, given=frozenset(), record=str(tmp_path / "nowhere" / "game.mp4"))
    with pytest.raises(UsageError, match=r"--record cannot write .*nowhere.*game\.mp4"):
        titles_of(monkeypatch, program, iter([pygame.K_ESCAPE]))


def test_enter_chooses_the_same_game_again(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter([pygame.K_4, pygame.K_RETURN, pygame.K_ESCAPE])
    titles = titles_of(monkeypatch, Pong(server=False, given=frozenset()), keys)
    assert titles == ["Pong, two players: 2"] * 2


@pytest.mark.parametrize(
    ("flags", "title"),
    [
        (["--level", "2"], "Pong, against the built-in AI: 1"),
        (["--opponent", "ai"], "Pong, against the built-in AI: 1"),
        (["--opponent", "human"], "Pong, two players: 2"), (["--level", "4"], "Pong, level 4: 0"),
    ],
)  # fmt: skip
def test_a_command_line_that_names_level_or_opponent_plays_at_once(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], title: str
) -> None:
    program = parse(Pong, ["--no-server", *flags])
    assert titles_of(monkeypatch, program, iter([])) == [title]  # there are no choices to be made


def test_a_program_that_makes_a_pong_has_said_what_to_play(monkeypatch: pytest.MonkeyPatch) -> None:
    assert titles_of(monkeypatch, Pong(server=False), iter([])) == ["Pong, against the built-in AI: 1"]


@pytest.mark.parametrize(
    ("opponent", "title"), [("human", "Pong, against you: 1"), ("ai", "Pong, level 2: 0")]
)
def test_a_served_game_is_shown_to_who_plays_it(
    monkeypatch: pytest.MonkeyPatch, opponent: str, title: str
) -> None:
    assert titles_of(monkeypatch, Pong(port=0, opponent=opponent), iter([])) == [title]


def test_a_key_that_is_held_moves_the_paddle_until_the_game_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[int] = []

    def hold_w(snapshot: Snapshot) -> None:
        if not places:
            press(pygame.K_w)
        places.append(snapshot.paddles[LEFT])
        if places[-1] < 150:
            press(pygame.K_ESCAPE)

    titles_of(monkeypatch, Pong(server=False), iter([]), hold_w)
    assert places[0] == 200
    assert places == sorted(places, reverse=True)
