"""The built-in AI, at three levels.

A player is a function that is given the game and its side, and says how far its paddle moves in this tick.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from pongrl.game.rules import LEFT_X, PADDLE_HEIGHT, RIGHT_X, Game

Player: TypeAlias = Callable[[Game, int], float]
"""Takes the game and its side (LEFT or RIGHT); returns pixels for this tick, down is positive."""


def has_second_level(game: int) -> bool:
    """Tell whether a game, by its number, is of the second level where two are played: every other one."""
    return game % 2 == 1


def built_in(level: int) -> Player:
    """Return the built-in AI of a level. 1 is slow, 2 is quick, 3 waits for the ball and then is quickest."""
    if level == 3:
        return _waiting_player
    divisor, fastest = {1: (25, 5), 2: (10, 8)}[level]

    def player(game: Game, side: int) -> float:
        wish = (game.ball_y - game.paddles[side] - PADDLE_HEIGHT / 2) / divisor
        return fastest if wish > fastest else -fastest if wish < -fastest else wish

    return player


def _waiting_player(game: Game, side: int) -> float:
    """Move towards the ball, the less the farther it is away."""
    dx = game.ball_x - ((LEFT_X, RIGHT_X)[side] + 50)
    dy = game.ball_y - game.paddles[side]
    wish = (dy - PADDLE_HEIGHT / 2) * math.exp(-math.hypot(dx, dy) / 100)
    return min(max(wish, -10.0), 10.0)
