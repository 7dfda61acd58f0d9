"""How the agent sees, decides and learns: a two-layer policy gradient in plain numpy.

What it sees. x is the frame that the server sent, as cells and summed over blocks of 2×2, 5×5 and 10×10
cells, then how each of these has changed since the frame before, and one input that is always 1 (its
weights are the biases). A block is a sum of cells, so what a lit cell does to a unit is its own weight and
those of its blocks: W1 is folded into that court of weights once, and then of each observation only the
thirty or so cells that are lit or have changed are looked up, not 9,102 inputs.

The policy. H hidden units in two halves that share their weights: the second half sees the court
upside-down, x̄. What is good for up is then good, mirrored, for down, and every point teaches twice.

    h = relu(x W1)     g = relu(x̄ W1)                     (H/2 units each)
    logit = (h − g) · w     P(up) = 1 / (1 + exp(−logit)), P(down) = 1 − P(up)
    value = (h + g) · v + c                                (what is still to be won of this point)

Learning. The point is the episode. After every `batch_size` points of all games together:

    A_t = Σ (λγ)^i δ_(t+i),  δ_t = r_t + γ V_(t+1) − V_t     (advantages; Schulman et al., 2016)
    objective = mean of A_t log P(a_t) + entropy bonus − value loss    (REINFORCE, baseline; Williams, 1992)
    cache ← decay · cache + (1 − decay) · dW²,  W ← W + rate · dW / (√cache + ε)      (RMSProp; Hinton, 2012)

γ is per tick of the game: a decision that lasts k ticks discounts by γ^k. Every name is the code's. A batch
is learned from while the next one is played: in pieces, most of a fraction of a millisecond, whenever there
is nothing to answer.

    Eyes              frames → observations x
    Policy            the network: forward, and the gradient beside it
    RMSProp           the optimiser
    Batch             what a batch of decisions teaches, alone or as a part of a larger one
    Learner           rollouts in, better policies out
    Player            a policy in a Learner's place, that learns nothing
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pongrl.agent.eyes import Booleans, Floats, Sparse
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import (
    Activations,
    Policy,
    RandomGenerator,
    Weights,
    fold,
    mirror,
    pack,
    probability,
    unpack,
)
from pongrl.agent.work import Work
from pongrl.game.moves import DOWN, UP
from pongrl.wire.arrays import Int32Array, UInt8Array
from pongrl.wire.messages import Column, Mover, Step

LONGEST_BATCH = 4096  # decisions from which to learn at the latest: good rallies last and last
GRADIENT_ROWS = 64  # decisions in one product, a piece of work: so few see few cells
GAE_LAMBDA = 0.9
ENTROPY_BONUS = 0.005
VALUE_WEIGHT = 0.5


log = logging.getLogger("pong.learner")


@dataclass(frozen=True)
class Decision:
    """One decision of the N games of a server, and what came of it."""

    seen: Activations
    up: Booleans  # (N,) the moves drawn
    table: Int32Array  # (N, len(Column)) of the STEP that followed


class Rollout:
    """What was decided on one server since the last update, and what has still to be answered."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.pending: tuple[Activations, Booleans] | None = None
        self.points = 0

    def clear(self) -> None:
        """Forget the decisions; what is pending stays."""
        self.decisions, self.points = [], 0


@dataclass(frozen=True)
class Segment:
    """T decisions of N games in a row, all of whose consequences are known but for the last value."""

    decisions: list[Decision]
    last_value: Floats  # (N,) of the state behind the last decision


def advantages(reward: Floats, discount: Floats, value: Floats, last_value: Floats) -> Floats:
    """Generalised advantage estimates (T, N) of T decisions of N games.

    Source: Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage
    Estimation, 2016, equations 11 and 16.

    Args:
        reward: (T, N).
        discount: (T, N) of what came after: γ^ticks, 0 at the end of an episode.
        value: (T, N).
        last_value: (N,) of the state behind the last decision.
    """
    delta = reward + discount * np.concatenate((value[1:], last_value[None])) - value
    estimates = np.zeros_like(delta)
    after = np.zeros_like(last_value)
    for t in range(len(delta) - 1, -1, -1):
        estimates[t] = after = delta[t] + GAE_LAMBDA * discount[t] * after
    return estimates


@dataclass(frozen=True)
class Moments:
    """What is of a whole batch in its gradient, in a form that can be pooled."""

    count: int  # of decisions
    mean: float  # of their estimates
    variance: float
    own: int  # decisions that teach

    @classmethod
    def pool(cls, parts: list[Moments]) -> Moments:
        """The moments of several batches together."""
        count = sum(part.count for part in parts)
        mean = sum(part.count * part.mean for part in parts) / count
        squares = sum(part.count * (part.variance + (part.mean - mean) ** 2) for part in parts)
        return cls(count, mean, squares / count, sum(part.own for part in parts))


class Batch:
    """Decisions and what came of them: what a gradient needs that does not depend on other batches."""

    def __init__(self, segments: list[Segment], gamma: float) -> None:
        self.segments = segments
        decisions = self.decisions
        # B = Σ T·N decisions, of all segments behind one another.
        self.logit = np.concatenate([decision.seen.logit for decision in decisions])
        value = np.concatenate([decision.seen.value for decision in decisions])
        self.up = np.concatenate([decision.up for decision in decisions])
        self.table = np.concatenate([decision.table for decision in decisions])  # (B, columns)
        reward = self.table[:, Column.REWARD].astype(np.float32)
        ticks = self.table[:, Column.TICKS].astype(np.float32)
        discount = np.where(self.table[:, Column.POINTS] > 0, np.float32(0), np.float32(gamma) ** ticks)
        # Moves that were not made, or not by us, teach nothing.
        move, mover = self.table[:, Column.MOVE], self.table[:, Column.MOVER]
        self.own = (mover == Mover.AGENT) & (move == np.where(self.up, UP, DOWN))
        estimates, begin = [], 0
        for segment in segments:
            shape = len(segment.decisions), len(segment.last_value)
            here = slice(begin, begin := begin + shape[0] * shape[1])
            r, d, v = (column[here].reshape(shape) for column in (reward, discount, value))
            estimates.append(advantages(r, d, v, segment.last_value).reshape(-1))
        self.estimate = np.concatenate(estimates)  # (B,)
        mean, variance = float(self.estimate.mean()), float(self.estimate.var())
        self.moments = Moments(len(self.estimate), mean, variance, int(self.own.sum()))

    @property
    def decisions(self) -> list[Decision]:
        """Of all segments, behind one another."""
        return [decision for segment in self.segments for decision in segment.decisions]

    def gradient(self, policy: Policy, whole: Moments) -> Work[Weights]:
        """This batch's part of the gradient of the objective over a whole of which it may be all.

        Args:
            policy: that has made the decisions.
            whole: the pooled moments. The gradients of the parts then add up to the gradient of all.
        """
        advantage = self.estimate / (np.sqrt(np.float32(whole.variance)) + np.float32(1e-6))
        p = probability(self.logit)
        # d log P(a)/d logit is a − p, d entropy/d logit is −logit p (1 − p), and the value's target is
        # value + estimate.
        scale = self.own / np.float32(max(whole.own, 1))
        dlogit = scale * ((self.up - p) * advantage - ENTROPY_BONUS * self.logit * p * (1 - p))
        return policy.backward(_parts(self.decisions, dlogit, scale * (VALUE_WEIGHT * self.estimate)))


def policy_gradient(policy: Policy, segments: list[Segment], gamma: float) -> Work[Weights]:
    """The gradient of the objective, from decisions that this policy has made."""
    batch = Batch(segments, gamma)
    yield
    return (yield from batch.gradient(policy, batch.moments))


def _parts(
    decisions: list[Decision], dlogit: Floats, dvalue: Floats
) -> Iterator[tuple[Activations, Floats, Floats]]:
    """Cut a batch into parts of about GRADIENT_ROWS decisions."""
    begin, step = 0, max(GRADIENT_ROWS // len(decisions[0].up), 1)
    for first in range(0, len(decisions), step):
        seen = Activations.join([decision.seen for decision in decisions[first : first + step]])
        here = slice(begin, begin := begin + len(seen.logit))
        yield seen, dlogit[here], dvalue[here]


class Learner:
    """Draws moves from the policy, and makes it better after every `batch_size` points.

    It learns from one batch while the next one is played, whenever its owner has time for a piece of `work`:
    the policy that plays a batch has learned from all batches before it but the last. When it changes does
    not depend on when there was time, so that the same seed gives the same run.
    """

    longest_batch = LONGEST_BATCH

    def __init__(
        self, policy: Policy, optimiser: RMSProp, batch_size: int, gamma: float, rng: RandomGenerator
    ) -> None:
        self.policy, self.optimiser, self.rng = policy, optimiser, rng
        self.batch_size, self.gamma = batch_size, gamma
        self.updates = 0  # that `policy` has seen
        self.refused = 0  # gradients that were not finite
        self.p_up: Floats = np.zeros(0, np.float32)
        self._rollouts: list[Rollout] = []
        self._work: Work[Policy] | None = None  # what is being learned
        self._learned: Policy | None = None  # what came of it: the policy that plays next

    def to_plain(self) -> dict[str, Any]:
        """All that `restore` needs to go on as if never stopped, but for the policy."""
        self._finish()
        return {
            "updates": self.updates, "refused": self.refused,
            "next": None if self._learned is None else pack(self._learned.weights),
            "cache": pack(self.optimiser.cache), "generator": self.rng.bit_generator.state,
        }  # fmt: skip

    def restore(self, plain: dict[str, Any]) -> None:
        """Go on from there."""
        self.updates, self.refused = int(plain["updates"]), int(plain["refused"])
        shapes = {name: weight.shape for name, weight in self.policy.weights.items()}
        self.optimiser.cache = unpack(plain["cache"], shapes)
        self.rng.bit_generator.state = plain["generator"]
        if plain.get("next") is not None:
            weights = unpack(plain["next"], shapes)
            self._learned = Policy(self.policy.height, self.policy.width, weights)

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        self._rollouts.append(Rollout())
        return self._rollouts[-1]

    def drop(self, rollout: Rollout) -> None:
        """Forget what is unfinished on a server that is gone."""
        self._rollouts.remove(rollout)

    def decide(self, rollout: Rollout, step: Step, observation: Sparse) -> UInt8Array:
        """Take in what came of a server's last moves, and draw the next: (N,)."""
        if rollout.pending is not None:
            rollout.decisions.append(Decision(*rollout.pending, step.table))
            rollout.points += sum(step.points.tolist())  # of so few, faster than numpy's
        seen = self.policy.forward(observation)
        self.p_up = probability(seen.logit)
        up = self.rng.random(len(self.p_up)) < self.p_up
        rollout.pending = seen, up
        return DOWN - up.view(np.uint8)  # UP is one less

    def learn(self) -> None:
        """Begin to learn from the rollouts, if they have enough points or decisions."""
        if segments := self.take_batch():
            played_by = self.policy
            self.settle()
            self._work = self._learn(played_by, self.policy, segments)

    def work(self) -> bool:
        """Do a piece of what there is to learn, some tenths of a millisecond long; whether there was one.

        Raises:
            RuntimeError: a piece before it failed.
        """
        if self._work is None:
            return False
        try:
            next(self._work)
        except StopIteration as done:
            if done.value is None:  # a piece has failed, and nothing of this batch may be saved
                raise RuntimeError("the last batch could not be learned from") from None
            self._learned, self._work = done.value, None
        return True

    def _finish(self) -> None:
        while self.work():
            pass

    def take_batch(self) -> list[Segment]:
        """Give what was decided since the last batch and forget it; nothing if that is not enough yet."""
        points = decisions = 0
        for rollout in self._rollouts:
            points += rollout.points
            if rollout.decisions:
                decisions += len(rollout.decisions) * len(rollout.decisions[0].up)
        if points < self.batch_size and decisions < self.longest_batch:
            return []
        segments = [
            Segment(rollout.decisions, rollout.pending[0].value)
            for rollout in self._rollouts
            if rollout.decisions and rollout.pending is not None
        ]
        for rollout in self._rollouts:
            rollout.clear()
        return segments

    def settle(self) -> None:
        """Play with what the batch before has taught."""
        self._finish()
        if self._learned is not None:
            learned, self._learned = self._learned, None
            self.adopt(learned)

    def adopt(self, learned: Policy) -> None:
        """Play with what `step` gave."""
        self.updates += learned is not self.policy
        self.refused += learned is self.policy
        self.policy = learned

    def _learn(self, played_by: Policy, newest: Policy, segments: list[Segment]) -> Work[Policy]:
        """The next policy."""
        gradient = yield from policy_gradient(played_by, segments, self.gamma)
        return (yield from self.step(newest, gradient))

    def step(self, policy: Policy, gradient: Weights) -> Work[Policy]:
        """Step along a gradient: another policy, or the same if the gradient is not finite."""
        if not all(np.isfinite(np.vdot(g, g)) for g in gradient.values()):  # their squares go into the cache
            log.warning("a gradient that is not finite was refused; the weights stay as they were")
            return policy
        weights = yield from self.optimiser.ascend(policy.weights, gradient)
        court = yield from fold(weights["W1"], policy.height, policy.width)
        return Policy(policy.height, policy.width, weights, (yield from mirror(court)))


class Player:
    """Plays a policy as it is, with the likelier moves: a Learner's place in a session without learning."""

    updates = 0

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.p_up: Floats = np.zeros(0, np.float32)

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        return Rollout()

    def drop(self, rollout: Rollout) -> None:
        """Leave a server."""

    def decide(self, rollout: Rollout, _step: Step, observation: Sparse) -> UInt8Array:
        """Choose the next moves on a server: (N,)."""
        seen = self.policy.forward(observation)
        self.p_up = probability(seen.logit)
        up = self.p_up > 0.5
        rollout.pending = seen, up
        return DOWN - up.view(np.uint8)

    def learn(self) -> None:
        """Learn nothing."""

    def work(self) -> bool:
        """Have nothing to do."""
        return False
