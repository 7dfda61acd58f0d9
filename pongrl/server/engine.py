"""The thread that plays the games and serves an agent at each side. It owns both clocks.

The engine alone touches the games, and it alone reads from the agents' connections; heartbeats are sent on
them by another thread (`Seats.keep_alive`), which a connection's own lock allows. The listener's thread
leaves new connections in the `Seats`; the main thread leaves the keys that people hold (`hold`). Observers
are told what happens, in the engine's thread.

Two clocks, one protocol. In real time the engine ticks at 60 Hz and never waits for an agent. A state that is
due while the last one is unanswered is dropped and counted; its reward goes into the next. In lockstep the
engine plays only when every agent has answered, at once and as fast as it can. A tick is 1/60 s of game time
on both, so a policy that was trained on one plays the same game on the other.

Two sides. An agent has the left paddles, or the right ones in place of the built-in AI; each comes and goes
when it likes. An agent that comes to an empty server in lockstep starts new games. One that joins another
agent is shown the games as they stand. While nobody is there to play, or people get ready, the ball waits
for its serve (umpire.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from pongrl.errors import PongError, ProtocolError
from pongrl.game.people import Keys
from pongrl.server.clock import Clock
from pongrl.server.conversation import Conversation
from pongrl.server.guests import Guests
from pongrl.server.playing import Playing
from pongrl.server.seats import Arrival, Seats
from pongrl.wire import connection as wire
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind
from pongrl.wire.messages import Step
from pongrl.wire.waiting import Wake

Wait: TypeAlias = Callable[[Sequence[Connection], float | None, Wake | None], bool]

log = logging.getLogger("pong")


class Observer(Protocol):
    """Is told what the engine does, in the engine's thread."""

    def gathered(self, talks: Sequence[Conversation], keys: Keys) -> None:
        """An agent has come, left, paused or gone on. These are here now, the left one first."""

    def played(self, keys: Keys, sent: Step | None) -> None:
        """A tick of real time is over (`sent` is None), or a state was sent to the first agent."""


class Engine(threading.Thread):
    """Plays the match, and serves the agents that come, until `stop`.

    Other threads may call `stop` and `hold`. `error` is what ended the thread, if it was not `stop`.

    Args:
        match: the games, and what is played.
        seats: where agents arrive, and which sides they have.
        observers: are told what happens.
        guests: people who play from elsewhere.
        clock: when ticks of real time are due.
        wait: waits for the agents, as pongrl.wire.connection.wait does.
    """

    def __init__(
        self,
        match: Playing,
        seats: Seats,
        observers: Sequence[Observer] = (),
        guests: Guests | None = None,
        clock: Clock | None = None,
        wait: Wait = wire.wait,
    ) -> None:
        super().__init__(name="engine", daemon=True)
        self._lockstep, self._match = match.options.lockstep, match
        self._seats, self._observers = seats, observers
        self._clock = Clock(match.options.fps) if clock is None else clock
        self._guests, self._wait = guests, wait
        self._stopping = False
        self._held = Keys()  # at the window
        self._talks: tuple[Conversation, ...] = ()  # with the agents that are here, the left one first
        self._pausing: tuple[Conversation, ...] = ()  # those of them that pause the game
        self.error: BaseException | None = None

    # For any thread.

    def stop(self) -> None:
        """Let the thread end soon."""
        self._stopping = True
        self._seats.shut()

    def hold(self, keys: Keys) -> None:
        """Let people at the window hold these keys until the next call."""
        self._held = keys

    # For this thread.

    def run(self) -> None:
        """Play, and serve the agents that come. This is the thread."""
        try:
            self._settle()
            self._clock.restart()
            while not self._stopping:
                self.turn()
        except BaseException as error:
            self.error = error
        finally:
            self.stop()
            for talk in self._talks:
                talk.end()

    def turn(self) -> None:
        """Wait for the next thing to happen, and do what it asks for."""
        arrival = next(self._seats.arrivals(), None)  # one at a time, and then a look at the clock
        if arrival is not None:
            self._seat(arrival)
        elif self._is_ticking():
            self._listen(self._clock.due)
        elif not self._can_decide():
            self._listen(None)
        if self._is_ticking():
            if time.monotonic() >= self._clock.due:
                self._tick()
                self._clock.advance()
        elif self._can_decide():
            self._match.decide(self._keys)
            self._end_decision()

    @property
    def _keys(self) -> Keys:
        """What all people ask for now."""
        if self._guests is None:
            return self._held
        return self._guests.join(self._held, self._match.paddles)

    def _is_ticking(self) -> bool:
        """Return whether real time passes. In lockstep it does while no agent is here, or people pause."""
        return not self._pausing and (self._keys.paused or not (self._lockstep and self._talks))

    def _can_decide(self) -> bool:
        """Return whether the next decision can be played, where agents are waited for.

        When people have just ended a pause it can be at once: all have answered already, and say no more.
        """
        return not self._pausing and all(talk.answered for talk in self._talks)

    def _listen(self, until: float | None) -> None:
        """Do what the agents ask for, once one says something, or `until` is reached."""
        talks = self._talks
        if not talks:
            self._seats.wake.wait(None if until is None else max(until - time.monotonic(), 0.0))
            return
        while True:
            heard = [self._hear(talk) for talk in talks]
            if Kind.PAUSE in heard:
                self._settle()
            if any(heard) or self._talks is not talks:
                return
            may_have_come = self._wait([talk.connection for talk in talks], until, self._seats.wake)
            if not may_have_come or (until is not None and time.monotonic() >= until):
                return

    def _tick(self) -> None:
        """Play a tick of real time, unless people pause the game."""
        keys = self._keys
        if self._match.obey(keys):
            self._seats.options = self._match.options
            self._settle()
        # People may have ended a pause since this turn began: in lockstep an agent is waited for then.
        is_for_agents = self._lockstep and self._talks
        if not (keys.paused or is_for_agents) and self._match.tick(keys):
            self._end_decision()
        self._tell_observers(None)

    def _end_decision(self) -> None:
        """Send each agent its state, or drop it where the last one is unanswered."""
        talks = self._talks
        for talk in talks:
            if not talk.answered:
                talk.drop()
                continue
            step = self._send(talk)
            if step is not None and talk is talks[0]:
                self._tell_observers(step)

    def _tell_observers(self, sent: Step | None) -> None:
        for observer in self._observers:
            observer.played(self._keys, sent)

    # Agents that come, talk and leave.

    def _hear(self, talk: Conversation) -> Kind | None:
        """Hear an agent's next message; None if there is none, or the agent has turned out to be gone."""
        try:
            return talk.hear()
        except PongError as error:
            self._lose(talk, error)
            return None

    def _send(self, talk: Conversation) -> Step | None:
        """Send an agent the state of now, and return it; None if the agent has turned out to be gone."""
        step = self._match.observe(talk.side, talk.next_number, talk.dropped)
        try:
            talk.send(step)
        except PongError as error:
            self._lose(talk, error)
            return None
        return step

    def _seat(self, arrival: Arrival) -> None:
        """Begin the talk with an agent. One that has come back takes the place of its old connection."""
        connection, side = arrival
        for old in self._talks:
            if old.side is side:
                log.info(
                    "the %s from %s has connected again: its old connection ends", old.name, connection.peer
                )
                self._part(old, "the same agent has connected again")
        if not self._talks:
            if self._lockstep:
                self._match.begin()  # so that the same seed plays the same games with every agent
            self._match.begin_decision()
        talk = Conversation(connection, side, self._match.seat(side), len(self._match.moves))
        log.info("%s connected from %s", talk.name, connection.peer)
        self._talks = tuple(sorted((*self._talks, talk), key=lambda talk: talk.side))
        self._settle()
        self._send(talk)
        if self._talks == (talk,):
            self._clock.restart()

    def _lose(self, talk: Conversation, error: PongError) -> None:
        """Part from an agent that is gone or broke the protocol; tell it if that is its own fault."""
        log.info("%s gone: %s", talk.name, error)
        self._part(talk, f"it was sent {error}" if isinstance(error, ProtocolError) else "")

    def _part(self, talk: Conversation, reason: str) -> None:
        """End the talk with an agent; with the other one it goes on."""
        self._talks = tuple(other for other in self._talks if other is not talk)
        talk.end(reason)
        self._seats.leave(talk.connection, talk.side)
        self._match.unseat(talk.side)
        if not self._talks:
            self._clock.restart()
        self._settle()

    def _settle(self) -> None:
        """Note which agents are here and which of them pause, and tell the observers."""
        before, self._pausing = self._pausing, tuple(talk for talk in self._talks if talk.paused)
        if bool(before) != bool(self._pausing):
            self._clock.restart()
        for talk in self._pausing:
            if talk not in before:
                log.info("the %s has paused the game", talk.name)
        if before and not self._pausing:
            log.info("the game goes on")
        for observer in self._observers:
            observer.gathered(self._talks, self._keys)
