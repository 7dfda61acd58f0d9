"""What the fuzzer attacks, and the agents that must not notice.

Target        a pong.py as a process, and how large it was
SteadyAgent   an agent that plays on a target all the time, and checks its rewards
Impostor      a server in this process that does to each client what a script says
Field         two targets with agents, two without, and an impostor
Line          a connection to a target after the handshake, which may send anything
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.handshake import Handshake, client_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, client_limits
from pongrl.wire.messages import Role, Session, Step, action
from tools.processes import Program
from tools.vitals import HAS_PROC, MEGABYTE, Ledger, files, memory, threads

TOKEN = "fuzz-0123456789-token"
DEADLINE = 30.0  # seconds; far longer than any answer should take
LARGEST_GROWTH = 2 * MEGABYTE  # of a server, from the first quarter of the cases to the end
LARGEST_OWN_GROWTH = 8 * MEGABYTE  # of this process, which also keeps clients, ledgers and hostile bytes

Script: TypeAlias = Callable[[socket.socket], None]


class Target:
    """A pong.py of our own, and how large it was."""

    def __init__(self, name: str, *flags: str) -> None:
        self.name = name
        self._program = Program(
            "pong.py", "--headless", "--port", "0", "--games", "2", *flags, PONG_TOKEN=TOKEN
        )
        self.port = 0
        self._start, self._memory = (0, 0), 0

    @property
    def _pid(self) -> int:
        return self._program.process.pid

    def wait_until_it_listens(self) -> None:
        """Learn its port."""
        self.port = self._program.wait_for_port()

    def _count(self) -> tuple[int, int]:
        return files(self._pid), threads(self._pid)

    def note_start(self) -> None:
        """Remember how many files and threads it has."""
        if HAS_PROC:
            self._start = self._count()

    def note_memory(self) -> None:
        """Remember how much memory it uses."""
        if HAS_PROC:
            self._memory = memory(self._pid)

    def check(self) -> str:
        """Check that it has lost and gained nothing, and say how large it is.

        Raises:
            AssertionError: it has.
        """
        code = self._program.process.poll()
        assert code is None, f"the {self.name} server ended with exit code {code}"
        if not HAS_PROC:
            return f"{self.name}: alive"
        end = time.monotonic() + DEADLINE
        while (now := self._count()) != self._start and time.monotonic() < end:
            time.sleep(0.05)
        assert now == self._start, f"the {self.name} server has {now} files and threads, not {self._start}"
        size = memory(self._pid)
        grown = size - self._memory
        assert grown < LARGEST_GROWTH, f"the {self.name} server has grown by {grown / MEGABYTE:.1f} MB"
        return f"{self.name}: {size / MEGABYTE:.1f} MB ({grown / MEGABYTE:+.2f})"

    def end(self) -> None:
        """Check that it ends in order, and that its log can be read and holds no secret and no traceback.

        Raises:
            AssertionError: one of these is not so.
        """
        code = self._program.end()
        assert code == 0, f"the {self.name} server ended with exit code {code}"
        for line in self._program.seen["stderr"]:
            assert line.rstrip("\n").isprintable(), f"the {self.name} server's log has {line!r}"
            for word in (TOKEN, "Traceback", "Warning", "Exception"):
                assert word not in line, f"the {self.name} server's log has {line!r}"

    def close(self) -> None:
        """Kill it if it still runs."""
        self._program.close()


class SteadyAgent(threading.Thread):
    """Plays on a server all the time, and checks every reward."""

    def __init__(self, port: int) -> None:
        super().__init__(name="steady agent", daemon=True)
        self._port = port
        self._over, self._playing = threading.Event(), threading.Event()
        self._ledger: Ledger | None = None
        self._answers = 0  # answers to PINGs
        self._error: BaseException | None = None

    def run(self) -> None:
        """Play until `close` (the thread)."""
        try:
            with PongClient(port=self._port, token=TOKEN) as client:
                step = client.connect()
                self._ledger = Ledger(client.session)
                self._ledger.enter(step)
                self._playing.set()
                while not self._over.wait(0.005):
                    self._play(client, self._ledger)
        except BaseException as error:
            self._error = error
        finally:
            self._playing.set()

    def _play(self, client: PongClient, ledger: Ledger) -> None:
        turn = ledger.states
        ledger.enter(client.step([turn // 16 % 3, turn // 8 % 3]))
        if turn % 50 == 0:
            client.ping()
            self._answers += 1

    def wait_until_it_plays(self) -> None:
        """Wait until it has its first state."""
        assert self._playing.wait(DEADLINE), "the steady agent received no state"

    def end(self) -> str:
        """Let it leave, check that it lost nothing, and say what it received.

        Raises:
            AssertionError: a reply or a reward did not come, or the server sent it away.
        """
        self.close()
        assert not self.is_alive(), "the steady agent still waits for a reply"
        assert self._error is None, f"the steady agent lost something: {self._error!r}"
        assert self._ledger is not None
        had = self._ledger
        return f"{had.states:,} states, {had.points} points, rewards {had.rewards:+d}, {self._answers} pings"

    def close(self) -> None:
        """Let it leave."""
        self._over.set()
        self.join(DEADLINE)


class Impostor(threading.Thread):
    """A server in this process that does to each client what a script says."""

    def __init__(self) -> None:
        super().__init__(name="impostor", daemon=True)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._scripts: queue.SimpleQueue[Script | None] = queue.SimpleQueue()
        self.error: BaseException | None = None

    def serve(self, script: Script) -> None:
        """Run a script on the next client."""
        self._scripts.put(script)

    def run(self) -> None:
        """Serve one client after another (the thread)."""
        self._server.settimeout(DEADLINE)
        try:
            while (script := self._scripts.get()) is not None:
                sock, _ = self._server.accept()
                with sock, contextlib.suppress(OSError, EOFError, PongError):  # the client has left
                    sock.settimeout(DEADLINE)
                    script(sock)
        except BaseException as error:
            self.error = error

    def close(self) -> None:
        """End the thread, and close the socket."""
        self._scripts.put(None)
        self.join(DEADLINE)
        self._server.close()


class Field:
    """All that the cases over TCP need: targets, agents that play on them, and an impostor."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        def target(name: str, *flags: str) -> Target:
            return stack.enter_context(contextlib.closing(Target(name, *flags)))

        self.taken = [target("lockstep, taken", "--lockstep"), target("real time, taken", "--fps", "240")]
        self.free = [target("lockstep, free", "--lockstep"), target("real time, free", "--fps", "240")]
        self.targets = self.taken + self.free
        for one in self.targets:
            one.wait_until_it_listens()
        self._agents = [SteadyAgent(one.port) for one in self.taken]
        for agent in self._agents:
            agent.start()
            stack.callback(agent.close)
            agent.wait_until_it_plays()
        for one in self.free:
            check_service(one)
        self.impostor = Impostor()
        self.impostor.start()
        stack.callback(self.impostor.close)
        self.loiterers: list[socket.socket] = []
        stack.callback(self.send_loiterers_home)
        for one in self.targets:
            one.note_start()
        self._own_files = files(os.getpid()) if HAS_PROC else 0
        self.note_memory()

    def note_memory(self) -> None:
        """Remember how much memory every process uses."""
        for target in self.targets:
            target.note_memory()
        self._own_memory = memory(os.getpid()) if HAS_PROC else 0

    def send_loiterers_home(self) -> None:
        """Close the connections that stay open and say nothing."""
        while self.loiterers:
            self.loiterers.pop().close()

    def check(self) -> list[str]:
        """Check that nothing was lost or left behind, and say how large everything is.

        Raises:
            AssertionError: something was.
        """
        self.send_loiterers_home()
        for target in self.free:
            check_service(target)
        said = [target.check() for target in self.targets]
        for target, agent in zip(self.taken, self._agents, strict=True):
            said.append(f"agent, {target.name}: {agent.end()}")
        for target in self.targets:
            target.end()
        assert self.impostor.error is None, f"the impostor failed: {self.impostor.error!r}"
        return said + ([self._check_ourselves()] if HAS_PROC else [])

    def _check_ourselves(self) -> str:
        """Check that the clients left nothing behind in this process."""
        left = files(os.getpid()) - self._own_files
        assert left <= 0, f"clients left {left} files open"
        names = {thread.name for thread in threading.enumerate()} & {"heartbeat", "steady agent"}
        assert not names, f"clients left threads: {names}"
        size = memory(os.getpid())
        grown = size - self._own_memory
        assert grown < LARGEST_OWN_GROWTH, f"the clients' process has grown by {grown / MEGABYTE:.1f} MB"
        return f"this process: {size / MEGABYTE:.1f} MB ({grown / MEGABYTE:+.2f})"


# ---------------------------------------------------------------------------------------------
# Connections without PongClient


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    """Connect from an address of this machine."""
    return socket.create_connection(("127.0.0.1", port), DEADLINE, (address, 0))


def receive(sock: socket.socket, parser: Parser) -> tuple[Kind, bytes]:
    """Wait for the next message and return it.

    Raises:
        EOFError: the peer has closed the connection.
    """
    while (came := parser.next()) is None:
        data = sock.recv(1 << 16)
        if not data:
            raise EOFError
        parser.feed(data)
    return came


def introduce(
    sock: socket.socket, token: str = TOKEN, role: Role = Role.LEFT
) -> tuple[Handshake, Parser, bytes]:
    """Send HELLO and wait for the CHALLENGE.

    Returns:
        the handshake, the parser of this connection, and the PROOF to send.
    """
    client, parser = client_handshake(token, role), Parser(CLIENT_HANDSHAKE_LIMITS)
    sock.sendall(next(client))
    return client, parser, client.send(receive(sock, parser))


class Line:
    """A connection to a target after the handshake; it checks every reward.

    Attributes:
        sock: the socket, on which a case may send anything.
        number: number of the last STEP.
    """

    def __init__(self, sock: socket.socket, parser: Parser, session: Session) -> None:
        self.sock, self._parser = sock, parser
        self.number = 0
        self._ledger = Ledger(session)
        self.wait_for(Kind.STEP)

    def wait_for(self, kind: Kind) -> bytes:
        """Wait for the next message of a kind and return its body."""
        while True:
            came = receive(self.sock, self._parser)
            if came[0] is Kind.STEP:
                step = Step.parse(came[1], self._ledger.session)
                self._ledger.enter(step)
                self.number = step.number
            if came[0] is kind:
                return came[1]

    def act(self, moves: bytes) -> None:
        """Answer the last state, and wait for the next one."""
        due = self.number + 1
        self.sock.sendall(action(self.number, moves))
        self.wait_for(Kind.STEP)
        assert self.number == due, f"STEP {self.number} came where {due} was due"

    def read_to_the_end(self) -> bool:
        """Read until the server closes the connection, and return True if it did so in order."""
        try:
            while self.sock.recv(1 << 16):
                pass
        except ConnectionError:
            return False
        return True


def shake_hands(port: int, role: Role = Role.LEFT) -> Line:
    """Shake hands with a target, and wait if it does not know yet that the agent before has left.

    Raises:
        RefusedError: the target refuses us.
    """
    end = time.monotonic() + DEADLINE
    while True:
        sock = connect(port)
        try:
            client, parser, proof = introduce(sock, role=role)
            sock.sendall(proof)
            client.send(receive(sock, parser))
        except StopIteration as done:
            parser.limits = client_limits(done.value.session)
            return Line(sock, parser, done.value.session)
        except RefusedError as error:
            sock.close()
            if error.reason is not Refusal.BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)


def check_service(target: Target) -> None:
    """Check that an agent can play on a target."""
    line = shake_hands(target.port)
    with line.sock:
        for _ in range(10):
            line.act(bytes(2))
        line.sock.sendall(message(Kind.BYE))
        line.read_to_the_end()
