"""Finds paddles and ball in a frame: the inverse of the camera.

A frame tells places to the pixel. A cell is the mean of 10×10 pixels, so a thing that covers parts of two
cells lights each by its share. The agent's film and its window of the court are made this way.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from pongrl.game.camera import CELL, FRAME_HEIGHT, WHITE
from pongrl.game.rules import PADDLE_BOTTOM, PADDLE_HEIGHT, RIGHT_X
from pongrl.wire.arrays import Int32Array, UInt8Array


@dataclass(frozen=True)
class Places:
    """Places on the court, in pixels. The ball is None where a paddle's column hides it."""

    paddles: tuple[int, int]  # y of left and right
    ball: tuple[int, int] | None  # x, y


def places(frame: UInt8Array) -> Places:
    """Find paddles and ball in a frame (50, 70), to the pixel; within a pixel for a ball near a paddle."""
    return Places((_paddle(frame[:, 0]), _paddle(frame[:, -1])), _ball(frame))


@functools.cache
def _columns() -> Int32Array:
    """Return a paddle's column of the frame for each y: (401, 50)."""
    y = np.arange(PADDLE_BOTTOM + 1)[:, None]
    top = np.arange(FRAME_HEIGHT) * CELL
    covered = np.minimum(y + PADDLE_HEIGHT, top + CELL) - np.maximum(y, top)
    return (covered.clip(0, CELL) * WHITE // CELL).astype(np.int32)


def _paddle(column: UInt8Array) -> int:
    # A ball may be in the same column, so take the y that comes nearest.
    return int(np.abs(_columns() - column).sum(axis=1).argmin())


def _ball(frame: UInt8Array) -> tuple[int, int] | None:
    inside = frame[:, 1:-1].astype(np.int32)
    light = int(inside.sum())
    if not light:
        return None
    row, column = (np.arange(n) @ inside.sum(axis=1 - axis) / light for axis, n in enumerate(inside.shape))
    x = (column + 1) * CELL
    seen = light * CELL / WHITE  # pixels of the ball's width
    if seen < CELL - 0.5:  # the rest is in a paddle's column
        x = seen if column < 1 else RIGHT_X - seen
    return round(x), round(row * CELL)
