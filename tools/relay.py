"""A TCP relay between an agent and its server that misbehaves as networks do.

    delay       every piece waits for a random time, up to this
    cut         all connections end, with RST or FIN
    HELD        nothing passes, and nothing is lost: so TCP hides packets that are lost for a while
    SWALLOWED   on all connections, old and new, nothing ever passes, and neither side is told: so a network
                fails silently

The relay reads both directions. With a `Ledger` for each connection it checks the rewards in what the server
sent, whether or not it arrives.
"""

from __future__ import annotations

import contextlib
import enum
import random
import select
import socket
import struct
import threading
import time
from collections import deque
from typing import Any

from pongrl.errors import PongError
from pongrl.wire.framing import Kind, Parser
from pongrl.wire.handshake import PROOF_BYTES
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, SERVER_HANDSHAKE_LIMITS, client_limits, server_limits
from pongrl.wire.messages import Session, Step
from pongrl.wire.waiting import Wake
from tools.vitals import Ledger

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Weather(enum.Enum):
    """What the network does with the bytes that are on their way."""

    FAIR = enum.auto()
    HELD = enum.auto()
    SWALLOWED = enum.auto()


class Books:
    """What the relay has read on one connection.

    Attributes:
        ledger: checks the rewards; None before the WELCOME.
        actions: ACTION messages of the agent.
    """

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self.actions = 0
        self._up, self._down = Parser(SERVER_HANDSHAKE_LIMITS), Parser(CLIENT_HANDSHAKE_LIMITS)

    def read_up(self, data: bytes) -> None:
        """Read what the agent sent."""
        self._up.feed(data)
        while (came := self._up.next()) is not None:
            self.actions += came[0] is Kind.ACTION

    def read_down(self, data: bytes) -> bool:
        """Read what the server sent, and return True if the game went on."""
        played = False
        self._down.feed(data)
        while (came := self._down.next()) is not None:
            if came[0] is Kind.WELCOME:
                session = Session.parse(came[1][PROOF_BYTES:])
                self._down.limits, self._up.limits = client_limits(session), server_limits(session)
                self.ledger = Ledger(session)
            elif came[0] is Kind.STEP:
                assert self.ledger is not None
                step = Step.parse(came[1], self.ledger.session)
                self.ledger.enter(step)
                played = played or step.number > 0
        return played


class Way:
    """One direction of a link, with the pieces that wait in it.

    Attributes:
        source, sink: the sockets; the sink is None if the server was not there.
        waiting: when each piece is due, and its bytes; b"" is the end.
        ended: True when the source has sent its end.
    """

    def __init__(self, source: socket.socket, sink: socket.socket | None) -> None:
        self.source, self.sink = source, sink
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.ended = False

    def take_in(self, data: bytes, due: float) -> None:
        """Add a piece, to be passed on when it is due, but never before an earlier piece."""
        last = self.waiting[-1][0] if self.waiting else 0.0
        self.waiting.append((max(due, last), data))

    def pass_on(self, now: float) -> None:
        """Write what is due, as far as the sink takes it."""
        while self.waiting and self.waiting[0][0] <= now and self.sink is not None:
            _, data = self.waiting.popleft()
            if not data:
                self.sink.shutdown(socket.SHUT_WR)
                continue
            try:
                sent = self.sink.send(data)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                self.waiting.appendleft((now + 0.01, data[sent:]))
                return


class Link:
    """The connection of an agent, and ours to the server if it was there."""

    def __init__(self, agent: socket.socket, server: socket.socket | None) -> None:
        self.books = Books()
        self.lost = server is None  # nothing passes any more
        self.ways = [Way(agent, server)] + ([Way(server, agent)] if server is not None else [])
        for way in self.ways:
            way.source.setblocking(False)
            with contextlib.suppress(OSError):
                way.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, way: Way, due: float, telling: bool) -> bool:
        """Read what has come in one direction, and return True if the game went on.

        Args:
            way: the direction.
            due: when to pass it on.
            telling: pass on that a peer has reset the connection.

        Raises:
            ConnectionError: it was reset, and the network is `telling`.
        """
        played = False
        try:
            data = way.source.recv(1 << 16)
        except BlockingIOError:
            return False
        except ConnectionError:
            if telling and not self.lost:
                raise
            data = b""
        if data and way is self.ways[0]:
            self.books.read_up(data)
        elif data:
            played = self.books.read_down(data)
        way.ended = not data
        if not self.lost:
            way.take_in(data, due)
        elif way.ended:
            way.source.close()
        return played and not self.lost

    def lose(self) -> None:
        """Let nothing pass any more, without telling either side."""
        self.lost = True
        for way in self.ways:
            way.waiting.clear()
            if way.ended:
                way.source.close()

    @property
    def is_over(self) -> bool:
        """True if nothing more can come or go."""
        return all(way.ended and (self.lost or not way.waiting) for way in self.ways)

    def close(self, reset: bool = False) -> None:
        """End both connections."""
        for way in self.ways:
            with contextlib.suppress(OSError):  # it may be closed
                if reset:
                    way.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            way.source.close()


class Relay(threading.Thread):
    """Relays between the agents that connect to `port` and a server on this machine, until `close`.

    The main thread may set `delay`, and call `set_weather` and `cut`. Only this thread touches the links.

    Attributes:
        delay: the longest delay of a piece, in seconds.
        weather: what the network does.
        played: an event, set whenever a state that answers an agent comes through.
        connections: connections so far.
        books: what was read on the connections that the server admitted.
        error: why the thread has ended, if it failed.
        port: where it listens.
    """

    def __init__(self, server_port: int, seed: int) -> None:
        super().__init__(name="relay", daemon=True)
        self.delay = 0.0
        self.weather = Weather.FAIR
        self.played = threading.Event()
        self.connections = 0
        self.books: list[Books] = []
        self.error: Exception | None = None
        self._rng = random.Random(seed)
        self._server_port = server_port
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self.port: int = self._sock.getsockname()[1]
        self._links: list[Link] = []
        self._cuts: deque[bool] = deque()
        self._wake, self._closing = Wake(), False

    def cut(self, reset: bool) -> None:
        """End all connections."""
        self._cuts.append(reset)
        self._wake.set()

    def set_weather(self, weather: Weather) -> None:
        """Change what the network does."""
        self.weather = weather
        self._wake.set()

    def close(self) -> None:
        """End all connections and the thread."""
        self._closing = True
        self._wake.set()
        if self.is_alive():
            self.join()
        self._sock.close()
        self._wake.close()

    def run(self) -> None:
        """Relay until `close` (the thread)."""
        try:
            while not self._closing:
                self._turn()
        except Exception as error:  # the soak reports it
            self.error = error
        finally:
            self._end_all(reset=False)

    def _turn(self) -> None:
        while self._cuts:
            self._end_all(self._cuts.popleft())
        if self.weather is Weather.SWALLOWED:
            for link in self._links:
                link.lose()
        ways = {way.source: (link, way) for link in self._links for way in link.ways if not way.ended}
        readers: list[Any] = [self._sock, self._wake, *ways]
        readable, _, _ = select.select(readers, [], [], self._patience())
        for sock in readable:
            if sock is self._sock:
                self._accept()
            elif sock is self._wake:
                self._wake.clear()
            elif ways[sock][0] in self._links:  # its other direction may just have ended it
                self._read(*ways[sock])
        self._pass_on()

    def _patience(self) -> float | None:
        """Return the seconds until a piece is due."""
        if self.weather is Weather.HELD:
            return None
        due = [way.waiting[0][0] for link in self._links for way in link.ways if way.waiting]
        return max(min(due) - time.monotonic(), 0.0) if due else None

    def _accept(self) -> None:
        agent, _ = self._sock.accept()
        self.connections += 1
        server = None
        if self.weather is not Weather.SWALLOWED:
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port), 5)
            except OSError:  # it is not there: tell the agent
                Link(agent, None).close(reset=True)
                return
        self._links.append(Link(agent, server))

    def _read(self, link: Link, way: Way) -> None:
        try:
            due = time.monotonic() + self.delay * self._rng.random()
            if link.read(way, due, self.weather is Weather.FAIR):
                self.played.set()
        except ConnectionError:  # a process was killed: pass that on
            self._remove(link, reset=True)
        except (PongError, AssertionError) as error:
            raise AssertionError(f"connection {self.connections}: {error}") from error

    def _pass_on(self) -> None:
        now = time.monotonic()
        for link in list(self._links):
            try:
                if self.weather is not Weather.HELD:
                    for way in link.ways:
                        way.pass_on(now)
                if link.is_over:
                    self._remove(link)
            except OSError:
                self._remove(link, reset=True)

    def _end_all(self, reset: bool) -> None:
        for link in list(self._links):
            self._remove(link, reset)

    def _remove(self, link: Link, reset: bool = False) -> None:
        link.close(reset)
        self._links.remove(link)
        if link.books.ledger is not None:
            self.books.append(link.books)
