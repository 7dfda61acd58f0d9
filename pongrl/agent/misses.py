"""Which balls an agent misses, found in the frames and tables that every agent is sent.

A point keeps its horizontal speed |vx| from serve to end: 4 to 8 pixels a tick. So a ball is told by it, and
by whether a paddle has hit it before it came to us: a return, or else a serve. Frames of other sizes than
Pong's tell nothing, and neither does a state in which too much has happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pongrl.game.camera import CELL, FRAME_HEIGHT, FRAME_WIDTH, WHITE
from pongrl.game.moves import VELOCITY
from pongrl.game.rules import BALL, PADDLE_BOTTOM, PADDLE_HEIGHT, flown
from pongrl.wire.messages import Column, Session, Step

SPEEDS = range(4, 9)  # pixels a tick
STEEPEST = 8  # |vy|
MOST_PLACES = 10_000  # that are kept to be drawn
LONGEST_FLIGHT = 200  # ticks that a flight is followed; from paddle to paddle are 170 at most
WHOLE = 0.98 * WHITE  # light of a ball of which a paddle's column hides nothing
AI_MISSES = {  # one ball in so many, by speed, against a paddle that never misses; see docs/learning.md
    2: (4.8, 4.8, 5.1, 5.4, 5.5),
    3: (6200, 240, 42, 17.5, 11.7),
}
DRAWS = 10_000  # for the interval of an estimate

Doubles = npt.NDArray[np.float64]
Counts = dict[bool, dict[int, int]]
"""Of serves (True) and of returns (False), by |vx|."""


@dataclass(frozen=True)
class Miss:
    """A ball that was missed."""

    speed: int  # |vx|
    is_serve: bool
    ball: float  # y of its middle where it went out
    paddle: float  # y of the paddle's middle then


@dataclass(frozen=True)
class Estimate:
    """A share of points won, and the limits between which it is with a probability of 95 %."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %)"


def _no_counts() -> Counts:
    return {is_serve: dict.fromkeys(SPEEDS, 0) for is_serve in (True, False)}


@dataclass
class Misses:
    """Balls that came to the agent, and those that it missed: counts for serves and returns by speed."""

    faced: Counts = field(default_factory=_no_counts)
    missed: Counts = field(default_factory=_no_counts)
    untold: int = 0  # points lost of which nothing more could be told
    places: list[Miss] = field(default_factory=list)  # of the misses that could be placed

    def count(self, is_serve: bool, speed: int, is_missed: bool) -> None:
        """Count a ball that has come."""
        self.faced[is_serve][speed] += 1
        self.missed[is_serve][speed] += is_missed

    def lines(self) -> list[str]:
        """Return a table of at most 80 columns, a line for each speed."""
        rows: list[tuple[str, ...]] = [
            ("speed of the ball", "serves", "missed", "returns", "missed", "share")
        ]
        for speed in SPEEDS:
            balls = [each[kind][speed] for kind in (True, False) for each in (self.faced, self.missed)]
            faced, missed = balls[0] + balls[2], balls[1] + balls[3]
            share = f"{100 * missed / faced:.2f} %" if faced else "–"
            rows.append((f"{speed} pixels a tick", *(f"{number:,}" for number in balls), share))
        lines = ["{:<19}{:>9}{:>9}{:>11}{:>9}{:>10}".format(*row) for row in rows]
        if self.untold:
            lines.append(f"points lost of which nothing more can be told: {self.untold:,}")
        return lines

    def estimate(self, level: int) -> Estimate | None:
        """Estimate the share of points won from the misses, and from how often the built-in AI misses.

        It needs fewer points than counting them: at level 3 a slow ball comes thousands of times in a point.
        For one speed let a be the probability that the AI misses a ball, m that we miss a return, and s that
        we miss a serve. A ball that flies to the AI wins the point with probability W: the AI misses it, or
        both hit and the next ball wins.

            W = a + (1 − a)·(1 − m)·W,    so    W = a / (a + m − a·m)

        Half of the serves fly to us, and must be hit first. So we win (1 − s/2)·W of the points at this
        speed, and all speeds are served equally often. The interval tells how well m and s are known: they
        are drawn from the beta distributions that the counts leave (Jeffreys' prior).

        Returns:
            None if the level's AI is not known, or if no serve or no return of some speed has come.
        """
        kinds = (True, False)  # serves, returns
        faced, missed = (
            np.array([[counts[kind][speed] for speed in SPEEDS] for kind in kinds])
            for counts in (self.faced, self.missed)
        )  # (2, speeds)
        if level not in AI_MISSES or not faced.all():
            return None
        a = 1 / np.array(AI_MISSES[level])  # (speeds,)
        share = float(_share_won(a, *(missed / faced)))
        drawn = np.random.default_rng(0).beta(missed + 0.5, faced - missed + 0.5, (DRAWS, *faced.shape))
        low, high = np.percentile(_share_won(a, drawn[:, 0], drawn[:, 1]), (2.5, 97.5))
        return Estimate(share, min(float(low), share), max(float(high), share))


def _share_won(a: Doubles, s: Doubles, m: Doubles) -> Doubles:
    """Compute the share of points won from the probabilities at each speed (…, speeds)."""
    share: Doubles = ((1 - s / 2) * a / (a + m - a * m)).mean(-1)
    return share


class MissWatch:
    """Follows N games state by state, and counts in `misses`.

    Args:
        games: N.
        step: The state to begin with.
    """

    def __init__(self, games: int, step: Step) -> None:
        self.misses = Misses()
        self._vx = np.zeros(games)  # pixels a tick, in the point that is played; 0 while it is not known
        self._is_serve = np.ones(games, bool)  # no paddle has hit the ball yet
        self._before: Doubles = np.full((2, games), np.nan)  # x and y of the ball, seen whole, before `_last`
        self._between = np.zeros(games)  # ticks between the two, if it flew freely; else 0
        self._last, self._paddle = _find(step, games)
        self._since = np.zeros(games)  # ticks since `_last`

    @classmethod
    def of(cls, session: Session, step: Step) -> MissWatch | None:
        """Begin to watch, if the frames are Pong's."""
        return cls(session.games, step) if session.is_our_game else None

    def look(self, step: Step) -> None:
        """Take in what a decision led to."""
        found, paddle = _find(step, len(self._vx))
        self._paddle = (self._paddle + np.take(VELOCITY, step.moves, mode="clip") * step.ticks).clip(
            0, PADDLE_BOTTOM
        )
        self._since += step.ticks
        for game in np.flatnonzero(step.hits | step.points):
            self._judge(int(game), step.table[game])
            self._last[:, game] = np.nan
        is_whole = ~np.isnan(found[0])
        flew = is_whole & ~np.isnan(self._last[0]) & (self._since > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            vx = np.rint((found[0] - self._last[0]) / self._since)
        is_told = flew & (np.abs(vx) >= SPEEDS[0]) & (np.abs(vx) <= SPEEDS[-1])
        self._vx[is_told] = vx[is_told]
        self._between[is_whole] = np.where(flew, self._since, 0)[is_whole]
        self._before[:, is_whole] = self._last[:, is_whole]
        self._last[:, is_whole] = found[:, is_whole]
        self._since[is_whole] = 0
        self._paddle[is_whole] = paddle[is_whole]

    def _judge(self, game: int, row: npt.NDArray[np.int32]) -> None:
        """Take in hits and points of one game."""
        hits, points, reward = (int(row[column]) for column in (Column.HITS, Column.POINTS, Column.REWARD))
        lost, vx, is_serve = max((points - reward) // 2, 0), int(self._vx[game]), bool(self._is_serve[game])
        if points == lost == 1 and hits == 0 and vx < 0:
            self.misses.count(is_serve, -vx, is_missed=True)
            self._place(game, -vx, is_serve)
        else:
            self.misses.untold += lost
        if points == 0 and hits == 1 and vx < 0:
            self.misses.count(is_serve, -vx, is_missed=False)
        self._vx[game] = -vx if points == 0 and hits == 1 else 0
        self._is_serve[game] = points > 0

    def _place(self, game: int, speed: int, is_serve: bool) -> None:
        """Note where a ball was missed, if its flight can be followed."""
        y0, y1 = self._before[1, game], self._last[1, game]
        between, since = int(self._between[game]), int(self._since[game])
        vy = _slope(y0, y1, between) if max(between, since) <= LONGEST_FLIGHT else None
        if vy is not None and len(self.misses.places) < MOST_PLACES:
            y = float(round(y1))
            for _ in range(since):
                y, vy = flown(y, vy)
            paddle = float(self._paddle[game]) + PADDLE_HEIGHT / 2
            self.misses.places.append(Miss(speed, is_serve, y + BALL / 2, paddle))


def _find(step: Step, games: int) -> tuple[Doubles, Doubles]:
    """Find balls and our paddles.

    Returns:
        x and y of the balls (2, N), NaN for one that is not seen whole; y of the paddles (N,), which is right
        if the ball is seen whole. All are in pixels.
    """
    game, cell = np.divmod(step.lit, FRAME_HEIGHT * FRAME_WIDTH)
    row, column = np.divmod(cell, FRAME_WIDTH)
    light = step.light.astype(float)
    ours = np.where(column == 0, light, 0)
    ball = np.where((column > 0) & (column < FRAME_WIDTH - 1), light, 0)

    def total(weights: Any) -> Doubles:
        return np.bincount(game, weights, games).astype(float)

    with np.errstate(invalid="ignore", divide="ignore"):
        whole = total(ball)
        whole[whole < WHOLE] = np.nan
        paddle = total(ours * row) / total(ours) * CELL - (PADDLE_HEIGHT - CELL) / 2
        return np.stack((total(ball * column), total(ball * row))) / whole * CELL, paddle


def _slope(y0: float, y1: float, ticks: int) -> int | None:
    """Find the vertical speed that a ball has at y1, if it has flown freely from y0 in so many ticks.

    Returns:
        None if that is not known, or if two speeds are possible, one of them with a bounce.
    """
    if not ticks or np.isnan(y0 + y1):
        return None
    possible = set()
    for begin in range(-STEEPEST, STEEPEST + 1):
        y, vy = float(round(y0)), begin
        for _ in range(ticks):
            y, vy = flown(y, vy)
        if abs(y - y1) < 0.5:
            possible.add(vy)
    return possible.pop() if len(possible) == 1 else None
