"""The loop that plays on all servers, and learns while they play."""

from __future__ import annotations

import logging
import time

from pongrl.agent.books import Books
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.fleet import Fleet, Seat
from pongrl.agent.observers import Audience, Decided, Standing
from pongrl.agent.pilot import Pilot
from pongrl.agent.policy import probabilities
from pongrl.errors import ConnectionLostError, ProtocolError
from pongrl.wire.messages import Step
from pongrl.wire.waiting import give_way

STANDING_SECONDS = 0.05  # maximum age of the state of the run that observers are told

log = logging.getLogger("pong.agent")


class Trainer:
    """Plays, and lets the pilot learn whenever no server waits for an answer. For the training thread.

    Args:
        fleet: the servers.
        pilot: plays on them.
        books: count what came of it.
        commands: the console's.
        controls: what they work on.
        audience: is shown the games of the first server.
    """

    def __init__(
        self,
        fleet: Fleet,
        pilot: Pilot,
        books: Books,
        commands: Commands,
        controls: Controls,
        audience: Audience,
    ) -> None:
        self._fleet, self._pilot, self._books = fleet, pilot, books
        self._commands, self._controls, self._audience = commands, controls, audience
        self._is_debugging = log.isEnabledFor(logging.DEBUG)
        self._told: Standing | None = None
        self._told_until = 0.0

    def run(self) -> None:
        """Play until told to stop, until the length that was asked for is over, or until no server is left.

        Raises:
            PongError: a problem that the user must fix.
        """
        self._fleet.seek()
        while self._fleet.servers and not self._commands.has_quit and not self._books.is_complete():
            self.turn()

    def turn(self, patience: float | None = None) -> None:
        """Obey commands, look at all servers that are due, and wait if there was nothing new.

        Args:
            patience: seconds to wait at most; None for as long as it takes.
        """
        self._commands.obey(self._controls)
        if self._commands.has_quit:
            return
        self._fleet.take_arrivals()
        due, is_idle = self._fleet.due(), True
        for seat in due:
            if self._advance(seat):
                is_idle = False
        if is_idle and self._fleet.servers and not self._learn():
            self._wait(due, patience)

    def _advance(self, seat: Seat) -> bool:
        """Play on if the next state is there; return whether there was anything new."""
        try:
            step = seat.poll()
            if step is not None:
                self._play(seat, step)
        except (ConnectionLostError, ProtocolError) as error:
            self._fleet.lose(seat, error)
            return True
        return step is not None

    def _play(self, seat: Seat, step: Step) -> None:
        """Answer a state first; everything else is done while the server plays on."""
        player, rollout = self._pilot.player, seat.rollout
        is_first = rollout.pending is None
        moves = player.decide(rollout, step, seat.eyes.look(step))
        seat.client.act(moves)
        self._fleet.turns += 1
        player.learn()
        choice = rollout.pending
        assert choice is not None
        if self._is_debugging:
            chances = probabilities(choice.seen.logits).astype(float).round(3).tolist()
            log.debug(
                "STEP %d of %s: rewards %s; probabilities %s, moves %s", step.number, seat.server,
                step.rewards.tolist(), chances, moves.tolist(),
            )  # fmt: skip
        if seat.has_waited(step):
            self._books.restart_clock()
        if not is_first:
            self._books.count(step, seat.is_counted, seat.scores(step))
        if self._audience and self._fleet.is_first(seat):
            decided = Decided(seat.client.session, step, choice.seen, choice.chosen)
            self._audience.decided(decided, self._standing())

    def _learn(self) -> bool:
        """Learn a little, since there is nothing to answer now; return False if there is nothing to learn."""
        if not self._pilot.work():
            return False
        give_way()  # or a server that waits for this processor would wait for milliseconds
        return True

    def _wait(self, due: list[Seat], patience: float | None) -> None:
        """Wait for a state, a server, or a command; observers may want to look meanwhile."""
        seconds = patience
        if self._audience:
            self._audience.waited(self._standing())
            look = self._audience.look_seconds
            seconds = look if patience is None else patience if look is None else min(look, patience)
        self._fleet.wait(due, seconds)

    def _standing(self) -> Standing:
        """Return the state of the run for observers; it is cached, since making it takes time."""
        now = time.monotonic()
        if self._told is None or now >= self._told_until:
            self._told = self._books.standing(self._fleet.is_connected, self._fleet.is_paused)
            self._told_until = now + STANDING_SECONDS
        return self._told
