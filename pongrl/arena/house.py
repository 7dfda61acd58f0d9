"""The players that are always there, as marks to measure others by."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from pongrl.game.moves import STAY, VELOCITY
from pongrl.game.players import Player, built_in
from pongrl.game.rules import (
    BALL,
    LEFT,
    LEFT_X,
    PADDLE_HEIGHT,
    PADDLE_WIDTH,
    RIGHT_X,
    SERVE_Y,
    Game,
    flown,
)

FASTEST = max(VELOCITY)  # pixels per tick, as an agent's paddle
MIDDLE = (PADDLE_HEIGHT - BALL) / 2  # y of a ball in the middle of a paddle, from the paddle's top
RANDOM_TICKS = 8  # that a random move lasts


def _towards(y: float, paddle: int) -> float:
    """Return the way of a paddle's middle towards a ball at this y, as far as an agent's paddle comes."""
    return min(max(y - MIDDLE - paddle, -FASTEST), FASTEST)


def _follower(_seed: int) -> Player:
    """Follow the ball."""
    return lambda game, side: _towards(game.ball_y, game.paddles[side])


def _random(seed: int) -> Player:
    """Draw a move of three, and hold it for a while."""
    numbers, move, left = random.Random(seed), STAY, 0

    def player(_game: Game, _side: int) -> float:
        nonlocal move, left
        if not left:
            move, left = numbers.randrange(len(VELOCITY)), RANDOM_TICKS
        left -= 1
        return VELOCITY[move]

    return player


def _predictor(_seed: int) -> Player:
    """Go where the ball will come to, and to the middle while it flies away. It misses nothing."""
    seen, target = None, float(SERVE_Y)

    def player(game: Game, side: int) -> float:
        nonlocal seen, target
        flight = game.ball_vx, game.hits, game.matches, *game.score  # changes at a hit and at a serve
        if flight != seen:
            seen = flight
            comes = (game.ball_vx < 0) == (side == LEFT)
            target = landing(game, side) if comes else float(SERVE_Y)
        return _towards(target, game.paddles[side])

    return player


def landing(game: Game, side: int) -> float:
    """Return the ball's y when it reaches a paddle that it flies towards."""
    front = LEFT_X + PADDLE_WIDTH if side == LEFT else RIGHT_X - BALL
    ticks = -(-abs(front - game.ball_x) // abs(game.ball_vx))
    y, vy = game.ball_y, game.ball_vy
    for _ in range(ticks):
        y, vy = flown(y, vy)
    return y


HOUSE_PLAYERS: Mapping[str, Callable[[int], Player]] = {
    "random": _random,
    "follower": _follower,
    "level 1": lambda _seed: built_in(1),
    "level 2": lambda _seed: built_in(2),
    "level 3": lambda _seed: built_in(3),
    "predictor": _predictor,
}
"""What makes each, from a seed."""
