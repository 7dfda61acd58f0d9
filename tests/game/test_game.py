"""The game's rules, who plays it, and the camera."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.errors import PongError
from pongrl.game.camera import Camera
from pongrl.game.players import Player, built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.wire.arrays import UInt8Array
from tests.support import PATIENCE, ROOT

SERVE = (345, 245)
WHOLE_VY = set(range(-8, 9))


# ---------------------------------------------------------------------------------------------
# Rules


def court(seed: int = 1, points_to_win: int = 21, **state: Any) -> Game:
    """A game in the middle of things."""
    game = Game(seed, points_to_win)
    vars(game).update(state)
    return game


def place(game: Game) -> tuple[int, ...]:
    """Where everything is, and where the ball goes."""
    return (game.ball_x, game.ball_y, game.ball_vx, game.ball_vy, *game.paddles, *game.score)


def trace(game: Game, ticks: int) -> list[tuple[int, ...]]:
    """Where everything is, tick after tick, when level 2 plays level 1."""
    return [
        (game.step(built_in(2)(game, LEFT), built_in(1)(game, RIGHT)), *place(game)) for _ in range(ticks)
    ]


def test_a_game_starts_with_paddles_in_the_middle_and_a_serve_from_the_centre() -> None:
    game = Game(1)
    assert (game.paddles, game.score, game.matches, game.last_match) == ([200, 200], [0, 0], 0, None)
    assert (game.ball_x, game.ball_y) == SERVE


def test_serves_are_uniform_over_their_ranges() -> None:
    games = [Game(seed) for seed in range(4000)]
    vx, vy = Counter(game.ball_vx for game in games), Counter(game.ball_vy for game in games)
    assert (set(vx), set(vy)) == ({*range(-8, -3), *range(4, 9)}, WHOLE_VY)
    assert all(300 < count < 500 for count in vx.values())  # 400 each
    assert all(170 < count < 300 for count in vy.values())  # 235 each


@pytest.mark.parametrize(
    ("y", "vy", "y_then", "vy_then"),
    [
        (6, -5, 1, 5), (7, -5, 2, -5), (3, -8, 0, 8), (0, 1, 1, 1), (1, 0, 1, 0),
        (484, 5, 489, -5), (483, 5, 488, 5), (486, 8, 490, -8), (490, -1, 489, -1), (489, 0, 489, 0),
    ],
)  # fmt: skip
def test_a_wall_turns_the_ball_that_comes_to_it(y: int, vy: int, y_then: int, vy_then: int) -> None:
    game = court(ball_y=y, ball_vy=vy)
    game.step(0, 0)
    assert (game.ball_y, game.ball_vy, game.bounces) == (y_then, vy_then, int(vy != vy_then))


@pytest.mark.parametrize(("x", "vx", "x_then"), [(14, -4, 10), (676, 4, 680)], ids=["left", "right"])
@pytest.mark.parametrize(("offset", "hits"), [(-11, 0), (-10, 1), (45, 1), (100, 1), (101, 0)])
def test_a_paddle_turns_the_ball_that_touches_it(
    x: int, vx: int, x_then: int, offset: int, hits: int
) -> None:
    game = court(ball_x=x, ball_vx=vx, ball_y=200 + offset, ball_vy=0)
    assert game.step(0, 0) == 0
    assert (game.ball_x, game.ball_vx, game.hits, game.rally) == (x_then, -vx if hits else vx, hits, hits)


def test_a_hit_draws_vy_anew_from_its_whole_range() -> None:
    drawn = set()
    for seed in range(300):
        game = court(seed, ball_x=14, ball_vx=-4, ball_vy=0)
        game.step(0, 0)
        drawn.add(game.ball_vy)
    assert drawn == WHOLE_VY


@pytest.mark.parametrize(("x", "vx"), [(8, -4), (682, 4)], ids=["left", "right"])
def test_a_ball_within_the_paddle_is_hit_once_per_crossing(x: int, vx: int) -> None:
    game = court(ball_x=x, ball_vx=vx)
    for _ in range(3):
        game.step(0, 0)
        assert (game.hits, game.ball_vx) == (1, -vx)


@pytest.mark.parametrize(
    ("x", "vx", "reward", "score"), [(3, -4, -1, [0, 1]), (687, 4, 1, [1, 0])], ids=["left", "right"]
)
def test_a_ball_behind_a_paddle_is_a_point_and_a_serve_follows(
    x: int, vx: int, reward: int, score: list[int]
) -> None:
    game = court(ball_x=x, ball_vx=vx, ball_y=400, ball_vy=0, paddles=[0, 0], rally=5)
    assert game.step(0, 0) == reward
    assert (game.score, game.rally, game.last_rally, game.paddles) == (score, 0, 5, [0, 0])
    assert (game.ball_x, game.ball_y) == SERVE
    assert 4 <= abs(game.ball_vx) <= 8


@pytest.mark.parametrize(
    ("move", "y"), [(-0.01, 199), (0.99, 200), (1.0, 201), (-1.5, 198), (-201, 0), (201, 400)]
)
def test_a_paddle_steps_to_whole_pixels_towards_smaller_y_and_stays_in_the_court(move: float, y: int) -> None:
    game = court()
    game.step(move, move)
    assert game.paddles == [y, y]
    assert {type(place) for place in game.paddles} == {int}


def test_a_match_ends_at_points_to_win_and_the_next_begins() -> None:
    game = court(points_to_win=2)
    seen = []
    for x, vx in ((3, -4), (687, 4), (3, -4), (687, 4)):
        vars(game).update(ball_x=x, ball_vx=vx, ball_y=400, ball_vy=0, paddles=[0, 0])
        game.step(0, 0)
        seen.append((tuple(game.score), game.matches, game.last_match))
    assert seen == [((0, 1), 0, None), ((1, 1), 0, None), ((0, 0), 1, (1, 2)), ((1, 0), 1, (1, 2))]


def test_the_same_seed_plays_the_same_game_and_another_seed_another() -> None:
    assert trace(Game(5), 2000) == trace(Game(5), 2000) != trace(Game(6), 2000)


@pytest.mark.parametrize("seed", range(5))
def test_everything_stays_on_whole_pixels_in_the_court(seed: int) -> None:
    game, numbers = Game(seed), random.Random(seed)
    for _ in range(5000):
        game.step(numbers.uniform(-20, 20), numbers.uniform(-20, 20))
        x, y, vx, vy, *paddles = place(game)[:6]
        assert all(type(number) is int for number in (x, y, vx, vy, *paddles))
        assert 0 <= x <= 690
        assert 0 <= y <= 490
        assert 4 <= abs(vx) <= 8 >= abs(vy)
        assert all(0 <= paddle <= 400 for paddle in paddles)


def test_the_game_needs_no_pygame() -> None:
    play = """if True:
        import sys
        sys.modules["pygame"] = None
        import pong
        game = pong.Game(1)
        print(sum(abs(game.step(5, pong.built_in(2)(game, pong.RIGHT))) for _ in range(1000)) > 0)"""
    run = subprocess.run(
        [sys.executable, "-c", play], cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True
    )
    assert (run.stdout, run.stderr, run.returncode) == ("True\n", "", 0)


# ---------------------------------------------------------------------------------------------
# Players


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


# ---------------------------------------------------------------------------------------------
# Camera

paddle_places = st.integers(0, 400)
courts = st.builds(
    lambda left, right, x, y: court(paddles=[left, right], ball_x=x, ball_y=y),
    paddle_places,
    paddle_places,
    # Where ball and paddle share cells is a small part of the court and the hard one.
    st.integers(0, 690) | st.integers(0, 25) | st.integers(665, 690),
    st.integers(0, 490),
)


def drawing(game: Game) -> UInt8Array:
    """What the agent is to see, without pygame."""
    pixels = np.zeros((500, 700), np.uint8)
    places = ((0, game.paddles[LEFT]), (690, game.paddles[RIGHT]), (game.ball_x, game.ball_y))
    for (x, y), height in zip(places, (100, 100, 10), strict=True):
        pixels[y : y + height, x : x + 10] = 255
    return cv2.resize(pixels, (70, 50), interpolation=cv2.INTER_AREA).astype(np.uint8)


@given(courts)
@settings(deadline=None)
def test_the_full_drawing_is_the_white_things_of_the_court_resized(game: Game) -> None:
    np.testing.assert_array_equal(Camera.full(game), drawing(game))


@given(st.lists(courts, min_size=1, max_size=8))
@settings(deadline=None)
def test_a_look_equals_the_full_drawing_whatever_was_looked_at_before(games: list[Game]) -> None:
    camera = Camera()
    for game in games:
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_look_equals_the_full_drawing_all_through_a_game() -> None:
    game, camera = Game(3), Camera()
    for _ in range(1500):
        game.step(built_in(3)(game, LEFT), built_in(3)(game, RIGHT))
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_camera_without_opencv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(PongError, match="opencv-python-headless"):
        Camera.full(Game())


def test_the_agent_sees_neither_score_nor_centre_line() -> None:
    frame = Camera().look(court(score=[12, 20], rally=3, ball_vx=8))
    expected = np.zeros((50, 70), np.uint8)
    expected[20:30, [0, -1]] = 255  # the paddles
    expected[24:26, 34:36] = 64  # the ball, a quarter of each
    np.testing.assert_array_equal(frame, expected, strict=True)
