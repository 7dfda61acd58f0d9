"""What a batch teaches: from decisions to advantages, and from these to a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pongrl.agent.eyes import Booleans, Floats
from pongrl.agent.policy import MOVES, Activations, Policy, Weights, probabilities
from pongrl.agent.rollout import Segment
from pongrl.agent.work import Work
from pongrl.wire.arrays import Int32Array
from pongrl.wire.messages import Column, Mover

GAE_LAMBDA = 0.95
ENTROPY_BONUS = 0.005
TINY = np.float32(1e-20)  # keeps a logarithm finite
VALUE_WEIGHT = np.float32(0.5)
GRADIENT_ROWS = 64  # decisions in one matrix product; few decisions touch few cells, so the matrix is small


def advantages(reward: Floats, discount: Floats, value: Floats, last_value: Floats) -> Floats:
    """Estimate the advantages of T decisions in N games by generalised advantage estimation.

    Source: Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage
    Estimation, 2016, equations 11 and 16.

    Args:
        reward: (T, N).
        discount: (T, N) of what follows: γ^ticks.
        value: (T, N).
        last_value: (N,) of the state that follows the last decision.

    Returns:
        (T, N).
    """
    delta = reward + discount * np.concatenate((value[1:], last_value[None])) - value
    # A_t = δ_t + λ · discount_t · A_(t+1). After each round a sum reaches twice as far ahead: thousands of
    # decisions need eleven rounds, where a loop from the last to the first would hold up the game.
    estimates, factor, reach = delta, GAE_LAMBDA * discount, 1
    while reach < len(delta):
        estimates[:-reach] += factor[:-reach] * estimates[reach:]
        factor[:-reach] *= factor[reach:]
        reach *= 2
    return estimates


@dataclass(frozen=True)
class Moments:
    """Batch statistics that the gradient needs. They can be pooled: parts of a batch share their moments."""

    count: int  # decisions
    mean: float  # of their advantages
    variance: float
    own: int  # decisions that teach: the moves made were ours

    @classmethod
    def pool(cls, parts: list[Moments]) -> Moments:
        """Compute the moments of several batches together."""
        count = sum(part.count for part in parts)
        mean = sum(part.count * part.mean for part in parts) / count
        squares = sum(part.count * (part.variance + (part.mean - mean) ** 2) for part in parts)
        return cls(count, mean, squares / count, sum(part.own for part in parts))


class Batch:
    """B decisions and their advantages: what the gradient needs that does not depend on other batches.

    A batch can be a part of a larger one. `gradient` then gives its part of the larger one's gradient.

    Args:
        segments: From all servers.
        gamma: Discount per tick of the game.
    """

    def __init__(self, segments: list[Segment], gamma: float) -> None:
        self.segments = segments
        # B = Σ T · N, one segment behind the other.
        self.decisions = [decision for segment in segments for decision in segment.decisions]
        self.value = np.concatenate([decision.seen.value for decision in self.decisions])  # (B,)
        self.chosen = np.concatenate([decision.chosen for decision in self.decisions])  # (B,)
        self.table = np.concatenate([decision.table for decision in self.decisions])  # (B, len(Column))
        self.own = self._find_own()
        self.advantage = self._estimate(segments, gamma)
        mean, variance = float(self.advantage.mean()), float(self.advantage.var())
        self.moments = Moments(len(self.advantage), mean, variance, int(self.own.sum()))

    def _find_own(self) -> Booleans:
        """Find the decisions that teach (B,): the game made the move that we drew, because we drew it."""
        move, mover = self.table[:, Column.MOVE], self.table[:, Column.MOVER]
        own: Booleans = (mover == Mover.AGENT) & (move == MOVES[self.chosen])
        return own

    def _estimate(self, segments: list[Segment], gamma: float) -> Floats:
        """Estimate the advantages: (B,)."""
        reward = -self._lost().astype(np.float32)
        discount = np.float32(gamma) ** self.table[:, Column.TICKS].astype(np.float32)
        estimates, begin = [], 0
        for segment in segments:
            shape = len(segment.decisions), len(segment.last_value)  # (T, N)
            here = slice(begin, begin := begin + shape[0] * shape[1])
            r, d, v = (column[here].reshape(shape) for column in (reward, discount, self.value))
            estimates.append(advantages(r, d, v, segment.last_value).reshape(-1))
        return np.concatenate(estimates)

    def _lost(self) -> Int32Array:
        """Count the points that were lost in each decision: (B,)."""
        lost: Int32Array = (self.table[:, Column.POINTS] - self.table[:, Column.REWARD]) // 2
        return lost

    def gradient(self, policy: Policy, whole: Moments, deviation: float) -> Work[Weights]:
        """Compute this batch's part of the gradient of the objective.

        The objective is a mean over the decisions that teach. For one of them, with its advantage A divided
        by the deviation, the move a that was drawn, and the probabilities p of all moves:

            term of the objective                        its derivative by logit k
            A · log p_a                                  A · ([k = a] − p_k)
            ENTROPY_BONUS · entropy                      −ENTROPY_BONUS · p_k · (log p_k + entropy)

        and by the value VALUE_WEIGHT · (target − value), of −VALUE_WEIGHT · (target − value)² / 2. The target
        of the value is value + advantage, not divided.

        Args:
            policy: The policy that made the decisions.
            whole: Moments of the whole batch, of which this may be all. The gradients of parts add up to the
                gradient of the whole.
            deviation: The usual size of an advantage.
        """
        return policy.backward(self._parts(max(whole.own, 1), np.float32(deviation)))

    def _parts(self, teaching: int, deviation: np.float32) -> Iterator[tuple[Activations, Floats, Floats]]:
        """Give the batch in parts of about GRADIENT_ROWS decisions, with the derivatives of the objective.

        Args:
            teaching: Decisions of the whole batch that teach.
            deviation: As for `gradient`.
        """
        begin, step = 0, max(GRADIENT_ROWS // len(self.decisions[0].chosen), 1)
        for first in range(0, len(self.decisions), step):
            seen = Activations.join([decision.seen for decision in self.decisions[first : first + step]])
            here = slice(begin, begin := begin + len(seen.value))
            A = self.advantage[here] / deviation  # (B,), of this part
            p = probabilities(seen.logits)  # (B, M)
            log_p = np.log(p + TINY)
            entropy = -(p * log_p).sum(1)  # (B,)
            drawn = self.chosen[here, None] == np.arange(p.shape[1])  # (B, M)
            scale = self.own[here] / np.float32(teaching)
            dlogits = (drawn - p) * A[:, None] - ENTROPY_BONUS * p * (log_p + entropy[:, None])
            dvalue: Floats = scale * (VALUE_WEIGHT * self.advantage[here])
            yield seen, scale[:, None] * dlogits, dvalue
