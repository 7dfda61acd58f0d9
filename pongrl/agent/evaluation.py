"""How good a policy is: it plays without learning, and the points that it wins are counted.

Evaluation   a result, with its confidence interval
Tally        counts points while they are played; MatchTally counts matches
evaluate     plays on a server that is connected
Examiner     evaluates now and then while a policy trains
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pongrl.agent.eyes import Eyes, Integers
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.agent.matches import Matches
from pongrl.agent.misses import Misses, MissWatch
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.options import EVALUATION_SEED
from pongrl.agent.policy import Policy, RandomGenerator, choose
from pongrl.agent.progress import Progress
from pongrl.agent.servers import FEWER_GAMES, Arrivals, await_server, own_server
from pongrl.errors import ConnectionLostError, PongError
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step
from pongrl.wire.waiting import Wake


@dataclass(frozen=True)
class Evaluation:
    """What a policy achieved without learning."""

    points: int
    won: int
    hits: int  # of either paddle, in those points
    decisions: int
    seconds: float
    misses: Misses | None = None  # which balls were missed, if the frames tell
    margins: tuple[int, ...] = ()  # points won less points lost, of each match, if whole ones were played

    @property
    def share(self) -> float:
        """Share of the points won."""
        return self.won / max(self.points, 1)  # matches may end without any

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the share. Source: Wilson, Probable inference, 1927."""
        n, z = max(self.points, 1), 1.96
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)  # without what rounding adds

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        rallies = f", {self.hits / max(self.points, 1):.1f} hits in a rally" if self.hits else ""
        return (
            f"{self._matches()}won {self.won:,} of {self.points:,} points, {100 * self.share:.1f} % "
            f"(95 % interval {low:.1f} to {high:.1f} %){rallies}, "
            f"{self.decisions / max(self.seconds, 1e-9):,.0f} decisions/s"
        )

    def _matches(self) -> str:
        """Describe the matches, if whole ones were played."""
        if not self.margins:
            return ""
        mean, won = sum(self.margins) / len(self.margins), sum(margin > 0 for margin in self.margins)
        least, most = min(self.margins), max(self.margins)
        return f"won {won} of {len(self.margins)} matches, mean score {mean:+.1f} ({least:+} to {most:+}); "


class Tally:
    """Counts what is won in N games until enough points are over.

    Each game plays its share of the points. To take the points that end first would favour short rallies.
    """

    def __init__(self, games: int, points: int) -> None:
        self.points, self.won, self.hits, self.decisions = points, 0, 0, 0
        self._due = shares(points, games)  # (N,) points still to play
        self._rally = np.zeros(games, int)  # (N,) hits in the point that is being played

    def is_complete(self) -> bool:
        """Tell whether every game has played its share."""
        return not self._due.any()

    def count(self, step: Step) -> None:
        """Count what a decision led to."""
        self.decisions += len(self._rally)
        self._rally += step.hits
        for game in np.flatnonzero(step.points):
            # A real-time game may report several points at once, more than are still to play.
            counted = min(int(step.points[game]), int(self._due[game]))
            self.won += min((int(step.points[game]) + int(step.rewards[game])) // 2, counted)
            self.hits += int(self._rally[game]) if counted else 0
            self._due[game] -= counted
            self._rally[game] = 0


class MatchTally:
    """Counts what is won in N games until enough matches are over. Each game plays its share of them.

    Args:
        step: Where they begin.
        matches: How many.
    """

    def __init__(self, step: Step, matches: int) -> None:
        self.points = self.won = self.hits = self.decisions = 0
        self.margins: list[int] = []  # points won less points lost, of each match
        self._due = shares(matches, len(step.table))  # (N,) matches still to play
        self._matches = Matches(step)

    def is_complete(self) -> bool:
        """Tell whether every game has played its share."""
        return not self._due.any()

    def count(self, step: Step) -> None:
        """Count what a decision led to."""
        self.decisions += len(self._due)
        self.hits += int(step.hits[self._due > 0].sum())
        counted = self._due > 0
        points, rewards = (column[counted].astype(np.int64) for column in (step.points, step.rewards))
        self.points += int(points.sum())
        self.won += int(((points + rewards) // 2).sum())
        for game, margin in self._matches.ended(step):
            if counted[game]:
                self.margins.append(margin)
                self._due[game] -= 1


def shares(count: int, games: int) -> Integers:
    """Divide a count among N games: (N,)."""
    return count // games + (np.arange(games) < count % games)


def evaluate(
    policy: Policy,
    client: PongClient,
    step: Step,
    points: int,
    rng: RandomGenerator | None,
    stop: Callable[[], bool],
    observers: Sequence[Observer] = (),
    standing: Standing | None = None,
    wake: Wake | None = None,
    matches: int | None = None,
) -> tuple[Evaluation | None, Step]:
    """Play so many points, or matches, from a state on.

    Args:
        policy: What plays.
        client: A connected client.
        step: The state that it has to answer.
        points: How many, of all its games together.
        rng: Draws the moves; without it the likeliest ones are made.
        stop: Asked before each decision; True ends the evaluation.
        observers: Are told each decision.
        standing: Where the run stands, for the observers; by default as before the first point.
        wake: Interrupts the waiting for a state when it is set; then `stop` is asked too.
        matches: How many, to their ends, in the place of points.

    Returns:
        The result, or None if it was stopped, and the last state.

    Raises:
        ConnectionLostError: The server is gone.
    """
    session, begin = client.session, time.monotonic()
    eyes = Eyes.on(session)
    tally = Tally(session.games, points) if matches is None else MatchTally(step, matches)
    watch = MissWatch.of(session, step)
    standing = standing or Standing(policy, Progress(), None, is_connected=True, is_paused=False, status="")
    while not tally.is_complete():
        if stop():
            return None, step
        choice = choose(policy, eyes.look(step), rng)
        if observers:
            decided = Decided(session, step, choice.seen, choice.chosen)
            for observer in observers:
                observer.decided(decided, standing)
        client.act(choice.moves)
        while (came := client.observe(wake)) is None:
            if stop():
                return None, step
        step = came
        tally.count(step)
        if watch is not None:
            watch.look(step)
    seconds, misses = time.monotonic() - begin, None if watch is None else watch.misses
    margins = tuple(tally.margins) if isinstance(tally, MatchTally) else ()
    return Evaluation(
        tally.points, tally.won, tally.hits, tally.decisions, seconds, misses, margins
    ), step  # fmt: skip


class Examiner:
    """Evaluates the policy now and then while it trains, on games of its own (--evaluate-every).

    Args:
        seed: Of the training run; the games of an evaluation get another.
        debug: Let its server log to standard error.
        stop: Asked before each decision; True ends an evaluation.
        wake: Is set when there may be a reason to stop.
        observers: Are told each decision.
        env: Another game than ours that is trained on, if it is one. Then a match in each game is played.
        games: How many are trained on; another game is evaluated on as many, since each may be a process.
    """

    GAMES, POINTS = FEWER_GAMES, 200

    def __init__(
        self,
        seed: int | None,
        debug: bool,
        stop: Callable[[], bool],
        wake: Wake,
        observers: Sequence[Observer] = (),
        env: str | None = None,
        games: int | None = None,
    ) -> None:
        self._env = env
        self._games = self.GAMES if env is None or games is None else games
        self._seed = None if seed is None else seed + EVALUATION_SEED
        self._debug, self._stop, self._wake, self._observers = debug, stop, wake, observers
        self._stack = contextlib.ExitStack()  # closes what is open
        self._playing: tuple[PongClient, Step] | None = None  # and the state to answer next
        self._level: int | None = None  # on which it plays

    def examine(self, policy: Policy, level: int, standing: Standing | None = None) -> Evaluation | None:
        """Evaluate a policy.

        The first call starts a server. In our game, later calls on that level use it too.

        Args:
            policy: What plays.
            level: Of the built-in AI.
            standing: Where the run stands, for the observers.

        Returns:
            The result, or None if it was stopped.

        Raises:
            PongError: The server did not start, or is gone soon after that.
        """
        if level != self._level:
            self.close()
        is_new = self._playing is None
        if self._playing is None:
            self._playing = self._open(level)
        if self._playing is None:
            return None
        client, step = self._playing
        try:
            result, step = evaluate(
                policy, client, step, self.POINTS, None, self._stop, self._observers, standing, self._wake,
                matches=None if self._env is None else self._games,
            )  # fmt: skip
        except ConnectionLostError:
            self.close()
            if is_new:
                raise
            return self.examine(policy, level, standing)  # it had given us up while this process was stopped
        self._playing = client, step
        if self._env is not None:
            self.close()  # the next evaluation must not go on with matches that this policy has begun
        return result

    def _open(self, level: int) -> tuple[PongClient, Step] | None:
        """Start a server, and connect; return None if that was stopped."""
        self._level = level
        arrivals = Arrivals(self._wake)
        known = level if self._env is None else None
        own = LocalServer(training_flags(known, self._games, self._seed, env=self._env), self._debug)
        server = own_server(own, arrivals)
        self._stack.callback(server.close)
        return server.connected if await_server(server, arrivals, self._stop, _refuse) else None

    def close(self) -> None:
        """End the server; the next evaluation starts another."""
        self._playing = None
        self._stack.close()


def _refuse(error: PongError) -> None:
    raise error
