"""Games: episodes within the games of one connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pong import Pong
from pongrl.envs.games import Games, first_of, info_of
from pongrl.envs.link import Link
from pongrl.envs.where import Where
from pongrl.errors import UsageError
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.wire.messages import Column, Mover, Role, Step
from tests.support import serving
from tests.support.envs import LONGEST_MATCH


def never() -> int:
    raise AssertionError("no seed should be drawn")


def some_step() -> Step:
    """Make a state of two games in which every column has another value."""
    table = np.arange(100, 100 + 2 * len(Column), dtype=np.int32).reshape(2, len(Column))
    table[0, Column.MOVER], table[1, Column.MOVER] = Mover.HUMAN, Mover.BUILTIN
    return Step.of(4, 7, np.zeros((2, 50, 70), np.uint8), table)


def test_an_info_has_what_the_state_says_of_its_game() -> None:
    info = info_of(some_step(), 1)
    assert info.pop("scores").tolist() == [100 + len(Column) + Column.LEFT, 100 + len(Column) + Column.RIGHT]
    names = ("matches", "move", "points", "ticks", "hits")
    expected = {name: 100 + len(Column) + Column[name.upper()] for name in names}
    assert info == expected | {"mover": Mover.BUILTIN, "dropped": 7}
    assert info_of(some_step(), 0)["mover"] == Mover.HUMAN


def test_a_first_state_says_of_some_games_that_nothing_happened_before_it() -> None:
    step = some_step()
    first = first_of(step, np.array([True, False]))
    begun, other = info_of(first, 0), info_of(first, 1)
    assert (begun["move"], begun["points"], begun["ticks"], begun["hits"]) == (STAY, 0, 0, 0)
    assert begun["mover"] == Mover.HELD
    assert begun["matches"] == info_of(step, 0)["matches"]
    assert begun["scores"].tolist() == info_of(step, 0)["scores"].tolist()
    assert first.rewards.tolist() == [0, step.rewards[1]]
    assert repr(other) == repr(info_of(step, 1))
    assert step.rewards[0] == 100  # the state itself stays as it was


@contextlib.contextmanager
def games_on(
    server: Pong, count: int = 1, points: int | None = None, paddles: tuple[Role, ...] = (Role.LEFT,)
) -> Iterator[Games]:
    with contextlib.closing(Link(Where(port=server.address[1]), count, paddles)) as link:
        yield Games(link, points)


def play_until_over(games: Games, move: int = STAY) -> int:
    """Play until an episode is over, and return the points of the first game."""
    points = 0
    for _ in range(LONGEST_MATCH):
        assert games.play([np.full(games.count, move)] * len(games.steps), never) == ""
        points += int(games.step.points[0])
        if games.over.any():
            return points
    raise AssertionError("the episode never ended")


@pytest.mark.parametrize("paddles", [(Role.LEFT,), (Role.LEFT, Role.RIGHT)])
def test_an_episode_is_a_match_or_a_number_of_points(paddles: tuple[Role, ...]) -> None:
    with (
        serving(lockstep=True, seed=1, points_to_win=2) as server,
        games_on(server, paddles=paddles) as games,
    ):
        games.begin(1)
        for match in (1, 2):
            assert not games.running.any()
            assert play_until_over(games) in (2, 3)
            assert games.step.matches[0] == match
            games.start_episodes(np.ones(1, bool))
    with serving(lockstep=True, seed=1) as server, games_on(server, points=3, paddles=paddles) as games:
        games.begin(1)
        for _ in range(2):
            assert play_until_over(games) == 3
            games.start_episodes(np.ones(1, bool))


def test_episodes_of_several_games_begin_and_end_on_their_own() -> None:
    with serving(lockstep=True, seed=1, games=2) as server, games_on(server, 2, points=1) as games:
        games.begin(1)
        while not games.over.any():
            games.play([np.array([UP, DOWN])], never)
        over = games.over
        assert games.running.tolist() == (~over).tolist()
        games.start_episodes(over)
        assert not games.over.any()
        assert games.running.tolist() == (~over).tolist()
        infos = games.infos()
        assert infos["points"].tolist() == [0, 0]
        assert (infos["ticks"] > 0).tolist() == (~over).tolist()


def test_a_single_game_in_the_middle_of_an_episode_is_first_played_to_its_end() -> None:
    with serving(lockstep=True, seed=1, points_to_win=2) as server, games_on(server) as games:
        games.begin_single(1, never)
        assert games.step.number == 0
        games.begin_single(None, never)
        assert games.step.number == 0  # no move was made
        games.play([np.array([UP])], never)
        games.begin_single(None, never)
        assert games.step.number > 3
        assert games.step.matches.tolist() == [1]
        assert not games.running.any()


def test_in_real_time_an_episode_begins_where_the_game_is() -> None:
    with serving(fps=1000, frameskip=2) as server, games_on(server) as games:
        games.begin_single(None, lambda: 1)
        for seed in (None, 5):
            games.play([np.array([UP])], never)
            number = games.step.number
            games.begin_single(seed, never)
            assert games.step.number == number + 1  # what was before is nobody's
            assert not games.step.rewards.any()
            assert not games.step.points.any()
            assert not games.running.any()


def test_a_lost_connection_begins_an_episode_of_each_game_and_says_why() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(lockstep=True, seed=1, games=2))
        port = server.address[1]
        games = stack.enter_context(games_on(server, 2))
        games.begin(1)
        games.play([np.array([UP, UP])], never)
        server.close()
        stack.enter_context(serving(lockstep=True, seed=1, games=2, port=port))
        assert "said goodbye" in games.play([np.array([UP, UP])], never)
        assert games.step.number == 0
        assert not games.running.any()
        assert games.play([np.array([UP, UP])], never) == ""


@pytest.mark.parametrize("points", [0, -1, 1.0, True])
def test_an_episode_has_a_whole_number_of_points(points: Any) -> None:
    with pytest.raises(UsageError, match="points_per_episode must be a whole number from 1"):
        Games(Link(Where(), 1), points)
