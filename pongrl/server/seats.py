"""Who has which side: two seats for agents, one a side.

The listener asks here whether a stranger that knows the token may come in (`admit`), and brings the
connection (`deliver`). The engine takes it from `arrivals`. An agent that comes back after its connection
was lost has its own seat again: it is known by its identity, a secret of its own.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from typing import NamedTuple

from pongrl.errors import ConnectionLostError, Refusal, RefusedError
from pongrl.server.guests import Guests
from pongrl.server.lobby import Lobby, Watchers
from pongrl.server.playing import Offer
from pongrl.wire.allowance import Allowance
from pongrl.wire.connection import HEARTBEAT_SECONDS, Connection
from pongrl.wire.handshake import Admission, Applicant
from pongrl.wire.messages import NOBODY, Role, Session

SIDES = (Role.LEFT, Role.RIGHT)
VISITS_AT_ONCE, VISITS_PER_SECOND = 20, 2  # by agents to one side, whoever they are


class Arrival(NamedTuple):
    """An agent's connection, for the engine to serve."""

    connection: Connection
    side: Role


class _Seat(NamedTuple):
    connection: Connection
    identity: bytes


class Seats(Lobby[Arrival]):
    """Lets agents in. `admit` and `deliver` are for the listener's thread, `shut` for any.

    Args:
        options: what is played; the engine replaces them when people have chosen another level.
        watchers: take those who only watch.
        guests: people who play from elsewhere, and may have the right paddle.
    """

    def __init__(self, options: Offer, watchers: Watchers, guests: Guests | None = None) -> None:
        super().__init__(watchers)
        self.options, self._guests = options, guests
        self._lock = threading.Lock()  # of the next line: listener seats, engine unseats, heartbeats read
        self._seated: dict[Role, _Seat] = {}
        self._visits = {side: Allowance(VISITS_AT_ONCE, VISITS_PER_SECOND) for side in SIDES}

    def admit(self, applicant: Applicant) -> Session:
        """Return the session for a peer that has proved the token.

        Raises:
            RefusedError: its role is not served here, or somebody else has it.
        """
        role = applicant.role
        if role is Role.WATCH:
            self.check_watchers()
            return self.options.session()
        self._check_side(role)
        if self.is_shut:
            raise RefusedError(Refusal.BUSY, "this server is ending: wait for the next")
        self._check_free(role, applicant.identity)
        if not self._visits[role].take():  # each takes time from the game, and from the agent opposite
            raise RefusedError(Refusal.BUSY, "agents have come to this side too often: try again in a second")
        return self.options.session()

    def _check_side(self, side: Role) -> None:
        """Refuse an agent a paddle that somebody else has for good."""
        sentence = self.options.closed(side)
        if sentence:
            raise RefusedError(Refusal.ROLE, sentence)
        if side is Role.RIGHT and self._guests is not None and self._guests.has_right:
            raise RefusedError(
                Refusal.BUSY, "a person has the right paddle here, on the page: connect as LEFT, or wait"
            )

    def _check_free(self, side: Role, identity: bytes) -> None:
        """Refuse a seat that another agent has."""
        with self._lock:
            seat = self._seated.get(side)
        if seat is None or (identity != NOBODY and hmac.compare_digest(identity, seat.identity)):
            return
        who = "an agent" if side is Role.LEFT else "a right agent"
        raise RefusedError(
            Refusal.BUSY,
            f"{who} is already connected from {seat.connection.peer}: end it, or wait for its end",
        )

    def deliver(self, connection: Connection, admission: Admission) -> None:
        """Take over a connection that was admitted. An agent that comes back replaces its old connection."""
        if admission.role is Role.WATCH:
            self._watchers.add(connection)
            return
        with self._lock:
            self._seated[admission.role] = _Seat(connection, admission.identity)
        self.arrive(Arrival(connection, admission.role))

    def leave(self, connection: Connection, side: Role) -> None:
        """Free the seat of a connection that has ended, unless its agent has come back by another one."""
        with self._lock:
            seat = self._seated.get(side)
            if seat is not None and seat.connection is connection:
                del self._seated[side]

    def keep_alive(self, closed: threading.Event) -> None:
        """Send agents heartbeats until `closed` is set: an environment may hold up the engine for long."""
        while not closed.wait(HEARTBEAT_SECONDS / 2):
            with self._lock:
                seated = list(self._seated.values())
            for seat in seated:
                with contextlib.suppress(ConnectionLostError):  # the engine will find out
                    seat.connection.send_heartbeat()
