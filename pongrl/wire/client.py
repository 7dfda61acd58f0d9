"""The connecting end of the wire: PongClient plays, PongWatcher watches.

    PongClient        connect = enter, observe  PongWatcher        connect
                      act(moves)                                   watch ──► the newest View
                      observe ──► Step
                      step(moves) = act, observe

One thread uses a client. A second one, its own, sends heartbeats, so that an agent may think between two
steps for as long as it likes. A client connects once; to connect again, make another.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from typing import Self

import numpy as np
import numpy.typing as npt

from pongrl.errors import ConnectionLostError, ProtocolError
from pongrl.wire.connection import SILENCE_SECONDS, Connection
from pongrl.wire.dial import Call, dial
from pongrl.wire.framing import Kind, Message, message
from pongrl.wire.handshake import HANDSHAKE_SECONDS
from pongrl.wire.messages import (
    DEFAULT_PORT,
    ECHO,
    NOBODY,
    Role,
    Session,
    Step,
    View,
    action,
    number_after,
    pause,
)
from pongrl.wire.waiting import Wake

VIEWS_AT_ONCE = 10_000  # minutes of them: a flood must not hold up the window


class _Client:
    """A connection to a server, in any role."""

    def __init__(self, call: Call) -> None:
        self.host, self.port, self.role, self.timeout = call.host, call.port, call.role, call.timeout
        self._call = call
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

    @property
    def connection(self) -> Connection:
        """The connection, for `wait`, which can wait for those of several clients."""
        if self._connection is None or self._closed.is_set():
            raise RuntimeError("not connected: call connect() first")
        return self._connection

    def _open(self) -> None:
        """Connect, shake hands, and let the heart beat."""
        if self._connection is not None:
            raise RuntimeError("connected already")
        line = dial(self._call)
        self._session, self._connection = line.session, line.connection
        heart = threading.Thread(
            target=self._connection.keep_alive, args=(self._closed,), name="heartbeat", daemon=True
        )
        heart.start()
        self._heart = heart

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

        with PongClient("raspberrypi.local", token="…") as client:
            step = client.connect()
            while True:
                step = client.step(moves(step.frames, step.rewards))  # one of 0, 1, 2 per game

    Args:
        host: name or address of the server.
        port: its port.
        token: the secret that the server has too; "" if it has none.
        role: the paddle to play. Role.RIGHT is shown everything mirrored, as if it played the left one.
        timeout: seconds for connecting, and again for the handshake.
        identity: 16 secret bytes, by which a client that lost its connection takes over its own place.
        ca: a file of certificates (PEM): encrypt the connection, and check the server's certificate by it.
        name: by which people are to know the agent, in an arena; its first 24 characters are shown.

    Raises:
        ValueError: the role is Role.WATCH, or the identity has another length.
    """

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
        name: str = "",
    ) -> None:
        if role is Role.WATCH:
            raise ValueError("the role WATCH is sent no states to answer: use PongWatcher")
        super().__init__(Call(host, port, token, role, identity, timeout, ca, name))
        self._number = -1  # of the STEP that came last
        self._answered = True
        self._step: Step | None = None  # a state that came while something else was waited for
        self._pings = 0  # not answered yet

    def connect(self) -> Step:
        """Connect, shake hands and wait for the first state.

        Raises:
            PongError: the host cannot be found.
            ConnectionLostError: nobody listens there, or no longer.
            RefusedError: a Pong server refuses us.
            ProtocolError: what listens there is no Pong server.
        """
        self.enter()
        step = self.observe()
        assert step is not None  # there is no `wake`
        return step

    def enter(self) -> None:
        """Connect and shake hands only: `observe` waits for the first state, which may take long in an arena.

        Raises:
            PongError: as `connect` does.
        """
        self._open()

    def step(self, moves: npt.ArrayLike) -> Step:
        """Answer the last state and wait for the next: `act`, then `observe`."""
        self.act(moves)
        step = self.observe()
        assert step is not None  # there is no `wake`
        return step

    def act(self, moves: npt.ArrayLike) -> None:
        """Answer the last state; `observe` returns the next one.

        Args:
            moves: one integer from 0 to 255 per game; Pong knows 0 (stay), 1 (up) and 2 (down).

        Raises:
            ValueError: the moves are too few or too many, or not integers from 0 to 255.
            ConnectionLostError: the server is gone.
        """
        given, games = np.asarray(moves), self.session.games
        if given.shape != (games,) or given.dtype.kind not in "iu":
            raise ValueError(f"moves must be {games} integers, one per game")
        answer = given.astype(np.uint8, copy=False)
        if answer is not given and (answer != given).any():
            raise ValueError("moves must be from 0 to 255")
        if self._number < 0:
            raise RuntimeError("no state to answer yet: call observe() first")
        self._answered = True
        self._send(action(self._number, answer.tobytes()))

    def observe(self, wake: Wake | None = None) -> Step | None:
        """Wait for the next state.

        Args:
            wake: stops the waiting when it is set; it is cleared then.

        Returns:
            The state; None if `wake` was set: call again.

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: the server is gone.
        """
        step, self._step = self._step, None
        while step is None:
            came = self.connection.receive(wake=wake)
            if came is None:
                return None
            step = self._read_step(came)  # None for a PONG that nobody waits for any more
        return step

    def poll(self) -> Step | None:
        """Return the next state if it has come, or None; never wait.

        Raises:
            ProtocolError, ConnectionLostError: as `observe` does.
        """
        step, self._step = self._step, None
        while step is None and (came := self.connection.take()) is not None:
            step = self._read_step(came)
        return step

    def pause(self, paused: bool = True) -> None:
        """Stop the game, or let it go on. It stays connected; `ping` and `attend` work meanwhile."""
        self._send(pause(paused))

    def ping(
        self,
        patience: float = SILENCE_SECONDS,
        wake: Wake | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> float:
        """Measure how long one PING takes there and back.

        Args:
            patience: seconds to wait for the answer.
            wake: interrupts the waiting when it is set; it is cleared then.
            stop: is asked whenever that happens; True ends the waiting.

        Returns:
            Seconds; infinity if no answer came in time.

        Raises:
            ConnectionLostError: the server is gone, or silent.
        """
        echo = secrets.token_bytes(ECHO.size)
        self._pings += 1
        start = time.perf_counter()
        self._send(message(Kind.PING, echo))
        until = time.monotonic() + patience
        while time.monotonic() < until and not stop():
            came = self.connection.receive(until, wake)
            if came is not None:
                self._step = self._read_step(came) or self._step
                if came == (Kind.PONG, echo):
                    return time.perf_counter() - start
        return math.inf

    def attend(self, seconds: float, wake: Wake | None = None) -> None:
        """Do nothing but keep the connection alive, for so long or until `wake` is set.

        Raises:
            ConnectionLostError: the server is gone.
        """
        until = time.monotonic() + seconds
        while (came := self.connection.receive(until, wake)) is not None:
            self._step = self._read_step(came) or self._step

    def _send(self, data: bytes) -> None:
        try:
            self.connection.send(data)
        except ConnectionLostError as error:
            raise self.connection.why_gone(error) from error

    def _read_step(self, came: Message) -> Step | None:
        """Read a STEP, and check that it is its turn; return None for a PONG that we asked for."""
        if came[0] is Kind.PONG:
            self._pings -= 1
            if self._pings < 0:  # or a server could keep us reading for ever
                raise ProtocolError("a PONG that answers no PING")
            return None
        step = Step.parse(came[1], self.session)
        if step.number != number_after(self._number):
            raise ProtocolError(f"STEP {step.number} where {number_after(self._number)} is due")
        if not self._answered:
            raise ProtocolError(f"STEP {step.number} before the one before it was answered")
        self._number, self._answered = step.number, False
        return step


class PongWatcher(_Client):
    """A spectator's end of the wire: it is sent views of the first game, and answers none.

    Args:
        host: name or address of the server.
        port: its port.
        token: the secret that the server has too; "" if it has none.
        timeout: seconds for connecting, and again for the handshake.
        ca: a file of certificates (PEM): encrypt the connection, and check the server's certificate by it.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        token: str = "",
        timeout: float = HANDSHAKE_SECONDS,
        ca: str | None = None,
    ) -> None:
        super().__init__(Call(host, port, token, Role.WATCH, NOBODY, timeout, ca))

    def connect(self) -> None:
        """Connect and shake hands.

        Raises:
            PongError: as `PongClient.connect` does.
        """
        self._open()

    def watch(self, until: float, wake: Wake | None = None) -> View | None:
        """Wait for the next views, and read the newest of those that have come.

        Args:
            until: the time (time.monotonic) when to stop waiting.
            wake: stops the waiting when it is set; it is cleared then.

        Returns:
            The newest view; None if none came in time, or `wake` was set.

        Raises:
            ProtocolError: the server broke the protocol.
            ConnectionLostError: the server is gone.
        """
        newest, read = None, 0
        came = self.connection.receive(until, wake)
        while came is not None and read < VIEWS_AT_ONCE:
            read += 1
            newest = came[1] if came[0] is Kind.VIEW else newest
            came = self.connection.take()
        return None if newest is None else View.parse(newest)
