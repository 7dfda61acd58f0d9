"""The umpire: who is waited for before a serve, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.moves import UP
from pongrl.game.people import Keys
from pongrl.game.rules import Game
from pongrl.server.match import Match
from pongrl.server.umpire import COUNTDOWN, NUMBER_SECONDS, Umpire
from pongrl.wire.messages import Role
from tests.support.engines import game_options, world
from tests.support.games import court, place

NUMBER_TICKS = round(60 * NUMBER_SECONDS)
COUNTDOWN_TICKS = COUNTDOWN * NUMBER_TICKS
NO_KEYS, W = Keys(), Keys(letters=UP, either=UP)
ALONE, TWO = {"serves": False}, {"serves": False, "opponent": "human"}
AGAINST_AGENT = {"opponent": "human"}


def ticks_waited(options: dict[str, Any], has_agent: bool, keys: Keys = NO_KEYS, limit: int = 1000) -> int:
    """Return how many ticks the umpire lets a serve wait, at most `limit`."""
    umpire, game = Umpire(game_options(**options)), Game(1)
    return next((tick for tick in range(limit) if umpire.lets_play(game, has_agent, keys)), limit)


@pytest.mark.parametrize(
    ("options", "has_agent", "keys", "ticks"),
    [
        ({}, True, NO_KEYS, 0), ({}, True, W, 0), ({"level": 4}, True, NO_KEYS, 0),
        ({}, False, NO_KEYS, 1000), ({}, False, W, COUNTDOWN_TICKS), ({"level": 4}, False, NO_KEYS, 0),
        (AGAINST_AGENT, False, NO_KEYS, 1000), (AGAINST_AGENT, False, W, 1000),
        (AGAINST_AGENT, True, NO_KEYS, COUNTDOWN_TICKS), (ALONE, False, NO_KEYS, COUNTDOWN_TICKS),
        (TWO, False, NO_KEYS, COUNTDOWN_TICKS), ({**ALONE, "level": 4}, False, NO_KEYS, 0),
        ({**ALONE, "fps": 30}, False, NO_KEYS, COUNTDOWN_TICKS // 2),
    ],
)  # fmt: skip
def test_a_serve_waits_for_a_player_and_for_people_to_get_ready(
    options: dict[str, Any], has_agent: bool, keys: Keys, ticks: int
) -> None:
    assert ticks_waited(options, has_agent, keys) == ticks


def test_a_ball_in_play_never_waits() -> None:
    for game in (court(ball_x=349), court(rally=1)):
        for options in ({}, AGAINST_AGENT, ALONE, TWO):
            assert Umpire(game_options(**options)).lets_play(game, False, NO_KEYS)


def test_each_number_is_shown_for_as_long() -> None:
    umpire, game, shown = Umpire(game_options(**ALONE)), Game(1), []
    while not umpire.lets_play(game, False, NO_KEYS):
        shown.append(umpire.count)
    assert shown == [number for number in (3, 2, 1) for _ in range(NUMBER_TICKS)]
    assert umpire.count == 0


def test_a_person_without_an_agent_need_not_hold_the_key_until_the_serve() -> None:
    umpire, game = Umpire(game_options()), Game(1)
    assert not umpire.lets_play(game, False, NO_KEYS)
    assert umpire.is_waiting
    assert not umpire.lets_play(game, False, W)
    assert [umpire.lets_play(game, False, NO_KEYS) for _ in range(COUNTDOWN_TICKS)].index(True) == (
        COUNTDOWN_TICKS - 1
    )
    assert not umpire.is_waiting


@pytest.mark.parametrize("options", [{}, AGAINST_AGENT], ids=str)
def test_when_an_agent_has_left_the_point_is_played_to_its_end_and_the_next_serve_waits(
    options: dict[str, Any],
) -> None:
    match = Match(game_options(seed=1, **options))
    match.seat(Role.LEFT)
    while match.first.is_serving:
        match.tick(NO_KEYS)
    match.unseat(Role.LEFT)
    for _ in range(2000):
        match.tick(NO_KEYS)
    assert sum(match.first.score) == 1
    assert match.first.is_serving
    assert match.umpire.is_waiting
    match.seat(Role.LEFT)
    while match.first.is_serving:
        match.tick(NO_KEYS)
    assert not match.umpire.is_waiting


@pytest.mark.parametrize("changes", [{}, {"games": 3}, AGAINST_AGENT, {"lockstep": True}], ids=str)
def test_no_point_is_counted_against_nobody(changes: dict[str, Any]) -> None:
    with world(has_window=True, **changes) as made:
        before = [place(board.game) for board in made.match.boards]
        for _ in range(500):
            made.tick()
        assert [place(board.game) for board in made.match.boards] == before
        assert made.snapshot.notice[0] == "waiting for an agent"


def test_people_move_their_paddles_while_they_wait() -> None:
    match = Match(game_options(seed=1, **TWO))
    for _ in range(COUNTDOWN_TICKS):
        match.tick(Keys(letters=UP, arrows=None, either=UP))
    assert match.first.is_serving
    assert match.first.paddles == [0, 200]
    match.tick(NO_KEYS)
    assert not match.first.is_serving
