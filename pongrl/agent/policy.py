"""The policy: a network of two layers, its forward and backward pass, and the choice of moves.

`learning` has the formulas; the names here are the same. H is the number of hidden units, B a number of
observations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pongrl.agent.eyes import Floats, Integers, Observations
from pongrl.agent.folding import fold, halves, inputs_of, mirrored_pairs, rows_of_cells, unfold
from pongrl.agent.ranges import WEIGHT, Range, are_in, checked
from pongrl.agent.work import Work, finish
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.wire.arrays import PackedArray, UInt8Array, pack_array, unpack_array

RandomGenerator: TypeAlias = np.random.Generator
Weights: TypeAlias = dict[str, Floats]
"""W1 (inputs, H/2), w, v (H/2,), c (1,); for stay u (H/2,), d (1,); for the last move m (2, H/2).

A gradient has the same shapes.
"""

MOVES = np.array([UP, DOWN, STAY], np.uint8)  # in the order of the logits; with two moves there is no STAY

MANY_CELLS = 1000  # of an observation, from which on a matrix product is faster than to look each of them up
MAX_CELLS = 1 << 14  # of a frame. Pong has 3,500; each takes 2.3 kB of a policy with 250 units
FIRST_LAYER_SCALE = 0.01  # standard deviations of the initial weights
SECOND_LAYER_SCALE = 0.06


@dataclass(frozen=True)
class Activations:
    """The result of `Policy.forward` for B observations. `Policy.backward` needs all of it."""

    x: Observations
    hidden: Floats  # (B, H) the units h, then their mirrored twins g; (B, H/2) without twins
    logits: Floats  # (B, M) of up, down and, with three moves, stay
    value: Floats  # (B,)

    @classmethod
    def join(cls, parts: list[Activations]) -> Activations:
        """Put batches one behind the other."""
        arrays = ([getattr(part, name) for part in parts] for name in ("hidden", "logits", "value"))
        return cls(Observations.join([part.x for part in parts]), *map(np.concatenate, arrays))


class Policy:
    """The network: observations → logits of the moves, value. Its hidden units come in mirrored pairs.

    In other games than ours, what is good for up need not be good, mirrored, for down: there it has no twins,
    and half of the units. A policy never changes. Learning makes a new one.

    Args:
        height, width: Of the frames, in cells.
        weights: Of the shapes that `shapes` gives.
        court: W1, folded, if the caller has computed it already; see `fold_all`.
    """

    def __init__(self, height: int, width: int, weights: Weights, court: Floats | None = None) -> None:
        self.height, self.width, self.weights = height, width, weights
        W1, w, v = weights["W1"], weights["w"], weights["v"]
        self._court = finish(fold_all(W1, height, width)) if court is None else court
        if "m" in weights:
            self._court = np.concatenate((self._court, weights["m"]))
        sides = 2 if self.is_our_game else 1  # from which the units see the court
        self._images = mirrored_pairs(height, width)[:, :sides]  # of each cell, one for each side
        self._always = np.tile(W1[len(W1) // 2 - 1], sides)  # (H,) the biases
        stay, share = [weights["u"]] if "u" in weights else [], w.dtype.type(1 / sides)
        heads = [np.column_stack([sign * share * w, -sign * share * w, *stay, v]) for sign in (1, -1)[:sides]]
        self._heads = np.concatenate(heads)  # (H, M + 1)
        self._offsets = np.concatenate(([0, 0], weights.get("d", ()), weights["c"])).astype(w.dtype)

    @property
    def moves(self) -> int:
        """M, the number of moves that it chooses from: 2, or with stay 3."""
        return len(self._offsets) - 1

    @property
    def hidden_units(self) -> int:
        """H, the number of hidden units."""
        return 2 * len(self.weights["w"])

    @property
    def is_our_game(self) -> bool:
        """Whether it plays our Pong. In other games it knows the last move, and has no mirrored twins."""
        return "m" not in self.weights

    @staticmethod
    def shapes(
        height: int, width: int, hidden_units: int, moves: int = 3, is_our_game: bool = True
    ) -> dict[str, tuple[int, ...]]:
        """Give the shapes of the weights, by name."""
        half = hidden_units // 2
        shapes = {"W1": (inputs_of(height, width), half), "w": (half,), "v": (half,), "c": (1,)}
        shapes |= {"u": (half,), "d": (1,)} if moves == len(MOVES) else {}
        return shapes | ({} if is_our_game else {"m": (2, half)})

    @classmethod
    def random(
        cls,
        height: int,
        width: int,
        hidden_units: int,
        rng: RandomGenerator,
        moves: int = 3,
        is_our_game: bool = True,
    ) -> Policy:
        """Make a policy that has learned nothing yet; see `shapes`."""
        scales = {"W1": FIRST_LAYER_SCALE, "w": SECOND_LAYER_SCALE, "m": FIRST_LAYER_SCALE}
        shapes = cls.shapes(height, width, hidden_units, moves, is_our_game)
        weights = {
            name: rng.standard_normal(shape, np.float32) * np.float32(scales[name])
            if name in scales
            else np.zeros(shape, np.float32)
            for name, shape in shapes.items()
        }
        return cls(height, width, weights)

    def forward(self, x: Observations) -> Activations:
        """Compute logits and value of B observations."""
        hidden = self._looked_up(x) if len(x.cells) < MANY_CELLS * len(x) else self._multiplied(x)  # (B, H)
        hidden += self._always
        np.maximum(hidden, 0, out=hidden)
        out = hidden @ self._heads + self._offsets  # (B, M + 1)
        return Activations(x, hidden, out[:, :-1], out[:, -1])

    def _looked_up(self, x: Observations) -> Floats:
        """Compute what few cells do to the units: (B, H)."""
        # Of each cell what it does to the units, then what its mirror image does: that is for the twins.
        H = len(self._always)
        court = self._court.take(self._images[x.cells], 0).reshape(-1, H)  # (K, H)
        hidden: Floats = np.empty((len(x), H), court.dtype)
        ends = [*x.starts[1:].tolist(), len(x.cells)]
        for row, begin, end in zip(hidden, x.starts.tolist(), ends, strict=True):
            np.dot(x.values[begin:end], court[begin:end], out=row)
        return hidden

    def _multiplied(self, x: Observations) -> Floats:
        """Compute the same for frames, of other games, that are lit nearly everywhere."""
        active, X = x.dense(len(self._images))  # (A,), (B, A)
        sides = [X @ self._court[images] for images in self._images[active].T]
        return np.concatenate(sides, axis=1)

    def backward(self, parts: Iterable[tuple[Activations, Floats, Floats]]) -> Work[Weights]:
        """Compute the gradient of Σ_b (dlogits_b · logits_b + dvalue_b · value_b), by the weights.

        Args:
            parts: The batch, cut into parts: activations, dlogits (B, M), dvalue (B,). Each is a piece of
                work.
        """
        half, inputs = len(self.weights["w"]), len(self.weights["W1"])
        dalways, dheads, doffsets = map(np.zeros_like, (self._always, self._heads, self._offsets))
        drows = np.zeros((inputs + len(self.weights.get("m", ())), half), dheads.dtype)  # of W1, then of m
        rows = rows_of_cells(self.height, self.width)[self._images]  # each cell's, its mirror image's
        for seen, dlogits, dvalue in parts:
            dout = np.column_stack((dlogits, dvalue))  # (B, M + 1)
            dhidden = dout @ self._heads.T  # (B, H)
            dhidden *= seen.hidden > 0
            active, X = seen.x.dense(len(rows))  # (A,), (B, A)
            for side, images in enumerate(rows[active].T):
                drows[images] += X.T @ dhidden[:, side * half : (side + 1) * half]
            dalways += dhidden.sum(0)
            dheads += seen.hidden.T @ dout
            doffsets += dout.sum(0)
            yield
        dW1 = drows[:inputs]
        for way in halves(dW1):
            unfold(way, self.height, self.width)
            yield
        dW1[inputs // 2 - 1] = dalways.reshape(-1, half).sum(0)
        sides = dheads.reshape(-1, half, dheads.shape[1])
        even, odd = sides.sum(0), sides[0] - sides[1:].sum(0)  # what of u and v, and what of w
        share = odd.dtype.type(1 / len(sides))
        gradient = {"W1": dW1, "w": share * (odd[:, 0] - odd[:, 1]), "v": even[:, -1], "c": doffsets[-1:]}
        gradient |= {"u": even[:, 2], "d": doffsets[2:3]} if "u" in self.weights else {}
        return gradient | ({"m": drows[inputs:]} if "m" in self.weights else {})

    def court_images(self, units: slice = slice(None)) -> Floats:
        """Show what one lit cell at each place of the court does to each unit, blocks included.

        Returns:
            (units, 2, height, width): what light there does, and what a change there does.
        """
        court = finish(fold_all(self.weights["W1"][:, units], self.height, self.width))
        return np.moveaxis(court.reshape(2, self.height, self.width, -1), 3, 0)

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
        names = plain["weights"]
        moves = len(MOVES) if "u" in names else len(MOVES) - 1
        shapes = cls.shapes(height, width, hidden_units, moves, is_our_game="m" not in names)
        return cls(height, width, unpack(plain["weights"], shapes))


def fold_all(W1: Floats, height: int, width: int) -> Work[Floats]:
    """Fold both halves of W1.

    Returns:
        (2 · height · width, units): what each cell of an observation does to each unit.
    """
    court: Floats = np.empty((2, height, width, W1.shape[1]), W1.dtype)
    for half, way in zip(halves(W1), court, strict=True):
        fold(half, way)
        yield
    return court.reshape(2 * height * width, -1)


class Choice(NamedTuple):
    """What a policy chose in one state of N games."""

    seen: Activations
    chosen: Integers  # (N,) columns of the logits

    @property
    def moves(self) -> UInt8Array:
        """The moves as the wire has them: (N,)."""
        return MOVES[self.chosen]


def choose(policy: Policy, observation: Observations, rng: RandomGenerator | None) -> Choice:
    """Choose the moves of N games: draw them with `rng`, or take the likeliest ones without it.

    The largest of logits with Gumbel noise is drawn from their softmax (Gumbel, 1954).
    """
    seen = policy.forward(observation)
    logits = seen.logits if rng is None else seen.logits + rng.gumbel(size=seen.logits.shape)
    return Choice(seen, logits.argmax(1))


def probabilities(logits: Floats) -> Floats:
    """Compute the softmax of logits (B, M): the probabilities of the moves."""
    scales = np.exp(logits - logits.max(1, keepdims=True))
    p: Floats = scales / scales.sum(1, keepdims=True)
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
