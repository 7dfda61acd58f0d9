"""The servers that an agent plays on. Each is sought in a thread of its own until it is there.

Arrivals       where those threads report
Server         one server
await_server   waits for one server, until a person quits
open_servers   all servers of a run: those that are named, or some of our own
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator

from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.agent.options import RunOptions
from pongrl.agent.partner import Partner, SparringServer
from pongrl.agent.sparring import Result
from pongrl.errors import ConnectionLostError, PongError
from pongrl.wire.client import PongClient
from pongrl.wire.connection import wait
from pongrl.wire.messages import NOBODY, Role, Step
from pongrl.wire.retry import Retry
from pongrl.wire.sockets import spelled
from pongrl.wire.tokens import choose_token
from pongrl.wire.waiting import Wake

BEGINNING_SECONDS = 10.0  # that an arena takes for the first match before we say that there is none
CONNECTING_SECONDS = 0.5  # that a thread which connects may outlive our own server
LOCAL_GAMES = 64  # on our own servers together, unless --games says otherwise: they share each round trip
# Of other games, since each costs more; to evaluate, since that waits for the longest rally; and at level 3,
# where runs of 16 won more after some 200 million frames (see docs/learning.md).
FEWER_GAMES = 16
NOTHING_TO_PLAY = "{} has let this agent in, but has no match for it yet; it plays as soon as there is one"


class NothingToPlayError(ConnectionLostError):
    """An arena is there, but has no match for us yet."""


class Arrivals:
    """Servers that are there, and the reasons why others are not. Any thread may report.

    Args:
        wake: is set at each report.
    """

    def __init__(self, wake: Wake) -> None:
        self.wake = wake
        self._reports: queue.SimpleQueue[tuple[Server, Exception | None]] = queue.SimpleQueue()

    def report(self, server: Server, error: Exception | None) -> None:
        """Report that a server is connected, or why it is not."""
        self._reports.put((server, error))
        self.wake.set()

    def take(self) -> Iterator[tuple[Server, PongError | None]]:
        """Give the reports that have come, the oldest first; never wait.

        Raises:
            Exception: a thread has ended with what is no PongError.
        """
        while not self._reports.empty():
            server, error = self._reports.get()
            if error is not None and not isinstance(error, PongError):
                raise error
            yield server, error


class Server:
    """One server to play on. `seek` connects in a thread of its own, again and again until it is there.

    Args:
        host, port: where it is; the port of our own becomes known when it listens.
        token: to prove to it.
        report: is called in that thread: with None once the server is `connected`, with an error for each
            new reason why it is not. What is no PongError ends the thread.
        role: in which to connect.
        ca: file of certificates, for TLS.
        identity: by which the server knows us again.
        name: by which people there are to know us.
        own: the process, if we started it.
        is_for_a_person: whether a person plays there too, whose window ends the run when it is closed.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        report: Callable[[Server, Exception | None], None],
        *,
        role: Role = Role.LEFT,
        ca: str | None = None,
        identity: bytes = NOBODY,
        name: str = "",
        own: LocalServer | None = None,
        is_for_a_person: bool = False,
    ) -> None:
        self.host, self.port, self.role, self.own = host, port, role, own
        self.identity, self.name, self.is_for_a_person = identity, name, is_for_a_person
        self._token, self._ca, self._report = token, ca, report
        self._retry = Retry()
        self._lock = threading.Lock()  # of the next three, when they are set
        self._connected: tuple[PongClient, Step] | None = None
        self._given_up = threading.Event()
        self._wake: Wake | None = None  # of the thread, while it waits for the first state
        self._thread: threading.Thread | None = None

    def __str__(self) -> str:
        return spelled(self.host, self.port)

    def seek(self) -> None:
        """Begin to connect."""
        self._thread = threading.Thread(target=self._connect, name=f"connect to {self}", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> tuple[PongClient, Step]:
        """The connection and the first state, once the server was reported as connected."""
        assert self._connected is not None
        return self._connected

    def leave(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            connected, self._connected = self._connected, None
        if connected is not None:
            connected[0].close()

    def give_up(self) -> None:
        """Close the connection, or stop seeking one, and let the server end soon if it is our own.

        A thread that waits for a host that does not answer ends by itself, when that is over.
        """
        with self._lock:
            self._given_up.set()
            if self._wake is not None:
                self._wake.set()
        self.leave()
        if self.own is not None:
            self.own.ask_to_end()

    def close(self) -> None:
        """Give the server up, and wait until it has ended if it is our own."""
        self.give_up()
        if self.own is not None:
            self.own.end()
            if self._thread is not None:
                self._thread.join(CONNECTING_SECONDS)
            self.own.close()

    def _connect(self) -> None:
        """The thread: connect, and report."""
        try:
            came = self._retry.keep_trying(
                self._try,
                wait=lambda seconds: not self._given_up.wait(seconds),
                report=lambda error: self._report(self, error),
            )
        except Exception as error:  # or the run would wait for ever
            self._report(self, error)
            return
        if came is None:
            return
        with self._lock:
            is_wanted = not self._given_up.is_set()
            if is_wanted:
                self._connected = came
        if is_wanted:
            self._report(self, None)
        else:
            came[0].close()

    def _try(self) -> tuple[PongClient, Step]:
        if self.own is not None:
            self.own.listen()
            self.port = self.own.port
        client = PongClient(
            self.host, self.port, token=self._token, role=self.role,
            identity=self.identity, ca=self._ca, name=self.name,
        )  # fmt: skip
        try:
            client.enter()
            return client, self._first_state(client)
        except Exception:
            client.close()
            raise

    def _first_state(self, client: PongClient) -> Step:
        """Wait for the first state, however long it takes, until `give_up`."""
        until = time.monotonic() + BEGINNING_SECONDS if client.session.is_arena else None
        with contextlib.closing(Wake()) as wake:
            with self._lock:
                self._wake = wake
            while (step := client.poll()) is None and not self._given_up.is_set():
                may_have_come = wait([client.connection], until, wake)
                if not may_have_come and not self._given_up.is_set():
                    self._report(self, NothingToPlayError(NOTHING_TO_PLAY.format(self)))
                    until = None
        if step is None:
            raise ConnectionLostError(f"{self} was given up")
        return step


def await_server(
    server: Server, arrivals: Arrivals, stop: Callable[[], bool], explain: Callable[[PongError], None]
) -> bool:
    """Seek a server, and wait until it is connected.

    Args:
        server: the only one that reports.
        arrivals: where it does.
        stop: is asked whenever the wake of `arrivals` is set; True ends the waiting.
        explain: is told why it is not there yet, and raises what the user must fix.

    Returns:
        False if it was stopped.
    """
    server.seek()
    while not stop():
        for _, error in arrivals.take():
            if error is None:
                return True
            explain(error)
        arrivals.wake.wait(None)
    return False


def waiting_for(error: PongError, options: RunOptions) -> str:
    """Say why a server is not there yet, and how to start one if none was named."""
    if isinstance(error, NothingToPlayError):
        return str(error)
    is_absent = isinstance(error, ConnectionLostError)
    hint = "; start one with: python pong.py" if is_absent and options.host is None else ""
    return f"waiting for a server: {error}{hint}"


def open_servers(
    options: RunOptions,
    identity: bytes,
    arrivals: Arrivals,
    say: Callable[[str], None],
    hear: Callable[[Result], None] = lambda result: None,
) -> list[Server]:
    """Settle which servers to play on, and start those that are our own.

    Args:
        options: of the run.
        identity: by which servers that are named know this agent again.
        arrivals: where the servers report.
        say: takes lines for the console.
        hear: is given results against opponents, in another thread.

    Raises:
        PongError: the token cannot be read, or a server does not start.
    """
    if not options.has_own_servers:
        return _named_servers(options, identity, arrivals)
    if options.play:
        own = LocalServer(("--opponent", "human"), options.debug)
        return [own_server(own, arrivals, is_for_a_person=True)]
    with contextlib.ExitStack() as stack:
        servers = []
        for own in _local_servers(options, say, hear):
            servers.append(own_server(own, arrivals))
            stack.callback(servers[-1].close)  # if one of the next does not start
        stack.pop_all()
    return servers


def _named_servers(options: RunOptions, identity: bytes, arrivals: Arrivals) -> list[Server]:
    token = choose_token(options.token, options.token_file) or ""
    return [
        Server(
            host,
            port,
            token,
            arrivals.report,
            role=options.role,
            ca=options.ca,
            identity=identity,
            name=options.name,
        )
        for host, port in options.addresses
    ]


def own_server(own: LocalServer, arrivals: Arrivals, is_for_a_person: bool = False) -> Server:
    """Return a server of our own to connect to, which has just been started."""
    return Server("127.0.0.1", 0, own.token, arrivals.report, own=own, is_for_a_person=is_for_a_person)


def _local_servers(
    options: RunOptions, say: Callable[[str], None], hear: Callable[[Result], None]
) -> Iterator[LocalServer]:
    """Start the servers of --local, one after another. With --opponents every second one has a partner."""
    wanted, cores = int(options.local or 1), os.cpu_count() or 1
    if wanted > cores:
        say(f"this machine has {cores} cores: {cores} servers instead of {wanted}")
    count = min(wanted, cores)
    if options.opponents is not None:
        count = max(count, 2)
    second = options.second_level
    has_fewer = options.env is not None or options.evaluate or second is not None
    together = FEWER_GAMES if has_fewer else LOCAL_GAMES
    games = options.games or max(together // count, 1 if second is None else 2)
    for number in range(count):
        seed = None if options.seed is None else options.seed + number * games
        flags = training_flags(options.level, games, seed, second, options.env)
        if options.opponents is None or number % 2 == 0:
            yield LocalServer(flags, options.debug, say if number == 0 else lambda line: None)
        else:
            yield SparringServer(flags, options.debug, Partner(options.opponents, hear, say))
