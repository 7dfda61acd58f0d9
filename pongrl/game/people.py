"""What crosses between a game and its window.

The window is told who the `People` at it are. It gives their `Keys`, and is shown `Snapshot`s. So the window
needs no engine, and the engine no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.rules import PADDLE_HEIGHT
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import View

NEAR = 10  # pixels of the court that a paddle may be away from where a person points; it is seen a tick late


@dataclass(frozen=True)
class People:
    """Who sits at a window, and what they may do with the game. Without any of it they only look on."""

    sides: tuple[int, ...] = ()  # whose paddles their keys move
    play: bool = False  # these paddles are theirs; else they borrow one from an agent while they hold a key
    serve: bool = False  # the game is served to agents from here
    choose_level: bool = False  # of the built-in AI, while they play


class Keys(NamedTuple):
    """What people ask for, by keys, mouse, touch or gamepad: the moves that they hold now, and their wishes.

    A move is None if nobody holds one. `left` and `right` are those of people elsewhere, on the page.
    """

    letters: int | None = None  # W and S
    arrows: int | None = None
    either: int | None = None  # of both kinds, the one pressed last
    paused: bool = False
    level: int | None = None  # of the built-in AI; None for the one that the game began with
    restarts: int = 0  # new matches that they have asked for so far
    has_left: bool = False  # a person elsewhere has this paddle, or borrows it from an agent
    has_right: bool = False
    left: int | None = None
    right: int | None = None


def towards(y: float, paddle: int) -> int:
    """Return the move that brings a paddle to where a person points.

    Args:
        y: of the place on the court, in pixels.
        paddle: y of the paddle.
    """
    way = y - PADDLE_HEIGHT / 2 - paddle
    return STAY if abs(way) <= NEAR else DOWN if way > 0 else UP


@dataclass(frozen=True)
class Snapshot(View):
    """What the window shows of one moment: a View, and what only people at the game itself are shown."""

    frame: UInt8Array | None = None  # (50, 70), what the agent was sent last; None if nobody wants to see it
    sent: str = ""  # the same state in words
    serve_in: int = 0  # the number of the countdown before a serve; 0 if there is none
    notice: tuple[str, ...] = ()  # what to write across the court: a headline, and what stands below it
    level: int | None = None  # of the built-in AI now; None if that is not known
    agents: tuple[bool, bool] = (False, False)  # whether an agent has the left paddle, and the right one
    paused: bool = False
