"""What people see of a game, and what their hands do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import View


class Keys(NamedTuple):
    """The moves of the keys that are held, None where none is: W and S, the arrow keys, either.

    `paused` is set by people who play without a server.
    """

    letters: int | None = None
    arrows: int | None = None
    either: int | None = None
    paused: bool = False


@dataclass(frozen=True)
class Snapshot(View):
    """What the window shows: the first board's game, and what the engine is doing."""

    frame: UInt8Array | None = None  # as last sent to the agent, if a person wants to see that
    sent: str = ""  # and the words for it
