"""How the agent sees, decides and learns: a two-layer policy gradient in plain numpy.

What it sees. x is the frame that the server sent, as cells and summed over blocks of 2×2, 5×5 and 10×10
cells, then how each of these has changed since the frame before, and one input that is always 1 (its
weights are the biases). Of these 9,102 numbers about sixty are not 0: W1's rows are gathered, not multiplied.

The policy. H hidden units in two halves that share their weights: the second half sees the court
upside-down, x̄. What is good for up is then good, mirrored, for down, and every point teaches twice.

    h = relu(x W1)     g = relu(x̄ W1)                     (H/2 units each)
    logit = (h − g) · w     P(up) = 1 / (1 + exp(−logit)), P(down) = 1 − P(up)
    value = (h + g) · v + c                                (what is still to be won of this point)

Learning. The point is the episode. After every `batch_size` points of all games together:

    A_t = Σ (λγ)^i δ_(t+i),  δ_t = r_t + γ V_(t+1) − V_t     (advantages; Schulman et al., 2016)
    objective = mean of A_t log P(a_t) + entropy bonus − value loss    (REINFORCE, baseline; Williams, 1992)
    cache ← decay · cache + (1 − decay) · dW²,  W ← W + rate · dW / (√cache + ε)      (RMSProp; Hinton, 2012)

γ is per tick of the game: a decision that lasts k ticks discounts by γ^k. Every name is the code's. The
gradient is worked out in a second thread while the next batch is played.

    Eyes              frames → observations x
    Policy            the network: forward, and the gradient beside it
    RMSProp           the optimiser
    policy_gradient   what a batch of decisions teaches
    Learner           rollouts in, better policies out
    Player            a policy in a Learner's place, that learns nothing
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import plain
from netproto import Column, Int32Array, Mover, Step, UInt8Array

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.intp]
Generator: TypeAlias = np.random.Generator

UP, DOWN = 1, 2  # moves on the wire; 0 would be to stay

LONGEST_BATCH = 4096  # decisions from which to learn at the latest: good rallies last and last
GRADIENT_ROWS = 512  # decisions in one product: with more the arrays leave the processor's cache
BLOCKS = (2, 5, 10)  # sides of the blocks of cells that are inputs too
BLOCK_SCALE = np.float32(4)  # of those inputs: the larger, the faster they learn

GAE_LAMBDA = 0.9
ENTROPY_BONUS = 0.005
VALUE_WEIGHT = 0.5
EPSILON = 1e-8
FIRST_LAYER_SCALE = 0.01  # standard deviations of the initial weights
SECOND_LAYER_SCALE = 0.06

log = logging.getLogger("pong.learner")


# ---------------------------------------------------------------------------------------------
# Observations


@dataclass(frozen=True)
class Sparse:
    """B observations by their non-zero inputs only: those of observation b begin at starts[b]."""

    inputs: Integers  # (K,) which of the inputs
    values: Floats  # (K,) in [−1, 1]
    starts: Integers  # (B,)

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def join(cls, parts: list[Sparse]) -> Sparse:
        """Put batches behind one another."""
        lengths = np.cumsum([0] + [len(part.inputs) for part in parts[:-1]])
        starts = [part.starts + length for part, length in zip(parts, lengths, strict=True)]
        return cls(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate(starts),
        )


class Eyes:
    """Turns frames into observations: how bright each input is, and how much it has changed.

    The inputs are the frame's cells, then the same court in blocks of cells, then one that is always lit.
    A ball seen in a block teaches what to do about balls anywhere in it; the cells then tell exactly
    where. The paddles' columns are left out of the blocks: a ball beside a paddle is no longer paddle.
    """

    def __init__(self, games: int, height: int, width: int) -> None:
        cells = np.arange(height * width)
        row, column = np.divmod(cells, width)
        places = [cells]  # for each size of blocks, the input in which each cell is
        inputs = len(cells)
        for size in block_sizes(height, width):
            places.append(inputs + row // size * (width // size) + column // size)
            inputs += height // size * (width // size)
        inputs += 1
        # The same for the cells of all games, in the flat arrays of inputs below.
        first = inputs * np.arange(games)[:, None]
        self._input_of, *self._blocks_of = [(first + place).reshape(-1) for place in places]
        self._between = np.tile((column > 0) & (column < width - 1), games)  # the two paddles' columns
        self._scale = np.full(inputs, BLOCK_SCALE / np.float32(255), np.float32)
        self._scale[: len(cells)], self._scale[-1] = 1 / 255, 1
        # Unscaled, so that sums are whole numbers and exact.
        self._now, self._before = np.zeros((2, games, inputs), np.float32)
        self._blind = True  # nothing was seen before

    def look(self, step: Step) -> Sparse:
        """Observe a state. The first of an episode has no frame before it and so no difference."""
        self._now, self._before = self._before, self._now
        now, before = self._now, self._before
        self._fill(now, step)
        if self._blind:
            before[:] = now
        elif step.points.any():
            ended = step.points > 0
            before[ended] = now[ended]
        self._blind = False
        lit, changed = np.flatnonzero(now != 0), np.flatnonzero(now != before)
        bright = now.reshape(-1)
        values = np.concatenate((bright[lit], bright[changed] - before.reshape(-1)[changed]))
        games, inputs = now.shape
        game, place = np.divmod(np.concatenate((lit, changed)), inputs)
        values *= self._scale[place]
        place[len(lit) :] += inputs
        if games == 1:
            return Sparse(place, values, game[:1])
        order = game.argsort(kind="stable")
        return Sparse(place[order], values[order], game[order].searchsorted(np.arange(games)))

    def _fill(self, now: Floats, step: Step) -> None:
        """Fill in the frames' cells, and their sums over blocks."""
        flat = now.reshape(-1)
        now.fill(0)
        flat[self._input_of[step.lit]] = step.light
        between = self._between[step.lit]
        ball, light = step.lit[between], step.light[between].astype(np.float32)
        for block_of in self._blocks_of:
            np.add.at(flat, block_of[ball], light)
        now[:, -1] = 1


def block_sizes(height: int, width: int) -> list[int]:
    """Those sizes of blocks that fill frames of this size."""
    return [size for size in BLOCKS if height % size == 0 and width % size == 0]


def upside_down(height: int, width: int) -> Integers:
    """For each input, the one that stands in its place when the court is flipped top to bottom.

    The first half are the inputs' brightnesses, the second half their changes.
    """
    flipped: list[Integers] = []
    for size in (1, *block_sizes(height, width)):
        rows, columns = height // size, width // size
        grid = sum(map(len, flipped)) + np.arange(rows * columns).reshape(rows, columns)
        flipped.append(grid[::-1].reshape(-1))
    half = np.concatenate((*flipped, [sum(map(len, flipped))]))
    return np.concatenate((half, half + len(half)))


# ---------------------------------------------------------------------------------------------
# Network and optimiser

Weights: TypeAlias = dict[str, Floats]


@dataclass(frozen=True)
class Activations:
    """What `Policy.forward` made of B observations; `Policy.backward` needs it again."""

    x: Sparse
    hidden: Floats  # (B, H): the units h, then their mirrored twins g
    logit: Floats  # (B,) of up
    value: Floats  # (B,)

    @classmethod
    def join(cls, parts: list[Activations]) -> Activations:
        """Put batches behind one another."""
        arrays = ([getattr(part, name) for part in parts] for name in ("hidden", "logit", "value"))
        return cls(Sparse.join([part.x for part in parts]), *map(np.concatenate, arrays))


class Policy:
    """Two layers whose hidden units come in mirrored pairs: (frame, difference) → logit of up, value.

    Its weights are not changed once it is made: learning makes another policy.
    """

    def __init__(self, height: int, width: int, weights: Weights) -> None:
        self.height, self.width, self.weights = height, width, weights
        self.upside_down = upside_down(height, width)
        W1, w, v = weights["W1"], weights["w"], weights["v"]
        # What each input does to the units and to their twins side by side, so that one look gives both.
        self._both = np.hstack((W1, W1[self.upside_down]))  # (inputs, H)
        self._heads = np.column_stack((np.concatenate((w, -w)), np.concatenate((v, v))))  # (H, 2)

    @staticmethod
    def shapes(height: int, width: int, hidden_units: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights."""
        half = hidden_units // 2
        return {"W1": (len(upside_down(height, width)), half), "w": (half,), "v": (half,), "c": (1,)}

    @classmethod
    def random(cls, height: int, width: int, hidden_units: int, rng: Generator) -> Policy:
        """A policy that knows nothing yet."""
        scales = {"W1": FIRST_LAYER_SCALE, "w": SECOND_LAYER_SCALE, "v": 0, "c": 0}
        shapes = cls.shapes(height, width, hidden_units)
        return cls(
            height,
            width,
            {
                name: rng.standard_normal(shape, np.float32) * np.float32(scales[name])
                for name, shape in shapes.items()
            },
        )

    def court_images(self) -> Floats:
        """What one lit cell at each place of the court does to each unit, by the blocks it is in too.

        Shape (units, 2, height, width): by being there, and by having come there.
        """
        W1, height, width = self.weights["W1"], self.height, self.width
        half = len(W1) // 2
        images = np.empty((W1.shape[1], 2, height, width), np.float32)
        for channel in range(2):
            start = channel * half
            total = W1[start : start + height * width].T.reshape(-1, height, width).copy()
            start += height * width
            for size in block_sizes(height, width):
                rows, columns = height // size, width // size
                blocks = W1[start : start + rows * columns].T.reshape(-1, rows, columns)
                spread = BLOCK_SCALE * blocks.repeat(size, axis=1).repeat(size, axis=2)
                total[:, :, 1:-1] += spread[:, :, 1:-1]
                start += rows * columns
            images[:, channel] = total
        return images

    def to_plain(self) -> dict[str, Any]:
        """What `from_plain` makes the same policy of."""
        return {"height": self.height, "width": self.width, "weights": _pack(self.weights)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], hidden_units: int) -> Policy:
        """Read a policy; each array must have its shape."""
        height, width = plain["height"], plain["width"]
        return cls(height, width, _unpack(plain["weights"], cls.shapes(height, width, hidden_units)))

    def forward(self, x: Sparse) -> Activations:
        """Look at B observations."""
        hidden = np.empty((len(x), self._both.shape[1]), self._both.dtype)
        ends = [*x.starts[1:].tolist(), len(x.inputs)]
        for row, begin, end in zip(hidden, x.starts.tolist(), ends, strict=True):
            np.dot(x.values[begin:end], self._both.take(x.inputs[begin:end], 0), out=row)
        np.maximum(hidden, 0, out=hidden)
        out = hidden @ self._heads  # (B, 2)
        return Activations(x, hidden, out[:, 0], out[:, 1] + self.weights["c"])

    def backward(self, seen: Activations, dlogit: Floats, dvalue: Floats) -> Weights:
        """The gradient of Σ_b (dlogit_b · logit_b + dvalue_b · value_b) with respect to the weights."""
        dout = np.column_stack((dlogit, dvalue))  # (B, 2)
        dhidden = (dout @ self._heads.T) * (seen.hidden > 0)  # (B, H)
        # One dense product over the inputs that occur in the batch, about a third of all.
        x, inputs = seen.x, len(self.upside_down)
        lit = np.zeros(inputs, bool)
        lit[x.inputs] = True
        active = np.flatnonzero(lit)
        row = np.repeat(np.arange(len(x)), np.diff(x.starts, append=len(x.inputs)))
        X = np.zeros((len(x), len(active)), np.float32)
        X[row, (np.cumsum(lit) - 1)[x.inputs]] = x.values  # no input comes twice in one observation
        d = X.T @ dhidden  # (active, H)
        half = d.shape[1] // 2
        dW1 = np.zeros_like(self.weights["W1"])
        dW1[active] = d[:, :half]
        dW1[self.upside_down[active]] += d[:, half:]
        dheads = seen.hidden.T @ dout  # (H, 2)
        return {
            "W1": dW1,
            "w": dheads[:half, 0] - dheads[half:, 0],
            "v": dheads[:half, 1] + dheads[half:, 1],
            "c": dvalue.sum(keepdims=True),
        }


def _pack(arrays: Weights) -> dict[str, plain.PackedArray]:
    return {name: plain.pack_array(array) for name, array in arrays.items()}


def _unpack(packed: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> Weights:
    return {
        name: plain.unpack_array(packed[name], np.float32, shape).copy() for name, shape in shapes.items()
    }


def probability(logit: Floats) -> Floats:
    """1 / (1 + exp(−logit)), without overflow."""
    p: Floats = np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * logit)
    return p


class RMSProp:
    """Steps of about the same length for every weight, whatever the size of its gradients."""

    def __init__(self, weights: Weights, rate: float, decay: float) -> None:
        self.rate, self.decay = np.float32(rate), np.float32(decay)
        self.cache = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def ascend(self, weights: Weights, gradient: Weights) -> Weights:
        """Step along the gradient: the new weights."""
        stepped: Weights = {}
        for name, g in gradient.items():
            cache = self.cache[name]
            cache *= self.decay
            cache += (1 - self.decay) * np.square(g)
            root: Floats = np.sqrt(cache)
            stepped[name] = weights[name] + self.rate * g / (root + np.float32(EPSILON))
        return stepped


# ---------------------------------------------------------------------------------------------
# Learning


@dataclass(frozen=True)
class Decision:
    """One decision of the N games of a server, and what came of it."""

    seen: Activations
    up: npt.NDArray[np.bool_]  # (N,) the moves drawn
    table: Int32Array  # (N, len(Column)) of the STEP that followed


class Rollout:
    """What was decided on one server since the last update, and what has still to be answered."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.pending: tuple[Activations, npt.NDArray[np.bool_]] | None = None
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


def policy_gradient(policy: Policy, segments: list[Segment], gamma: float) -> Weights:
    """The gradient of the objective, from decisions that this policy has made."""
    decisions = [decision for segment in segments for decision in segment.decisions]
    # B = Σ T·N decisions, of all segments behind one another.
    logit = np.concatenate([decision.seen.logit for decision in decisions])
    value = np.concatenate([decision.seen.value for decision in decisions])
    up = np.concatenate([decision.up for decision in decisions])
    table = np.concatenate([decision.table for decision in decisions])  # (B, columns)
    reward = table[:, Column.REWARD].astype(np.float32)
    ticks = table[:, Column.TICKS].astype(np.float32)
    discount = np.where(table[:, Column.POINTS] > 0, np.float32(0), np.float32(gamma) ** ticks)
    # Moves that were not made, or not by us, teach nothing.
    own = (table[:, Column.MOVER] == Mover.AGENT) & (table[:, Column.MOVE] == np.where(up, UP, DOWN))
    estimates, begin = [], 0
    for segment in segments:
        shape = len(segment.decisions), len(segment.last_value)
        here = slice(begin, begin := begin + shape[0] * shape[1])
        r, d, v = (column[here].reshape(shape) for column in (reward, discount, value))
        estimates.append(advantages(r, d, v, segment.last_value).reshape(-1))
    estimate = np.concatenate(estimates)  # (B,)
    advantage = estimate / (estimate.std() + np.float32(1e-6))
    p = probability(logit)
    # d log P(a)/d logit is a − p, d entropy/d logit is −logit p (1 − p), and the value's target is
    # value + estimate.
    scale = own / np.float32(max(own.sum(), 1))
    dlogit = scale * ((up - p) * advantage - ENTROPY_BONUS * logit * p * (1 - p))
    return _summed(policy, decisions, dlogit, scale * (VALUE_WEIGHT * estimate))


def _summed(policy: Policy, decisions: list[Decision], dlogit: Floats, dvalue: Floats) -> Weights:
    """Add up the gradients of parts of the batch, so that a long one needs no more memory."""
    parts, begin = [], 0
    step = max(GRADIENT_ROWS // len(decisions[0].up), 1)
    for first in range(0, len(decisions), step):
        seen = Activations.join([decision.seen for decision in decisions[first : first + step]])
        here = slice(begin, begin := begin + len(seen.logit))
        parts.append(policy.backward(seen, dlogit[here], dvalue[here]))
        if len(parts) > 1:
            for name, g in parts.pop().items():
                parts[0][name] += g
    return parts[0]


class Learner:
    """Draws moves from the policy, and makes it better after every `batch_size` points.

    A thread of its own learns from one batch while the next one is played: the policy that plays a batch
    has learned from all batches before it but the last. When it changes does not depend on how long the
    thread takes, so that the same seed gives the same run.
    """

    def __init__(
        self, policy: Policy, optimiser: RMSProp, batch_size: int, gamma: float, rng: Generator
    ) -> None:
        self.policy, self.optimiser, self.rng = policy, optimiser, rng
        self.batch_size, self.gamma = batch_size, gamma
        self.updates = 0  # that `policy` has seen
        self.refused = 0  # gradients that were not finite
        self.p_up: Floats = np.zeros(0, np.float32)
        self._rollouts: list[Rollout] = []
        self._thread = ThreadPoolExecutor(1, "learner")
        self._learned: Future[Policy] | None = None  # the policy that plays next

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def to_plain(self) -> dict[str, Any]:
        """All that `restore` needs to go on as if never stopped, but for the policy."""
        return {
            "updates": self.updates, "refused": self.refused,
            "next": None if self._learned is None else _pack(self._learned.result().weights),
            "cache": _pack(self.optimiser.cache), "generator": self.rng.bit_generator.state,
        }  # fmt: skip

    def restore(self, plain: dict[str, Any]) -> None:
        """Go on from there."""
        self.updates, self.refused = plain["updates"], plain["refused"]
        shapes = {name: weight.shape for name, weight in self.policy.weights.items()}
        self.optimiser.cache = _unpack(plain["cache"], shapes)
        self.rng.bit_generator.state = plain["generator"]
        if plain.get("next") is not None:
            self._learned = Future()
            self._learned.set_result(self._with(_unpack(plain["next"], shapes)))

    def _with(self, weights: Weights) -> Policy:
        return Policy(self.policy.height, self.policy.width, weights)

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
            rollout.points += int(step.points.sum())
        seen = self.policy.forward(observation)
        self.p_up = probability(seen.logit)
        up = self.rng.random(len(self.p_up)) < self.p_up
        rollout.pending = seen, up
        return DOWN - up.view(np.uint8)  # UP is one less

    def learn(self) -> None:
        """Hand the rollouts over to be learned from, if they have enough points or decisions."""
        points = decisions = 0
        for rollout in self._rollouts:
            points += rollout.points
            if rollout.decisions:
                decisions += len(rollout.decisions) * len(rollout.decisions[0].up)
        if points < self.batch_size and decisions < LONGEST_BATCH:
            return
        segments = [
            Segment(rollout.decisions, rollout.pending[0].value)
            for rollout in self._rollouts
            if rollout.decisions and rollout.pending is not None
        ]
        for rollout in self._rollouts:
            rollout.clear()
        played_by = self.policy
        self._change_policy()
        self._learned = self._thread.submit(self._learn, played_by, self.policy, segments)

    def _change_policy(self) -> None:
        """Play with what the batch before has taught."""
        if self._learned is not None:
            learned = self._learned.result()
            self.updates += learned is not self.policy
            self.refused += learned is self.policy
            self.policy = learned

    def _learn(self, played_by: Policy, newest: Policy, segments: list[Segment]) -> Policy:
        """In the thread: the next policy."""
        gradient = policy_gradient(played_by, segments, self.gamma)
        if not all(np.isfinite(np.vdot(g, g)) for g in gradient.values()):  # their squares go into the cache
            log.warning("a gradient that is not finite was refused; the weights stay as they were")
            return newest
        return self._with(self.optimiser.ascend(newest.weights, gradient))


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

    def close(self) -> None:
        """End nothing."""
