"""The matches of an evaluation: the same games, and the same way of counting, for every learner."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pongrl.wire.arrays import UInt8Array

ENV = "ALE/Pong-v5"
ACTIONS = ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")  # by their numbers
SEED = 1_000_000  # is added to the seed of a run, so that its matches differ from those of its training


def make_game() -> Any:
    """Make one game as Gymnasium gives it: pictures of (210, 160, 3), and ACTIONS."""
    import ale_py
    import gymnasium

    from pongrl.envs.catalogue import register_ale

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    register_ale()
    return gymnasium.make(ENV)


class Matches:
    """Matches that begin together. Each is played once; what follows its end is left out.

    Args:
        count: How many.
        seed: Of the first; the next ones have the numbers after it.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.games = [make_game() for _ in range(count)]
        self.pictures: list[UInt8Array] = [
            game.reset(seed=SEED + seed + number)[0] for number, game in enumerate(self.games)
        ]
        self.scores = [0.0] * count  # points won minus points lost
        self.rewards, self.ended = [0.0] * count, [False] * count  # in the last step
        self._is_over = [False] * count

    def is_over(self) -> bool:
        """Whether all have ended."""
        return all(self._is_over)

    def step(self, actions: Sequence[int]) -> None:
        """Make an action in each match that still goes on."""
        for number, (game, action) in enumerate(zip(self.games, actions, strict=True)):
            self.rewards[number], self.ended[number] = 0.0, False
            if self._is_over[number]:
                continue
            picture, reward, terminated, truncated, _ = game.step(int(action))
            self.pictures[number], self.rewards[number] = picture, float(reward)
            self.scores[number] += float(reward)
            self.ended[number] = self._is_over[number] = bool(terminated or truncated)

    def close(self) -> None:
        """End the games."""
        for game in self.games:
            game.close()


@dataclass(frozen=True)
class Result:
    """What an evaluation has found."""

    scores: tuple[float, ...]

    def __str__(self) -> str:
        mean, won = statistics.fmean(self.scores), sum(score > 0 for score in self.scores)
        error = statistics.stdev(self.scores) / math.sqrt(len(self.scores)) if len(self.scores) > 1 else 0.0
        return f"{mean:+.1f} ± {1.96 * error:.1f} ({won} of {len(self.scores)} matches won)"


def generator(seed: int) -> np.random.Generator:
    """Make what draws the moves of an evaluation."""
    return np.random.default_rng(SEED + seed)
