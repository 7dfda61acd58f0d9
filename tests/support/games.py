"""Games in the middle of things, for tests of the rules, the camera and whoever sees them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pongrl.game.rules import Game

SERVE = (345, 245)


def court(seed: int = 1, points_to_win: int = 21, **state: Any) -> Game:
    """Return a game with these attributes set."""
    game = Game(seed, points_to_win)
    vars(game).update(state)
    return game


def place(game: Game) -> tuple[int, ...]:
    """Return where everything is, and where the ball goes: x, y, vx, vy, both paddles, both scores."""
    return (game.ball_x, game.ball_y, game.ball_vx, game.ball_vy, *game.paddles, *game.score)


def mirrored(game: Game) -> Game:
    """Return the court as it stands, seen from behind."""
    return court(paddles=game.paddles[::-1], ball_x=690 - game.ball_x, ball_y=game.ball_y)


paddle_places = st.integers(0, 400)
courts = st.builds(
    lambda left, right, x, y: court(paddles=[left, right], ball_x=x, ball_y=y),
    paddle_places,
    paddle_places,
    # Where ball and paddle share cells is a small part of the court and the hard one.
    st.integers(0, 690) | st.integers(0, 25) | st.integers(665, 690),
    st.integers(0, 490),
)
