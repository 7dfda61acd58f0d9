"""The policy: a network of two layers, its forward and backward pass, and the choice of moves.

`learning` has the formulas; the names here are the same. H is the number of hidden units, B a number of
observations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pongrl.agent.eyes import Booleans, Floats, Observations
from pongrl.agent.folding import GREY, fold, inputs_of, mirror, unfold
from pongrl.agent.ranges import WEIGHT, Range, are_in, checked
from pongrl.agent.work import Work, finish
from pongrl.game.moves import DOWN
from pongrl.wire.arrays import PackedArray, UInt8Array, pack_array, unpack_array

RandomGenerator: TypeAlias = np.random.Generator
Weights: TypeAlias = dict[str, Floats]
"""W1 (inputs, H/2), w (H/2,), v (H/2,) and c (1,); a gradient has the same names and shapes."""

MAX_CELLS = 1 << 14  # of a frame. Pong has 3,500; each takes 10 KB of a policy with 250 units
FIRST_LAYER_SCALE = 0.01  # standard deviations of the initial weights
SECOND_LAYER_SCALE = 0.06
HALF = np.float32(0.5)  # keeps single precision


@dataclass(frozen=True)
class Activations:
    """The result of `Policy.forward` for B observations. `Policy.backward` needs all of it."""

    x: Observations
    hidden: Floats  # (B, H) the units h, then their mirrored twins g
    logit: Floats  # (B,) of up
    value: Floats  # (B,)

    @classmethod
    def join(cls, parts: list[Activations]) -> Activations:
        """Put batches one behind the other."""
        arrays = ([getattr(part, name) for part in parts] for name in ("hidden", "logit", "value"))
        return cls(Observations.join([part.x for part in parts]), *map(np.concatenate, arrays))


class Policy:
    """The network: observations → logit of up, value. Its hidden units come in mirrored pairs.

    A policy never changes. Learning makes a new one.

    Args:
        height, width: Of the frames, in cells.
        weights: Of the shapes that `shapes` gives.
        both: W1, folded and mirrored, if the caller has computed it already.
    """

    def __init__(self, height: int, width: int, weights: Weights, both: Floats | None = None) -> None:
        self.height, self.width, self.weights = height, width, weights
        W1, w, v = weights["W1"], weights["w"], weights["v"]
        if both is None:
            both = finish(mirror(finish(fold(W1, height, width))))
        self._court = both.reshape(-1, 2 * len(w))  # (2 · height · width, H)
        self._always = np.tile(W1[len(W1) // 2 - 1], 2)  # (H,) the biases
        self._heads = np.column_stack((np.concatenate((w, -w)), np.concatenate((v, v))))  # (H, 2)

    @staticmethod
    def shapes(height: int, width: int, hidden_units: int) -> dict[str, tuple[int, ...]]:
        """Give the shapes of the weights, by name."""
        half = hidden_units // 2
        return {"W1": (inputs_of(height, width), half), "w": (half,), "v": (half,), "c": (1,)}

    @classmethod
    def random(cls, height: int, width: int, hidden_units: int, rng: RandomGenerator) -> Policy:
        """Make a policy that knows nothing yet."""
        scales = {"W1": FIRST_LAYER_SCALE, "w": SECOND_LAYER_SCALE, "v": 0, "c": 0}
        shapes = cls.shapes(height, width, hidden_units)
        weights = {
            name: rng.standard_normal(shape, np.float32) * np.float32(scales[name])
            for name, shape in shapes.items()
        }
        return cls(height, width, weights)

    def forward(self, x: Observations) -> Activations:
        """Compute logit and value of B observations."""
        hidden: Floats = np.empty((len(x), self._court.shape[1]), self._court.dtype)  # (B, H)
        ends = [*x.starts[1:].tolist(), len(x.cells)]
        for row, begin, end in zip(hidden, x.starts.tolist(), ends, strict=True):
            np.dot(x.values[begin:end], self._court.take(x.cells[begin:end], 0), out=row)
        hidden += self._always
        np.maximum(hidden, 0, out=hidden)
        out = hidden @ self._heads  # (B, 2)
        return Activations(x, hidden, out[:, 0], out[:, 1] + self.weights["c"])

    def backward(self, parts: Iterable[tuple[Activations, Floats, Floats]]) -> Work[Weights]:
        """Compute the gradient of Σ_b (dlogit_b · logit_b + dvalue_b · value_b) with respect to the weights.

        Args:
            parts: The batch, cut into parts: activations, dlogit (B,), dvalue (B,). Each is a piece of work.
        """
        half, inputs = len(self.weights["w"]), len(self.weights["W1"])
        dcourt: Floats = np.zeros((2, self.height, self.width, half), self._court.dtype)
        mirrored = dcourt[:, ::-1]  # the same numbers, as the twins see them
        dalways, dheads = np.zeros_like(self._always), np.zeros_like(self._heads)
        dc = np.zeros_like(self.weights["c"])
        for seen, dlogit, dvalue in parts:
            dout = np.column_stack((dlogit, dvalue))  # (B, 2)
            dhidden = (dout @ self._heads.T) * (seen.hidden > 0)  # (B, H)
            active, X = seen.x.dense(len(self._court))  # (A,), (B, A)
            d = X.T @ dhidden  # (A, H)
            place = np.unravel_index(active, dcourt.shape[:3])
            dcourt[place] += d[:, :half]
            mirrored[place] += d[:, half:]
            dalways += dhidden.sum(0)
            dheads += seen.hidden.T @ dout
            dc += dvalue.sum()
            yield
        dW1 = yield from unfold(dcourt, inputs)
        dW1[inputs // 2 - 1] = dalways[:half] + dalways[half:]
        dw, dv = dheads[:half, 0] - dheads[half:, 0], dheads[:half, 1] + dheads[half:, 1]
        return {"W1": dW1, "w": dw, "v": dv, "c": dc}

    def court_images(self, units: slice = slice(None)) -> Floats:
        """Show what one lit cell at each place of the court does to each unit, blocks included.

        Returns:
            (units, 2, height, width): what light there does, and what a change there does.
        """
        court = finish(fold(self.weights["W1"][:, units], self.height, self.width))
        return np.moveaxis(court, 3, 0) / GREY

    def to_plain(self) -> dict[str, Any]:
        """Give plain values of which `from_plain` makes the same policy."""
        return {"height": self.height, "width": self.width, "weights": pack(self.weights)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], hidden_units: int) -> Policy:
        """Read a policy; each array must have its shape.

        Raises:
            ValueError, TypeError, KeyError, ProtocolError: These values are no policy.
        """
        height, width = checked("height", plain["height"]), checked("width", plain["width"])
        if height * width > MAX_CELLS:
            raise ValueError(f"frames of {width}×{height} cells")
        return cls(height, width, unpack(plain["weights"], cls.shapes(height, width, hidden_units)))


class Choice(NamedTuple):
    """What a policy chose in one state of N games."""

    seen: Activations
    up: Booleans  # (N,) up where true, down elsewhere

    @property
    def p_up(self) -> Floats:
        """Probability of up in each game: (N,)."""
        return probability(self.seen.logit)

    @property
    def moves(self) -> UInt8Array:
        """The moves as the wire has them: (N,)."""
        return DOWN - self.up.view(np.uint8)  # UP is one less than DOWN


def choose(policy: Policy, observation: Observations, rng: RandomGenerator | None) -> Choice:
    """Choose the moves of N games: draw them with `rng`, or take the likelier ones without it."""
    seen = policy.forward(observation)
    p_up = probability(seen.logit)
    return Choice(seen, p_up > HALF if rng is None else rng.random(len(p_up)) < p_up)


def probability(logit: Floats) -> Floats:
    """Compute 1 / (1 + exp(−logit)) without overflow."""
    p: Floats = HALF + HALF * np.tanh(HALF * logit)
    return p


def pack(arrays: Weights) -> dict[str, PackedArray]:
    """Turn weights into plain values."""
    return {name: pack_array(array) for name, array in arrays.items()}


def unpack(
    packed: dict[str, Any],
    shapes: dict[str, tuple[int, ...]],
    numbers: Range = WEIGHT,
) -> Weights:
    """Read weights of these shapes, or other numbers of theirs.

    Args:
        packed: What `pack` gave.
        shapes: By name.
        numbers: What each of them may be.

    Raises:
        ValueError, TypeError, KeyError, ProtocolError: A name is missing, a shape is another, or a number is
            out of its range.
    """
    arrays = {name: unpack_array(packed[name], np.float32, shape).copy() for name, shape in shapes.items()}
    if not are_in(numbers, arrays.values()):
        raise ValueError(f"weights that are not numbers from {numbers.least:g} to {numbers.most:g}")
    return arrays
