"""What an environment's agents observe and do, as spaces of Gymnasium."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction

from pongrl.envs.link import Int64Array
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.moves import MOVE_NAMES
from pongrl.wire.arrays import UInt8Array


def frame_space(shape: tuple[int, ...] = (FRAME_HEIGHT, FRAME_WIDTH)) -> spaces.Space[UInt8Array]:
    """Return the space of observations: frames (50, 70), or several of them."""
    return spaces.Box(0, 255, shape, np.uint8)


def move_space() -> spaces.Discrete:
    """Return the space of actions: 0 stays, 1 goes up, 2 goes down."""
    return spaces.Discrete(len(MOVE_NAMES))


def moves_of(actions: Any, shape: tuple[int, ...]) -> Int64Array:
    """Read one action, (), or one for each game, (games,), as an array of this shape.

    Raises:
        InvalidAction: they are no actions, or too few, or too many.
    """
    moves = np.asarray(actions)
    if moves.shape != shape or moves.dtype.kind not in "iu" or not is_move(moves).all():
        count = "one action" if shape == () else f"{shape[0]} actions"
        raise InvalidAction(f"there must be {count} of 0 (stay), 1 (up) and 2 (down), not {actions}")
    return moves.astype(np.int64)


def is_move(moves: Any) -> Any:
    """Return which numbers are moves."""
    return (moves >= 0) & (moves < len(MOVE_NAMES))
