"""What an evaluation tells of the balls that were missed, against the truth in the games."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from pongrl.agent.misses import AI_MISSES, SPEEDS, Misses, MissWatch
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.rules import BALL, PADDLE_HEIGHT, Game
from pongrl.wire.messages import Column
from tests.support.learning import RNG
from tests.support.wire import SESSION
from tools.courts import Courts

GAMES = 16


class Truth(NamedTuple):
    """A ball that came to the left paddle."""

    speed: int
    is_serve: bool
    is_missed: bool
    ball: float  # middle
    paddle: float


def follow(game: Game, rng: np.random.Generator) -> int:
    """Follow the ball, and sometimes not."""
    if rng.random() < 0.4:
        return int(rng.integers(3))
    aim = game.ball_y + BALL / 2 - game.paddles[0] - PADDLE_HEIGHT / 2
    return STAY if abs(aim) < 20 else UP if aim < 0 else DOWN


class Watched(Courts):
    """Games whose truth is kept: every ball that comes to the left paddle."""

    def __init__(self, games: int, seed: int) -> None:
        super().__init__(games, seed)
        self.balls: list[Truth] = []
        self._hits = [0] * games  # in the point that is played
        for number, game in enumerate(self.games):
            game.step = self._noting(number, game)  # type: ignore[method-assign]

    @staticmethod
    def _after(y: int, vy: int) -> int:
        """Return where the ball goes out in this tick; the game has served again by then."""
        return min(max(y + vy, 0), 490)

    def _noting(self, number: int, game: Game):  # type: ignore[no-untyped-def]
        step = game.step

        def noted(left: float, right: float) -> int:
            speed, y, vy, hits = -game.ball_vx, game.ball_y, game.ball_vy, game.hits
            reward = step(left, right)
            is_hit = game.hits > hits and speed > 0
            if is_hit or reward < 0:
                paddle = game.paddles[0] + PADDLE_HEIGHT / 2
                ball = (game.ball_y if is_hit else self._after(y, vy)) + BALL / 2
                self.balls.append(Truth(speed, not self._hits[number], reward < 0, ball, paddle))
            self._hits[number] = 0 if reward else self._hits[number] + game.hits - hits
            return reward

        return noted


def test_every_ball_is_told_and_every_miss_is_placed() -> None:
    games, rng = Watched(GAMES, seed=5), RNG(1)
    watch = MissWatch(GAMES, games.first())
    while len(games.balls) < 3000:
        watch.look(games.play(np.array([follow(game, rng) for game in games.games], np.uint8)))
    misses = watch.misses
    assert misses.untold == 0
    for is_serve in (True, False):
        for speed in SPEEDS:
            balls = [ball for ball in games.balls if (ball.speed, ball.is_serve) == (speed, is_serve)]
            assert misses.faced[is_serve][speed] == len(balls) > 10
            assert misses.missed[is_serve][speed] == sum(ball.is_missed for ball in balls)
    missed = [ball for ball in games.balls if ball.is_missed]
    assert 0.95 * len(missed) < len(misses.places) <= len(missed)
    for found in misses.places:  # in the order of the truth, without those that two flights explain
        while abs(missed[0].paddle - found.paddle) > 1 or abs(missed[0].ball - found.ball) > 1:
            del missed[0]
        assert (found.speed, found.is_serve) == (missed[0].speed, missed[0].is_serve)


def test_what_cannot_be_told_is_counted_as_such() -> None:
    games = Courts(1, seed=1)
    watch = MissWatch(1, games.first())
    step = games.play(np.array([STAY], np.uint8))
    watch.look(step)
    table = step.table.copy()
    table[0, Column.POINTS], table[0, Column.REWARD] = 3, -3
    watch.look(replace(step, table=table))  # a server that has dropped states tells of three points at once
    assert watch.misses.untold == 3
    assert watch.misses.places == []
    assert "nothing more can be told: 3" in watch.misses.lines()[-1]


def test_a_server_may_claim_whatever_it_likes() -> None:
    games = Courts(2, seed=1)
    watch = MissWatch(2, games.first())
    for number in range(60):
        step = games.play(np.array([STAY, UP], np.uint8))
        table = step.table.copy()
        table[:, Column.MOVE], table[:, Column.TICKS] = 99, 2**31 - 1 if number % 3 else 1
        table[:, Column.POINTS], table[:, Column.REWARD] = number % 2, (-(2**31), 2**31 - 1)[number % 2]
        table[:, Column.HITS] = (0, 1, 2**31 - 1)[number % 3]
        watch.look(replace(step, table=table))
    assert watch.misses.untold >= 0
    assert all(len(line) <= 80 for line in watch.misses.lines())


def test_frames_of_other_sizes_tell_nothing() -> None:
    step = Courts(1, seed=1).first()
    assert MissWatch.of(SESSION, step) is None
    assert MissWatch.of(replace(SESSION, games=1, height=50, width=70), step) is not None


def with_misses(share: float) -> Misses:
    misses = Misses()
    for speed in SPEEDS:
        for number in range(100):
            misses.count(number < 50, speed, is_missed=number % 50 < round(50 * share))
    return misses


def test_the_table_has_a_line_for_each_speed_and_fits_a_terminal() -> None:
    lines = with_misses(0.1).lines()
    assert len(lines) == 1 + len(SPEEDS)
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split()[-6:] == ["50", "5", "50", "5", "10.00", "%"]
    assert Misses().lines()[1].split()[-1] == "–"


def played(level: int, missed_serves: float, missed_returns: float, points: int) -> tuple[Misses, float]:
    """Play points ball by ball, with these chances to miss; give the misses, and the share that was won."""
    rng, misses, won = np.random.default_rng(1), Misses(), 0
    for speed, one_in in zip(SPEEDS, AI_MISSES[level], strict=True):
        for _ in range(points):
            is_ours, is_serve, missed = rng.random() < 0.5, True, False
            while not missed:
                chance = (missed_serves if is_serve else missed_returns) if is_ours else 1 / one_in
                missed = rng.random() < chance
                if is_ours:
                    misses.count(is_serve, speed, missed)
                is_ours, is_serve = not is_ours, False
            won += is_ours  # it is the turn of who did not miss
    return misses, won / points / len(SPEEDS)


@pytest.mark.parametrize(("missed_serves", "missed_returns"), [(0.0, 0.0), (0.3, 0.05), (0.1, 0.4)])
def test_the_share_is_estimated_from_the_misses(missed_serves: float, missed_returns: float) -> None:
    misses, won = played(2, missed_serves, missed_returns, 4_000)
    estimate = misses.estimate(2)
    assert estimate is not None
    assert estimate.share == pytest.approx(won, abs=0.01)
    assert 0 <= estimate.low <= estimate.share <= estimate.high <= 1
    few = played(2, missed_serves, missed_returns, 50)[0].estimate(2)
    assert few is not None
    assert few.high - few.low > estimate.high - estimate.low


def test_nothing_is_estimated_without_balls_or_for_a_level_whose_ai_is_not_known() -> None:
    assert with_misses(0.1).estimate(1) is None
    assert with_misses(0.1).estimate(2) is not None
    assert Misses().estimate(2) is None
