"""The connection of an environment to its server. It comes back when it was lost.

A link knows where the server is, or starts it; it plays one paddle, or both. It knows nothing of episodes.

    begin    connect, and begin new games
    play     answer the last states, and wait for the next ones
    regain   connect again after a ConnectionLostError, however long that takes
    close    hang up, and end the server if it is our own
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.agent.local_server import LocalServer
from pongrl.checks import LARGEST_SEED, whole
from pongrl.envs.where import Where
from pongrl.errors import ConnectionLostError, PongError, ProtocolError, Refusal, RefusedError, UsageError
from pongrl.wire.client import PongClient, PongWatcher
from pongrl.wire.messages import IDENTITY_BYTES, MAX_GAMES, Role, Session, Step
from pongrl.wire.retry import Retry
from pongrl.wire.sockets import address_of
from pongrl.wire.tokens import choose_token

LARGEST_FOLDED = 2**61 - 1  # a prime, so that seeds that differ in high bits alone stay apart
HANG_UP_SECONDS = 1.0  # longest wait until the server has seen one of two connections close
BUSY_ATTEMPTS, BUSY_SECONDS = 10, 0.2  # to begin where our place is taken, or we came often; between two

Int64Array: TypeAlias = npt.NDArray[np.int64]
Steps: TypeAlias = tuple[Step, ...]  # one for each paddle that is played

log = logging.getLogger("pong.remote")


class Link:
    """The connections to one server: one for each paddle that is played.

    Args:
        where: the server.
        games: the number of games that it must play.
        paddles: the paddles to play.
        wait: waits for some seconds; a window can stay alive meanwhile.

    Raises:
        PongError: the token's file cannot be read.
        UsageError: `where.host` names no port behind its colon.
    """

    def __init__(
        self,
        where: Where,
        games: int,
        paddles: tuple[Role, ...] = (Role.LEFT,),
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.games = games
        self._where, self._paddles, self._wait = where, paddles, wait
        self._address = address_of(where.host, where.port)
        self._token = choose_token(where.token, where.token_file) or ""
        self._identity = secrets.token_bytes(IDENTITY_BYTES)  # the server recognizes us by it
        self._retry = Retry()
        self._own: LocalServer | None = None
        self._seed = -1  # our own server was started with it
        self._clients: list[PongClient] = []
        self._steps: Steps = ()
        self._foreign: list[object] = []  # what a parent process opened; it is never closed here
        self._untouched = False  # True until the first states of this connection are answered

    @property
    def session(self) -> Session | None:
        """What the server plays; None while there is no connection."""
        return self._clients[0].session if self._clients else None

    def ask(self) -> Session:
        """Ask a server on the network what it plays, without taking a paddle.

        Raises:
            PongError: there is no server, or it does not let us look on.
        """
        host, port = self._address
        with PongWatcher(host, port, token=self._token, ca=self._where.ca) as watcher:
            watcher.connect()
            return watcher.session

    def begin(self, seed: int) -> Steps:
        """Begin new games; on a server of our own, the games of this seed.

        A seed may be as large as it likes: Gymnasium allows any, and a server takes 63 bits.

        A lockstep server on the network begins new games for each connection. If it was started with --seed,
        these are always the same games. A server in real time plays on.

        Returns:
            The first states.

        Raises:
            PongError: there is no server, or it does not let us in, or it plays another number of games.
        """
        seed = folded(seed)
        if self._need_not_reconnect(seed):
            return self._steps
        self._hang_up()
        if self._own is not None and seed == self._seed:
            with contextlib.suppress(ConnectionLostError):  # it has ended: start another one
                return self._connect_soon()
        if self._where.local:
            self._start_own(seed)
        return self._connect_soon()

    def _need_not_reconnect(self, seed: int) -> bool:
        session = self.session
        if session is None:
            return False
        if not session.lockstep:
            return True
        return self._untouched and (self._own is None or seed == self._seed)

    def play(self, moves: Sequence[Int64Array]) -> Steps:
        """Answer the last states, and wait for the next ones.

        Args:
            moves: for each paddle, a move in each game: (games,).

        Raises:
            ConnectionLostError: the server is gone; call `regain`.
            ProtocolError: the server broke the protocol.
        """
        if not self._clients:
            raise ConnectionLostError("the last step was interrupted")
        self._untouched = False
        try:
            for client, answer in zip(self._clients, moves, strict=True):
                client.act(answer)
            self._steps = tuple(next_state(client) for client in self._clients)
        except BaseException:  # after Ctrl-C too: it is unknown what the server has received
            self._hang_up()
            raise
        return self._steps

    def regain(self, draw_seed: Callable[[], int]) -> Steps:
        """Connect again, however long it takes. If our own server has ended, start another one.

        Args:
            draw_seed: gives the seed of another server.

        Returns:
            The first states of the new connection.

        Raises:
            RefusedError: the server does not let us in. While our place is taken, we wait for it instead.
            UsageError: the server now plays another number of games.
            PongError: our own server does not start.
        """

        def try_again() -> Steps:
            # Asked at each attempt: a server may end some time after its connection.
            if self._where.local and (self._own is None or self._own.has_ended()):
                self._start_own(draw_seed())
            return self._connect()

        self._hang_up()
        steps = self._retry.keep_trying(try_again, self._pause, report)
        assert steps is not None, "`_pause` never gives up"
        return steps

    def _pause(self, seconds: float) -> bool:
        self._wait(seconds)
        return True

    def _start_own(self, seed: int) -> None:
        whole("seed", seed, 0, LARGEST_SEED)
        self._end_own()
        own = LocalServer(self._where.flags(self.games, seed), debug=False)
        try:
            own.listen()
        except BaseException:  # Ctrl-C too: one whose port is not known is of no use
            own.close()
            raise
        self._own, self._seed = own, seed

    def _connect_soon(self) -> Steps:
        """Connect. A server lets an agent that has come often in again after half a second."""
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._connect()
            except RefusedError as error:
                if error.reason is not Refusal.BUSY:
                    raise
            self._wait(BUSY_SECONDS)
        return self._connect()

    def _connect(self) -> Steps:
        steps = []
        try:
            for paddle in self._paddles:
                client, step = self._enter(paddle)
                self._clients.append(client)
                steps.append(step)
        except BaseException:
            self._hang_up()
            raise
        self._steps, self._untouched = tuple(steps), True
        return self._steps

    def _enter(self, paddle: Role) -> tuple[PongClient, Step]:
        (host, port), token = self._address, self._token
        if self._own is not None:
            host, port, token = "127.0.0.1", self._own.port, self._own.token
        client = PongClient(host, port, token=token, role=paddle, identity=self._identity, ca=self._where.ca)
        try:
            step = client.connect()
            self._check(client.session)
        except BaseException:
            client.close()
            raise
        return client, step

    def _check(self, session: Session) -> None:
        if not session.is_our_game:
            raise UsageError(
                "the server plays another game than our Pong, with frames of "
                f"{session.height}×{session.width}: connect to one that python pong.py has started"
            )
        if session.games != self.games:
            instead = ""
            if len(self._paddles) == 1:
                instead = f", or use RemotePongVector(num_envs={session.games})"
            raise UsageError(
                f"the server plays {session.games} games and the environment {self.games}: "
                f"start it with --games {self.games}{instead}"
            )

    def _hang_up(self) -> None:
        while self._clients:
            self._clients.pop().close()
            if self._clients:
                # Lockstep begins new games only if both paddles are free at once. The server answers this
                # ping after it has seen the other connection close.
                with contextlib.suppress(PongError):
                    self._clients[0].ping(HANG_UP_SECONDS)

    def _end_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def leave_to_parent(self) -> None:
        """Be another agent in a forked copy of the process: what was opened so far is the parent's."""
        self._foreign += [*self._clients, self._own]
        self._clients, self._own, self._steps = [], None, ()
        self._identity = secrets.token_bytes(IDENTITY_BYTES)

    def close(self) -> None:
        """Close the connections, and end the server if it is our own. A second call does nothing."""
        self._hang_up()
        self._end_own()


def folded(seed: int) -> int:
    """Return a seed that a server takes for each of its games; a small one stays as it is."""
    return seed if seed <= LARGEST_SEED - MAX_GAMES else seed % LARGEST_FOLDED


def next_state(client: PongClient) -> Step:
    """Wait for a client's next state."""
    step = client.observe()
    assert step is not None, "only a Wake interrupts `observe`"
    return step


def report(error: PongError) -> None:
    """Log why a connection failed, or raise the error if another attempt cannot help."""
    is_busy = isinstance(error, RefusedError) and error.reason is Refusal.BUSY
    if not (is_busy or isinstance(error, ConnectionLostError | ProtocolError)):
        raise error
    log.warning("%s; trying again until it is there", error)
