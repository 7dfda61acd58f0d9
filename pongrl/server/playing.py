"""What a server plays, as its parts see it: they play by this interface, and know no game.

Offer     what is played, for those who come
Playing   the games themselves; `Match` plays Pong, and pongrl.envs.arcade other games
Talker    an agent that plays, as people are told of it

The engine calls a Playing in its own thread alone: `tick` 60 times a second in real time, and in lockstep
`decide` whenever all agents have answered. Then each agent is sent what `observe` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pongrl.game.people import Keys, Snapshot
from pongrl.server.hand import Hand
from pongrl.wire.messages import Role, Session, Step


class Offer(Protocol):
    """What is played. It never changes; people's wishes put another one in its place."""

    @property
    def lockstep(self) -> bool:
        """Whether the games wait for the agents."""

    @property
    def fps(self) -> int:
        """Ticks per second of real time."""

    @property
    def inset(self) -> bool:
        """Whether people want to see what the agent is sent."""

    def session(self) -> Session:
        """Return what an agent is told of the games in WELCOME."""

    def closed(self, side: Role) -> str:
        """Say why no agent may have the paddle of a side; "" if one may."""


class Talker(Protocol):
    """An agent that plays."""

    side: Role
    name: str
    paused: bool

    @property
    def peer(self) -> str:
        """The agent's address, to be shown to people."""


class Playing(Protocol):
    """The games of a server."""

    @property
    def options(self) -> Offer:
        """What is played now."""

    @property
    def moves(self) -> Sequence[str]:
        """The names of the moves that an agent has; its ACTIONs give their numbers."""

    @property
    def paddles(self) -> Sequence[int]:
        """The paddles of the first game: y of the left and of the right one, in pixels of the court."""

    def begin(self) -> None:
        """Start new games; nobody is seated at them."""

    def begin_decision(self) -> None:
        """Start a decision of real time: its first tick comes next."""

    def seat(self, side: Role) -> Sequence[Hand]:
        """Give an agent the paddles of a side, and return its hands, one a game."""

    def unseat(self, side: Role) -> None:
        """Take the paddles of a side from its agent."""

    def obey(self, keys: Keys) -> bool:
        """Do what people wish for, other than to move their paddles; return True if `options` are others."""

    def tick(self, keys: Keys) -> bool:
        """Play one tick of real time; return True if a decision has ended with it."""

    def decide(self, keys: Keys) -> None:
        """Play a whole decision of lockstep."""

    def observe(self, side: Role, number: int, dropped: int) -> Step:
        """Return the state for the agent of a side, and start counting for its next one."""

    def snapshot(self) -> Snapshot:
        """Return how the first game stands. `Snapshots` fills in what only the server knows."""

    def status(self, talks: Sequence[Talker], idle: str, keys: Keys) -> str:
        """Say who plays and who pauses; `idle` is for a server without an agent."""
