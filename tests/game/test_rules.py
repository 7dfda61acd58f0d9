"""The game's rules."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest

from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from tests.support import PATIENCE, ROOT
from tests.support.games import SERVE, court, place

WHOLE_VY = set(range(-8, 9))


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


def test_the_game_needs_neither_pygame_nor_opencv() -> None:
    play = """if True:
        import sys
        sys.modules["pygame"] = sys.modules["cv2"] = None
        from pongrl.game.players import built_in
        from pongrl.game.rules import RIGHT, Game
        game = Game(1)
        print(sum(abs(game.step(5, built_in(2)(game, RIGHT))) for _ in range(1000)) > 0)"""
    run = subprocess.run(
        [sys.executable, "-c", play], cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True
    )
    assert (run.stdout, run.stderr, run.returncode) == ("True\n", "", 0)


def test_paddles_move_while_the_ball_waits_and_stay_on_the_court() -> None:
    game = court(paddles=[3, 398])
    before = (game.ball_x, game.ball_y)
    game.move_paddles(-5, 5)
    assert game.paddles == [0, 400]
    game.move_paddles(5, -2.5)
    assert game.paddles == [5, 397]  # whole pixels, rounded towards the top
    assert (game.ball_x, game.ball_y) == before


def test_a_match_that_begins_again_has_no_points_and_a_new_serve() -> None:
    game = court(score=[7, 20], matches=2, last_match=(21, 3), ball_x=10, rally=9, last_rally=4)
    assert not game.is_serving
    game.restart()
    assert (game.score, game.matches, game.last_match, game.rally, game.last_rally) == (
        [0, 0],
        2,
        (21, 3),
        0,
        0,
    )
    assert (game.ball_x, game.ball_y) == SERVE
    assert game.is_serving


def test_a_ball_is_serving_only_until_it_moves() -> None:
    for seed in range(50):
        game = Game(seed)
        assert game.is_serving
        for _ in range(300):
            points = sum(game.score)
            game.step(0, 0)
            assert game.is_serving == (sum(game.score) > points)
