"""Pong's rules: a tick of the game at a time, by integers and one random generator.

`Game.step` plays. The game knows no clock: the caller decides how fast it goes, and when a ball is served.
"""

from __future__ import annotations

import math
import random
from typing import TypeVar

COURT_WIDTH, COURT_HEIGHT = 700, 500  # pixels; y grows downwards
PADDLE_WIDTH, PADDLE_HEIGHT = 10, 100
PADDLE_BOTTOM = COURT_HEIGHT - PADDLE_HEIGHT  # the largest y of a paddle
LEFT_X, RIGHT_X = 0, COURT_WIDTH - PADDLE_WIDTH
BALL = 10  # length of a side; the ball is a square
SERVE_X, SERVE_Y = 345, 245
TICKS_PER_SECOND = 60  # the speed that the game is made for
LEFT, RIGHT = 0, 1  # sides

Number = TypeVar("Number", int, float)


def flown(y: Number, vy: int) -> tuple[Number, int]:
    """Return y and vy of a ball after a tick of flight, in which it may bounce on a wall."""
    y += vy
    if (y <= 1 and vy < 0) or (y >= COURT_HEIGHT - BALL - 1 and vy > 0):
        vy = -vy
    return min(max(y, 0), COURT_HEIGHT - BALL), vy


class Game:
    """Pong's rules. A match is first to `points_to_win`; then the next one begins.

    | what        | value                                                                     |
    |-------------|---------------------------------------------------------------------------|
    | court       | 700 × 500 pixels, paddles 10 × 100 at x 0 and 690, ball 10 × 10            |
    | serve       | from (345, 245), vx ±4…8, vy −8…8 pixels per tick, uniform                  |
    | paddle hit  | vx turns round, vy is drawn again                                         |
    | wall        | at y ≤ 1 and y ≥ 489 vy turns away from it                                |
    | point       | the ball at x ≤ 0 or x ≥ 690 without touching the paddle; a serve follows |
    """

    def __init__(self, seed: int | None = None, points_to_win: int = 21) -> None:
        self._random = random.Random(seed)
        self.points_to_win = points_to_win
        self.paddles = [200, 200]  # y of left and right
        self.score = [0, 0]
        self.matches = 0  # finished
        self.last_match: tuple[int, int] | None = None  # score of the last finished match
        self.hits = self.bounces = 0  # by paddles and by walls, since the game began
        self.rally = self.last_rally = 0  # hits in this point, and in the one before
        self._serve()

    def _serve(self) -> None:
        self.ball_x, self.ball_y = SERVE_X, SERVE_Y
        self.ball_vx = self._random.randint(4, 8) * self._random.choice((-1, 1))
        self.ball_vy = self._random.randint(-8, 8)
        self.rally = 0

    @property
    def is_serving(self) -> bool:
        """Whether the ball lies where it is served, and nothing has moved it yet."""
        return self.ball_x == SERVE_X and not self.rally  # a ball comes back there only after a hit

    def move_paddles(self, left: float, right: float) -> None:
        """Move the paddles as `step` does, while the ball waits for its serve."""
        for side, pixels in enumerate((left, right)):
            self.paddles[side] = min(max(math.floor(self.paddles[side] + pixels), 0), PADDLE_BOTTOM)

    def restart(self) -> None:
        """Begin this match again, with a serve."""
        self.score, self.last_rally = [0, 0], 0
        self._serve()

    def step(self, left: float, right: float) -> int:
        """Play one tick with the paddles moving `left` and `right` pixels (down is positive).

        Returns:
            The left paddle's reward: +1 for a point won, −1 for one lost, else 0.
        """
        # Comparisons instead of min and max: this runs a hundred thousand times a second.
        paddles = self.paddles
        # A paddle stands on whole pixels: y is rounded towards the top.
        y = math.floor(paddles[LEFT] + left)
        paddles[LEFT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        y = math.floor(paddles[RIGHT] + right)
        paddles[RIGHT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        x = self.ball_x + self.ball_vx
        y = self.ball_y + self.ball_vy
        if y <= 1 or y >= COURT_HEIGHT - BALL - 1:
            y = self._at_wall()
        self.ball_x, self.ball_y = x, y
        if LEFT_X + PADDLE_WIDTH < x < RIGHT_X - BALL:
            return 0
        return self._at_paddle()

    def _at_wall(self) -> int:
        """Turn the ball away from the wall, if it flies towards it, and return its y within the court."""
        y, vy = flown(self.ball_y, self.ball_vy)
        self.bounces += vy != self.ball_vy
        self.ball_vy = vy
        return y

    def _at_paddle(self) -> int:
        """Let a paddle hit the ball, or end the point behind it; return the reward."""
        paddles, y = self.paddles, self.ball_y
        self.ball_x = x = min(max(self.ball_x, 0), COURT_WIDTH - BALL)
        if x <= LEFT_X + PADDLE_WIDTH and self.ball_vx < 0:
            if paddles[LEFT] - BALL <= y <= paddles[LEFT] + PADDLE_HEIGHT:
                self._hit()
            elif x <= 0:
                return self._point(RIGHT)
        elif x >= RIGHT_X - BALL and self.ball_vx > 0:
            if paddles[RIGHT] - BALL <= y <= paddles[RIGHT] + PADDLE_HEIGHT:
                self._hit()
            elif x >= RIGHT_X:
                return self._point(LEFT)
        return 0

    def _hit(self) -> None:
        self.ball_vx = -self.ball_vx
        self.ball_vy = self._random.randint(-8, 8)
        self.hits += 1
        self.rally += 1

    def _point(self, winner: int) -> int:
        self.score[winner] += 1
        if self.score[winner] >= self.points_to_win:
            self.last_match = (self.score[LEFT], self.score[RIGHT])
            self.matches += 1
            self.score = [0, 0]
        self.last_rally = self.rally
        self._serve()
        return 1 if winner == LEFT else -1
