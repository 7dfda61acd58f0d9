"""The servers of a run, as they come and go: sought, met, lost, dismissed, paused, pinged.

    Seat    a server that is played on
    Crew    what plays: it takes a seat at each server, and leaves it
    Fleet   all servers of a run

All of it belongs to the training thread; the threads that connect only report (see `servers`).
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pongrl.agent.commands import PAUSED
from pongrl.agent.eyes import Eyes
from pongrl.agent.local_server import why_ended
from pongrl.agent.matches import Matches
from pongrl.agent.options import RunOptions
from pongrl.agent.ping import ping
from pongrl.agent.rollout import Rollout
from pongrl.agent.servers import Arrivals, Server, waiting_for
from pongrl.errors import ConnectionLostError, GoodbyeError, PongError, ProtocolError
from pongrl.wire.client import PongClient
from pongrl.wire.connection import wait
from pongrl.wire.messages import NOBODY, Role, Session, Step


@dataclass(eq=False)
class Seat:
    """A server that is played on."""

    server: Server
    client: PongClient
    first: Step | None  # the first state, until it is played
    eyes: Eyes
    rollout: Rollout
    matches: Matches | None  # None in our own game, whose points say enough
    over: int | None = None  # matches, with the last state

    def poll(self) -> Step | None:
        """Give the next state if it is there."""
        first, self.first = self.first, None
        return self.client.poll() if first is None else first

    def scores(self, step: Step) -> Sequence[int]:
        """Give the scores of the matches that are over with this state, in other games than ours."""
        return () if self.matches is None else [score for _, score in self.matches.ended(step)]

    def has_waited(self, step: Step) -> bool:
        """Tell whether an arena has let us wait before this state: it is the first one after a match."""
        before, self.over = self.over, int(step.matches[0])
        return self.client.session.is_arena and before not in (None, self.over)

    @property
    def is_counted(self) -> bool:
        """Whether its points count: those against the built-in AI do, those against a partner do not."""
        own = self.server.own
        return own is None or not own.has_partner

    def describe(self) -> str:
        """Say what is played there."""
        session = self.client.session
        clock = "lockstep" if session.lockstep else "real time"
        side = ", on the right" if self.server.role is Role.RIGHT else ""
        side = side if self.is_counted else ", against opponents"
        return f"{session.against}, games: {session.games}, {clock}{side}"


class Crew(Protocol):
    """What plays on the servers."""

    def board(self, session: Session) -> Rollout:
        """Begin to play on a server.

        Raises:
            PongError: that cannot be, for example since its frames are of another size.
        """

    def leave(self, rollout: Rollout) -> None:
        """Stop playing on a server that has gone."""


class Fleet:
    """The servers of a run. While some are away, the others are played on.

    Our own ones wait for each other, since they take turns.

    Args:
        servers: all of them; none is sought yet.
        arrivals: where they report.
        crew: plays on them.
        options: of the run.
        say: takes lines for the console.
        stop: says whether a person quits; then nothing is waited for. The wake of `arrivals` tells to ask it.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        arrivals: Arrivals,
        crew: Crew,
        options: RunOptions,
        say: Callable[[str], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.servers = list(servers)
        self.seats: dict[Server, Seat] = {}  # of the servers that are connected
        self.turns = 0  # states played
        self.is_paused = False
        self._takes_turns = servers[0].own is not None
        self._unsought = deque(servers)
        self._has_met = False  # any server
        self._arrivals, self._crew, self._options, self._say = arrivals, crew, options, say
        self._stop = stop

    @property
    def is_connected(self) -> bool:
        """Whether any server is."""
        return bool(self.seats)

    def close(self) -> None:
        """Leave all servers, and end those that are our own, all at once."""
        with contextlib.ExitStack() as stack:
            for server in self.servers:
                stack.callback(server.close)
            for server in self.servers:
                server.give_up()

    # Servers come.

    def seek(self) -> None:
        """Connect to all servers at once, but to our own one after another, always in the same order."""
        while self._unsought:
            self._unsought.popleft().seek()
            if self._takes_turns:
                break

    def take_arrivals(self) -> None:
        """Meet the servers that have connected, and say why others have not.

        Raises:
            PongError: a problem that the user must fix.
        """
        for server, error in self._arrivals.take():
            if server not in self.servers:  # it was given up meanwhile
                continue
            if error is not None and server.own is not None and server.own.has_ended():
                self.dismiss(server, why_ended(server.own, error))
            elif error is not None:
                self._explain(error)
            else:
                try:
                    self._meet(server)
                except PongError as problem:
                    self.dismiss(server, problem)

    def _explain(self, error: PongError) -> None:
        """Say why a server is not there, or raise the error if the user must fix it.

        Before the first connection everything except an absent server is for the user to fix. Later the
        problem may go away: a name is found again, a server gives up our old session.
        """
        if not isinstance(error, ConnectionLostError) and not self._has_met:
            raise error
        self._say(waiting_for(error, self._options))

    def _meet(self, server: Server) -> None:
        """Take a seat at a server."""
        client, step = server.connected
        session = client.session
        rollout = self._crew.board(session)
        self._has_met = True
        matches = None if session.is_our_game else Matches(step)
        seat = self.seats[server] = Seat(server, client, step, Eyes.on(session), rollout, matches)
        self._say(f"connected to {server}: {seat.describe()}")
        if self.is_paused:  # a pause outlasts a lost connection
            with self._losing(seat):
                client.pause()
                self._say(PAUSED)
        self.seek()

    # Servers are played on.

    def due(self) -> list[Seat]:
        """Give the seats to look at: our own servers take turns, so that a run can be repeated."""
        if not self._takes_turns:
            return list(self.seats.values())
        if not self.servers:
            return []
        seat = self.seats.get(self.servers[self.turns % len(self.servers)])
        return [] if seat is None else [seat]

    def is_first(self, seat: Seat) -> bool:
        """Whether a seat is at the server that observers are shown."""
        return seat is next(iter(self.seats.values()))

    def wait(self, due: list[Seat], seconds: float | None) -> None:
        """Wait for a state on one of these seats, an arrival or a command, at most so long."""
        if due:
            until = None if seconds is None else time.monotonic() + seconds
            wait([seat.client.connection for seat in due], until, self._arrivals.wake)
        else:
            self._arrivals.wake.wait(seconds)

    def pause(self, paused: bool) -> None:
        """Pause all games, or let them go on."""
        self.is_paused = paused
        for seat in list(self.seats.values()):
            with self._losing(seat):
                seat.client.pause(paused)

    def ping(self) -> None:
        """Measure the network to each server; the games are paused meanwhile."""
        where = "{} " if len(self.seats) > 1 else ""
        for seat in list(self.seats.values()):
            if self._stop():
                return
            with self._losing(seat):
                if not self.is_paused:
                    seat.client.pause()
                ping(seat.client, where.format(seat.server), self._say, self._arrivals.wake, self._stop)
                if not self.is_paused:
                    seat.client.pause(False)

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the games that play in real time while the training thread is busy with something else.

        Those in lockstep wait for us anyway. A server that turns out to be gone is lost when it is looked at
        next, since the caller may be in the middle of its state.
        """
        clients = [] if self.is_paused else [seat.client for seat in self.seats.values()]
        held = [client for client in clients if not client.session.lockstep]
        for client in held:
            with contextlib.suppress(ConnectionLostError, ProtocolError):
                client.pause()
        try:
            yield
        finally:
            for client in held:
                with contextlib.suppress(ConnectionLostError, ProtocolError):
                    client.pause(False)

    def describe(self) -> list[str]:
        """Return a line for each server that is connected."""
        return [f"server       {server}, {seat.describe()}" for server, seat in self.seats.items()]

    # Servers go.

    @contextlib.contextmanager
    def _losing(self, seat: Seat) -> Iterator[None]:
        """Lose the seat if its server turns out to be gone."""
        try:
            yield
        except (ConnectionLostError, ProtocolError) as error:
            self.lose(seat, error)

    def lose(self, seat: Seat, error: PongError) -> None:
        """Give up a seat, and seek its server again if it may come back.

        Raises:
            PongError: no server is left whose points count.
        """
        server = seat.server
        self._crew.leave(self.seats.pop(server).rollout)
        server.leave()
        has_ended = server.own is not None and server.own.has_ended()
        if server.is_for_a_person and (has_ended or isinstance(error, GoodbyeError)):
            self.servers.remove(server)  # the person has closed the window, so nothing is left to play on
            server.close()
        elif server.own is not None and has_ended:
            self.dismiss(server, why_ended(server.own, error))
        elif isinstance(error, ConnectionLostError):
            # It keeps no place for us; if another has ours, let it be. Only an arena keeps a name for us.
            if isinstance(error, GoodbyeError) and not (server.name and seat.client.session.is_arena):
                server.identity = NOBODY
            kept = "" if self._options.play else "; what was learned is kept, the unfinished batch is dropped"
            self._say(f"{error}{kept}")
            server.seek()
        else:
            self.dismiss(server, error)

    def dismiss(self, server: Server, error: PongError) -> None:
        """Go on without a server that cannot be played on.

        Raises:
            PongError: the error, if no server is left whose points count.
        """
        if server in self.servers:
            self.servers.remove(server)
            server.close()
        if all(each.own is not None and each.own.has_partner for each in self.servers):
            raise error
        self._say(f"going on without {server}: {error}")
        self.seek()  # our own one that was to follow it
