"""The two values that cross between a game and its window.

The window gives `Keys` and is shown `Snapshot`s. So the window needs no engine, and the engine no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import View


class Keys(NamedTuple):
    """The moves of the keys that people hold now; None if they hold none."""

    letters: int | None = None  # W and S
    arrows: int | None = None
    either: int | None = None  # the key pressed last, of both kinds
    paused: bool = False  # only people who play without a server pause by a key


@dataclass(frozen=True)
class Snapshot(View):
    """What the window shows of one moment: a View, and with --render what the agent was sent last."""

    frame: UInt8Array | None = None  # (50, 70); None if nothing was sent, or nobody wants to see it
    sent: str = ""  # the same state in words
