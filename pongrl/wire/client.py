"""The agent's end of the wire: PongClient plays, PongWatcher watches."""

from __future__ import annotations

import contextlib
import math
import secrets
import socket
import ssl
import threading
import time
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from pongrl.errors import ConnectionLostError, PongError, ProtocolError
from pongrl.wire.connection import HEARTBEAT_SECONDS, SILENCE_SECONDS, Connection
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.handshake import HANDSHAKE_SECONDS, Admission, client_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, VIEWER_LIMITS, client_limits
from pongrl.wire.messages import DEFAULT_PORT, ECHO, NOBODY, Role, Session, Step, View, action
from pongrl.wire.sockets import reason_of, resolve, tuned
from pongrl.wire.waiting import Wake

VIEWS_AT_ONCE = 10_000  # minutes of them: a flood must not hold up the window


class _Client:
    """A connection to a server, in any role. One thread uses it; a second one of its own sends heartbeats."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        token: str = "",
        role: Role = Role.LEFT,
        timeout: float = HANDSHAKE_SECONDS,
        identity: bytes = NOBODY,
        ca: str | None = None,
    ) -> None:
        self.host, self.port, self.role, self.timeout = host, port, role, timeout
        self._token, self._identity, self._ca = token, identity, ca
        self._session: Session | None = None
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def session(self) -> Session:
        """What the server plays; known once connected."""
        if self._session is None:
            raise RuntimeError("not connected: call connect() first")
        return self._session

    def _open(self) -> None:
        """Connect and shake hands.

        Raises:
            PongError: the host cannot be found.
            ConnectionLostError: nobody listens there, or no longer.
            RefusedError: a Pong server refuses us.
            ProtocolError: what listens there is no Pong server.
        """
        if self._connection is not None:
            raise RuntimeError("connected already")
        resolve(self.host, self.port, passive=False)
        where = f"{self.host}:{self.port}"
        try:
            sock = socket.create_connection((self.host, self.port), self.timeout)
        except OSError as error:
            raise ConnectionLostError(f"no server at {where} ({reason_of(error)})") from error
        try:
            if self._ca is not None:
                sock = self._encrypted(sock, self._ca)
            parser = Parser(CLIENT_HANDSHAKE_LIMITS)
            admission = self._shake_hands(sock, parser)
            watching = self.role is Role.WATCH
            parser.limits = VIEWER_LIMITS if watching else client_limits(admission.session)
            self._session = admission.session
            self._connection = Connection(tuned(sock), parser, f"the server at {where}")
        except ProtocolError as error:
            sock.close()
            raise ProtocolError(f"{where} is not a Pong server that this agent can use: {error}") from error
        except BaseException:
            sock.close()
            raise
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._heart.start()

    def _encrypted(self, sock: socket.socket, ca: str) -> socket.socket:
        """Agree upon TLS with a server whose certificate is in, or is signed by one in, the file `ca`."""
        try:
            context = ssl.create_default_context(cafile=ca)
        except OSError as error:
            raise PongError(
                f"the certificates in {ca} cannot be read ({reason_of(error)}): give --ca a PEM file"
            ) from error
        try:
            return context.wrap_socket(sock, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise ProtocolError(
                f"its certificate is not one that {ca} vouches for ({error.verify_message})"
            ) from error
        except OSError as error:
            raise ProtocolError(
                f"it does not speak TLS ({reason_of(error)}): leave out --ca if it has no --certificate"
            ) from error

    def _shake_hands(self, sock: socket.socket, parser: Parser) -> Admission:
        deadline = time.monotonic() + self.timeout
        handshake = client_handshake(self._token, self.role, self._identity)
        hint = "" if self._ca else "; if it has a --certificate, give --ca"
        try:
            sock.sendall(next(handshake))
            while True:
                while (came := parser.next()) is None:
                    sock.settimeout(max(deadline - time.monotonic(), 0.001))
                    data = sock.recv(4096)
                    if not data:
                        raise ProtocolError(f"it hung up in the middle of the handshake{hint}")
                    parser.feed(data)
                sock.sendall(handshake.send(came))
        except StopIteration as done:
            admission: Admission = done.value
            return admission
        except TimeoutError as error:
            raise ProtocolError(f"it has not answered for {self.timeout:g} seconds") from error
        except OSError as error:
            raise ConnectionLostError(f"the server is gone ({reason_of(error)}){hint}") from error

    def _beat(self) -> None:
        with contextlib.suppress(ConnectionLostError):  # the owner's next call will say so
            while not self._closed.wait(HEARTBEAT_SECONDS / 2):
                if self._connection is not None:
                    self._connection.send_heartbeat()

    @property
    def connection(self) -> Connection:
        """For `wait`, where several clients are to be waited for."""
        if self._connection is None or self._closed.is_set():
            raise RuntimeError("not connected: call connect() first")
        return self._connection

    def close(self) -> None:
        """Say BYE and close; calling it again does nothing."""
        if not self._closed.is_set():
            self._closed.set()
            if self._connection is not None:
                self._connection.close()
            if self._heart is not None:
                self._heart.join()


class PongClient(_Client):
    """The agent's end of the wire; any agent can be built on it.

    With role=Role.RIGHT it plays the right paddle, and is told of everything as if that were the left one.
    With an `identity` (16 secret bytes) a client that lost its connection takes over its own place. With
    `ca`, a file of certificates, the connection is encrypted and the server's certificate is checked.

        with PongClient("raspberrypi.local", token="…") as client:
            step = client.connect()
            while True:
                step = client.step(moves(step.frames, step.rewards))  # one of 0, 1, 2 per game

    One thread uses it; a second one of its own sends heartbeats, so that an agent may think between two
    steps for as long as it likes.
    """

    def __init__(self, *where: Any, **options: Any) -> None:
        super().__init__(*where, **options)
        if self.role is Role.WATCH:
            raise ValueError("who watches is sent no states to answer: use PongWatcher")
        self._answered = True  # there is no state that waits for an answer
        self._step: Step | None = None  # came while something else was waited for
        self._number = -1  # of the STEP to be answered
        self._pings = 0  # that have not been answered

    def connect(self) -> Step:
        """Connect, shake hands and wait for the first state.

        Raises:
            PongError: the host cannot be found.
            ConnectionLostError: nobody listens there, or no longer.
            RefusedError: a Pong server refuses us.
            ProtocolError: what listens there is no Pong server.
        """
        self._open()
        step = self.observe()
        assert step is not None  # nothing could wake it
        return step

    def act(self, moves: npt.ArrayLike) -> None:
        """Answer the last state: one move from 0 to 255 per game. `observe` gives the next state.

        Raises:
            ValueError: too few or too many moves, or what is none.
            ConnectionLostError: the server is gone.
        """
        given, games = np.asarray(moves), self.session.games
        if given.shape != (games,) or given.dtype.kind not in "iu":
            raise ValueError(f"moves must be {games} integers, one per game")
        answer = given.astype(np.uint8, copy=False)
        if answer is not given and (answer != given).any():
            raise ValueError("moves must be from 0 to 255")
        self._answered = True
        self.connection.send(action(self._number, answer.tobytes()))

    def observe(self, wake: Wake | None = None) -> Step | None:
        """Wait for the next state; None when `wake` was set meanwhile: call again.

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: it is gone.
        """
        step, self._step = self._step, None
        while step is None:
            came = self.connection.receive(wake=wake)
            if came is None:
                return None
            step = self._read_step(came)  # or a PONG that nobody waits for any more
        return step

    def poll(self) -> Step | None:
        """Give the next state if it has come, or None; never wait.

        Raises:
            ProtocolError, ConnectionLostError: as `observe` does.
        """
        step, self._step = self._step, None
        while step is None and (came := self.connection.take()) is not None:
            step = self._read_step(came)
        return step

    def _read_step(self, came: tuple[Kind, bytes]) -> Step | None:
        if came[0] is Kind.PONG:
            self._pings -= 1
            if self._pings < 0:  # or a server could keep us reading for ever
                raise ProtocolError("a PONG that answers no PING")
            return None
        step = Step.parse(came[1], self.session)
        if step.number != (self._number + 1) % (1 << 32):
            raise ProtocolError(f"STEP {step.number} where {self._number + 1} is due")
        if not self._answered:
            raise ProtocolError(f"STEP {step.number} before the one before it was answered")
        self._number, self._answered = step.number, False
        return step

    def step(self, moves: npt.ArrayLike) -> Step:
        """`act`, then `observe`: answer the last state and wait for the next."""
        self.act(moves)
        step = self.observe()
        assert step is not None  # nothing could wake it
        return step

    def pause(self, paused: bool = True) -> None:
        """Stop the game, or let it go on. It stays connected; `ping` and `attend` work meanwhile."""
        self.connection.send(message(Kind.PAUSE, bytes((paused,))))

    def ping(self, patience: float = SILENCE_SECONDS) -> float:
        """Seconds that one PING takes there and back; infinity if it is not answered for so many.

        Raises:
            ConnectionLostError: the server is gone, or silent.
        """
        echo = secrets.token_bytes(ECHO.size)
        self._pings += 1
        start = time.perf_counter()
        self.connection.send(message(Kind.PING, echo))
        until = time.monotonic() + patience
        while (came := self.connection.receive(until)) is not None:
            self._step = self._read_step(came) or self._step
            if came == (Kind.PONG, echo):
                return time.perf_counter() - start
        return math.inf

    def attend(self, seconds: float, wake: Wake | None = None) -> None:
        """Do nothing but keep the line alive, for so long or until `wake` is set.

        Raises:
            ConnectionLostError: the server is gone.
        """
        until = time.monotonic() + seconds
        while (came := self.connection.receive(until, wake)) is not None:
            self._step = self._read_step(came) or self._step


class PongWatcher(_Client):
    """The end of the wire of somebody who only watches."""

    def __init__(self, *where: Any, **options: Any) -> None:
        super().__init__(*where, role=Role.WATCH, **options)

    def connect(self) -> None:
        """Connect and shake hands.

        Raises:
            PongError: as `PongClient.connect`.
        """
        self._open()

    def watch(self, until: float, wake: Wake | None = None) -> View | None:
        """Give the newest view that has come, at the latest when it is `until` (time.monotonic).

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: it is gone.
        """
        newest, read = None, 0
        came = self.connection.receive(until, wake)
        while came is not None and read < VIEWS_AT_ONCE:
            read += 1
            newest = came[1] if came[0] is Kind.VIEW else newest
            came = self.connection.take()
        return None if newest is None else View.parse(newest)
