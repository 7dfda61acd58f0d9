"""Engines for tests: in memory, without threads, sockets or time; and served over loopback."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import pytest

from pongrl.errors import ConnectionLostError
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server.clock import Clock
from pongrl.server.conversation import Conversation
from pongrl.server.engine import Engine
from pongrl.server.entrance import Entrance
from pongrl.server.gallery import Gallery
from pongrl.server.guests import Guests
from pongrl.server.match import Match
from pongrl.server.options import GameOptions
from pongrl.server.run import Run
from pongrl.server.seats import Seats
from pongrl.server.snapshots import Snapshots
from pongrl.wire.arrays import Int32Array
from pongrl.wire.client import PongClient
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, Parser
from pongrl.wire.handshake import Admission, Applicant, client_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, client_limits
from pongrl.wire.messages import Role, Step, action
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, wait_until

Came: TypeAlias = tuple[Kind, bytes] | None
Script: TypeAlias = Callable[["Line"], Iterator[Came]]
PAUSE, GO_ON = (Kind.PAUSE, b"\1"), (Kind.PAUSE, b"\0")
IDLE_STATUS = "nobody is here"
DEFAULTS = GameOptions(
    second_level=None,
    level=2, opponent="ai", games=1, frameskip=8, fps=60, lockstep=False, points_to_win=21, seed=None,
    serves=True, inset=False,
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """See that no test leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def game_options(**changes: Any) -> GameOptions:
    """Return the program's default options with these changes."""
    return GameOptions(**(vars(DEFAULTS) | changes))


# ---------------------------------------------------------------------------------------------
# In memory


class World:
    """An engine with all that it is given, which a test drives turn by turn. It ticks once a second."""

    def __init__(self, has_window: bool = False, **changes: Any) -> None:
        self.options = game_options(**({"seed": 1, "frameskip": 4, "fps": 1} | changes))
        self.match = Match(self.options)
        self.gallery = Gallery()
        self.guests = Guests()
        self.seats = Seats(self.options, self.gallery, self.guests)
        self.clock = Clock(self.options.fps)
        self.snapshots = Snapshots(self.match, [self.gallery], IDLE_STATUS, has_window)
        self.engine = Engine(
            self.match,
            self.seats,
            [self.snapshots],
            self.guests,
            self.clock,
            Line.wait,  # type: ignore[arg-type]  # a Line takes a Connection's place
        )

    @property
    def game(self) -> Game:
        """The first game."""
        return self.match.first

    @property
    def snapshot(self) -> Snapshot:
        """What people see now."""
        assert self.snapshots.latest is not None
        return self.snapshots.latest

    def hold(self, keys: Keys) -> None:
        """Let people hold these keys."""
        self.engine.hold(keys)

    def let_tick(self) -> None:
        """Let a tick fall due."""
        self.clock.due = 0.0

    def tick(self) -> None:
        """Let a tick fall due, and play it."""
        self.let_tick()
        self.engine.turn()

    def serve(self, *lines: Line) -> None:
        """Seat these agents, and play until all of them are gone."""
        for line in lines:
            self.seats.deliver(line, Admission(line.role, line.session))  # type: ignore[arg-type]
        while not all(line.is_over for line in lines):
            self.engine.turn()

    def close(self) -> None:
        """Give back what it holds."""
        self.seats.close()
        self.gallery.close()


@contextlib.contextmanager
def world(**changes: Any) -> Iterator[World]:
    """Make a World of the default options with these changes, for a `with` block."""
    made = World(**changes)
    try:
        yield made
    finally:
        made.close()


class Line:
    """An agent that plays a script, in place of a Connection; None in the script lets a tick fall due.

    No other tick does: the talks have one tick per second of real time, and last milliseconds.
    """

    peer = "192.0.2.1:1"

    def __init__(self, world: World, script: Script, role: Role = Role.LEFT) -> None:
        self.world, self.role = world, role
        self.until: float | None = None  # when the engine wanted to be back
        self.steps: list[Step] = []
        self.others: list[tuple[Kind, bytes]] = []
        self.is_over = False
        self.session = world.seats.admit(Applicant(role))
        self._parser = Parser(client_limits(self.session))
        self._script = script(self)

    @property
    def game(self) -> Game:
        """The first game, as it stands."""
        return self.world.game

    def send(self, data: bytes) -> None:
        self._parser.feed(data)
        while (came := self._parser.next()) is not None:
            if came[0] is Kind.STEP:
                self.steps.append(Step.parse(came[1], self.session))
            else:
                self.others.append(came)

    @staticmethod
    def wait(lines: Sequence[Line], until: float | None, wake: Wake) -> bool:
        """In place of `wait`: nobody is waited for."""
        for line in lines:
            line.until = until
        return False

    def take(self) -> Came:
        for came in self._script:
            if came is None:
                self.world.let_tick()
            return came
        raise ConnectionLostError("the script is over")

    def close(self, reason: str = "") -> None:
        self._script.close()  # type: ignore[attr-defined]  # scripts are generators
        self.is_over = True

    def answer(self, *moves: int) -> tuple[Kind, bytes]:
        """Return an ACTION for the last STEP."""
        return Kind.ACTION, action(self.steps[-1].number, bytes(moves))[5:]


def talks(scripts: dict[Role, Script], **changes: Any) -> list[Line]:
    """Serve agents in memory until the last is gone, and return them."""
    with world(**changes) as made:
        lines = [Line(made, script, role) for role, script in scripts.items()]
        made.serve(*lines)
        return lines


def talk(script: Script, **changes: Any) -> Line:
    """The same with a single agent on the left."""
    (line,) = talks({Role.LEFT: script}, **changes)
    return line


def eager(steps: int, *moves: int) -> Script:
    """Answer at once, until so many states have come; without moves given, random ones."""

    def script(line: Line) -> Iterator[Came]:
        numbers = random.Random(1)
        for answered in range(steps - 1):
            yield line.answer(*(moves or (numbers.choice((UP, DOWN)) for _ in range(line.session.games))))
            while len(line.steps) == answered + 1:
                yield None

    return script


def gains(steps: list[Step]) -> Int32Array:
    """Return how the score changed from the first state to the last, in the left paddle's favour."""
    change: Int32Array = steps[-1].scores - steps[0].scores
    return change[:, LEFT] - change[:, RIGHT]


# ---------------------------------------------------------------------------------------------
# Over loopback


class Count:
    """Counts an engine's ticks of real time and the agents that have left it; a test can wait for them."""

    def __init__(self) -> None:
        self.ticks = self.parted = 0
        self._here: set[Conversation] = set()
        self._woken = threading.Event()

    def gathered(self, talks: Sequence[Conversation], keys: Keys) -> None:
        here = set(talks)
        self.parted += len(self._here - here)
        self._here = here
        self._woken.set()

    def played(self, keys: Keys, sent: Step | None) -> None:
        if sent is None:
            self.ticks += 1
            self._woken.set()

    def wait_for_ticks(self, count: int) -> None:
        wait_until(lambda: self.ticks >= count, self._woken)

    def wait_for_parted(self, count: int) -> None:
        wait_until(lambda: self.parted >= count, self._woken)


class BareAgent:
    """An agent with its socket at hand and no heartbeat, so that it can fall silent or die."""

    def __init__(self, address: tuple[str, int], role: Role = Role.LEFT) -> None:
        self.sock = socket.create_connection(address, PATIENCE)
        parser, handshake = Parser(CLIENT_HANDSHAKE_LIMITS), client_handshake("", role)
        self.sock.sendall(next(handshake))
        try:
            while True:
                while (came := parser.next()) is None:
                    data = self.sock.recv(1 << 16)
                    assert data, "the server has hung up"
                    parser.feed(data)
                self.sock.sendall(handshake.send(came))
        except StopIteration as done:
            self.session = done.value.session
        parser.limits = client_limits(self.session)
        self.sock.setblocking(False)
        self.connection = Connection(self.sock, parser, "the server")
        self.step = self.observe()

    def observe(self) -> Step:
        """Wait for the next state."""
        came = self.connection.receive()
        assert came is not None
        assert came[0] is Kind.STEP
        self.step = Step.parse(came[1], self.session)
        return self.step

    def act(self, *moves: int) -> None:
        """Answer the last state."""
        self.connection.send(action(self.step.number, bytes(moves)))

    def die(self) -> None:
        """Break the connection, as the system does for a process that has died."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def port_of(client: PongClient) -> int:
    """Return the port at this end of a client's connection."""
    with socket.fromfd(client.connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as sock:
        port: int = sock.getsockname()[1]
        return port


class Playing:
    """A server over loopback, and the count of what its engine has done."""

    def __init__(self, **changes: Any) -> None:
        self.count = Count()
        self.match = Match(game_options(**changes))
        self.run = Run(self.match, Entrance("127.0.0.1", 0), observers=[self.count])

    @property
    def address(self) -> tuple[str, int]:
        assert self.run.address is not None
        return self.run.address


@contextlib.contextmanager
def playing(**changes: Any) -> Iterator[Playing]:
    """Serve games with the default options and these changes, on a free port of this machine."""
    made = Playing(**changes)
    try:
        made.run.start()
        yield made
    finally:
        made.run.close()
