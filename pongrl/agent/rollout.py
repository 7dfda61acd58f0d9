"""What was played since the last batch: decisions, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass

from pongrl.agent.eyes import Floats, Integers, Observations
from pongrl.agent.policy import Activations, Choice, Policy, RandomGenerator, choose
from pongrl.wire.arrays import Int32Array, UInt8Array
from pongrl.wire.messages import Column, Step

# Bytes of observations. 4,096 decisions of Pong take 2 MB. Frames of 84×84 that are lit everywhere fill it
# with some 790 decisions, and such batches do not grow.
LARGEST_BATCH = 64 << 20


@dataclass(frozen=True)
class Decision:
    """One decision in the N games of a server, and what came of it."""

    seen: Activations
    chosen: Integers  # (N,) the moves drawn: columns of the logits
    table: Int32Array  # (N, len(Column)) of the STEP that followed


class Rollout:
    """The decisions on one server since the last batch, and the choice whose outcome is not known yet."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.pending: Choice | None = None
        self.points = self.frames = 0  # that ended, and were played, in these decisions
        self.size = 0  # bytes of their observations
        self.matches: Int32Array | None = None  # (N,) that were over before these decisions

    def decide(
        self, policy: Policy, step: Step, observation: Observations, rng: RandomGenerator
    ) -> UInt8Array:
        """Record what came of the pending choice, and draw the next moves.

        Returns:
            (N,) moves.
        """
        if self.pending is not None:
            self.decisions.append(Decision(*self.pending, step.table))
            self.size += self.pending.seen.x.size
            self.points += sum(step.points.tolist())  # faster than numpy's sum for so few numbers
            self.frames += sum(step.ticks.tolist())
        elif self.matches is None:
            self.matches = step.matches
        self.pending = choose(policy, observation, rng)
        return self.pending.moves

    def clear(self) -> None:
        """Forget the decisions. The pending choice stays."""
        if self.decisions:
            self.matches = self.decisions[-1].table[:, Column.MATCHES]
        self.decisions, self.points, self.frames, self.size = [], 0, 0, 0


@dataclass(frozen=True)
class Segment:
    """T consecutive decisions in N games, with the value of the state that follows the last one."""

    decisions: list[Decision]
    frames: int  # of all N games together
    last_value: Floats  # (N,)
    matches: Int32Array  # (N,) that were over before the first one


class Rollouts:
    """The rollouts of all servers; together they make a batch.

    Args:
        batch_size: Points that make a batch to begin with.
        longest_batch: Decisions that make one even with fewer points: a good policy plays long rallies.
        shortest: Decisions for each game, on average, before points make a batch. Many games together have
            enough points before any of them shows what came of a move.
    """

    def __init__(self, batch_size: int, longest_batch: int, shortest: int = 1) -> None:
        self.batch_size, self.longest_batch, self.shortest = batch_size, longest_batch, shortest
        self._rollouts: list[Rollout] = []

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        self._rollouts.append(Rollout())
        return self._rollouts[-1]

    def drop(self, rollout: Rollout) -> None:
        """Forget what was played on a server that is gone."""
        self._rollouts.remove(rollout)

    def take_batch(self, growth: float = 1.0) -> list[Segment]:
        """Give what was played since the last batch, and forget it.

        Args:
            growth: How many times as large as at the beginning a batch is.

        Returns:
            Nothing if that is not enough for a batch yet.
        """
        if not self._is_full(growth):
            return []
        segments = [
            Segment(rollout.decisions, rollout.frames, rollout.pending.seen.value, rollout.matches)
            for rollout in self._rollouts
            if rollout.decisions and rollout.pending is not None and rollout.matches is not None
        ]
        for rollout in self._rollouts:
            rollout.clear()
        return segments

    def _is_full(self, growth: float) -> bool:
        points = decisions = size = games = 0
        for rollout in self._rollouts:
            points += rollout.points
            size += rollout.size
            if rollout.decisions:
                games += len(rollout.decisions[0].chosen)
                decisions += len(rollout.decisions) * len(rollout.decisions[0].chosen)
        has_points = points >= int(growth * self.batch_size) and decisions >= self.shortest * games
        return has_points or decisions >= int(growth * self.longest_batch) or size >= LARGEST_BATCH
