"""The server's talk with one agent, from the first STEP to the last.

Hand           one paddle of one game: the move in force, and the books of what the next STEP tells
Conversation   what an agent is sent and says, that has the hands of one side in all games

Nothing here knows the games, nor whether an agent has the other side. Each side has its own books, since in
real time the STEPs of two agents go out at different times: each when the agent has answered the last one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pongrl.errors import ProtocolError
from pongrl.game.moves import DOWN, STAY
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import Mover, Role, Step, parse_action, parse_echo, parse_pause

TakeStep: TypeAlias = Callable[[Role, int, int], Step]
"""Given a side, the STEP's number and the states dropped, what that side is told now."""


log = logging.getLogger("pong")


class Hand:
    """One paddle of one game: the move in force, and what has happened since the last STEP about it."""

    def __init__(self) -> None:
        self.move, self.mover = STAY, Mover.HELD  # in force
        self.forget()

    def forget(self) -> None:
        """Begin anew what the next STEP tells."""
        self.reward = self.points = self.ticks = self.hits = 0
        self.made: dict[tuple[int, Mover], int] = {}  # ticks of each move by each mover

    def make(self, move: int, mover: Mover, ticks: int) -> None:
        """Note that a move was made for so many ticks."""
        self.made[move, mover] = self.made.get((move, mover), 0) + ticks

    def note(self, ticks: int, reward: int, hits: int) -> None:
        """Note what these ticks have brought this side."""
        self.ticks += ticks
        self.reward += reward
        self.points += abs(reward)
        self.hits += hits

    def row(self, own: int, other: int, matches: int) -> tuple[int, ...]:
        """The row of STEP's table (Column), with the match's score as this side sees it."""
        made = max(self.made, key=self.made.__getitem__) if self.made else (self.move, self.mover)
        return (self.reward, own, other, matches & 0x7FFFFFFF, *made, self.points, self.ticks, self.hits, 0)


class Conversation:
    """The talk with the agent that has one side. Its owner plays on when `answered` and nobody `paused`.

    Every method may raise PongError: the agent is gone, or broke the protocol.
    """

    def __init__(
        self, connection: Connection, side: Role, hands: Sequence[Hand], take_step: TakeStep
    ) -> None:
        self.connection, self.side = connection, side
        self.name = f"{side.name.lower()} agent"
        self.answered = True  # no STEP is outstanding
        self.paused = False
        self._hands, self._take_step = hands, take_step
        self._number = -1  # of the STEP sent last
        self._dropped = 0
        self._late = 0  # states dropped since the last answer
        self._debug = log.isEnabledFor(logging.DEBUG)

    def hear(self) -> Kind | None:
        """Do what the next message asks for, if there is one: its kind. Never wait."""
        came = self.connection.take()
        if came is None:
            return None
        kind, body = came
        if kind is Kind.ACTION:
            self._take_action(body)
        elif kind is Kind.PING:
            self.connection.send(message(Kind.PONG, parse_echo(body)))
            log.debug("%s: PING, answered", self.name)
        elif kind is Kind.PAUSE:
            self.paused = parse_pause(body)
        return kind

    def _take_action(self, body: bytes) -> None:
        number, moves = parse_action(body, len(self._hands))
        if number != self._number or self.answered:
            raise ProtocolError(f"an ACTION for STEP {number} where {self._number + self.answered} is due")
        if max(moves) > DOWN:
            raise ProtocolError("a move that is not 0 (stay), 1 (up) or 2 (down)")
        if self._debug:
            log.debug("%s: ACTION %d: %s", self.name, number, list(moves))
        self.answered, self._late = True, 0
        for hand, move in zip(self._hands, moves, strict=True):
            hand.move, hand.mover = move, Mover.AGENT

    def send_step(self) -> Step:
        """Send the state that is there now, and give it."""
        self._number = (self._number + 1) % (1 << 32)
        step = self._take_step(self.side, self._number, self._dropped)
        self.connection.send(step.serialize())
        self.answered = False
        for hand in self._hands:
            hand.mover = Mover.HELD  # until the answer comes
        if self._debug:
            log.debug(
                "%s: STEP %d: rewards %s, moves %s by %s, dropped %d", self.name,
                step.number, step.rewards.tolist(), step.moves.tolist(), step.movers.tolist(), step.dropped,
            )  # fmt: skip
        return step

    def end_decision(self) -> Step | None:
        """In real time: send the state that is due and give it, or drop it if the last one is unanswered."""
        if self.answered:
            return self.send_step()
        self._dropped += 1
        self._late += 1
        if self._late > 1:  # the last move was held for one more decision; that must do
            for hand in self._hands:
                hand.move = STAY
        return None

    def end(self, reason: str = "") -> None:
        """Let the paddles stand, and say goodbye, and why if it is the agent's fault."""
        for hand in self._hands:
            hand.move, hand.mover = STAY, Mover.HELD
        self.connection.close(reason)
