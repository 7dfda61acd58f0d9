"""The last frames of each game, for `frame_stack`, in another size, for `screen_size`.

A single frame does not show where the ball goes. Networks that were made for Atari want 84×84 pixels.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from pongrl.checks import whole
from pongrl.envs.games import BoolArray
from pongrl.errors import UsageError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.drawing import opencv
from pongrl.wire.arrays import UInt8Array

MOST_FRAMES = 16
LARGEST_SIZE = 1000  # pixels, each way

ScreenSize: TypeAlias = int | tuple[int, int] | None
"""A number of pixels, or (width, height), as Gymnasium's AtariPreprocessing has it; None for 70×50."""


class Stack:
    """Remembers the last frames of some games, the newest last.

    Args:
        games: how many.
        frames: of each game; 1 leaves frames alone.
        size: that frames are brought to.

    Raises:
        UsageError: there cannot be so many frames, or not of this size.
    """

    def __init__(self, games: int, frames: int, size: ScreenSize = None) -> None:
        whole("frame_stack", frames, 1, MOST_FRAMES)
        self._is_single, self._size = frames == 1, checked(size)
        width, height = self._size or (FRAME_WIDTH, FRAME_HEIGHT)
        self._frames = np.zeros((games, frames, height, width), np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one game's observation: (50, 70), or (frames, 50, 70), or with the size's numbers."""
        return self._frames.shape[2:] if self._is_single else self._frames.shape[1:]

    def begin(self, which: BoolArray, frames: UInt8Array) -> None:
        """Begin episodes of some games (games,), whose first frame stands for those before it too."""
        self._frames[which] = self._sized(frames[which])[:, None]

    def add(self, frames: UInt8Array) -> None:
        """Add a frame of each game: (games, 50, 70)."""
        self._frames[:, :-1] = self._frames[:, 1:]
        self._frames[:, -1] = self._sized(frames)

    def observations(self) -> UInt8Array:
        """Return what is observed of each game now, to keep: (games, 50, 70), or (games, frames, 50, 70)."""
        return (self._frames[:, 0] if self._is_single else self._frames).copy()

    def _sized(self, frames: UInt8Array) -> UInt8Array:
        """Bring frames (games, 50, 70) to the size, as AtariPreprocessing does."""
        if self._size is None or not len(frames):
            return frames
        cv2 = opencv()
        return np.stack([cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA) for frame in frames])


def checked(size: ScreenSize) -> tuple[int, int] | None:
    """Return a size as (width, height); None stays None.

    Raises:
        UsageError: it is neither a number nor two, or a number is out of its range.
    """
    if size is None:
        return None
    both = tuple(size) if isinstance(size, tuple | list) else (size, size)  # JSON makes lists of tuples
    if len(both) != 2:
        raise UsageError(f"screen_size must be a number of pixels or (width, height), not {size}")
    for pixels in both:
        whole("screen_size", pixels, 1, LARGEST_SIZE)
    return both
