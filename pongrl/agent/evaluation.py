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
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.policy import Policy, RandomGenerator, choose
from pongrl.agent.progress import Progress
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step

EVALUATION_SEED = 1_000_000  # is added to the run's seed, so that the games differ from the training's


@dataclass(frozen=True)
class Evaluation:
    """What a policy achieved without learning."""

    points: int
    won: int
    hits: int  # of either paddle, in those points
    decisions: int
    seconds: float

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
) -> tuple[Evaluation | None, Step]:
    """Play so many points from a state on.

    Args:
        policy: What plays.
        client: A connected client.
        step: The state that it has to answer.
        points: How many, of all its games together.
        rng: Draws the moves; without it the likelier ones are made.
        stop: Asked before each decision; True ends the evaluation.
        observers: Are told each decision.
        standing: Where the run stands, for the observers; by default as before the first point.

    Returns:
        The result, or None if it was stopped, and the last state.

    Raises:
        ConnectionLostError: The server is gone.
    """
    session, begin = client.session, time.monotonic()
    eyes, tally = Eyes(session.games, session.height, session.width), Tally(session.games, points)
    standing = standing or Standing(policy, Progress(), None, is_connected=True, is_paused=False, status="")
    while not tally.is_complete():
        if stop():
            return None, step
        choice = choose(policy, eyes.look(step), rng)
        if observers:
            decided = Decided(session, step, choice.seen, choice.up)
            for observer in observers:
                observer.decided(decided, standing)
        step = client.step(choice.moves)
        tally.count(step)
    seconds = time.monotonic() - begin
    return Evaluation(points, tally.won, tally.hits, tally.decisions, seconds), step


class Examiner:
    """Evaluates the policy now and then while it trains, on games of its own (--evaluate-every).

    Args:
        seed: Of the training run; the games of an evaluation get another.
        debug: Let its server log to standard error.
        stop: Asked before each decision; True ends an evaluation.
        observers: Are told each decision.
    """

    GAMES, POINTS = 16, 200

    def __init__(
        self, seed: int | None, debug: bool, stop: Callable[[], bool], observers: Sequence[Observer] = ()
    ) -> None:
        self._seed = None if seed is None else seed + EVALUATION_SEED
        self._debug, self._stop, self._observers = debug, stop, observers
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
        client, step = self._playing or self._open(level)
        result, step = evaluate(
            policy, client, step, self.POINTS, None, self._stop, self._observers, standing
        )
        self._playing = client, step
        return result

    def _open(self, level: int) -> tuple[PongClient, Step]:
        self._level = level
        server = LocalServer(training_flags(level, self.GAMES, self._seed), self._debug)
        self._stack.callback(server.close)
        client = PongClient(port=server.port, token=server.token)
        self._stack.callback(client.close)
        return client, client.connect()

    def close(self) -> None:
        """End the server; the next evaluation starts another."""
        self._playing = None
        self._stack.close()
