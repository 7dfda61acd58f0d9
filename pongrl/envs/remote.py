"""Games on a server, as other tools want them: cut into episodes, over a connection that comes back.

Where    which server: one on the network, or one of our own
Link     the connection to it
Games    what is played over it, cut into episodes
Pair     two connections to it, for both paddles of one game
Both     what is played over those

Nothing here knows the tools.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.agent import fleet
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.checks import LARGEST_SEED, whole
from pongrl.errors import ConnectionLostError, PongError, Refusal, RefusedError, UsageError
from pongrl.wire.client import PongClient
from pongrl.wire.messages import DEFAULT_PORT, IDENTITY_BYTES, Column, Mover, Role, Session, Step
from pongrl.wire.sockets import address_of
from pongrl.wire.tokens import read_token

HEIGHT, WIDTH = 50, 70  # of a frame: what a tool must know before there is a connection
STAY, UP, DOWN = 0, 1, 2


# What a state tells of the time since the last one: nothing, as an episode begins.
SINCE = np.array([Column.REWARD, Column.MOVE, Column.POINTS, Column.TICKS, Column.HITS])
TOLD = (Column.MATCHES, Column.MOVE, Column.MOVER, Column.POINTS, Column.TICKS, Column.HITS)
HANG_UP_SECONDS = 1.0  # at most, until a server has seen one of two leave
SCORES = slice(Column.LEFT, Column.RIGHT + 1)
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Int64Array: TypeAlias = npt.NDArray[np.int64]


log = logging.getLogger("pong.remote")


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which server to play on.

    A server on the network:
        host: its name or address, or "name:port".
        port: where it listens.
        token: what it wants proved; else what `token_file` has, else PONG_TOKEN.
        token_file: a file with the token.
        ca: a file of certificates, if the server has one.

    One of our own, a lockstep `pong.py` on this machine:
        local: True.
        level: of the built-in AI, 1 to 3 (default 2).
        frameskip: ticks of 1/60 s in one decision (default 8).
        points_to_win: points that win a match (default 21).

    Raises:
        UsageError: they do not go together.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    ca: str | None = None
    local: bool = False
    level: int | None = None
    frameskip: int | None = None
    points_to_win: int | None = None

    def __post_init__(self) -> None:
        there = (self.host, self.port, self.token, self.token_file, self.ca)
        if self.local and there != (Where.host, Where.port, None, None, None):
            raise UsageError("local=True starts a server of its own: leave out host, port, token and ca")
        if not self.local and (self.level, self.frameskip, self.points_to_win) != (None, None, None):
            raise UsageError(
                "level, frameskip and points_to_win are the server's own: "
                "give them to its pong.py, or say local=True"
            )

    def flags(self, games: int, seed: int) -> tuple[str, ...]:
        """What a server of our own is told."""
        flags = training_flags(self.level, games, seed)
        for flag, value in (("--frameskip", self.frameskip), ("--points-to-win", self.points_to_win)):
            flags += () if value is None else (flag, str(value))
        return flags


class Link:
    """The connection to a server, and the server itself if it is our own.

    `step` is the last state that came, `wait` how to wait for some seconds.
    """

    _instead = ", or use RemotePongVector(num_envs={})"  # of another number of games

    def __init__(self, where: Where, games: int) -> None:
        self.wait: Callable[[float], object] = time.sleep
        self.step: Step | None = None
        self._where, self._games = where, games
        self._address = address_of(where.host, where.port)
        self._token = where.token if where.token is not None else read_token(where.token_file) or ""
        self._identity = secrets.token_bytes(IDENTITY_BYTES)  # by which the server knows us again
        self._own: LocalServer | None = None
        self._seed = -1  # that our own server was started with
        self._client: PongClient | None = None
        self._untouched = False  # no state of this connection was answered yet

    @property
    def session(self) -> Session | None:
        """What the server plays, while there is a connection."""
        return None if self._client is None else self._client.session

    def begin(self, seed: int) -> None:
        """Begin new games, on a server of our own those of this seed.

        A lockstep server on the network begins new games for each connection: those of its own --seed if it
        was given one, so always the same. A server in real time plays on as it does.

        Raises:
            PongError: there is no server, or it does not let us in, or plays another number of games.
        """
        if self.session is not None:
            same = self._untouched and (self._own is None or seed == self._seed)
            if same or not self.session.lockstep:
                return
        self._hang_up()
        if self._own is not None and seed == self._seed:
            with contextlib.suppress(ConnectionLostError):  # it has ended
                self._connect()
        if self.session is None:
            if self._where.local:
                self._start_own(seed)
            self._connect()

    def play(self, moves: Int64Array) -> None:
        """Answer the last state with a move for each game, and wait for the next.

        Raises:
            ConnectionLostError: the server is gone: `regain` it.
            ProtocolError: it broke the protocol.
        """
        if self._client is None:
            raise ConnectionLostError("the last step was interrupted")
        self._untouched = False
        try:
            self._exchange(self._client, moves)
        except BaseException:  # also Ctrl-C: then nobody knows what was answered
            self._hang_up()
            raise

    def _exchange(self, client: PongClient, moves: Int64Array) -> None:
        self.step = client.step(moves)

    def regain(self, draw_seed: Callable[[], int]) -> None:
        """Connect again, however long it takes, with growing pauses. Our own server is replaced if it died.

        Raises:
            RefusedError: the server does not let us in any more; that its place is taken may pass.
            UsageError: it plays another number of games now.
            PongError: our own server does not start.
        """
        self._hang_up()
        if self._where.local and (self._own is None or self._own.has_ended()):
            self._start_own(draw_seed())
        pause, said = fleet.FIRST_PAUSE, ""
        while self._client is None:
            try:
                self._connect()
            except PongError as error:
                refused = isinstance(error, RefusedError) and error.reason is not Refusal.BUSY
                if refused or isinstance(error, UsageError):
                    raise
                if str(error) != said:
                    said = str(error)
                    log.warning("%s; trying again until it is there", said)
                self.wait(pause)
                pause = min(2 * pause, fleet.LONGEST_PAUSE)

    def _start_own(self, seed: int) -> None:
        whole("seed", seed, 0, LARGEST_SEED)
        self._end_own()
        self._own, self._seed = LocalServer(self._where.flags(self._games, seed), debug=False), seed

    def _connect(self) -> None:
        self._client, self.step = self._let_in(Role.LEFT)
        self._untouched = True

    def _let_in(self, role: Role) -> tuple[PongClient, Step]:
        """Connect in a role: the connection and its first state."""
        (host, port), token = self._address, self._token
        if self._own is not None:
            host, port, token = "127.0.0.1", self._own.port, self._own.token
        client = PongClient(host, port, token=token, role=role, identity=self._identity, ca=self._where.ca)
        try:
            step = client.connect()
            self._check(client.session)
        except BaseException:
            client.close()
            raise
        return client, step

    def _check(self, session: Session) -> None:
        if session.games != self._games:
            raise UsageError(
                f"the server plays {session.games} games and the environment {self._games}: start it with "
                f"--games {self._games}{self._instead.format(session.games)}"
            )
        if (session.height, session.width) != (HEIGHT, WIDTH):
            raise UsageError(
                f"the server's frames are {session.height}×{session.width} and not {HEIGHT}×{WIDTH}: "
                "run the same release on both machines"
            )

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _end_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def close(self) -> None:
        """Close the connection, and end the server if it is our own; calling it again does nothing."""
        self._hang_up()
        self._end_own()


def first_of(step: Step, which: BoolArray) -> Step:
    """A state as the first one of an episode in some games (games,): it tells of nothing before it."""
    table = step.table.copy()
    table[np.ix_(which, SINCE)] = 0
    table[which, Column.MOVER] = Mover.HELD
    return replace(step, table=table)


def told(step: Step, game: int) -> dict[str, Any]:
    """What a state tells of one game, beside frame and reward."""
    row = step.table[game]
    counts = {column.name.lower(): int(row[column]) for column in TOLD}
    return {"scores": row[SCORES].copy(), **counts, "dropped": step.dropped}


class Games:
    """The games of one connection, cut into episodes: matches, or so many points each.

    A point ends a decision early, and the state that tells of it already shows the next serve. So the
    last state of an episode is the first of the next one, and a new episode costs no decision.
    """

    def __init__(
        self, where: Where, count: int, points_per_episode: int | None, link: Link | None = None
    ) -> None:
        if points_per_episode is not None:
            whole("points_per_episode", points_per_episode, 1, 1_000_000)
        self.link = Link(where, count) if link is None else link
        self.count = count
        self._points_per_episode = points_per_episode
        self._points = np.zeros(count, np.int64)  # played in this episode
        self._matches = np.zeros(count, np.int64)  # finished before it
        self._moved = np.zeros(count, bool)  # since its first state

    @property
    def step(self) -> Step:
        """The last state; an episode's first one tells of nothing before it."""
        assert self.link.step is not None, "nothing was begun yet"
        return self.link.step

    @property
    def over(self) -> BoolArray:
        """Which episodes have come to their end: (games,)."""
        if self._points_per_episode is None:
            ended: BoolArray = self.step.matches != self._matches
            return ended
        return self._points >= self._points_per_episode

    @property
    def running(self) -> BoolArray:
        """Which episodes are between their first state and their last: (games,)."""
        return self._moved & ~self.over

    def begin(self, seed: int) -> None:
        """Begin new games, as `Link.begin` does, and an episode of each."""
        self.link.begin(seed)
        self.start_episodes(np.ones(self.count, bool))

    def play(self, moves: Int64Array, draw_seed: Callable[[], int]) -> str:
        """Play one decision with a move for each game: (games,).

        If the connection was lost on the way it is regained, with an episode of each game just begun.

        Returns:
            Why the connection was lost, or nothing.
        """
        try:
            self.link.play(moves)
        except ConnectionLostError as error:
            self.link.regain(draw_seed)
            self.start_episodes(np.ones(self.count, bool))
            return str(error)
        self._points += self.step.points
        self._moved[:] = True
        return ""

    def start_episodes(self, which: BoolArray) -> None:
        """Let the state that is there be the first one of an episode, in some games: (games,)."""
        step = self.step
        self.link.step = first_of(step, which)
        self._points[which] = 0
        self._matches[which] = step.matches[which]
        self._moved[which] = False

    def finish_episode(self, draw_seed: Callable[[], int]) -> None:
        """Play on standing still to the end of a single game's episode, but not in real time: too long."""
        session = self.link.session
        while session is not None and session.lockstep and self.running.any():
            self.play(np.full(self.count, STAY), draw_seed)

    def told(self, game: int) -> dict[str, Any]:
        """What a state tells of one game, beside frame and reward."""
        return told(self.step, game)

    def all_told(self) -> dict[str, Any]:
        """The same of all games: arrays of shape (games, …)."""
        step = self.step
        table = step.table.astype(np.int64)
        counts = {column.name.lower(): table[:, column].copy() for column in TOLD}
        dropped = np.full(self.count, step.dropped)
        return {"scores": step.table[:, SCORES].copy(), **counts, "dropped": dropped}


class Pair(Link):
    """The connections of both paddles to one game; the right one's last state is `right_step`."""

    _instead = ""

    def __init__(self, where: Where) -> None:
        super().__init__(where, 1)
        self.right_step: Step | None = None
        self._right: PongClient | None = None

    def _exchange(self, client: PongClient, moves: Int64Array) -> None:
        assert self._right is not None
        moves = np.broadcast_to(moves, 2)
        client.act(moves[:1])
        self._right.act(moves[1:])
        self.step, self.right_step = client.observe(), self._right.observe()

    def _connect(self) -> None:
        super()._connect()
        try:
            self._right, self.right_step = self._let_in(Role.RIGHT)
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        right, self._right = self._right, None
        if right is not None:
            right.close()
            if self._client is not None:
                # Answered when the server has seen the right one leave: lockstep begins anew only then.
                with contextlib.suppress(PongError):
                    self._client.ping(HANG_UP_SECONDS)
        super()._hang_up()


class Both(Games):
    """One game of which both paddles are played, cut into episodes; a decision has two moves, (2,)."""

    def __init__(self, where: Where, points_per_episode: int | None) -> None:
        self.pair = Pair(where)
        super().__init__(where, 1, points_per_episode, self.pair)

    @property
    def right_step(self) -> Step:
        """The right one's last state."""
        assert self.pair.right_step is not None, "nothing was begun yet"
        return self.pair.right_step

    def start_episodes(self, which: BoolArray) -> None:
        """Let the states that are there be the first ones of an episode."""
        super().start_episodes(which)
        self.pair.right_step = first_of(self.right_step, which)
