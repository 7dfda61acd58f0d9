"""The court as people see it, drawn from the frame and the score that an agent is sent.

A frame shows where things are to the pixel: a cell is the mean of 10×10 pixels, so a thing that lies
across two cells lights each by its share.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from game import (
    CELL,
    COURT_HEIGHT,
    COURT_WIDTH,
    FRAME_HEIGHT,
    PADDLE_BOTTOM,
    PADDLE_HEIGHT,
    RIGHT_X,
    WHITE,
    pygame_quietly,
)
from netproto import Int32Array, UInt8Array
from views.game_window import draw_court
from views.screen import open_display
from views.text import Text

POLL_SECONDS = 0.02  # while waiting; a window that answers later than this feels stuck


@dataclass(frozen=True)
class Places:
    """Where things are on the court, in pixels. The ball is None where a paddle's column hides it."""

    paddles: tuple[int, int]  # y of left and right
    ball: tuple[int, int] | None  # x, y


def places(frame: UInt8Array) -> Places:
    """Find paddles and ball in a frame (50, 70): to the pixel, but for a ball within a paddle's column."""
    return Places((_paddle(frame[:, 0]), _paddle(frame[:, -1])), _ball(frame))


@functools.cache
def _columns() -> Int32Array:
    """What a paddle at each y leaves on its column: (401, 50)."""
    y = np.arange(PADDLE_BOTTOM + 1)[:, None]
    top = np.arange(FRAME_HEIGHT) * CELL
    covered = np.minimum(y + PADDLE_HEIGHT, top + CELL) - np.maximum(y, top)
    return (covered.clip(0, CELL) * WHITE // CELL).astype(np.int32)


def _paddle(column: UInt8Array) -> int:
    return int(np.abs(_columns() - column).sum(axis=1).argmin())  # the nearest, if a ball is beside it


def _ball(frame: UInt8Array) -> tuple[int, int] | None:
    inside = frame[:, 1:-1].astype(np.int32)
    light = int(inside.sum())
    if not light:
        return None
    row, column = (np.arange(n) @ inside.sum(axis=1 - axis) / light for axis, n in enumerate(inside.shape))
    x = (column + 1) * CELL
    seen = light * CELL / WHITE  # pixels of its width
    if seen < CELL - 0.5:  # the rest is in the column of a paddle
        x = seen if column < 1 else RIGHT_X - seen
    return round(x), round(row * CELL)


def paint(surface: Any, frame: UInt8Array, scores: Int32Array) -> None:
    """Draw a frame (50, 70) and the score (2,) as people see them on a 700×500 surface."""
    found = places(frame)
    # The font is made here since whoever closes a window ends all fonts made before.
    draw_court(surface, Text(), (int(scores[0]), int(scores[1])), found.paddles, found.ball)


def picture(frame: UInt8Array, scores: Int32Array) -> UInt8Array:
    """Draw the same as an array (500, 700, 3); no display is needed."""
    pygame = pygame_quietly()
    surface = pygame.Surface((COURT_WIDTH, COURT_HEIGHT), depth=32)
    paint(surface, frame, scores)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


class CourtWindow:
    """Shows the same in a window, until a person closes it. For the main thread.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str) -> None:
        self._pygame = pygame_quietly()
        instead = 'leave out render_mode="human", or set SDL_VIDEODRIVER=dummy,'
        self._screen = open_display(title, (COURT_WIDTH, COURT_HEIGHT), instead)
        self._due = time.monotonic()
        self.is_open = True

    def show(self, frame: UInt8Array, scores: Int32Array) -> None:
        """Draw a frame (50, 70) and the score (2,)."""
        self.poll()
        if self.is_open:
            paint(self._screen, frame, scores)
            self._pygame.display.flip()

    def poll(self) -> None:
        """Handle what came in."""
        pygame = self._pygame
        if self.is_open and any(
            event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
            for event in pygame.event.get()
        ):
            self.close()

    def wait(self, seconds: float) -> None:
        """Wait, and handle what comes in meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.poll()
            time.sleep(min(left, POLL_SECONDS if self.is_open else left))

    def pace(self, seconds: float) -> None:
        """Wait until so long after the last time; not at all if that is over."""
        if self.is_open:
            self.wait(self._due - time.monotonic())
        self._due = max(self._due, time.monotonic()) + seconds

    def close(self) -> None:
        """Close the window."""
        if self.is_open:
            self.is_open = False
            self._pygame.display.quit()
