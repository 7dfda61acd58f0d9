"""The last frames of each game, for `frame_stack`: a single frame does not show where the ball goes."""

from __future__ import annotations

import numpy as np

from pongrl.checks import whole
from pongrl.envs.games import BoolArray
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.wire.arrays import UInt8Array

MOST_FRAMES = 16


class Stack:
    """Remembers the last frames of some games, the newest last.

    Args:
        games: how many.
        frames: of each game; 1 leaves frames as they are.

    Raises:
        UsageError: there cannot be so many frames.
    """

    def __init__(self, games: int, frames: int) -> None:
        whole("frame_stack", frames, 1, MOST_FRAMES)
        self._is_single = frames == 1
        self._frames = np.zeros((games, frames, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one game's observation: (50, 70), or (frames, 50, 70)."""
        return self._frames.shape[2:] if self._is_single else self._frames.shape[1:]

    def begin(self, which: BoolArray, frames: UInt8Array) -> None:
        """Begin episodes of some games (games,), whose first frame stands for those before it too."""
        self._frames[which] = frames[which, None]

    def add(self, frames: UInt8Array) -> None:
        """Add a frame of each game: (games, 50, 70)."""
        self._frames[:, :-1] = self._frames[:, 1:]
        self._frames[:, -1] = frames

    def observations(self) -> UInt8Array:
        """Return what is observed of each game now, to keep: (games, 50, 70), or (games, frames, 50, 70)."""
        return (self._frames[:, 0] if self._is_single else self._frames).copy()
