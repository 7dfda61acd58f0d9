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
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

import plain
from netproto import Column, Int32Array, Mover, Step, UInt8Array

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.intp]
Booleans: TypeAlias = npt.NDArray[np.bool_]
RandomGenerator: TypeAlias = np.random.Generator

T = TypeVar("T")
Work: TypeAlias = Generator[None, None, T]
"""Something that takes a while: it pauses after each piece, and returns what came of it at its end."""

UP, DOWN = 1, 2  # moves on the wire; 0 would be to stay

MAX_CELLS = 1 << 14  # of a frame: Pong's has 3,500, and with each a policy of 250 units grows by 10 KB
LONGEST_BATCH = 4096  # decisions from which to learn at the latest: good rallies last and last
ROWS_AT_ONCE = 256  # of W1, in a step: what comes in between then stays in the processor's cache
GRADIENT_ROWS = 64  # decisions in one product, a piece of work: so few see few cells
BLOCKS = (2, 5, 10)  # sides of the blocks of cells that are inputs too
BLOCK_SCALE = np.float32(4)  # of those inputs: the larger, the faster they learn
GREY = np.float32(1 / 255)  # of a cell's light
PADDLES = (0, -1)  # their columns

GAE_LAMBDA = 0.9
ENTROPY_BONUS = 0.005
VALUE_WEIGHT = 0.5
EPSILON = 1e-8
HALF = np.float32(0.5)  # single precision stays so
FIRST_LAYER_SCALE = 0.01  # standard deviations of the initial weights
SECOND_LAYER_SCALE = 0.06

log = logging.getLogger("pong.learner")


def finish(work: Work[T]) -> T:
    """Do all pieces that are left: what came of it."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result


# ---------------------------------------------------------------------------------------------
# Observations


@dataclass(frozen=True)
class Sparse:
    """B observations by the cells that are lit or have changed: those of observation b begin at starts[b]."""

    cells: Integers  # (K,) row · width + column; those of changes lie behind all those of light
    values: Floats  # (K,) light from 0 to 255, change from −255 to 255
    starts: Integers  # (B,)

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def join(cls, parts: list[Sparse]) -> Sparse:
        """Put batches behind one another."""
        lengths = np.cumsum([0] + [len(part.cells) for part in parts[:-1]])
        starts = [part.starts + length for part, length in zip(parts, lengths, strict=True)]
        return cls(
            np.concatenate([part.cells for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate(starts),
        )


class Eyes:
    """Turns frames into observations: how bright each cell is, and how much it has changed."""

    def __init__(self, games: int, height: int, width: int) -> None:
        self._cells = height * width
        self._seen = np.zeros(games * self._cells, np.uint8)  # all frames, as they were seen last
        self._lit: Integers | None = None  # which cells of them are not dark
        self._starts = np.arange(games)

    def look(self, step: Step) -> Sparse:
        """Observe a state. The first of an episode has no frame before it and so no difference."""
        seen, lit, light = self._seen, step.lit, step.light
        were_lit = lit if self._lit is None else self._lit
        before = light.copy() if self._lit is None else seen[lit]
        light_before = seen[were_lit]
        for game in step.points.nonzero()[0].tolist():
            here = _part(lit, game, self._cells)
            before[here] = light[here]
            light_before[_part(were_lit, game, self._cells)] = 0
        seen[were_lit] = 0
        seen[lit] = light
        self._lit = lit
        # What has changed is lit now, or was.
        change = np.subtract(light, before, dtype=np.float32)
        different = change.nonzero()[0]
        light_before[seen[were_lit] > 0] = 0
        gone = light_before.nonzero()[0]
        cells = np.concatenate((lit, lit[different], were_lit[gone]))
        values = np.concatenate((light, change[different], -light_before[gone].astype(np.float32)))
        if len(self._starts) == 1:
            cells[len(lit) :] += self._cells
            return Sparse(cells, values, self._starts)
        game, cells = np.divmod(cells, self._cells)
        cells[len(lit) :] += self._cells
        order = game.argsort(kind="stable")
        return Sparse(cells[order], values[order], game[order].searchsorted(self._starts))


def _part(places: Integers, game: int, cells: int) -> slice:
    """Where among ascending places in all frames, of so many cells each, those of a game are."""
    return slice(*places.searchsorted((game * cells, (game + 1) * cells)).tolist())


# ---------------------------------------------------------------------------------------------
# Network and optimiser

Weights: TypeAlias = dict[str, Floats]


def block_sizes(height: int, width: int) -> list[int]:
    """Those sizes of blocks that fill frames of this size."""
    return [size for size in BLOCKS if height % size == 0 and width % size == 0]


def grids(W1: Floats, height: int, width: int) -> list[tuple[int, Floats]]:
    """The rows of W1 as they lie on the court, without a copy: cells, then each size of blocks.

    Each is (size, weights); these have the shape (2, rows, columns, units): of the light, of its change.
    Behind them each half of W1 has one more row, of the input that is always 1.
    """
    halves = W1.reshape(2, -1, W1.shape[1])
    found, begin = [], 0
    for size in (1, *block_sizes(height, width)):
        rows, columns = height // size, width // size
        here = halves[:, begin : (begin := begin + rows * columns)]
        found.append((size, here.reshape(2, rows, columns, -1)))
    return found


def fold(W1: Floats, height: int, width: int) -> Work[Floats]:
    """Work out what light at each place does to each unit, per level of grey: (2, height, width, units).

    A place's own weights, and those of all blocks that it is in. The two columns of the paddles are in no
    block: a ball beside a paddle is no longer paddle.
    """
    (_, cells), *blocks = grids(W1, height, width)
    court = cells.copy()
    for size, block in blocks:
        rows, columns = block.shape[1:3]
        court.reshape(2, rows, size, columns, size, -1)[:] += BLOCK_SCALE * block[:, :, None, :, None]
        yield
    court[:, :, PADDLES] = cells[:, :, PADDLES]
    court *= GREY
    return court


def mirror(court: Floats) -> Work[Floats]:
    """Lay what a cell does to the units and to their twins side by side, so that one look gives both.

    Shape (2, height, width, H), of a court of shape (2, height, width, H/2).
    """
    half = court.shape[3]
    both: Floats = np.empty((*court.shape[:3], 2 * half), court.dtype)
    for way, ways in zip(court, both, strict=True):
        yield
        ways[..., :half], ways[..., half:] = way, way[::-1]
    return both


def unfold(dcourt: Floats, inputs: int) -> Work[Floats]:
    """Work out the gradient with respect to W1 (inputs, units), from that with respect to `fold` of it."""
    height, width, units = dcourt.shape[1:]
    dW1 = np.zeros((inputs, units), dcourt.dtype)
    (_, cells), *blocks = grids(dW1, height, width)
    np.multiply(dcourt, GREY, out=cells)
    between = BLOCK_SCALE * cells
    between[:, :, PADDLES] = 0
    for size, block in blocks:
        yield
        rows, columns = block.shape[1:3]
        strips = between.reshape(2, rows, size, width, units).sum(2)
        strips.reshape(2, rows, columns, size, units).sum(3, out=block)
    return dW1


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

    Its weights are not changed once it is made: learning makes another policy. Who has folded and mirrored W1
    already gives that too (`both`).
    """

    def __init__(self, height: int, width: int, weights: Weights, both: Floats | None = None) -> None:
        self.height, self.width, self.weights = height, width, weights
        W1, w, v = weights["W1"], weights["w"], weights["v"]
        if both is None:
            both = finish(mirror(finish(fold(W1, height, width))))
        self._court = both.reshape(-1, 2 * len(w))  # (2 · height · width, H)
        self._always = np.tile(W1[len(W1) // 2 - 1], 2)  # (H,)
        self._heads = np.column_stack((np.concatenate((w, -w)), np.concatenate((v, v))))  # (H, 2)

    @staticmethod
    def shapes(height: int, width: int, hidden_units: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights."""
        half = hidden_units // 2
        inputs = 1 + sum((height // size) * (width // size) for size in (1, *block_sizes(height, width)))
        return {"W1": (2 * inputs, half), "w": (half,), "v": (half,), "c": (1,)}

    @classmethod
    def random(cls, height: int, width: int, hidden_units: int, rng: RandomGenerator) -> Policy:
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

    def court_images(self, units: slice = slice(None)) -> Floats:
        """What one lit cell at each place of the court does to each unit, by the blocks it is in too.

        Shape (units, 2, height, width): by being there, and by having come there.
        """
        court = finish(fold(self.weights["W1"][:, units], self.height, self.width))
        return np.moveaxis(court, 3, 0) / GREY

    def to_plain(self) -> dict[str, Any]:
        """What `from_plain` makes the same policy of."""
        return {"height": self.height, "width": self.width, "weights": _pack(self.weights)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], hidden_units: int) -> Policy:
        """Read a policy; each array must have its shape.

        Raises:
            ValueError, TypeError, KeyError, ProtocolError: it is none.
        """
        height, width = plain["height"], plain["width"]
        if min(height, width) < 1 or height * width > MAX_CELLS:
            raise ValueError(f"frames of {width}×{height} cells")
        return cls(height, width, _unpack(plain["weights"], cls.shapes(height, width, hidden_units)))

    def forward(self, x: Sparse) -> Activations:
        """Look at B observations."""
        hidden: Floats = np.empty((len(x), self._court.shape[1]), self._court.dtype)
        ends = [*x.starts[1:].tolist(), len(x.cells)]
        for row, begin, end in zip(hidden, x.starts.tolist(), ends, strict=True):
            np.dot(x.values[begin:end], self._court.take(x.cells[begin:end], 0), out=row)
        hidden += self._always
        np.maximum(hidden, 0, out=hidden)
        out = hidden @ self._heads  # (B, 2)
        return Activations(x, hidden, out[:, 0], out[:, 1] + self.weights["c"])

    def backward(self, parts: Iterable[tuple[Activations, Floats, Floats]]) -> Work[Weights]:
        """The gradient of Σ_b (dlogit_b · logit_b + dvalue_b · value_b) with respect to the weights.

        Args:
            parts: of the batch: what was seen, dlogit (B,), dvalue (B,). Each is a piece of work.
        """
        half, inputs = len(self.weights["w"]), len(self.weights["W1"])
        dcourt: Floats = np.zeros((2, self.height, self.width, half), self._court.dtype)
        upside_down = dcourt[:, ::-1]
        dalways, dheads = np.zeros_like(self._always), np.zeros_like(self._heads)
        dc = np.zeros_like(self.weights["c"])
        for seen, dlogit, dvalue in parts:
            dout = np.column_stack((dlogit, dvalue))  # (B, 2)
            dhidden = (dout @ self._heads.T) * (seen.hidden > 0)  # (B, H)
            # One dense product over the cells that occur in this part.
            x, lit = seen.x, np.zeros(len(self._court), bool)
            lit[x.cells] = True
            row = np.repeat(np.arange(len(x)), np.diff(x.starts, append=len(x.cells)))
            active = np.unravel_index(np.flatnonzero(lit), dcourt.shape[:3])
            X = np.zeros((len(x), len(active[0])), np.float32)
            X[row, (np.cumsum(lit) - 1)[x.cells]] = x.values  # no cell comes twice in one observation
            d = X.T @ dhidden  # (active, H)
            dcourt[active] += d[:, :half]
            upside_down[active] += d[:, half:]
            dalways += dhidden.sum(0)
            dheads += seen.hidden.T @ dout
            dc += dvalue.sum()
            yield
        dW1 = yield from unfold(dcourt, inputs)
        dW1[inputs // 2 - 1] = dalways[:half] + dalways[half:]
        return {
            "W1": dW1,
            "w": dheads[:half, 0] - dheads[half:, 0],
            "v": dheads[:half, 1] + dheads[half:, 1],
            "c": dc,
        }


def _pack(arrays: Weights) -> dict[str, plain.PackedArray]:
    return {name: plain.pack_array(array) for name, array in arrays.items()}


def _unpack(packed: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> Weights:
    arrays = {
        name: plain.unpack_array(packed[name], np.float32, shape).copy() for name, shape in shapes.items()
    }
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("weights that are not finite")
    return arrays


def probability(logit: Floats) -> Floats:
    """1 / (1 + exp(−logit)), without overflow."""
    p: Floats = HALF + HALF * np.tanh(HALF * logit)
    return p


class RMSProp:
    """Steps of about the same length for every weight, whatever the size of its gradients."""

    def __init__(self, weights: Weights, rate: float, decay: float) -> None:
        self.rate, self.decay = np.float32(rate), np.float32(decay)
        self.cache = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def ascend(self, weights: Weights, gradient: Weights) -> Work[Weights]:
        """Step along the gradient: the new weights."""
        stepped: Weights = {}
        for name, whole in gradient.items():
            stepped[name] = np.empty_like(whole)
            for begin in range(0, len(whole), ROWS_AT_ONCE):
                rows = slice(begin, begin + ROWS_AT_ONCE)
                g, cache = whole[rows], self.cache[name][rows]
                cache *= self.decay
                cache += (1 - self.decay) * np.square(g)
                step = self.rate * g / (np.sqrt(cache) + np.float32(EPSILON))
                np.add(weights[name][rows], step, out=stepped[name][rows])
                yield
        return stepped


# ---------------------------------------------------------------------------------------------
# Learning


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
            "next": None if self._learned is None else _pack(self._learned.weights),
            "cache": _pack(self.optimiser.cache), "generator": self.rng.bit_generator.state,
        }  # fmt: skip

    def restore(self, plain: dict[str, Any]) -> None:
        """Go on from there."""
        self.updates, self.refused = int(plain["updates"]), int(plain["refused"])
        shapes = {name: weight.shape for name, weight in self.policy.weights.items()}
        self.optimiser.cache = _unpack(plain["cache"], shapes)
        self.rng.bit_generator.state = plain["generator"]
        if plain.get("next") is not None:
            weights = _unpack(plain["next"], shapes)
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
