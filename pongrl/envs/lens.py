"""What a learner is sent of an environment's picture: a small grey frame, made by OpenCV.

`Lens` says how a picture is brought down, `ScreenCamera` does it, and `court_of` finds paddles and ball again
in a frame of two paddles. The steps, each of which a Lens may leave out:

    picture ──► grey ──► the court alone ──► background dark ──► small (INTER_AREA) ──► brighter ──► mirrored
                                                                 each paddle in a column of its own

A picture of Atari's Pong has the score above the court and the own paddle at the right. On the wire the own
paddle is in the first column, so the frame is the mirror image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pongrl.errors import UsageError
from pongrl.game.camera import WHITE
from pongrl.game.drawing import opencv
from pongrl.game.places import Places
from pongrl.game.rules import BALL, COURT_HEIGHT, LEFT_X, PADDLE_BOTTOM, PADDLE_HEIGHT, PADDLE_WIDTH, RIGHT_X
from pongrl.wire.arrays import UInt8Array

LARGEST = 128  # cells of a frame, each way
SAMPLE = 4  # every so many pixels the background is looked for, if there are MANY of these each way
MANY = 16
COLOURS = ("flat", "distance", "grey")
"""What is made of a pixel: white where it is not background; how far it is from it; the grey itself."""

Range: TypeAlias = tuple[int, int]
"""From, and up to but without, in pixels of the picture."""


@dataclass(frozen=True)
class Lens:
    """How a picture is brought down to a frame of (height, width) cells."""

    height: int
    width: int
    rows: Range | None = None  # of the court; None for the whole picture
    columns: Range | None = None
    paddles: tuple[Range, Range] | None = None  # columns of the left and of the right paddle in the picture
    colours: str = "distance"
    gain: float = 1.0  # how much brighter all but the paddles gets
    is_mirrored: bool = False

    def check(self, name: str, height: int, width: int) -> None:
        """Check that it fits a picture.

        Args:
            name: of the environment.
            height, width: of its picture, in pixels.

        Raises:
            UsageError: it does not.
        """
        rows, columns = self.rows or (0, height), self.columns or (0, width)
        fits = 0 <= rows[0] < rows[1] <= height and 0 <= columns[0] < columns[1] <= width
        if not fits:
            raise UsageError(
                f"--crop {spelled(rows, columns)} is not inside the picture of {name}, which has {height} "
                f"rows and {width} columns of pixels"
            )
        for one in self.paddles or ():
            if not 0 <= one[0] < one[1] <= width:
                raise UsageError(
                    f"--paddles {spelled(*(self.paddles or ()))} are not inside the picture of {name}, which "
                    f"has {width} columns of pixels"
                )
        least = 3 if self.paddles else 1
        if not (1 <= self.height <= LARGEST and least <= self.width <= LARGEST):
            raise UsageError(
                f"--size {self.height}x{self.width} does not fit: a frame has up to {LARGEST} rows, and from "
                f"{least} to {LARGEST} columns"
            )


class ScreenCamera:
    """Makes frames of pictures (rows, columns) or (rows, columns, 3), uint8."""

    def __init__(self, lens: Lens) -> None:
        self._lens, self._cv2 = lens, opencv()

    def look(self, picture: UInt8Array, frame: UInt8Array) -> None:
        """Bring a picture down to `frame`, (height, width)."""
        lens = self._lens
        grey = self._grey(picture)
        rows = slice(*lens.rows) if lens.rows else slice(None)
        columns = slice(*lens.columns) if lens.columns else slice(None)
        inside = grey[rows, columns]
        background = commonest(inside)
        if lens.paddles is None:
            frame[:] = self._small(inside, background, lens.width, lens.gain)
        else:
            frame[:, 1:-1] = self._small(inside, background, lens.width - 2, lens.gain)
            for column, paddle in zip((0, -1), lens.paddles, strict=True):
                frame[:, column] = self._small(grey[rows, slice(*paddle)], background, 1, 1.0)[:, 0]
        if lens.is_mirrored:
            frame[:] = frame[:, ::-1].copy()

    def _grey(self, picture: UInt8Array) -> UInt8Array:
        if picture.ndim == 2:
            return picture
        if picture.shape[2] == 1:
            return picture[:, :, 0]
        grey: UInt8Array = self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2GRAY)
        return grey

    def _small(self, part: UInt8Array, background: int, width: int, gain: float) -> UInt8Array:
        """Bring a part of the picture down to `width` columns."""
        colours, cv2 = self._lens.colours, self._cv2
        if colours == "flat":
            part = (part != background).view(np.uint8) * np.uint8(WHITE)
        elif colours == "distance":
            part = cv2.absdiff(part, np.full_like(part, background))
        small: UInt8Array = cv2.resize(
            np.ascontiguousarray(part), (width, self._lens.height), interpolation=cv2.INTER_AREA
        )
        return small if gain == 1.0 else cv2.convertScaleAbs(small, alpha=gain)


def commonest(picture: UInt8Array) -> int:
    """Return the grey that most of a picture has: its background."""
    sample = picture[::SAMPLE, ::SAMPLE] if min(picture.shape) >= MANY * SAMPLE else picture
    return int(np.bincount(sample.ravel(), minlength=256).argmax())


def court_of(frame: UInt8Array, before: tuple[int, int]) -> Places:
    """Find paddles and ball, as near as cells tell, in a frame with each paddle alone in an outer column.

    Args:
        frame: (height, width).
        before: y of the paddles where none is seen.
    """
    height, width = frame.shape
    cell = COURT_HEIGHT / height
    paddles = []
    for edge, y in zip((0, -1), before, strict=True):
        row = _middle(frame[:, edge].astype(np.int64))
        top = y if row is None else math.floor(row * cell - PADDLE_HEIGHT / 2)
        paddles.append(min(max(top, 0), PADDLE_BOTTOM))
    inside = frame[:, 1:-1].astype(np.int64)
    row, column = _middle(inside.sum(axis=1)), _middle(inside.sum(axis=0))
    ball = None
    if row is not None and column is not None:
        left, right = LEFT_X + PADDLE_WIDTH, RIGHT_X - BALL
        x = left + round(column / (width - 2) * (right - left))
        y = min(max(round(row * cell - BALL / 2), 0), COURT_HEIGHT - BALL)
        ball = (x, y)
    return Places((paddles[0], paddles[1]), ball)


def _middle(light: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float | None:
    """Return where the middle of the light is, in cells from the edge; None if there is no light."""
    whole = int(light.sum())
    return float((np.arange(len(light)) + 0.5) @ light / whole) if whole else None


def spelled(*ranges: Range) -> str:
    """Spell ranges as an option has them: 34:194,28:140."""
    return ",".join(f"{low}:{high}" for low, high in ranges)


def ranges_of(flag: str, text: str) -> tuple[Range, Range]:
    """Read two ranges of pixels from an option.

    Raises:
        UsageError: it has none.
    """
    try:
        first, second = ((int(low), int(high)) for low, high in (one.split(":") for one in text.split(",")))
    except ValueError:
        raise UsageError(f"{flag} must be two ranges of pixels, such as 34:194,28:140, not {text}") from None
    return first, second


def size_of(text: str) -> tuple[int, int]:
    """Read the size of a frame from an option: rows and columns.

    Raises:
        UsageError: it has none.
    """
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal()):
        raise UsageError(f"--size must be rows and columns of cells, such as 80x30, not {text}")
    return int(rows), int(columns)
