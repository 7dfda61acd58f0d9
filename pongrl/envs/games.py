"""The games of one connection, cut into episodes: matches, or a number of points.

A point ends a decision early, and the state that reports it already shows the next serve. So the last state
of an episode is also the first state of the next one, and in lockstep a new episode costs no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.checks import whole
from pongrl.envs.link import Int64Array, Link, Steps
from pongrl.errors import ConnectionLostError
from pongrl.game.moves import STAY
from pongrl.wire.messages import Column, Mover, Session, Step

LARGEST_DRAWN_SEED = 1 << 62
REPORTED = (Column.MATCHES, Column.MOVE, Column.MOVER, Column.POINTS, Column.TICKS, Column.HITS)
# These columns count since the last state. They are 0 when an episode begins.
SINCE = np.array([Column.REWARD, Column.MOVE, Column.POINTS, Column.TICKS, Column.HITS])

BoolArray: TypeAlias = npt.NDArray[np.bool_]


def draw_seed(random: np.random.Generator) -> int:
    """Draw the seed of a server of our own."""
    return int(random.integers(LARGEST_DRAWN_SEED))


def first_of(step: Step, which: BoolArray) -> Step:
    """Return a state as the first one of an episode in some games (games,): nothing happened before it."""
    table = step.table.copy()
    table[np.ix_(which, SINCE)] = 0
    table[which, Column.MOVER] = Mover.HELD
    return replace(step, table=table)


def info_of(step: Step, game: int) -> dict[str, Any]:
    """Return what a state says of one game, beside frame and reward."""
    row = step.table[game]
    counts = {column.name.lower(): int(row[column]) for column in REPORTED}
    return {"scores": step.scores[game].copy(), **counts, "dropped": step.dropped}


class Games:
    """The games of one connection, and where each is in its episode.

    Args:
        link: the connection.
        points_per_episode: points of an episode; None means a match.

    Raises:
        UsageError: an episode cannot have so many points.
    """

    def __init__(self, link: Link, points_per_episode: int | None) -> None:
        if points_per_episode is not None:
            whole("points_per_episode", points_per_episode, 1, 1_000_000)
        self.link, self.count = link, link.games
        self.steps: Steps = ()  # the last state of each paddle; empty until `begin`
        self._points_per_episode = points_per_episode
        self._points = np.zeros(self.count, np.int64)  # played in this episode
        self._matches = np.zeros(self.count, np.int64)  # finished before this episode
        self._moved = np.zeros(self.count, bool)  # since the first state of this episode

    @property
    def step(self) -> Step:
        """The last state, as the first paddle sees it."""
        return self.steps[0]

    @property
    def session(self) -> Session | None:
        """What the server plays; None while there is no connection."""
        return self.link.session

    @property
    def in_lockstep(self) -> bool:
        """Whether the server waits for every answer."""
        return self.session is not None and self.session.lockstep

    @property
    def over(self) -> BoolArray:
        """Which episodes have ended: (games,)."""
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
        self.steps = self.link.begin(seed)
        self._start_all()

    def begin_single(self, seed: int | None, draw: Callable[[], int]) -> None:
        """Begin an episode of the only game: with a seed or without a connection, of a new game.

        Without a seed, a running episode is first played to its end, standing still. In real time this would
        take too long, so there the new episode begins where the game is.
        """
        self.catch_up(draw)
        if seed is not None or self.session is None:
            self.begin(draw() if seed is None else seed)
        while self.in_lockstep and self.running.any():
            self.play([np.full(self.count, STAY)] * len(self.steps), draw)
        self._start_all()

    def catch_up(self, draw: Callable[[], int]) -> None:
        """Play a decision in real time, standing still: what came since the last state is no episode's.

        The last state may be minutes old, and what has happened since then is in the next one.
        """
        if self.steps and self.session is not None and not self.in_lockstep:
            self.play([np.full(self.count, STAY)] * len(self.steps), draw)

    def play(self, moves: Sequence[Int64Array], draw: Callable[[], int]) -> str:
        """Play one decision. If the connection is lost, regain it and begin an episode of each game.

        Args:
            moves: for each paddle, a move in each game: (games,).
            draw: gives a seed, if another server must be started.

        Returns:
            Why the connection was lost, or "".
        """
        try:
            self.steps = self.link.play(moves)
        except ConnectionLostError as error:
            self.steps = self.link.regain(draw)
            self._start_all()
            return str(error)
        self._points += self.step.points
        self._moved[:] = True
        return ""

    def info(self, game: int) -> dict[str, Any]:
        """Return what the last state says of one game, beside frame and reward."""
        return info_of(self.step, game)

    def infos(self) -> dict[str, npt.NDArray[Any]]:
        """Return what the last state says of all games: arrays of shape (games, …)."""
        step, table = self.step, self.step.table.astype(np.int64)
        counts = {column.name.lower(): table[:, column].copy() for column in REPORTED}
        dropped = np.full(self.count, step.dropped)
        return {"scores": step.scores.copy(), **counts, "dropped": dropped}

    def start_episodes(self, which: BoolArray) -> None:
        """Make the last state the first one of an episode in some games: (games,)."""
        self.steps = tuple(first_of(step, which) for step in self.steps)
        self._points[which] = 0
        self._matches[which] = self.step.matches[which]
        self._moved[which] = False

    def leave_to_parent(self) -> None:
        """Begin with nothing in a forked copy of the process: the games so far are the parent's."""
        self.steps = ()
        self.link.leave_to_parent()

    def _start_all(self) -> None:
        self.start_episodes(np.ones(self.count, bool))
