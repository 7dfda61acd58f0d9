"""What crosses between a game and its window.

The window is told who the `People` at it are. It gives their `Keys`, and is shown `Snapshot`s. So the window
needs no engine, and the engine no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import View


@dataclass(frozen=True)
class People:
    """Who sits at a window, and what they may do with the game. Without any of it they only look on."""

    sides: tuple[int, ...] = ()  # whose paddles their keys move
    play: bool = False  # these paddles are theirs; else they borrow one from an agent while they hold a key
    serve: bool = False  # the game is served to agents from here
    choose_level: bool = False  # of the built-in AI, while they play


class Keys(NamedTuple):
    """What people ask for, by keys, mouse, touch or gamepad: the moves that they hold now, and their wishes.

    A move is None if nobody holds one.
    """

    letters: int | None = None  # W and S
    arrows: int | None = None
    either: int | None = None  # of both kinds, the one pressed last
    paused: bool = False
    level: int | None = None  # of the built-in AI; None for the one that the game began with
    restarts: int = 0  # new matches that they have asked for so far


@dataclass(frozen=True)
class Snapshot(View):
    """What the window shows of one moment: a View, and what only people at the game itself are shown."""

    frame: UInt8Array | None = None  # (50, 70), what the agent was sent last; None if nobody wants to see it
    sent: str = ""  # the same state in words
    serve_in: int = 0  # the number of the countdown before a serve; 0 if there is none
    notice: tuple[str, ...] = ()  # what to write across the court: a headline, and what stands below it
