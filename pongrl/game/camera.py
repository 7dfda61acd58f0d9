"""The picture that an agent is sent: the court of 700×500 pixels, drawn by pygame, as 70×50 cells by OpenCV.

It has no score and no centre line. A `Camera` gives the same picture as drawing all of it, much faster.
"""

from __future__ import annotations

import functools

import numpy as np

from pongrl.game.drawing import opencv, pygame_quietly
from pongrl.game.rules import (
    BALL,
    COURT_HEIGHT,
    COURT_WIDTH,
    LEFT,
    LEFT_X,
    PADDLE_BOTTOM,
    PADDLE_HEIGHT,
    PADDLE_WIDTH,
    RIGHT,
    RIGHT_X,
    Game,
)
from pongrl.wire.arrays import UInt8Array

CELL = 10  # a cell of the frame is so many pixels of the court wide, and high
FRAME_WIDTH, FRAME_HEIGHT = COURT_WIDTH // CELL, COURT_HEIGHT // CELL
WHITE = 255


class Camera:
    """Makes frames (50, 70) uint8: each cell is the mean of 10×10 pixels of black court and white things.

    `full` is the definition: draw 700×500 pixels, resize them with cv2.INTER_AREA. What a paddle or the ball
    looks like in the frame depends only on its place within a cell. So `look` copies small pictures that were
    drawn and resized once, for every place. It draws only where ball and paddle may share a cell.

    Args:
        frame: the array to draw into, all zero; without one the camera makes its own.
    """

    def __init__(self, frame: UInt8Array | None = None) -> None:
        self.frame = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.uint8) if frame is None else frame
        self._ball_cells = self.frame[:2, :2]  # where the ball was drawn last
        self._paddles, self._balls = _stamps()

    def look(self, game: Game) -> UInt8Array:
        """Bring the frame up to date with the game, and return it. It is the same array every time."""
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
        """Draw the whole court and resize it. `look` gives the same frame, two hundred times as fast."""
        return _photograph(game, 0, 0, COURT_WIDTH, COURT_HEIGHT)


def _photograph(game: Game, x: int, y: int, width: int, height: int) -> UInt8Array:
    """Draw a part of the court, and return it at a tenth of its size."""
    rectangles = (
        (LEFT_X - x, game.paddles[LEFT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (RIGHT_X - x, game.paddles[RIGHT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (game.ball_x - x, game.ball_y - y, BALL, BALL),
    )
    return _draw_small(rectangles, width, height)


def _draw_small(rectangles: tuple[tuple[int, int, int, int], ...], width: int, height: int) -> UInt8Array:
    """Draw white rectangles (x, y, width, height) on black, and return the picture at a tenth of its size."""
    surface = pygame_quietly().Surface((width, height), depth=8)
    for rectangle in rectangles:
        # pygame 2.6 fills too much of a rectangle that begins above the surface, so clip it first.
        surface.fill(WHITE, surface.get_rect().clip(rectangle))
    pixels = np.frombuffer(surface.get_buffer().raw, np.uint8).reshape(height, surface.get_pitch())
    cv2 = opencv()
    small: UInt8Array = cv2.resize(
        pixels[:, :width], (width // CELL, height // CELL), interpolation=cv2.INTER_AREA
    )
    return small


@functools.cache
def _stamps() -> tuple[UInt8Array, UInt8Array]:
    """Draw a paddle's column of the frame for each y, and the ball for each place within two by two cells.

    Returns:
        Arrays [y, row] (401, 50) and [y, x, row, column] (11, 11, 2, 2), made once for all cameras.
    """
    paddles = [
        _draw_small(((0, y, PADDLE_WIDTH, PADDLE_HEIGHT),), PADDLE_WIDTH, COURT_HEIGHT)[:, 0]
        for y in range(PADDLE_BOTTOM + 1)
    ]
    places = range(CELL + 1)
    balls = [[_draw_small(((x, y, BALL, BALL),), 2 * CELL, 2 * CELL) for x in places] for y in places]
    return np.array(paddles), np.array(balls)
