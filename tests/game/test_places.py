"""Places: paddles and ball are found in a frame again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.game.camera import Camera
from pongrl.game.places import places
from tests.support.games import court

ys = st.integers(0, 400)


@given(ys, ys, st.integers(10, 680), st.integers(0, 490))
@settings(deadline=None)  # the first look draws all that a look copies
def test_paddles_and_ball_are_found_to_the_pixel(left: int, right: int, x: int, y: int) -> None:
    found = places(Camera().look(court(paddles=[left, right], ball_x=x, ball_y=y)))
    assert (found.paddles, found.ball) == ((left, right), (x, y))


@given(ys, ys, st.integers(1, 9) | st.integers(681, 689), st.integers(0, 490))
@settings(deadline=None)
def test_a_ball_that_touches_a_paddles_column_is_found_within_a_pixel(
    left: int, right: int, x: int, y: int
) -> None:
    found = places(Camera().look(court(paddles=[left, right], ball_x=x, ball_y=y)))
    assert found.ball is not None
    assert np.abs(np.subtract(found.ball, (x, y))).max() <= 1
    assert np.abs(np.subtract(found.paddles, (left, right))).max() <= 10


@pytest.mark.parametrize("x", [0, 690])
def test_a_ball_that_a_paddles_column_hides_is_not_found(x: int) -> None:
    assert places(Camera().look(court(ball_x=x, ball_y=250))).ball is None
