"""How the agent sees, decides and learns: a two-layer policy gradient in plain numpy. Begin to read here.

What it sees. x has an input for each cell of the frame that the server sent, and for the sum of each block of
2×2, 5×5 and 10×10 cells. The same number of inputs says how much each of these has changed since the frame
before. One more input is always 1; the weights of that input are the biases. A block's input is four times
the sum of its cells, so what a lit cell does to a unit is its own weight plus four times those of its blocks.
W1 is folded into a court of such sums once for each policy. After that an observation needs only the thirty
or so cells that are lit or have changed to be looked up, not 9,102 inputs.

The policy. There are H hidden units, in two halves that share their weights: the second half sees the court
upside down, x̄. What is good for up is therefore good, mirrored, for down, and every point teaches twice.

    h = relu(x W1)     g = relu(x̄ W1)                     (H/2 units each)
    logits: (h − g) · w / 2 of up, the same with − of down, (h + g) · u + d of stay     P = softmax(logits)
    value = (h + g) · v + c                                (expected reward from here on, discounted)

With two moves there is no stay. A paddle that cannot stay trembles, and comes too late for fast balls.

Learning. A point lost is a reward of −1, and there is no other: no move of ours decides whether the other
side misses, so a reward for that would be nothing but noise. The return goes on across the end of a point, so
it matters where the paddle waits for the serve. After every `batch_size` points of all games together, and
at least eight decisions in each game:

    A_t = Σ (λγ)^i δ_(t+i),  δ_t = r_t + γ V_(t+1) − V_t     (advantages; Schulman et al., 2016)
    objective = mean of (A_t / deviation) log P(a_t) + entropy bonus − value loss    (Williams, 1992)
    cache ← decay · cache + (1 − decay) · dW²,  W ← W + rate · dW / (√cache + ε)      (RMSProp; Hinton, 2012)

γ is per tick of the game: a decision that lasts k ticks discounts by γ^k. The deviation is that of the
advantages in many batches. With the frames that were played the rate falls, and batches grow (see
`schedule`). A batch is learned from while the next one is played: in pieces,
most of them a fraction of a millisecond long, whenever no server waits for an answer.

Other games, of which each frame costs more, are learned a little otherwise (see `recipe`). A batch teaches
several times, in random parts. A good move is no longer made likelier once it is a fifth likelier than when
it was drawn, nor a bad one less likely once it is a fifth less likely (clipped ratios; Schulman et al.,
2017). A point won is a reward of 1, and the return ends with a match. Nothing is mirrored, since a game may
not look the same upside down: there are no units g, and the logits are ±h · w. The move that was made last is
one more input.

The modules, in the order in which an observation becomes a better policy:

    eyes         frames → observations x
    folding      the first layer as weights of the court's cells: fold, and its gradient unfold
    policy       the network: forward, and the gradient beside it; the choice of moves
    optimiser    RMSProp
    rollout      decisions, and what came of them, until they are enough for a batch
    batch        rollouts → advantages → gradient
    recipe       what counts, and how often a batch teaches
    deviation    the usual size of an advantage
    schedule     how the rate falls, and batches grow
    learning     Learner: rollouts in, better policies out
    player       Player: takes a Learner's place where nothing is to be learned
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from pongrl.agent.batch import Batch
from pongrl.agent.deviation import Deviation
from pongrl.agent.eyes import Observations
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import Policy, RandomGenerator, Weights, fold_all, pack, unpack
from pongrl.agent.ranges import SQUARE, WEIGHT, checked, held
from pongrl.agent.recipe import OURS, Recipe
from pongrl.agent.rollout import Rollout, Rollouts, Segment
from pongrl.agent.schedule import STANDARD, Schedule
from pongrl.agent.work import Work
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Step

LARGEST_GRADIENT = SQUARE.most / 2  # the sum of its squares; then their mean cannot leave its range
LONGEST_BATCH = 4096  # decisions after which to learn, even from fewer points

log = logging.getLogger("pong.learner")


class Learner:
    """Draws moves from the policy, and makes it better after every `batch_size` points, or some more.

    The trainer calls `decide` for each state, then `learn`, and `work` whenever it has time. A batch is
    learned from while the next one is played, so batch n is played with weights trained on batches up to
    n − 2. The policy changes only when a batch is full, never because there was time: the same seed gives the
    same run.

    Args:
        policy: To begin with.
        optimiser: Made for weights of the same shapes.
        batch_size: Points, of all games together, in a batch to begin with, if it is made by points.
        gamma: Discount per tick of the game.
        rng: Draws the moves.
        longest_batch: Decisions that make a batch even if they have fewer points, to begin with.
        schedule: How the rate falls, and batches grow.
        recipe: How a batch teaches.
    """

    def __init__(
        self,
        policy: Policy,
        optimiser: RMSProp,
        batch_size: int,
        gamma: float,
        rng: RandomGenerator,
        longest_batch: int = LONGEST_BATCH,
        schedule: Schedule = STANDARD,
        recipe: Recipe = OURS,
    ) -> None:
        self.policy, self.optimiser, self.rng, self.gamma = policy, optimiser, rng, gamma
        self.schedule, self.recipe = schedule, recipe
        self.updates = 0  # batches whose steps are in `policy`
        self.refused = 0  # steps that were not taken
        self.frames = 0  # of the game, in all batches so far
        self.done = 0.0  # how much of the run is over, from 0 to 1; 0 where its length is not known
        self.deviation = Deviation()  # of the advantages
        points = batch_size if recipe.by_points else sys.maxsize
        self.rollouts = Rollouts(points, longest_batch, recipe.shortest)  # of the servers that we play on
        self._has_warned = False  # that a step was refused
        self._work: Work[Policy] | None = None  # the batch that is being learned from
        self._learned: Policy | None = None  # its result, which plays from the next batch on

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(self.optimiser.rate) * self.rate_share

    @property
    def batch_size(self) -> int:
        """Points that make a batch now, or decisions where points do not; see Rollouts for what else does."""
        rollouts = self.rollouts
        return int(self.growth * (rollouts.batch_size if self.recipe.by_points else rollouts.longest_batch))

    @property
    def rate_share(self) -> float:
        """The share of the first rate that is left now; see Schedule."""
        return self.schedule.rate_share(self.frames, self.done)

    @property
    def growth(self) -> float:
        """How many times as large as the first one a batch is now; see Schedule."""
        return self.schedule.batch_growth(self.frames)

    # Playing.

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        return self.rollouts.begin()

    def drop(self, rollout: Rollout) -> None:
        """Forget what is unfinished on a server that is gone."""
        self.rollouts.drop(rollout)

    def decide(self, rollout: Rollout, step: Step, observation: Observations) -> UInt8Array:
        """Record what came of a server's last moves, and draw the next ones.

        Returns:
            (N,) moves.
        """
        return rollout.decide(self.policy, step, observation, self.rng)

    # Learning.

    def learn(self) -> None:
        """Begin to learn from the rollouts if they make a batch."""
        if segments := self.rollouts.take_batch(self.growth):
            self.frames += sum(segment.frames for segment in segments)
            played_by = self.policy
            self.settle()
            self._work = self._learn(played_by, self.policy, segments, self.rate_share)

    def work(self) -> bool:
        """Do a piece of learning, some tenths of a millisecond long.

        Returns:
            False if there was nothing to do.

        Raises:
            RuntimeError: An earlier piece failed. Nothing of its batch may be saved.
        """
        if self._work is None:
            return False
        try:
            next(self._work)
        except StopIteration as done:
            if done.value is None:  # a generator that failed ends so
                raise RuntimeError("the last batch could not be learned from") from None
            self._learned, self._work = done.value, None
        return True

    def settle(self) -> None:
        """Finish learning from the last batch, and play with the result."""
        self._finish()
        if self._learned is not None:
            learned, self._learned = self._learned, None
            self.adopt(learned)

    def adopt(self, learned: Policy) -> None:
        """Play with a result of `step`."""
        self.updates += learned is not self.policy
        self.policy = learned

    def step(self, policy: Policy, gradient: Weights, share: float) -> Work[Policy]:
        """Take a step along a gradient.

        Args:
            policy: From where.
            gradient: With respect to its weights.
            share: Of the first rate.

        Returns:
            A new policy, or the same one if the gradient, or where it leads to, makes no sense.
        """
        if not all(np.vdot(g, g) <= LARGEST_GRADIENT for g in gradient.values()):  # NaN is not, either
            return self._refuse(policy, "a gradient is not finite, or too large")
        weights = yield from self.optimiser.ascend(policy.weights, gradient, share)
        if not all(np.vdot(w, w) <= WEIGHT.most**2 for w in weights.values()):  # faster than `are_in`
            return self._refuse(policy, f"weights have grown beyond {WEIGHT.most:g}")
        court = yield from fold_all(weights["W1"], policy.height, policy.width)
        return Policy(policy.height, policy.width, weights, court)

    def _refuse(self, policy: Policy, reason: str) -> Policy:
        """Keep the policy in the place of what a step has made; count it, and say so once."""
        self.refused += 1
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "%s, so that step is not taken and the policy stays as it is: "
                "if this goes on (stats counts it), begin again with a smaller --learning-rate", reason,
            )  # fmt: skip
        return policy

    def _learn(
        self, played_by: Policy, newest: Policy, segments: list[Segment], share: float
    ) -> Work[Policy]:
        """Make the next policy: the newest, moved along the gradient of the one that played."""
        batch = Batch(segments, self.gamma, self.recipe)
        yield
        if not batch.own.any():  # it would only wear down RMSProp's means
            return newest
        self.deviation.note(batch.variance)
        if self.recipe.passes > 1:
            return (yield from self._learn_again(newest, batch, share))
        gradient = yield from batch.gradient(played_by, self.deviation.value)
        return (yield from self.step(newest, gradient, share))

    def _learn_again(self, policy: Policy, batch: Batch, share: float) -> Work[Policy]:
        """Make the next policy with several passes over a batch, in each of them a step for each part."""
        rng = np.random.default_rng(self.updates)  # not ours: it would be drawn from at any time
        for _ in range(self.recipe.passes):
            for part in batch.parts(rng):
                gradient = yield from batch.gradient_again(policy, part, self.deviation.value)
                policy = yield from self.step(policy, gradient, share)
        return policy

    def _finish(self) -> None:
        while self.work():
            pass

    # Checkpoints.

    def to_plain(self) -> dict[str, Any]:
        """Give plain values of all that `restore` needs to go on as if never stopped.

        The policy is not in them, nor what was played of the next batch.
        """
        self._finish()
        learned = None if self._learned is self.policy else self._learned
        return {
            "updates": held("updates", self.updates), "refused": held("refused", self.refused),
            "frames": held("frames", self.frames), "deviation": self.deviation.to_plain(),
            "next": None if learned is None else pack(learned.weights),
            "cache": pack(self.optimiser.cache), "generator": self.rng.bit_generator.state,
        }  # fmt: skip

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Go on where `to_plain` was called.

        Raises:
            ValueError, TypeError, KeyError, ProtocolError: The values do not fit the policy, or mean nothing.
        """
        self.updates = checked("updates", plain["updates"])
        self.refused = checked("refused", plain["refused"])
        shapes = {name: weight.shape for name, weight in self.policy.weights.items()}
        self.optimiser.cache = unpack(plain["cache"], shapes, SQUARE)
        self._restore_generator(plain["generator"])
        self.frames = checked("frames", plain.get("frames", 0))  # older files lack these three
        self.deviation = Deviation.of(plain.get("deviation", (0.0, 0.0)))
        if plain.get("next") is not None:
            weights = unpack(plain["next"], shapes)
            self._learned = Policy(self.policy.height, self.policy.width, weights)

    def _restore_generator(self, state: Any) -> None:
        """Go on with a state that this generator may have had; numpy takes others too, and draws zeros."""
        generator = self.rng.bit_generator
        if min(state["state"].values()) < 0:  # which numpy, before 2, takes with a warning
            raise ValueError("the generator's state is none")
        generator.state = state
        if generator.state != state or not state["state"]["inc"] % 2:  # see PCG64
            raise ValueError("the generator's state is none")
