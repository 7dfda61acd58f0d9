"""An agent that learns Pong from pixels, over the network: a two-layer policy gradient in numpy.

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
    Learner           rollouts in, better weights out
    evaluate          play without learning
    PolicyGradient    the program: connect, play, learn, obey the console
"""

from __future__ import annotations

import os

# One BLAS thread: more make products of this size slower, and take the core that the game needs. Set here so
# that numpy does not even start them; `start` sees to it again, for programs that had loaded numpy before.
for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"

import contextlib
import itertools
import logging
import math
import queue
import secrets
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import netproto
import options
import plain
from netproto import (
    DEFAULT_PORT,
    Column,
    ConnectionLostError,
    GoodbyeError,
    Int32Array,
    Mover,
    PongClient,
    PongError,
    ProtocolError,
    Session,
    Step,
    UInt8Array,
    Wake,
)
from options import LARGEST_SEED, UsageError, whole, within
from records import CheckpointError, Progress, ProgressFile, load, save
from servers import LocalServer, Server, address_of, training_flags

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

REPORT_POINTS = 100  # a line, a row, and a look at the running mean
CHECKPOINT_SECONDS = 60.0

log = logging.getLogger("pong.agent")


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


# ---------------------------------------------------------------------------------------------
# Evaluation


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


def evaluate(
    policy: Policy,
    client: PongClient,
    step: Step,
    points: int,
    rng: Generator | None,
    stop: Callable[[], bool],
) -> tuple[Evaluation | None, Step]:
    """Play so many points from a state on, with the likelier moves, or with drawn ones if there is an `rng`.

    Each game plays its share of the points: to take those that end first would favour short rallies.

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
        p_up = probability(policy.forward(eyes.look(step)).logit)
        up = p_up > 0.5 if rng is None else rng.random(session.games) < p_up
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


# ---------------------------------------------------------------------------------------------
# Evaluation while training


class Examiner:
    """Evaluates the policy now and then while it trains, on games of its own (--evaluate-every)."""

    GAMES, POINTS = 16, 200

    def __init__(self, agent: PolicyGradient) -> None:
        self._agent = agent
        self._open: tuple[LocalServer, PongClient, Step] | None = None

    def examine(self, policy: Policy, level: int) -> Evaluation | None:
        """Evaluate at a level; None when told to quit meanwhile."""
        agent = self._agent
        if self._open is None:
            seed = None if agent.seed is None else agent.seed + EVALUATION_SEED
            server = LocalServer(training_flags(level, self.GAMES, seed), agent.debug)
            client = PongClient(port=server.port, token=server.token)
            self._open = server, client, client.connect()
        _, client, step = self._open
        result, step = evaluate(policy, client, step, self.POINTS, None, agent.is_quitting)
        self._open = *self._open[:2], step
        return result

    def close(self) -> None:
        """End its server; the next examination starts another."""
        if self._open is not None:
            self._open[1].close()
            self._open[0].close()
            self._open = None


# ---------------------------------------------------------------------------------------------
# The program

FILES = ("save.p", "interrupt.p", "progress.csv")
EVALUATION_SEED = 1_000_000  # beyond the run's own, so that the games are others than the training's
LOCAL_GAMES = 16  # of a server of our own, unless --games says otherwise: they share each round trip
PAUSE_SECONDS = 0.1  # between two looks at the window's close button while paused
PINGS = 10
PAUSED = "paused, the game too; p goes on"


@dataclass(eq=False)
class Seat:
    """A server that we play on."""

    server: Server
    client: PongClient
    first: Step | None  # state, until it is played
    eyes: Eyes
    rollout: Rollout

    def poll(self) -> Step | None:
        """Give the next state if it is there."""
        first, self.first = self.first, None
        return self.client.poll() if first is None else first


@dataclass(eq=False)
class PolicyGradient:
    """Learn Pong from pixels: a two-layer policy gradient that plays over the network.

    `start` connects (or starts a server of its own, `local`), and trains until q, Ctrl-C or SIGTERM, or
    until `points` or `minutes` are over. It writes save.p (the best so far), interrupt.p (the latest) and
    progress.csv into `directory`. With `evaluate` or `plot` it does that instead, and ends.

    Raises:
        UsageError: an option is out of its range.
    """

    resume: Annotated[
        bool | str, "go on from a checkpoint: FILE, or the one that has learned from more points"
    ] = False
    render: Annotated[bool, "show the frame as the agent sees it, and the probability of each move"] = False
    host: Annotated[
        str | tuple[str, ...] | None,
        "where the server is, HOST or HOST:PORT (default this machine); repeat it",
    ] = None
    port: Annotated[int, "port of the servers that are named without"] = DEFAULT_PORT
    hiddenUnits: Annotated[int, "hidden units, an even number"] = 250
    batch_size: Annotated[int, "points, of all games together, that each update learns from"] = 10
    learningRate: Annotated[float, "rate of RMSProp"] = 1e-3
    gamma: Annotated[float, "discount per tick of the game"] = 0.99
    decayRate: Annotated[float, "decay of RMSProp's mean of squares"] = 0.99
    _: KW_ONLY
    local: Annotated[bool | int, "start N (1) headless lockstep servers on this machine"] = False
    level: Annotated[int | None, "level of their built-in AI (default 2)"] = None
    games: Annotated[int | None, "games side by side on each server (16 in all with --local)"] = None
    points: Annotated[int | None, "end after so many points"] = None
    minutes: Annotated[float | None, "end after so many minutes of training"] = None
    seed: Annotated[int | None, "seed of weights and moves, and of the local server's games"] = None
    directory: Annotated[str, "where to write checkpoints and progress.csv"] = "."
    token_file: Annotated[str | None, "file with the server's token (or set PONG_TOKEN)"] = None
    ca: Annotated[str | None, "encrypt with TLS: file of certificates, the server's or its signer's"] = None
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    play: Annotated[
        bool | str, "play without learning, with FILE or save.p; with --local against you, in a window"
    ] = False
    evaluate: Annotated[bool | str, "play --points (500) without learning, with FILE or save.p"] = False
    sample: Annotated[bool, "let --evaluate draw its moves instead of making the likelier one"] = False
    evaluate_every: Annotated[int | None, "evaluate after every N points too, on a server of its own"] = None
    plot: Annotated[tuple[str, ...], "draw progress.csv files as curves, or a checkpoint's hidden units"] = ()
    output: Annotated[str, "the picture that --plot writes", "-o", "--output"] = "curve.png"
    token: str | None = field(default=None, repr=False)

    # What a checkpoint keeps of the options, and gives back unless the command line says otherwise.
    KEPT = ("hiddenUnits", "batch_size", "learningRate", "gamma", "decayRate", "level", "games")
    SERVER_KEPT = ("level", "games")  # those of them that are our own server's

    def __post_init__(self) -> None:
        whole("--port", self.port, 1, 65535)
        whole("--hidden-units", self.hiddenUnits, 2, 100_000)
        if self.hiddenUnits % 2:
            raise UsageError(
                f"--hidden-units must be even, since they come in mirrored pairs, not {self.hiddenUnits}"
            )
        whole("--batch-size", self.batch_size, 1, 1_000_000)
        within("--learning-rate", self.learningRate, 1e-9, 10.0)
        within("--gamma", self.gamma, 0.0, 1.0)
        within("--decay-rate", self.decayRate, 0.0, 0.999999)
        if self.points is not None:
            whole("--points", self.points, 1, 1_000_000_000)
        if self.minutes is not None:
            within("--minutes", self.minutes, 0.001, 1e6)
        if self.games is not None:
            whole("--games", self.games, 1, netproto.MAX_GAMES)
        if self.level is not None:
            if self.level not in (1, 2, 3):
                raise UsageError(f"--level must be 1, 2 or 3, not {self.level}")
            if not self._own_servers:
                raise UsageError("--level is for the server of --local: give it to pong.py, or add --local")
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED - EVALUATION_SEED)
        if self.evaluate_every is not None:
            whole("--evaluate-every", self.evaluate_every, 1, 1_000_000_000)
        if self.play and (self.evaluate or self.resume or self.level is not None or self.games is not None):
            raise UsageError("--play goes with neither --evaluate, --resume, --level nor --games: drop them")
        if self.local and self.host is not None:
            raise UsageError("--local starts a server of its own and needs no --host: drop one")
        if self.local is not False:
            whole("--local", int(self.local), 1, netproto.MAX_GAMES)
        hosts = () if self.host is None else (self.host,) if isinstance(self.host, str) else tuple(self.host)
        self._addresses = [address_of(host, self.port) for host in hosts] or [("127.0.0.1", self.port)]
        self._wake: Wake | None = None  # exists while training
        self._commands: deque[str] = deque()
        self._paused = self._quitting = False
        self._window: Any = None
        self._last = self._saved = 0.0  # when progress was last counted, and interrupt.p written
        self._progress = Progress()
        self._learner: Learner | Player | None = None
        self._servers: list[Server] = []
        self._seats: dict[Server, Seat] = {}  # of those that are connected
        self._arrivals: queue.SimpleQueue[tuple[Server, PongError | None]] = queue.SimpleQueue()
        self._has_met = False  # any server
        self._turns = 0  # states played
        self._identity = secrets.token_bytes(netproto.IDENTITY_BYTES)  # by which servers know us again
        self._file: ProgressFile | None = None  # open from the first connection on
        self._rng = np.random.default_rng(self.seed)

    @property
    def _own_servers(self) -> bool:
        """Whether the servers are ones that we start: an evaluation needs no other."""
        return bool(self.local) or (bool(self.evaluate) and self.host is None and self.port == DEFAULT_PORT)

    # Other threads.

    def command(self, word: str) -> None:
        """Take a command of the console: p, q or ping. Any thread may call it."""
        self._commands.append(word)
        if self._wake is not None:
            self._wake.set()

    def status(self) -> str:
        """One line that says how training goes. Any thread may call it."""
        return ("paused   " if self._paused else "") + str(self._progress)

    # The training thread.

    def start(self) -> None:
        """Train until told to stop. See the class.

        Raises:
            PongError: the server refuses us, or a file cannot be read or written.
        """
        options.start_log(self.debug)
        if self.plot:
            self._draw_plot()
            return
        with threadpool_limits(1, "blas"):
            if self.evaluate:
                self._evaluate_file()
            else:
                self._start_training()

    def _start_training(self) -> None:
        if self.play:
            path = self._file_of(self.play)
            self._learner = Player(load_policy(path))
            self._say(f"playing with {path}, without learning")
        else:
            self._restore()
            self._prepare_directory()
        with contextlib.ExitStack() as stack:
            self._wake = Wake()
            stack.callback(self._wake.close)
            stack.enter_context(options.stop_signals(lambda: self.command("q")))
            self._open_window(stack)
            self._open_servers(stack)
            self._examiner = stack.enter_context(contextlib.closing(Examiner(self)))
            self._open_console(stack)
            stack.callback(self._end_learning)
            try:
                self._train()
            finally:
                self._finish()

    def _end_learning(self) -> None:
        if self._learner is not None:
            self._learner.close()

    def _restore(self) -> None:
        """Read the checkpoint to resume from, and the options that it keeps."""
        if not self.resume:
            return
        if isinstance(self.resume, str):
            path = Path(self.resume)
        else:
            paths = [path for name in FILES[:2] if (path := Path(self.directory, name)).exists()]
            if not paths:
                raise CheckpointError(f"{self.directory} has no save.p or interrupt.p to resume from")
            path = max(paths, key=points_of)
        chosen = load(path)
        with _damage_explained(path):
            kept = chosen["options"]
            if self.hiddenUnits not in (kept["hiddenUnits"], PolicyGradient.hiddenUnits):
                raise UsageError(f"{path} has {kept['hiddenUnits']} hidden units: leave out --hidden-units")
            for name in self.KEPT:
                untouched = getattr(self, name) == getattr(PolicyGradient, name)
                if untouched and (self.local or name not in self.SERVER_KEPT):
                    setattr(self, name, kept[name])
            self._progress = Progress.from_plain(chosen["progress"])
            self._learner = self._make_learner(Policy.from_plain(chosen["policy"], self.hiddenUnits))
            self._learner.restore(chosen["learner"])
            self._identity = bytes(chosen.get("identity", self._identity))
            self._say(f"resumed from {path}: {self._progress}")

    def _draw_plot(self) -> None:
        from views import plots

        files, output = [Path(name) for name in self.plot], Path(self.output)
        if files[0].suffix == ".p":
            if len(files) > 1:
                raise UsageError("--plot draws the hidden units of one checkpoint at a time: name one")
            plots.draw_units(load_policy(files[0]), output)
        else:
            plots.draw_curves(files, output)
        self._say(f"drew {output}")

    def _evaluate_file(self) -> None:
        """Evaluate a checkpoint, on a server of our own or on the one named."""
        path = self._file_of(self.evaluate)
        policy = load_policy(path)
        with contextlib.ExitStack() as stack:
            self._wake = Wake()
            stack.callback(self._wake.close)
            stack.enter_context(options.stop_signals(lambda: self.command("q")))
            self._open_servers(stack)
            if (server := self._first_server()) is None:
                return
            client, step = server.connected
            self._check_frames(policy, client.session)
            rng = self._rng if self.sample else None
            result, _ = evaluate(policy, client, step, int(self.points or 500), rng, self.is_quitting)
            if result is not None:
                self._say(f"{path} on level {client.session.level}: {result}")

    def _file_of(self, option: bool | str) -> Path:
        return Path(option) if isinstance(option, str) else Path(self.directory, FILES[0])

    def _first_server(self) -> Server | None:
        """Wait until the first server is there; None when told to quit meanwhile."""
        assert self._wake is not None
        self._servers[0].seek()
        while not self.is_quitting():
            while not self._arrivals.empty():
                server, error = self._arrivals.get()
                if error is None:
                    return server
                self._explain(error)
            self._wake.wait(None)
        return None

    def is_quitting(self) -> bool:
        """Whether to end soon; other commands wait for `_obey`."""
        self._quitting = self._quitting or "q" in self._commands
        return self._quitting

    def _make_learner(self, policy: Policy) -> Learner:
        optimiser = RMSProp(policy.weights, self.learningRate, self.decayRate)
        return Learner(policy, optimiser, self.batch_size, self.gamma, self._rng)

    def _prepare_directory(self) -> None:
        """Make sure that we can write there, before anything is begun."""
        try:
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory):
                pass
        except OSError as error:
            raise UsageError(
                f"cannot write into {self.directory} ({error.strerror}): choose another --directory"
            ) from error

    def _open_file(self) -> ProgressFile:
        """Begin progress.csv, and keep the files of an earlier run."""
        directory = Path(self.directory)
        found = [path for name in FILES if (path := directory / name).exists()]
        if found and self.resume is not True:
            names = (directory / f"previous-{number}" for number in itertools.count(1))
            aside = next(path for path in names if not path.exists())
            aside.mkdir()
            for path in found:
                (shutil.copy2 if self.resume else shutil.move)(path, aside / path.name)
            self._say(f"the files of the run before are kept in {aside}")
        # A checkpoint from elsewhere does not go on with the rows that are here.
        ours = self.resume is True or Path(str(self.resume)).resolve().parent == directory.resolve()
        points = self._progress.points if ours else 0
        return ProgressFile(directory / FILES[2], points, self.evaluate_every is not None)

    def _open_window(self, stack: contextlib.ExitStack) -> None:
        if self.render:
            from views.agent_window import AgentWindow  # here, so that a run without never loads pygame

            self._window = AgentWindow()
            stack.callback(self._window.close)

    def _open_servers(self, stack: contextlib.ExitStack) -> None:
        """Settle which servers to connect to, and start them if they are ours."""
        assert self._wake is not None
        if not self._own_servers:
            given = self.token if self.token is not None else netproto.read_token(self.token_file)
            for host, port in self._addresses:
                server = Server(host, port, given or "", self._arrivals, self._wake, ca=self.ca)
                server.identity = self._identity
                self._servers.append(stack.enter_context(contextlib.closing(server)))
            return
        if self.play:
            self._open_opponent(stack)
            return
        wanted, cores = int(self.local or 1), os.cpu_count() or 1
        if wanted > cores:
            self._say(f"this machine has {cores} cores: {cores} servers instead of {wanted}")
        count = min(wanted, cores)
        games = self.games or max(LOCAL_GAMES // count, 1)
        for number in range(count):
            seed = None if self.seed is None else self.seed + number * games
            own = LocalServer(training_flags(self.level, games, seed), self.debug)
            server = Server("127.0.0.1", own.port, own.token, self._arrivals, self._wake, own)
            self._servers.append(stack.enter_context(contextlib.closing(server)))

    def _open_opponent(self, stack: contextlib.ExitStack) -> None:
        """Open the game's window, where a person has the right paddle."""
        assert self._wake is not None
        own = LocalServer(("--opponent", "human"), self.debug)
        server = Server("127.0.0.1", own.port, own.token, self._arrivals, self._wake, own)
        self._servers.append(stack.enter_context(contextlib.closing(server)))

    def _open_console(self, stack: contextlib.ExitStack) -> None:
        from views.console import Console

        console = Console(self.command, self.status)
        stack.callback(console.close)
        console.start()

    def _say(self, line: str) -> None:
        print(line, flush=True)

    def _train(self) -> None:
        """Play on all servers that are there, until finished."""
        self._points_before, self._seconds_before = self._progress.points, self._progress.seconds
        self._saved, self._evaluated = time.monotonic(), self._progress.points
        self._unsought = deque(self._servers)
        self._seek()
        while not self._finished():
            self._take_commands()
            self._take_arrivals()
            due, waiting = self._due(), True
            for seat in due:
                waiting = not self._advance(seat) and waiting
            if waiting:
                self._wait(due)

    def _seek(self) -> None:
        """Connect to all servers at once, but to our own one after another, always in the same order."""
        while self._unsought:
            self._unsought.popleft().seek()
            if self._own_servers:
                break

    def _finished(self) -> bool:
        progress = self._progress
        return (
            self._quitting
            or (self.points is not None and progress.points - self._points_before >= self.points)
            or (self.minutes is not None and progress.seconds - self._seconds_before >= 60 * self.minutes)
        )

    def _due(self) -> list[Seat]:
        """Give the seats to look at: our own servers take turns, so that a run can be repeated."""
        if self._own_servers:
            seat = self._seats.get(self._servers[self._turns % len(self._servers)])
            return [] if seat is None else [seat]
        return list(self._seats.values())

    def _wait(self, due: list[Seat]) -> None:
        """Wait for a state, a server, or a command."""
        assert self._wake is not None
        self._poll_window()
        seconds = None if self._window is None else PAUSE_SECONDS
        if due:
            until = None if seconds is None else time.monotonic() + seconds
            netproto.wait([seat.client.connection for seat in due], until, self._wake)
        else:
            self._wake.wait(seconds)

    def _advance(self, seat: Seat) -> bool:
        """Play on if the next state is there; whether it was."""
        try:
            step = seat.poll()
            if step is not None:
                self._play(seat, step)
        except (ConnectionLostError, ProtocolError) as error:
            self._lose(seat.server, error)
            return True
        return step is not None

    def _play(self, seat: Seat, step: Step) -> None:
        """Answer a state; what follows from it is done while the server plays."""
        learner = self._learner
        assert learner is not None
        answered = seat.rollout.pending is not None  # else it is the first state
        moves = learner.decide(seat.rollout, step, seat.eyes.look(step))
        seat.client.act(moves)
        self._turns += 1
        learner.learn()
        if self.debug:
            log.debug(
                "STEP %d of %s: rewards %s; P(up) %s, moves %s", step.number, seat.server,
                step.rewards.tolist(), learner.p_up.round(3).tolist(), moves.tolist(),
            )  # fmt: skip
        if answered:
            self._count(step)
        if self._window is not None and seat is next(iter(self._seats.values())):
            self._show(step)

    # Servers that come and go.

    def _take_arrivals(self) -> None:
        while not self._arrivals.empty():
            server, error = self._arrivals.get()
            if error is not None:
                self._explain(error)
            else:
                try:
                    self._meet(server)
                except PongError as problem:
                    self._dismiss(server, problem)

    def _explain(self, error: PongError) -> None:
        """Say why a server is not there, or raise the error if the user must mend it.

        Before the first connection anything but an absent server is the user's to mend; later on it may
        mend itself: a name found again, our own old session given up.
        """
        lost = isinstance(error, ConnectionLostError)
        if not lost and not self._has_met:
            raise error
        start = "; start one with: python pong.py" if lost and self.host is None else ""
        self._say(f"waiting for a server: {error}{start}")

    def _meet(self, server: Server) -> None:
        """Take a seat at a server."""
        client, step = server.connected
        session = client.session
        learner = self._prepare(session)
        if not self._seats:
            self._last = time.monotonic()
        eyes = Eyes(session.games, session.height, session.width)
        seat = self._seats[server] = Seat(server, client, step, eyes, learner.begin())
        self._say(
            f"connected to {server}: level {session.level}, "
            f"games: {session.games}, {'lockstep' if session.lockstep else 'real time'}"
        )
        if self._paused:  # a pause outlasts a lost connection
            with self._losing(seat):
                client.pause()
                self._say(PAUSED)
        self._seek()

    def _prepare(self, session: Session) -> Learner | Player:
        """Check that our policy can play there, or make a policy for it."""
        if self.games not in (None, session.games):
            raise UsageError(
                f"the server plays {session.games} games at once, not {self.games}: start it with --games"
            )
        if self._learner is None:
            policy = Policy.random(session.height, session.width, self.hiddenUnits, self._rng)
            self._learner = self._make_learner(policy)
        self._check_frames(self._learner.policy, session)
        self._has_met = True
        if self._file is None and not self.play:
            self._file = self._open_file()
        self._level = min(session.level, 3)
        return self._learner

    def _lose(self, server: Server, error: PongError) -> None:
        """Give up a seat, and try to come back to it."""
        assert self._learner is not None
        self._learner.drop(self._seats.pop(server).rollout)
        server.leave()
        if server.own is not None and server.own.has_ended() and self.play:
            self._quitting = True  # the person has closed the window
        elif server.own is not None and server.own.has_ended():
            words = server.own.last_words()
            self._dismiss(server, PongError(f"the local server has ended: {words}"))
        elif isinstance(error, ConnectionLostError):
            if isinstance(error, GoodbyeError):  # it keeps no place for us; if another has ours, let it be
                server.identity = netproto.NOBODY
            self._say(f"{error}; what was learned is kept, the unfinished points are dropped")
            self._save(FILES[1])
            server.seek()
        else:
            self._dismiss(server, error)

    def _dismiss(self, server: Server, error: PongError) -> None:
        """Go on without a server that cannot be played on; the last one's error ends the run."""
        self._servers.remove(server)
        server.close()
        if not self._servers:
            raise error
        self._say(f"going on without {server}: {error}")

    @staticmethod
    def _check_frames(policy: Policy, session: Session) -> None:
        if (policy.height, policy.width) != (session.height, session.width):
            raise PongError(
                f"the server's frames are {session.width}×{session.height} and the policy's "
                f"{policy.width}×{policy.height}: it was trained on another game"
            )

    # Books.

    def _count(self, step: Step) -> None:
        """Keep the books: progress, reports, checkpoints."""
        progress, now = self._progress, time.monotonic()
        progress.seconds += now - self._last
        self._last = now
        progress.frames += int(step.ticks.sum())
        progress.decisions += len(step.ticks)
        for game in np.flatnonzero(step.points):
            points, reward = int(step.points[game]), int(step.rewards[game])
            for number in range(points):
                progress.count_point(2 * number < points + reward)
                if progress.points % REPORT_POINTS == 0:
                    self._report()
        progress.measure_speed()
        if now - self._saved >= CHECKPOINT_SECONDS:
            self._saved = now
            self._save(FILES[1])

    def _report(self) -> None:
        progress = self._progress
        if isinstance(self._learner, Player):
            self._say(str(progress))
            return
        assert self._learner is not None
        assert self._file is not None
        progress.updates = self._learner.updates
        if self.evaluate_every and progress.points - self._evaluated >= self.evaluate_every:
            self._evaluated = progress.points
            self._evaluate_now(self._learner.policy)
        self._file.write(progress)
        self._say(str(progress))
        if progress.running_mean > progress.best:
            progress.best = progress.running_mean
            self._save(FILES[0])

    def _evaluate_now(self, policy: Policy) -> None:
        """Evaluate on games of our own; the time it takes is not training's."""
        try:
            result = self._examiner.examine(policy, self._level)
        except PongError as error:
            self._say(f"the evaluation failed, training goes on: {error}")
            self._examiner.close()
            result = None
        self._last = time.monotonic()
        if result is not None:
            self._progress.evaluation_win_rate = result.share
            self._say(f"evaluation: {result}")

    def _save(self, name: str) -> bool:
        """Write a checkpoint; if that fails, say so and go on: the next may succeed."""
        if isinstance(self._learner, Player):
            return True
        assert self._learner is not None
        self._progress.updates = self._learner.updates
        values = {
            "options": {option: getattr(self, option) for option in self.KEPT},
            "progress": self._progress.to_plain(),
            "policy": self._learner.policy.to_plain(),
            "learner": self._learner.to_plain(),
            "identity": self._identity,
        }
        try:
            save(Path(self.directory, name), values)
        except CheckpointError as error:
            self._say(str(error))
            return False
        return True

    def _finish(self) -> None:
        """Leave everything on disk."""
        if isinstance(self._learner, Player):
            self._say(f"played: {self._progress}")
        elif self._file is not None:
            saved = self._save(FILES[1])
            self._file.write(self._progress)
            self._file.close()
            self._say(f"{f'saved {FILES[1]}' if saved else 'NOT saved'}: {self._progress}")

    # Commands and window, still in the training thread.

    def _take_commands(self) -> None:
        while self._commands:
            word = self._commands.popleft()
            if word == "q":
                self._quitting = True
            elif not self._seats:
                self._say(f"not connected yet: {word} needs a server")
            elif word == "p":
                self._pause()
            elif word == "ping":
                for seat in list(self._seats.values()):
                    self._ping(seat)
            self._last = time.monotonic()

    def _pause(self) -> None:
        self._paused = not self._paused
        for seat in list(self._seats.values()):
            with self._losing(seat):
                seat.client.pause(self._paused)
        self._say(PAUSED if self._paused else "going on")

    def _ping(self, seat: Seat) -> None:
        """Pause, make ten round trips, say what they took, and go on."""
        with self._losing(seat):
            if not self._paused:
                seat.client.pause()
            times = [1000 * seat.client.ping() for _ in range(PINGS)]
            where = f"{seat.server} " * (len(self._seats) > 1)
            for number, milliseconds in enumerate(times, 1):
                self._say(f"ping {where}{number:2}: {milliseconds:.3f} ms")
            self._say(f"average of {PINGS}: {sum(times) / PINGS:.3f} ms")
            if not self._paused:
                seat.client.pause(False)

    @contextlib.contextmanager
    def _losing(self, seat: Seat) -> Iterator[None]:
        """Lose the seat if its server turns out to be gone."""
        try:
            yield
        except (ConnectionLostError, ProtocolError) as error:
            self._lose(seat.server, error)

    def _show(self, step: Step) -> None:
        assert self._learner is not None
        self._window.show(step.frames[0], float(self._learner.p_up[0]), self.status)
        self._poll_window()

    def _poll_window(self) -> None:
        if self._window is not None and not self._window.poll():
            self._window.close()
            self._window = None


def points_of(path: Path) -> int:
    """How many points a checkpoint has learned from."""
    with _damage_explained(path):
        return int(load(path)["progress"]["points"])


def load_policy(path: Path | str) -> Policy:
    """Read a checkpoint's policy alone.

    Raises:
        CheckpointError: there is none to be read.
    """
    path = Path(path)
    values = load(path)
    with _damage_explained(path):
        return Policy.from_plain(values["policy"], values["options"]["hiddenUnits"])


@contextlib.contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    """Turn what a checkpoint with the wrong things in it provokes into one sentence."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ProtocolError) as error:
        if isinstance(error, UsageError):
            raise
        raise CheckpointError(
            f"{path} has not what a checkpoint needs ({type(error).__name__}: {error}): resume from another"
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return options.main(PolicyGradient, argv)


if __name__ == "__main__":
    import mainmodel  # so that views find this very module, not a second copy under another name

    sys.exit(mainmodel.main())
