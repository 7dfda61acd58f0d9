"""What the agent sees: frames become observations."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent.eyes import Eyes, Observations
from pongrl.game.moves import DOWN, STAY, UP
from tests.support.learning import RNG, SMALL, dense, look_twice, random_frames, state


@pytest.mark.parametrize("games", [1, 3])
def test_an_observation_is_the_light_and_its_change(games: int) -> None:
    x, now, before = look_twice(RNG(1), games)
    np.testing.assert_array_equal(dense(x), np.stack((now, now - before.astype(float)), axis=1))
    assert len(x.cells) == len(x.values) == np.count_nonzero(now) + np.count_nonzero(now != before)


@pytest.mark.parametrize("games", [1, 3])
def test_in_an_observation_light_comes_first(games: int) -> None:
    x, now, _ = look_twice(RNG(1), games)
    for game, begin in enumerate(x.starts):
        lit = np.flatnonzero(now[game])
        np.testing.assert_array_equal(x.cells[begin : begin + len(lit)], lit)
        np.testing.assert_allclose(255 * x.values[begin : begin + len(lit)], now[game].reshape(-1)[lit])


@pytest.mark.parametrize("moves", [[UP], [STAY], [UP, DOWN, STAY]])
def test_in_another_game_the_last_move_is_told_too(moves: list[int]) -> None:
    eyes, places = Eyes(len(moves), *SMALL, is_our_game=False), 2 * SMALL[0] * SMALL[1]
    x = eyes.look(state(random_frames(RNG(1), len(moves)), move=moves))
    for game, move in enumerate(moves):
        one = x.of([game])
        told = dict(zip(one.cells.tolist(), one.values.tolist(), strict=True))
        assert told.get(places, 0.0) == (move == UP)
        assert told.get(places + 1, 0.0) == (move == DOWN)


def test_in_another_game_a_match_is_an_episode_and_a_point_is_none() -> None:
    rng = RNG(2)
    eyes = Eyes(2, *SMALL, is_our_game=False)
    eyes.look(state(random_frames(rng, 2), matches=[3, 3]))
    then = eyes.look(state(random_frames(rng, 2), points=[1, 1], matches=[3, 4]))
    assert dense(then)[0, 1].any()
    assert not dense(then)[1, 1].any()


@pytest.mark.parametrize("some", [[1], [0, 2], [2, 1, 0]])
def test_some_of_the_observations_can_be_taken(some: list[int]) -> None:
    x, _, _ = look_twice(RNG(1), 3)
    taken = x.of(some)
    assert len(taken) == len(some)
    np.testing.assert_array_equal(dense(taken), dense(x)[some])


def test_the_first_frame_of_an_episode_has_no_change_and_another_games_has() -> None:
    rng = RNG(2)
    eyes = Eyes(2, *SMALL)
    first = eyes.look(state(random_frames(rng, 2)))
    then = eyes.look(state(random_frames(rng, 2), points=[1, 0]))
    assert not dense(first)[:, 1].any()
    assert not dense(then)[0, 1].any()
    assert dense(then)[1, 1].any()


def test_what_follows_an_episodes_first_frame_is_compared_with_it() -> None:
    rng = RNG(2)
    eyes = Eyes(1, *SMALL)
    eyes.look(state(random_frames(rng, 1)))
    first, now = random_frames(rng, 1), random_frames(rng, 1)
    eyes.look(state(first, points=[1]))
    x = eyes.look(state(now))
    np.testing.assert_array_equal(dense(x)[:, 1], now - first.astype(float))


def test_whatever_was_seen_before_an_observation_is_the_light_and_its_change() -> None:
    rng, games = RNG(3), 4
    eyes, before = Eyes(games, *SMALL), np.zeros((games, *SMALL), np.uint8)
    for number in range(30):
        now = random_frames(rng, games)
        now[rng.random(games) < 0.2] = 0
        same = rng.random(now.shape) < 0.5
        now[same] = before[same]
        points = rng.integers(0, 2, games)
        new = (points > 0) | (number == 0)
        x = eyes.look(state(now, points=points.tolist()))
        change = np.where(new[:, None, None], 0, now - before.astype(float))
        np.testing.assert_array_equal(dense(x), np.stack((now, change), axis=1))
        assert len(x.cells) == np.count_nonzero(now) + np.count_nonzero(change)
        before = now


def test_black_frames_are_observations_too() -> None:
    x = Eyes(2, *SMALL).look(state(np.zeros((2, *SMALL), np.uint8)))
    assert len(x) == 2
    assert not dense(x).any()


def test_joined_observations_are_those_of_the_parts_in_turn() -> None:
    rng = RNG(4)
    parts = [look_twice(rng, games)[0] for games in (2, 1, 3)]
    joined = Observations.join(parts)
    assert len(joined) == 6
    np.testing.assert_array_equal(dense(joined), np.concatenate([dense(part) for part in parts]))


def test_a_matrix_of_observations_has_a_column_for_each_cell_that_occurs() -> None:
    x, _, _ = look_twice(RNG(5), 3)
    cells = 2 * SMALL[0] * SMALL[1]
    active, X = x.dense(cells)
    whole = dense(x).reshape(3, cells)
    np.testing.assert_array_equal(active, np.flatnonzero(whole.any(axis=0)))
    np.testing.assert_allclose(255 * X, whole[:, active], rtol=1e-5)
