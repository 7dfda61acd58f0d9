"""Who can play in an arena: agents across the network, house players, and people on the page.

Each is a Contender, which a table lets play. A contender plays one match at a time; of a house player each
match has its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

from pongrl.arena.ledger import Player
from pongrl.arena.standings import Answers
from pongrl.errors import PongError
from pongrl.game.moves import STAY, VELOCITY
from pongrl.game.players import Player as Strategy
from pongrl.game.rules import Game
from pongrl.server.conversation import Conversation
from pongrl.server.guests import Paddle
from pongrl.server.hand import Hand
from pongrl.wire.framing import Kind
from pongrl.wire.messages import Mover, Step
from pongrl.wire.retry import LONGEST_PAUSE

Observe: TypeAlias = Callable[[Hand, int, int, int], Step]
"""Makes the state for a hand: its number, the states that were dropped, the matches that are finished."""


class Contender(Protocol):
    """One side of a match."""

    player: Player
    answers: Answers  # in this match

    @property
    def is_ready(self) -> bool:
        """Whether the next decision can be played: it has answered, or need not."""

    @property
    def silent_since(self) -> float | None:
        """When it should have answered, or has gone (time.monotonic); None if nothing is due from it."""

    def begin(self) -> None:
        """Begin a match."""

    def velocity(self, game: Game, side: int) -> float:
        """Return how far its paddle moves in this tick, in pixels."""

    def note(self, reward: int, hits: int) -> None:
        """Note what a tick has brought it."""

    def miss(self) -> None:
        """Count a decision that is played without its answer."""

    def see(self, observe: Observe) -> None:
        """Be shown the state, if it has answered the last one."""

    def end(self) -> None:
        """End the match; it has counted."""


class _Local:
    """A contender in this process: it is always ready, and sees the game itself."""

    is_ready = True
    silent_since = None

    def __init__(self, player: Player) -> None:
        self.player, self.answers = player, Answers()

    def begin(self) -> None:
        """Do nothing."""

    def note(self, reward: int, hits: int) -> None:
        """Do nothing."""

    def miss(self) -> None:
        """Do nothing."""

    def see(self, observe: Observe) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class HouseContender(_Local):
    """A house player in one match.

    Args:
        player: Which, as the ledger knows it.
        strategy: How it plays.
    """

    def __init__(self, player: Player, strategy: Strategy) -> None:
        super().__init__(player)
        self.velocity = strategy


class PersonContender(_Local):
    """A person on the page.

    Args:
        player: The person, as the ledger knows it.
    """

    def __init__(self, player: Player) -> None:
        super().__init__(player)
        self.paddle = Paddle()  # what the person does with it now

    def begin(self) -> None:
        """Let the paddle go."""
        self.paddle = Paddle()

    def velocity(self, game: Game, side: int) -> float:
        """Move as the person holds a key, or points at a place."""
        move = self.paddle.towards(game.paddles[side])
        return VELOCITY[STAY if move is None else move]


class AgentContender:
    """An agent across the network. It may lose its connection, and come back by another one.

    Args:
        player: The agent, as the ledger knows it.
    """

    def __init__(self, player: Player) -> None:
        self.player, self.answers = player, Answers()
        self.hand = Hand()
        self.talk: Conversation | None = None  # None while it is away
        self.matches = 0  # that it has finished here
        self._sent = time.monotonic()  # when the last state was, or the agent went away
        self._excused = 0.0  # until when it owes nothing, since this machine has slept
        self._is_late = False  # for the state that is outstanding
        self._is_new = True  # nothing was sent since it came
        self._error: PongError | None = None  # found while a state was sent

    def come(self, talk: Conversation) -> None:
        """Take the talk with the agent, which has come, or come back."""
        self.talk, self._error, self._is_late, self._is_new = talk, None, False, True
        self._sent = time.monotonic()

    def leave(self) -> None:
        """Note that the agent has gone. What it has not answered counts when it would have been due."""
        if self.talk is not None and not self.talk.answered and not self._is_late:
            self.answers = self.answers._replace(asked=self.answers.asked - 1)
        self._is_late = True
        self.talk, self._sent = None, time.monotonic()
        self.hand.rest()

    def excuse(self) -> None:
        """Restart the time in which it must answer, or come back: it looks for us now and then."""
        self._excused = time.monotonic() + LONGEST_PAUSE

    @property
    def is_free(self) -> bool:
        """Whether it can begin a match: it is here, not paused, and owes no answer."""
        return self.talk is not None and self.talk.answered and not self.talk.paused

    @property
    def is_ready(self) -> bool:
        """Whether it has answered."""
        return self.talk is not None and self.talk.answered

    @property
    def silent_since(self) -> float | None:
        """When it was sent the state that it has not answered, or has gone; None if it owes nothing."""
        return None if self.is_ready else max(self._sent, self._excused)

    def begin(self) -> None:
        """Begin a match, with the paddle at rest. The next state still tells of the last point before."""
        self.answers = Answers()
        self.hand.rest()

    def velocity(self, game: Game, side: int) -> float:
        """Move as its last answer says."""
        return VELOCITY[self.hand.move]

    def note(self, reward: int, hits: int) -> None:
        """Note it for the next state."""
        self.hand.make(self.hand.move, self.hand.mover, 1)
        self.hand.note(1, reward, hits)

    def hear(self) -> bool:
        """Do what its next message asks for. An answer that comes too late moves nothing.

        Returns:
            Whether there was one.

        Raises:
            PongError: It is gone, or broke the protocol.
        """
        if self._error is not None:
            raise self._error
        if self.talk is None:
            return False
        kind = self.talk.hear()
        if kind is Kind.ACTION:
            if self._is_late:
                self.hand.move, self.hand.mover, self._is_late = STAY, Mover.HELD, False
            else:
                seconds = self.answers.seconds + time.monotonic() - self._sent
                self.answers = self.answers._replace(seconds=seconds)
        return kind is not None

    def miss(self) -> None:
        """Let the paddle stand, and count the answer as late; and each later state that it is not sent."""
        asked, late, seconds = self.answers
        self.answers = Answers(asked + self._is_late, late + 1, seconds)
        self._is_late = True
        if self.talk is not None:
            self.talk.drop()
        self.hand.rest()

    def see(self, observe: Observe) -> None:
        """Send the state, if the last one was answered."""
        if self.talk is None or not self.talk.answered or self._error is not None:
            return
        if self._is_new:  # as with every server, its first state tells of nothing that was before
            self.hand.forget()
            self._is_new = False
        step = observe(self.hand, self.talk.next_number, self.talk.dropped, self.matches)
        self.hand.forget()
        try:
            self.talk.send(step)
        except PongError as error:  # whoever hears it next is told
            self._error = error
        self.answers, self._is_late = self.answers._replace(asked=self.answers.asked + 1), False
        self._sent = time.monotonic()

    def end(self) -> None:
        """Count the match. An answer that is still to come counts no more."""
        self.matches += 1
        if not self.is_ready and not self._is_late:
            self.answers, self._is_late = self.answers._replace(asked=self.answers.asked - 1), True
        self.hand.rest()
