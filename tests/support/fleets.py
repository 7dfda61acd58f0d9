"""Servers for tests of the fleet, without a network: the test decides what they send and how they fail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from pongrl.agent.commands import Commands
from pongrl.agent.fleet import Crew, Fleet
from pongrl.agent.rollout import Rollout
from pongrl.agent.servers import Arrivals, Server
from pongrl.errors import PongError
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Role, Session, Step
from tests.support.agents import SESSION, Lines, options_of, state


class Client:
    """A client that has these states; it fails with `error` once that is set."""

    def __init__(self, session: Session, *states: Step) -> None:
        self.session, self.states = session, list(states)
        self.error: PongError | None = None
        self.moves: list[list[int]] = []
        self.pauses: list[bool] = []

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def poll(self) -> Step | None:
        """Give the next state."""
        self._fail()
        return self.states.pop(0) if self.states else None

    def act(self, moves: Any) -> None:
        """Take moves."""
        self._fail()
        self.moves.append(moves.tolist())

    def pause(self, paused: bool = True) -> None:
        """Take a pause, or its end."""
        self._fail()
        self.pauses.append(paused)

    def ping(self, patience: float, *_: object) -> float:
        """Answer within a millisecond."""
        self._fail()
        return 0.001


class Own:
    """The process of a server of our own."""

    def __init__(self, has_partner: bool = False) -> None:
        self.is_gone, self.has_partner = False, has_partner

    def has_ended(self) -> bool:
        """Whether the test has ended it."""
        return self.is_gone

    def last_words(self) -> str:
        """Say why."""
        return "out of memory"


class StubServer:
    """A server that connects when the test says so."""

    def __init__(
        self,
        name: str,
        *states: Step,
        session: Session = SESSION,
        own: Own | None = None,
        is_for_a_person: bool = False,
        role: Role = Role.LEFT,
    ) -> None:
        self.name = ""
        self.identity = bytes(range(16))
        self.own, self.is_for_a_person, self.role = own, is_for_a_person, role
        self.client = Client(session, *states)
        self.sought = self.left = self.given_up = self.closed = 0
        self._name = name

    def __str__(self) -> str:
        return self._name

    @property
    def connected(self) -> tuple[PongClient, Step]:
        """The client and the first state."""
        return cast(PongClient, self.client), state(self.client.session.games)

    def seek(self) -> None:
        """Count."""
        self.sought += 1

    def leave(self) -> None:
        """Count."""
        self.left += 1

    def give_up(self) -> None:
        """Count."""
        self.given_up += 1

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Players:
    """A crew that remembers what it was told, and refuses sessions that it cannot play."""

    def __init__(self) -> None:
        self.boarded = self.lost = 0
        self.refusal: PongError | None = None

    def board(self, session: Session) -> Rollout:
        """Take a seat."""
        if self.refusal is not None:
            raise self.refusal
        self.boarded += 1
        return Rollout()

    def leave(self, rollout: Rollout) -> None:
        """Leave a seat."""
        self.lost += 1


class Harbour:
    """A fleet of stub servers, and what it needs."""

    def __init__(
        self, arrivals: Arrivals, crew: Crew, stop: Callable[[], bool], *servers: StubServer
    ) -> None:
        self.lines, self.servers, self.arrivals = Lines(), servers, arrivals
        ours = cast(list[Server], list(servers))
        self.fleet = Fleet(ours, arrivals, crew, options_of(), self.lines, stop)

    def arrive(self, *servers: StubServer) -> None:
        """Let servers connect, all by default, and the fleet meet them."""
        for server in servers or self.servers:
            self.arrivals.report(cast(Server, server), None)
        self.fleet.take_arrivals()

    def fail(self, server: StubServer, error: PongError) -> None:
        """Let an attempt to connect fail."""
        self.arrivals.report(cast(Server, server), error)
        self.fleet.take_arrivals()


@contextlib.contextmanager
def harbour(
    *servers: StubServer, crew: Crew | None = None, stop: Callable[[], bool] = lambda: False
) -> Iterator[Harbour]:
    """Make a fleet of stub servers."""
    with Commands(Lines()).listening() as wake:
        yield Harbour(Arrivals(wake), crew or Players(), stop, *servers)


def own(name: str, *states: Step, is_for_a_person: bool = False) -> StubServer:
    """Make a stub of a server of our own."""
    return StubServer(name, *states, own=Own(), is_for_a_person=is_for_a_person)


def with_partner(name: str, *states: Step) -> StubServer:
    """Make a stub of a server of our own that has a sparring partner."""
    return StubServer(name, *states, own=Own(has_partner=True))


def in_real_time(session: Session = SESSION) -> Session:
    """Return the session of a server in real time."""
    return replace(session, lockstep=False)
