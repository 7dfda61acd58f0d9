"""The server's talk with one agent, from the first STEP to the last.

The conversation has the agent's hands (one a game) and sets their moves from its ACTIONs. It is handed the
STEPs to send. It knows neither the games nor whether the other side has an agent too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pongrl.errors import ProtocolError
from pongrl.game.moves import MOVE_NAMES, STAY
from pongrl.server.hand import Hand
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import Mover, Role, Step, number_after, parse_action, parse_echo, parse_pause

log = logging.getLogger("pong")


class Conversation:
    """What the agent of one side is sent, and what it says.

    One STEP is outstanding at a time: when the agent has `answered`, `send` the next one, or in real time
    `drop` the states that are due before it has. While the agent has `paused` there is none to send.

    `hear` and `send` may raise PongError: the agent is gone, or broke the protocol.

    Args:
        connection: with the agent.
        side: which it has.
        hands: whose moves it sets, one a game.
        moves: how many moves there are.
    """

    def __init__(
        self, connection: Connection, side: Role, hands: Sequence[Hand], moves: int = len(MOVE_NAMES)
    ) -> None:
        self.connection, self.side = connection, side
        self.name = f"{side.name.lower()} agent"
        self.answered = True  # no STEP is outstanding
        self.paused = False
        self.dropped = 0  # states, so far
        self._hands, self._moves = hands, moves
        self._number = -1  # of the STEP sent last
        self._late = 0  # states dropped since the last answer
        self._debug = log.isEnabledFor(logging.DEBUG)

    @property
    def peer(self) -> str:
        """The agent's address, to be shown to people."""
        return self.connection.peer

    @property
    def next_number(self) -> int:
        """The number of the next STEP."""
        return number_after(self._number)

    def hear(self) -> Kind | None:
        """Do what the agent's next message asks for, and return its kind; None if there is none yet."""
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
            due = self.next_number if self.answered else self._number
            raise ProtocolError(f"an ACTION for STEP {number} where {due} is due")
        if max(moves) >= self._moves:
            known = "0 (stay), 1 (up) or 2 (down)" if self._moves == 3 else f"from 0 to {self._moves - 1}"
            raise ProtocolError(f"a move that is not {known}")
        if self._debug:
            log.debug("%s: ACTION %d: %s", self.name, number, list(moves))
        self.answered, self._late = True, 0
        for hand, move in zip(self._hands, moves, strict=True):
            hand.move, hand.mover = move, Mover.AGENT

    def send(self, step: Step) -> None:
        """Send a state. Until the answer comes the moves in force go on, held by nobody."""
        self._number = step.number
        self.connection.send(step.serialize())
        self.answered = False
        for hand in self._hands:
            hand.mover = Mover.HELD
        if self._debug:
            log.debug(
                "%s: STEP %d: rewards %s, moves %s by %s, dropped %d", self.name,
                step.number, step.rewards.tolist(), step.moves.tolist(), step.movers.tolist(), step.dropped,
            )  # fmt: skip

    def drop(self) -> None:
        """Count a state that is due while the last one is unanswered.

        The agent's last move goes on for one more decision; then its paddles stand until it answers.
        """
        self.dropped += 1
        self._late += 1
        if self._late > 1:
            for hand in self._hands:
                hand.move = STAY

    def end(self, reason: str = "") -> None:
        """Let the paddles stand, and say goodbye; the reason is for an agent whose own fault it is."""
        for hand in self._hands:
            hand.rest()
        self.connection.close(reason)
