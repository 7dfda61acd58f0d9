"""Lets agents into an arena, by their names.

The listener's thread calls all of it except `arrivals` and `leave`, which are the hall's, and `close`.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from pongrl.arena.ledger import Ledger, Player, key_of
from pongrl.arena.standings import AGENT
from pongrl.arena.table import ArenaOptions
from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.server.lobby import Lobby, Watchers
from pongrl.wire.allowance import Allowance
from pongrl.wire.connection import Connection
from pongrl.wire.handshake import Admission, Applicant
from pongrl.wire.messages import NOBODY, Role, Session

QUIET_SECONDS = 3.0  # after which a connection is taken for lost, if its agent comes again by another one
MOST_AGENTS = 256
VISITS_AT_ONCE, VISITS_PER_SECOND = 20, 2.0  # of one name from one address
MOST_COUNTED = 4096  # names and addresses whose visits are counted
NEW_NAMES, NEW_NAME_SECONDS = 4, 60.0  # from an address: so many for each agent at once, then one in so long


class Arrival(NamedTuple):
    """An agent's connection, for the hall to serve."""

    connection: Connection
    player: Player


class _Inside(NamedTuple):
    connection: Connection
    network: str
    has_identity: bool


class Doorkeeper(Lobby[Arrival]):
    """Lets agents in, one for each name, and so many from one address.

    Args:
        options: How matches are played.
        path: The arena's file.
        watchers: Take those who only watch.

    Raises:
        PongError: The file cannot be opened.
    """

    def __init__(self, options: ArenaOptions, path: Path, watchers: Watchers) -> None:
        super().__init__(watchers)
        self._options = options
        self._ledger = Ledger(path)  # now: later another file may be there, and SQLite would mix the two up
        self._lock = threading.Lock()  # of the next line: the listener lets in, the hall parts
        self._inside: dict[str, _Inside] = {}  # by the key of the name
        self._admitted: dict[str, tuple[Player, str, bool]] = {}  # not delivered yet; with what is in _Inside
        self._visits: dict[tuple[str, str], Allowance] = {}  # by the address and the key of the name
        self._new_names: dict[str, Allowance] = {}  # by the address

    def admit(self, applicant: Applicant) -> Session:
        """Return the session for a peer that has proved the token.

        Raises:
            RefusedError: It has no name, or its name is another's, or there are too many.
        """
        if applicant.role is Role.WATCH:
            self.check_watchers()
            return self._options.session()
        if not applicant.name:
            raise RefusedError(
                Refusal.ROLE, 'an arena asks for a name: give --name "Ada", or PongClient(name="Ada")'
            )
        if self.is_shut:
            raise RefusedError(Refusal.BUSY, "this arena is ending: wait for the next")
        self._check_visits(applicant)
        self._check_inside(applicant)
        has_identity = applicant.identity != NOBODY
        self._admitted[key_of(applicant.name)] = self._enter(applicant), applicant.network, has_identity
        return self._options.session()

    def _check_visits(self, applicant: Applicant) -> None:
        if len(self._visits) >= MOST_COUNTED:
            self._visits.clear()
        who = applicant.network, key_of(applicant.name)  # so that nobody is kept out by others
        visits = self._visits.setdefault(who, Allowance(VISITS_AT_ONCE, VISITS_PER_SECOND))
        if not visits.take():
            raise RefusedError(Refusal.BUSY, f"{applicant.name} has come too often: try again in a second")

    def _check_new_names(self, network: str) -> None:
        if len(self._new_names) >= MOST_COUNTED:
            self._new_names.clear()
        most = Allowance(NEW_NAMES * self._options.per_address, 1 / NEW_NAME_SECONDS)
        if not self._new_names.setdefault(network, most).take():
            raise RefusedError(
                Refusal.BUSY, "too many new names have come from your address: wait, or use a known one"
            )

    def _check_inside(self, applicant: Applicant) -> None:
        """Refuse who is inside already, and one more than may come from an address."""
        with self._lock:
            inside = dict(self._inside)
        mine = inside.pop(key_of(applicant.name), None)
        if mine is not None and not (applicant.identity != NOBODY and self._is_lost(mine, applicant.name)):
            raise RefusedError(
                Refusal.BUSY,
                f"{applicant.name} plays here already: end that one, or choose another name",
            )
        most = self._options.per_address
        if Counter(other.network for other in inside.values())[applicant.network] >= most:
            raise RefusedError(
                Refusal.BUSY, f"{most} agents play from your address already: end one, or wait for its end"
            )
        if len(inside) >= MOST_AGENTS:
            raise RefusedError(Refusal.BUSY, f"{MOST_AGENTS} agents are here already: come back later")

    def _is_lost(self, inside: _Inside, name: str) -> bool:
        """Return whether one who is inside has lost the place to another who comes by the same name.

        The connection may be lost, which we have not noticed; the ledger knows who comes. Or the name was
        freed.
        """
        is_quiet = inside.connection.quiet_seconds > QUIET_SECONDS
        try:
            return is_quiet or (inside.has_identity and not self._ledger.is_owned(name))
        except PongError:  # `_enter` says that
            return is_quiet

    def _enter(self, applicant: Applicant) -> Player:
        try:
            self._ledger.check_place()  # or the name would go nowhere
            if not self._ledger.knows(applicant.name):
                self._check_new_names(applicant.network)
            return self._ledger.enter(applicant.name, applicant.identity, AGENT)
        except RefusedError:
            raise
        except PongError as error:  # the file: nothing that a stranger should be told
            raise RefusedError(
                Refusal.BUSY, "the arena cannot let anybody in now: try again later"
            ) from error

    def deliver(self, connection: Connection, admission: Admission) -> None:
        """Take over a connection that was admitted."""
        if admission.role is Role.WATCH:
            self._watchers.add(connection)
            return
        key = key_of(admission.name)
        player, network, has_identity = self._admitted.pop(key)
        with self._lock:
            self._inside[key] = _Inside(connection, network, has_identity)
        self.arrive(Arrival(connection, player))

    # For the hall's thread.

    def leave(self, connection: Connection, player: Player) -> None:
        """Forget a connection that has ended, unless its agent has come back by another one."""
        key = key_of(player.name)
        with self._lock:
            inside = self._inside.get(key)
            if inside is not None and inside.connection is connection:
                del self._inside[key]

    def close(self) -> None:
        """Close the connections that nobody has taken out, and the file; the listener has ended."""
        super().close()
        self._ledger.close()
