"""What a batch teaches: from decisions to advantages, and from these to a gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pongrl.agent.eyes import Booleans, Floats
from pongrl.agent.policy import MOVES, Activations, Policy, RandomGenerator, Weights, probabilities
from pongrl.agent.recipe import OURS, Recipe
from pongrl.agent.rollout import Segment
from pongrl.agent.work import Work
from pongrl.wire.messages import Column, Mover

TINY = np.float32(1e-20)  # keeps a logarithm finite
VALUE_WEIGHT = np.float32(0.5)
GRADIENT_ROWS = 64  # decisions in one matrix product; few decisions touch few cells, so the matrix is small
PART_ROWS = 1024  # decisions that one step is made from, where a batch teaches several times
CLIP = np.float32(0.2)  # how far the probability of a move may leave the one with which it was drawn


def advantages(
    reward: Floats, discount: Floats, value: Floats, last_value: Floats, gae_lambda: float
) -> Floats:
    """Estimate the advantages of T decisions in N games by generalised advantage estimation.

    Source: Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage
    Estimation, 2016, equations 11 and 16.

    Args:
        reward: (T, N).
        discount: (T, N) of what follows: γ^ticks.
        value: (T, N).
        last_value: (N,) of the state that follows the last decision.
        gae_lambda: λ.

    Returns:
        (T, N).
    """
    delta = reward + discount * np.concatenate((value[1:], last_value[None])) - value
    # A_t = δ_t + λ · discount_t · A_(t+1). After each round a sum reaches twice as far ahead: two thousand
    # decisions need eleven rounds, where a loop from the last to the first would hold up the game.
    estimates, factor, reach = delta, gae_lambda * discount, 1
    while reach < len(delta):
        estimates[:-reach] += factor[:-reach] * estimates[reach:]
        factor[:-reach] *= factor[reach:]
        reach *= 2
    return estimates


class Batch:
    """B decisions and their advantages: what the gradient needs that does not depend on other batches.

    Args:
        segments: From all servers.
        gamma: Discount per tick of the game.
        recipe: What counts.
    """

    def __init__(self, segments: list[Segment], gamma: float, recipe: Recipe = OURS) -> None:
        self.recipe = recipe
        # B = Σ T · N, one segment behind the other.
        self.decisions = [decision for segment in segments for decision in segment.decisions]
        self.value = np.concatenate([decision.seen.value for decision in self.decisions])  # (B,)
        self.chosen = np.concatenate([decision.chosen for decision in self.decisions])  # (B,)
        self.table = np.concatenate([decision.table for decision in self.decisions])  # (B, len(Column))
        ends = np.cumsum([len(decision.chosen) for decision in self.decisions])
        self._rows = np.split(np.arange(ends[-1]), ends[:-1])  # which of the B each decision made
        self.own = self._find_own()
        self.advantage = self._estimate(segments, gamma)
        self.variance = float(self.advantage.var())

    def _find_own(self) -> Booleans:
        """Find the decisions that teach (B,): the game made the move that we drew, because we drew it."""
        move, mover = self.table[:, Column.MOVE], self.table[:, Column.MOVER]
        own: Booleans = (mover == Mover.AGENT) & (move == MOVES[self.chosen])
        return own

    def _estimate(self, segments: list[Segment], gamma: float) -> Floats:
        """Estimate the advantages: (B,)."""
        reward, matches = self._rewards(), self.table[:, Column.MATCHES]
        discount = np.float32(gamma) ** self.table[:, Column.TICKS].astype(np.float32)
        estimates, begin = [], 0
        for segment in segments:
            shape = len(segment.decisions), len(segment.last_value)  # (T, N)
            here = slice(begin, begin := begin + shape[0] * shape[1])
            r, d, v = (column[here].reshape(shape) for column in (reward, discount, self.value))
            if not self.recipe.crosses_matches:
                over = matches[here].reshape(shape)
                d[over != np.concatenate((segment.matches[None], over[:-1]))] = 0
            advantage = advantages(r, d, v, segment.last_value, self.recipe.gae_lambda)
            estimates.append(advantage.reshape(-1))
        return np.concatenate(estimates)

    def _rewards(self) -> Floats:
        """Give the reward of each decision: (B,)."""
        reward, points = self.table[:, Column.REWARD], self.table[:, Column.POINTS]
        if self.recipe.counts_won:
            signs: Floats = np.sign(reward).astype(np.float32)  # other games may give a thousand at once
            return signs
        lost: Floats = ((points.astype(np.int64) - reward) // 2).astype(np.float32)
        return -lost

    def gradient(self, policy: Policy, deviation: float) -> Work[Weights]:
        """Compute the gradient of the objective.

        The objective is a mean over the decisions that teach. For one of them, with A, its advantage divided
        by the deviation, the move a that was drawn, the probabilities p of all moves, and the recipe's bonus:

            term of the objective                        its derivative by logit k
            A · log p_a                                  A · ([k = a] − p_k)
            bonus · entropy                              −bonus · p_k · (log p_k + entropy)

        and by the value VALUE_WEIGHT · (target − value), of −VALUE_WEIGHT · (target − value)² / 2. The target
        of the value is value + advantage, not divided.

        Args:
            policy: The policy that made the decisions. The first of each game was drawn by the one before it.
            deviation: The usual size of an advantage.
        """
        return policy.backward(self._terms(range(len(self.decisions)), None, np.float32(deviation)))

    def parts(self, rng: RandomGenerator) -> list[Sequence[int]]:
        """Divide the decisions at random into parts of about PART_ROWS of the B.

        Args:
            rng: Shuffles them.

        Returns:
            For each part, numbers of `decisions`.
        """
        count = max(round(len(self.value) / PART_ROWS), 1)
        shuffled = rng.permutation(len(self.decisions))
        return [part.tolist() for part in np.array_split(shuffled, count) if len(part)]

    def gradient_again(self, policy: Policy, part: Sequence[int], deviation: float) -> Work[Weights]:
        """Compute the gradient for decisions that an earlier policy has made.

        With r = p_a / (what p_a was when a was drawn), the first term of the objective is

            min(r · A, clip(r, 1 − CLIP, 1 + CLIP) · A)          r · A · ([k = a] − p_k), or 0 where clipped

        A good move that has become so much likelier, or a bad one that has become so much less likely, has
        taught what it could. Source: Schulman et al., Proximal Policy Optimization Algorithms, 2017,
        equation 7.

        Args:
            policy: Another policy than the one that made the decisions.
            part: Which of them; see `parts`.
            deviation: As for `gradient`.
        """
        return policy.backward(self._terms(part, policy, np.float32(deviation)))

    def _terms(
        self, numbers: Sequence[int], policy: Policy | None, deviation: np.float32
    ) -> Iterator[tuple[Activations, Floats, Floats]]:
        """Give about GRADIENT_ROWS decisions at a time, with the derivatives of the objective.

        Args:
            numbers: Of the decisions that the objective is a mean of.
            policy: For whose weights; None for the one that made the decisions.
            deviation: As for `gradient`.
        """
        rows = np.concatenate([self._rows[number] for number in numbers])
        teaching, bonus = np.float32(max(self.own[rows].sum(), 1)), np.float32(self.recipe.entropy_bonus)
        begin, step = 0, max(GRADIENT_ROWS // len(self.decisions[0].chosen), 1)
        for first in range(0, len(numbers), step):
            some = numbers[first : first + step]
            drawn = Activations.join([self.decisions[number].seen for number in some])
            here = rows[begin : (begin := begin + len(drawn.value))]
            seen = drawn if policy is None else policy.forward(drawn.x)
            advantage = self.advantage[here]  # (B,), of these
            p = probabilities(seen.logits)  # (B, M)
            log_p = np.log(p + TINY)
            entropy = -(p * log_p).sum(1)  # (B,)
            is_drawn = self.chosen[here, None] == np.arange(p.shape[1])  # (B, M)
            A = advantage / deviation
            if policy is not None:
                A *= _pull(p[is_drawn], probabilities(drawn.logits)[is_drawn], A)
            scale = self.own[here] / teaching
            dlogits = (is_drawn - p) * A[:, None] - bonus * p * (log_p + entropy[:, None])
            dvalue: Floats = scale * (VALUE_WEIGHT * (advantage + (drawn.value - seen.value)))
            yield seen, scale[:, None] * dlogits, dvalue


def _pull(p: Floats, drawn: Floats, A: Floats) -> Floats:
    """Give how much an advantage still counts.

    Args:
        p: (B,) probabilities of the moves that were made.
        drawn: (B,) when they were drawn.
        A: (B,) advantages, divided by the deviation.

    Returns:
        (B,) p / drawn; 0 where that is clipped.
    """
    ratio = p / (drawn + TINY)
    is_clipped = np.where(A > 0, ratio > 1 + CLIP, ratio < 1 - CLIP)
    return np.where(is_clipped, np.float32(0), ratio)
