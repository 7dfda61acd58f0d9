"""How good a policy is: it plays without learning, and the points that it wins are counted.

Evaluation   a result, with its confidence interval
Tally        counts while it is played
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

from pongrl.agent.eyes import Eyes
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.agent.misses import Misses, MissWatch
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.options import EVALUATION_SEED
from pongrl.agent.policy import Policy, RandomGenerator, choose
from pongrl.agent.progress import Progress
from pongrl.agent.servers import Arrivals, await_server, own_server
from pongrl.errors import PongError
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

    @property
    def share(self) -> float:
        """Share of the points won."""
        return self.won / self.points

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the share. Source: Wilson, Probable inference, 1927."""
        n, z = self.points, 1.96
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return middle - half, middle + half

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        return (
            f"won {self.won:,} of {self.points:,} points, {100 * self.share:.1f} % "
            f"(95 % interval {low:.1f} to {high:.1f} %), {self.hits / self.points:.1f} hits in a rally, "
            f"{self.decisions / max(self.seconds, 1e-9):,.0f} decisions/s"
        )


class Tally:
    """Counts what is won in N games until enough points are over.

    Each game plays its share of the points. To take the points that end first would favour short rallies.
    """

    def __init__(self, games: int, points: int) -> None:
        self.won = self.hits = self.decisions = 0
        self._due = points // games + (np.arange(games) < points % games)  # (N,) points still to play
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
) -> tuple[Evaluation | None, Step]:
    """Play so many points from a state on.

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

    Returns:
        The result, or None if it was stopped, and the last state.

    Raises:
        ConnectionLostError: The server is gone.
    """
    session, begin = client.session, time.monotonic()
    eyes, tally = Eyes(session.games, session.height, session.width), Tally(session.games, points)
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
    return Evaluation(points, tally.won, tally.hits, tally.decisions, seconds, misses), step


class Examiner:
    """Evaluates the policy now and then while it trains, on games of its own (--evaluate-every).

    Args:
        seed: Of the training run; the games of an evaluation get another.
        debug: Let its server log to standard error.
        stop: Asked before each decision; True ends an evaluation.
        wake: Is set when there may be a reason to stop.
        observers: Are told each decision.
    """

    GAMES, POINTS = 16, 200

    def __init__(
        self,
        seed: int | None,
        debug: bool,
        stop: Callable[[], bool],
        wake: Wake,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._seed = None if seed is None else seed + EVALUATION_SEED
        self._debug, self._stop, self._wake, self._observers = debug, stop, wake, observers
        self._stack = contextlib.ExitStack()  # closes what is open
        self._playing: tuple[PongClient, Step] | None = None  # and the state to answer next
        self._level: int | None = None  # on which it plays

    def examine(self, policy: Policy, level: int, standing: Standing | None = None) -> Evaluation | None:
        """Evaluate a policy. The first call starts a server, which later calls on that level use too.

        Args:
            policy: What plays.
            level: Of the built-in AI.
            standing: Where the run stands, for the observers.

        Returns:
            The result, or None if it was stopped.

        Raises:
            PongError: The server did not start, or is gone.
        """
        if level != self._level:
            self.close()
        if self._playing is None:
            self._playing = self._open(level)
        if self._playing is None:
            return None
        client, step = self._playing
        result, step = evaluate(
            policy, client, step, self.POINTS, None, self._stop, self._observers, standing, self._wake
        )
        self._playing = client, step
        return result

    def _open(self, level: int) -> tuple[PongClient, Step] | None:
        """Start a server, and connect; return None if that was stopped."""
        self._level = level
        arrivals = Arrivals(self._wake)
        own = LocalServer(training_flags(level, self.GAMES, self._seed), self._debug)
        server = own_server(own, arrivals)
        self._stack.callback(server.close)
        return server.connected if await_server(server, arrivals, self._stop, _refuse) else None

    def close(self) -> None:
        """End the server; the next evaluation starts another."""
        self._playing = None
        self._stack.close()


def _refuse(error: PongError) -> None:
    raise error
