"""A match to be watched again: where everything was at each tick, packed small.

A tick has six numbers, int16, little-endian: the ball's x and y, y of the left and the right paddle, and the
score. All ticks together are compressed by zlib, which browsers read as "deflate". Five minutes of the game
have 216 kB, and some 30 kB when they are packed.
"""

from __future__ import annotations

import zlib
from array import array

import numpy as np

from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.wire.arrays import Int32Array

COLUMNS = 6
MOST_BYTES = 1 << 21  # unpacked


class Recording:
    """What is recorded of one match."""

    def __init__(self) -> None:
        self._numbers = array("h")

    def add(self, game: Game) -> None:
        """Add a tick."""
        paddles, score = game.paddles, game.last_match or game.score
        self._numbers.extend(
            (game.ball_x, game.ball_y, paddles[LEFT], paddles[RIGHT], score[LEFT], score[RIGHT])
        )

    def __len__(self) -> int:
        return len(self._numbers) // COLUMNS

    def packed(self) -> bytes:
        """Return all that was recorded, packed."""
        return zlib.compress(np.array(self._numbers, "<i2").tobytes(), 6)


def unpacked(views: bytes) -> Int32Array:
    """Return the ticks of a packed recording: (ticks, 6)."""
    plain = zlib.decompressobj().decompress(views, MOST_BYTES)
    return np.frombuffer(plain, "<i2").reshape(-1, COLUMNS).astype(np.int32)
