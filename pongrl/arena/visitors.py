"""People who play on the page: what they ask for, on its way to the hall's thread."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

from pongrl.server.guests import Paddle
from pongrl.wire.waiting import Wake


@dataclass(frozen=True)
class Come:
    """A person wishes to play."""

    seat: int  # by which the page knows the person
    name: str  # one line, ready to print
    identity: bytes = field(repr=False)  # the secret of the person's browser


@dataclass(frozen=True)
class Act:
    """A person does something with the paddle."""

    seat: int
    paddle: Paddle


@dataclass(frozen=True)
class Leave:
    """A person plays no more, or has gone."""

    seat: int


class Visitors:
    """Takes what people on the page ask for. Any thread may call `tell`; the hall takes it out."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[Come | Act | Leave] = queue.SimpleQueue()
        self._wake: Wake | None = None

    def wake_by(self, wake: Wake) -> None:
        """Let this be set whenever somebody asks for something."""
        self._wake = wake

    def tell(self, what: Come | Act | Leave) -> None:
        """Let a person ask for this."""
        self._told.put(what)
        if self._wake is not None:
            self._wake.set()

    def take(self) -> list[Come | Act | Leave]:
        """Return what was asked for since the last call, the oldest first."""
        taken = []
        while not self._told.empty():
            taken.append(self._told.get())
        return taken
