"""How good a policy is: it plays without learning, and what came of it is counted.

Evaluation   a result, with its confidence interval
evaluate     plays on a server that is there
Examiner     evaluates now and then while a policy trains
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pongrl.agent.eyes import Booleans, Eyes
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.agent.policy import Activations, Policy, RandomGenerator, probability
from pongrl.game.moves import DOWN, UP
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step

EVALUATION_SEED = 1_000_000  # beyond the run's own, so that the games are others than the training's


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
        """The share's 95 % interval. Source: Wilson, Probable inference, 1927."""
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


Show: TypeAlias = Callable[[Step, Activations, Booleans], None]
"""Is told a state, what was made of it, and the moves up (games,)."""


def evaluate(
    policy: Policy,
    client: PongClient,
    step: Step,
    points: int,
    rng: RandomGenerator | None,
    stop: Callable[[], bool],
    show: Show | None = None,
) -> tuple[Evaluation | None, Step]:
    """Play so many points from a state on, with the likelier moves, or with drawn ones if there is an `rng`.

    Each game plays its share of the points: to take those that end first would favour short rallies. What is
    decided is told to `show`.

    Returns:
        The result, or None if `stop` said so meanwhile, and the last state.

    Raises:
        ConnectionLostError: the server is gone.
    """
    session, begin = client.session, time.monotonic()
    eyes = Eyes(session.games, session.height, session.width)
    due = points // session.games + (np.arange(session.games) < points % session.games)
    won = hits = decisions = 0
    rally = np.zeros(session.games, int)  # hits in the point being played
    while due.any():
        if stop():
            return None, step
        seen = policy.forward(eyes.look(step))
        p_up = probability(seen.logit)
        up = p_up > 0.5 if rng is None else rng.random(session.games) < p_up
        if show is not None:
            show(step, seen, up)
        step = client.step(np.where(up, UP, DOWN))
        decisions += session.games
        rally += step.hits
        for game in np.flatnonzero(step.points):
            # A real-time game may report several points at once, of which no more than are due count.
            counted = min(int(step.points[game]), int(due[game]))
            won += min((int(step.points[game]) + int(step.rewards[game])) // 2, counted)
            hits += int(rally[game]) if counted else 0
            due[game] -= counted
            rally[game] = 0
    return Evaluation(points, won, hits, decisions, time.monotonic() - begin), step


class Examiner:
    """Evaluates the policy now and then while it trains, on games of its own (--evaluate-every)."""

    GAMES, POINTS = 16, 200

    def __init__(self, seed: int | None, debug: bool, stop: Callable[[], bool], show: Show) -> None:
        self._seed = None if seed is None else seed + EVALUATION_SEED
        self._debug, self._stop, self._show = debug, stop, show
        self._open: tuple[LocalServer, PongClient, Step] | None = None

    def examine(self, policy: Policy, level: int) -> Evaluation | None:
        """Evaluate at a level; None if `stop` said so meanwhile."""
        if self._open is None:
            server = LocalServer(training_flags(level, self.GAMES, self._seed), self._debug)
            client = PongClient(port=server.port, token=server.token)
            self._open = server, client, client.connect()
        _, client, step = self._open
        result, step = evaluate(policy, client, step, self.POINTS, None, self._stop, self._show)
        self._open = *self._open[:2], step
        return result

    def close(self) -> None:
        """End its server; the next examination starts another."""
        if self._open is not None:
            self._open[1].close()
            self._open[0].close()
            self._open = None
