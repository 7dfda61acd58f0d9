"""House players: marks that stay where they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.arena.house import HOUSE_PLAYERS, landing
from pongrl.game.rules import BALL, LEFT, LEFT_X, PADDLE_WIDTH, RIGHT, RIGHT_X, Game
from tests.support.games import court


def points_won(left: str, right: str, points: int, seed: int = 1) -> int:
    """Return how many of so many points the left one wins."""
    game, won, played = Game(seed), 0, 0
    one, other = HOUSE_PLAYERS[left](seed), HOUSE_PLAYERS[right](seed + 1)
    while played < points:
        reward = game.step(one(game, LEFT), other(game, RIGHT))
        won += reward > 0
        played += reward != 0
    return won


@pytest.mark.parametrize(
    ("weak", "strong"),
    [("random", "level 1"), ("level 1", "level 2"), ("level 2", "level 3"), ("random", "follower")],
)
def test_each_mark_is_above_the_one_below(weak: str, strong: str) -> None:
    assert points_won(weak, strong, 60) < 25
    assert points_won(strong, weak, 60) > 35


@pytest.mark.parametrize("other", ["random", "level 1", "level 2", "follower"])
def test_the_predictor_misses_nothing(other: str) -> None:
    assert points_won("predictor", other, 60) == 60
    assert points_won(other, "predictor", 60) == 0


@settings(deadline=None)
@given(
    x=st.integers(20, 670), y=st.integers(1, 489), vx=st.sampled_from([-8, -7, -6, -5, -4, 4, 5, 6, 7, 8]),
    vy=st.integers(-8, 8),
)  # fmt: skip
def test_a_landing_is_where_the_ball_comes_to(x: int, y: int, vx: int, vy: int) -> None:
    game = court(ball_x=x, ball_y=y, ball_vx=vx, ball_vy=vy)
    side = LEFT if vx < 0 else RIGHT
    expected = landing(game, side)
    while LEFT_X + PADDLE_WIDTH < game.ball_x < RIGHT_X - BALL:
        game.paddles = [game.ball_y, game.ball_y]  # so that it is hit, and no point is played
        before = game.hits
        game.step(0, 0)
        if game.hits > before:
            break
    assert game.ball_y == expected


def test_a_random_player_is_the_same_for_the_same_seed() -> None:
    games = [court(), court()]
    one, other = HOUSE_PLAYERS["random"](5), HOUSE_PLAYERS["random"](5)
    moves = [(one(games[0], LEFT), other(games[1], LEFT)) for _ in range(200)]
    assert all(a == b for a, b in moves)
    assert {a for a, _ in moves} == {-5, 0, 5}
