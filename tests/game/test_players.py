"""The built-in AI: its formulas, and how hard each level is to beat."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from pongrl.game.players import Player, built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from tests.support.games import court, place


@pytest.mark.parametrize(
    ("level", "side", "ball", "move"),
    [
        (1, RIGHT, (345, 275), 1.0), (1, LEFT, (345, 225), -1.0), (1, RIGHT, (345, 490), 5.0),
        (2, RIGHT, (345, 275), 2.5), (2, LEFT, (345, 225), -2.5), (2, RIGHT, (345, 0), -8.0),
        (3, RIGHT, (660, 260), 10 * math.exp(-1)), (3, LEFT, (50, 260), 10 * math.exp(-0.6)),
        (3, LEFT, (50, 100), -10.0), (3, RIGHT, (690, 300), 10.0),
    ],
)  # fmt: skip
def test_each_level_moves_towards_the_ball_by_its_formula(
    level: int, side: int, ball: tuple[int, int], move: float
) -> None:
    game = court(ball_x=ball[0], ball_y=ball[1])
    assert built_in(level)(game, side) == pytest.approx(move)


def random_player(seed: int) -> Player:
    numbers = random.Random(seed)
    return lambda game, side: numbers.choice((-5, 5))


def follower(seed: int) -> Player:
    return lambda game, side: min(max(game.ball_y - game.paddles[side] - 50, -5), 5)


def predictor(seed: int) -> Player:
    """Go where the ball will arrive, found out once per flight; back to the centre while it flies away."""
    flight, target = (-1, -1), 200

    def player(game: Game, side: int) -> float:
        nonlocal flight, target
        if flight != (flight := (game.hits, sum(game.score))):
            x, y, vx, vy = place(game)[:4]
            while x > 10 and vx < 0:
                x, y = x + vx, min(max(y + vy, 0), 490)
                if (y <= 1 and vy < 0) or (y >= 489 and vy > 0):
                    vy = -vy
            target = y - 45 if vx < 0 else 200
        return min(max(target - game.paddles[side], -5), 5)

    return player


@pytest.mark.parametrize(
    ("player", "level", "share"),
    [
        (random_player, 1, 0.33), (random_player, 2, 0.15), (random_player, 3, 0.02),
        (follower, 1, 0.79), (follower, 2, 0.56), (follower, 3, 0.15),
        (predictor, 1, 1.00), (predictor, 2, 1.00), (predictor, 3, 1.00),
    ],
)  # fmt: skip
def test_the_ladder_of_levels_stands_where_it_was_measured(
    player: Callable[[int], Player], level: int, share: float
) -> None:
    won = lost = 0
    right = built_in(level)
    for seed in range(64):
        game, left = Game(seed, points_to_win=10_000), player(seed + 1000)
        for _ in range(6000):
            game.step(left(game, LEFT), right(game, RIGHT))
        won += game.score[LEFT]
        lost += game.score[RIGHT]
    assert won / (won + lost) == pytest.approx(share, abs=0.04)
