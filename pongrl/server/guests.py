"""People who play from elsewhere, on the page: what they ask for beside the people at the window.

The page leaves a `Wish` whenever a guest does something; the engine's thread takes the latest at each turn.
Where a guest points at a place, the move towards it is found here, since only the engine knows where the
paddle is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pongrl.game.people import Keys, towards
from pongrl.game.rules import LEFT, RIGHT


class Paddle(NamedTuple):
    """What a guest does with a paddle: holds a move, or points at a place; or neither."""

    move: int | None = None
    to: float | None = None  # y of the court at which the paddle's middle is to be

    def towards(self, paddle: int) -> int | None:
        """Return the move to make now with the paddle, which is at this y; None if none is asked for."""
        return self.move if self.to is None else towards(self.to, paddle)


class Wish(NamedTuple):
    """What all guests together ask for."""

    left: Paddle | None = None  # None while no guest has the paddle
    right: Paddle | None = None
    paused: bool = False
    level: int | None = None  # of the built-in AI that was chosen; None if none was
    restarts: int = 0  # new matches that were asked for so far


NOTHING = Wish()


class Guests:
    """Keeps the guests' latest wish. Any thread may call `wish_for`."""

    def __init__(self) -> None:
        self._wish = NOTHING

    def wish_for(self, wish: Wish) -> None:
        """Let this be what the guests ask for from now on."""
        self._wish = wish

    def leave(self) -> None:
        """Let all guests be gone, and their pause with them."""
        self._wish = self._wish._replace(left=None, right=None, paused=False)

    @property
    def has_right(self) -> bool:
        """Whether a guest has the right paddle."""
        return self._wish.right is not None

    def join(self, keys: Keys, paddles: Sequence[int]) -> Keys:
        """Return what all people ask for, those at the window too.

        Args:
            keys: What the people at the window hold.
            paddles: y of the left and of the right paddle.
        """
        wish = self._wish
        if wish is NOTHING:
            return keys
        return keys._replace(
            paused=keys.paused or wish.paused,
            level=keys.level if wish.level is None else wish.level,
            restarts=keys.restarts + wish.restarts,
            has_left=wish.left is not None,
            has_right=wish.right is not None,
            left=None if wish.left is None else wish.left.towards(paddles[LEFT]),
            right=None if wish.right is None else wish.right.towards(paddles[RIGHT]),
        )
