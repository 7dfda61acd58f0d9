"""Pong itself: its rules, who can play it, and what an agent sees of it. No server, no clock, no window.

Game      the rules: integers, one random generator; no pygame, no display
players   built_in(level): given a game and a side, how fast the paddle moves now
Camera    what the agent sees: the court alone, drawn by pygame and brought down to 70×50 by cv2
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from netproto import UInt8Array
from plain import PongError

COURT_WIDTH, COURT_HEIGHT = 700, 500  # pixels; y grows downwards
PADDLE_WIDTH, PADDLE_HEIGHT = 10, 100
PADDLE_BOTTOM = COURT_HEIGHT - PADDLE_HEIGHT  # the largest y of a paddle
LEFT_X, RIGHT_X = 0, COURT_WIDTH - PADDLE_WIDTH
BALL = 10  # its side
SERVE_X, SERVE_Y = 345, 245
TICKS_PER_SECOND = 60

CELL = 10  # pixels of the court in one of the frame's, each way
FRAME_WIDTH, FRAME_HEIGHT = COURT_WIDTH // CELL, COURT_HEIGHT // CELL
WHITE = 255

LEFT, RIGHT = 0, 1  # sides


# ---------------------------------------------------------------------------------------------
# Rules


class Game:
    """Pong's rules. A match is first to `points_to_win`; then the next one begins.

    | what        | value                                                                     |
    |-------------|---------------------------------------------------------------------------|
    | court       | 700 × 500 pixels, paddles 10 × 100 at x 0 and 690, ball 10 × 10            |
    | serve       | from (345, 245), vx ±4…8, vy −8…8 pixels per tick, uniform                  |
    | paddle hit  | vx turns round, vy is drawn anew                                          |
    | wall        | at y ≤ 1 and y ≥ 489 vy turns away from it                                |
    | point       | the ball at x ≤ 0 or x ≥ 690 without touching the paddle; a serve follows |
    """

    def __init__(self, seed: int | None = None, points_to_win: int = 21) -> None:
        self._random = random.Random(seed)
        self.points_to_win = points_to_win
        self.paddles = [200, 200]  # y of left and right
        self.score = [0, 0]
        self.matches = 0  # finished
        self.last_match: tuple[int, int] | None = None  # its score
        self.hits = self.bounces = self.rally = 0  # hits and bounces so far, hits in this point
        self.last_rally = 0  # hits in the one before
        self._serve()

    def _serve(self) -> None:
        self.ball_x, self.ball_y = SERVE_X, SERVE_Y
        self.ball_vx = self._random.randint(4, 8) * self._random.choice((-1, 1))
        self.ball_vy = self._random.randint(-8, 8)
        self.rally = 0

    def step(self, left: float, right: float) -> int:
        """Play one tick with the paddles moving `left` and `right` pixels (down is positive).

        Returns:
            The left paddle's reward: +1 for a point won, −1 for one lost, else 0.
        """
        # Comparisons instead of min and max: this runs a hundred thousand times a second.
        paddles = self.paddles
        # A paddle stands on whole pixels, the ones above where its speed would take it.
        y = math.floor(paddles[LEFT] + left)
        paddles[LEFT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        y = math.floor(paddles[RIGHT] + right)
        paddles[RIGHT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        x = self.ball_x + self.ball_vx
        y = self.ball_y + self.ball_vy
        if y <= 1 or y >= COURT_HEIGHT - BALL - 1:
            y = self._at_wall(y)
        self.ball_x, self.ball_y = x, y
        if LEFT_X + PADDLE_WIDTH < x < RIGHT_X - BALL:
            return 0
        return self._at_paddle()

    def _at_wall(self, y: int) -> int:
        if self.ball_vy < 0 if y <= 1 else self.ball_vy > 0:
            self.ball_vy = -self.ball_vy
            self.bounces += 1
        return min(max(y, 0), COURT_HEIGHT - BALL)

    def _at_paddle(self) -> int:
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


Player: TypeAlias = Callable[[Game, int], float]
"""Given the game and its side, how far a player moves its paddle in this tick (down is positive)."""


def built_in(level: int) -> Player:
    """The built-in AI. Level 1 is slow, 2 is quick, 3 waits for the ball to come near and is quickest."""
    if level == 3:
        return _waiting_player
    divisor, fastest = {1: (25, 5), 2: (10, 8)}[level]

    def player(game: Game, side: int) -> float:
        wish = (game.ball_y - game.paddles[side] - PADDLE_HEIGHT / 2) / divisor
        return fastest if wish > fastest else -fastest if wish < -fastest else wish

    return player


def _waiting_player(game: Game, side: int) -> float:
    dx = game.ball_x - ((LEFT_X, RIGHT_X)[side] + 50)
    dy = game.ball_y - game.paddles[side]
    wish = (dy - PADDLE_HEIGHT / 2) * math.exp(-math.hypot(dx, dy) / 100)
    return min(max(wish, -10.0), 10.0)


# ---------------------------------------------------------------------------------------------
# Camera


class Camera:
    """Looks at a court: (50, 70) uint8, each cell the mean of 10×10 pixels of black court and white things.

    The definition is `full`: draw 700×500 pixels, resize with cv2.INTER_AREA. What a paddle or the ball
    leaves on the frame depends only on its place within a cell, so `look` keeps what that drawing and
    resizing gave for every place, and draws anew only where ball and paddle may share a cell.
    """

    def __init__(self, frame: UInt8Array | None = None) -> None:
        self.frame = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.uint8) if frame is None else frame
        self._ball_cells = self.frame[:2, :2]  # where the ball was drawn last
        self._paddles, self._balls = _stamps()

    def look(self, game: Game) -> UInt8Array:
        """Bring the frame up to date with the game, and return it: the same array every time."""
        frame = self.frame
        self._ball_cells[...] = 0
        frame[:, 0] = self._paddles[game.paddles[LEFT]]
        frame[:, -1] = self._paddles[game.paddles[RIGHT]]
        row = min(game.ball_y // CELL, FRAME_HEIGHT - 2)
        column = min(game.ball_x // CELL, FRAME_WIDTH - 2)
        cells = self._ball_cells = frame[row : row + 2, column : column + 2]
        if 0 < column < FRAME_WIDTH - 2:
            cells[...] = self._balls[game.ball_y - CELL * row, game.ball_x - CELL * column]
        else:
            cells[...] = _photograph(game, column * CELL, row * CELL, 2 * CELL, 2 * CELL)
        return frame

    @staticmethod
    def full(game: Game) -> UInt8Array:
        """Draw the whole court and resize it: what `look` must equal, at two hundred times the cost."""
        return _photograph(game, 0, 0, COURT_WIDTH, COURT_HEIGHT)


def _photograph(game: Game, x: int, y: int, width: int, height: int) -> UInt8Array:
    """Draw a part of the court on an 8-bit surface and bring it down to a tenth."""
    rectangles = (
        (LEFT_X - x, game.paddles[LEFT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (RIGHT_X - x, game.paddles[RIGHT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (game.ball_x - x, game.ball_y - y, BALL, BALL),
    )
    return _draw_small(rectangles, width, height)


def _draw_small(rectangles: tuple[tuple[int, int, int, int], ...], width: int, height: int) -> UInt8Array:
    surface = pygame_quietly().Surface((width, height), depth=8)
    for rectangle in rectangles:
        # Clipped here, since pygame 2.6 fills too much of one that begins above the surface.
        surface.fill(WHITE, surface.get_rect().clip(rectangle))
    pixels = np.frombuffer(surface.get_buffer().raw, np.uint8).reshape(height, surface.get_pitch())
    cv2 = opencv()
    small: UInt8Array = cv2.resize(
        pixels[:, :width], (width // CELL, height // CELL), interpolation=cv2.INTER_AREA
    )
    return small


_stamps_made: tuple[UInt8Array, UInt8Array] | None = None


def _stamps() -> tuple[UInt8Array, UInt8Array]:
    """What a paddle at each y leaves on its column, and the ball at each place within two cells.

    Shapes (401, 50) and (11, 11, 2, 2), [y, …] and [y, x, …]. Made once for all cameras.
    """
    global _stamps_made
    if _stamps_made is None:
        paddles = [
            _draw_small(((0, y, PADDLE_WIDTH, PADDLE_HEIGHT),), PADDLE_WIDTH, COURT_HEIGHT)[:, 0]
            for y in range(PADDLE_BOTTOM + 1)
        ]
        places = range(CELL + 1)
        balls = [[_draw_small(((x, y, BALL, BALL),), 2 * CELL, 2 * CELL) for x in places] for y in places]
        _stamps_made = np.array(paddles), np.array(balls)
    return _stamps_made


def pygame_quietly() -> Any:
    """Import pygame without its greeting, and only when something is to be drawn."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    return pygame


def opencv() -> Any:
    """Import OpenCV.

    Raises:
        PongError: it cannot be loaded, as the one with windows cannot on a machine without libGL.
    """
    try:
        import cv2
    except ImportError as error:
        raise PongError(
            f"OpenCV cannot be loaded ({error}): "
            "pip install -r requirements.txt, or opencv-python-headless on a machine without a display"
        ) from error
    return cv2
