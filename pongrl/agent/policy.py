"""The network: forward, and the gradient beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pongrl.agent.eyes import Floats, Sparse
from pongrl.agent.work import Work, finish
from pongrl.wire.arrays import PackedArray, pack_array, unpack_array

RandomGenerator: TypeAlias = np.random.Generator
MAX_CELLS = 1 << 14  # of a frame: Pong's has 3,500, and with each a policy of 250 units grows by 10 KB
BLOCKS = (2, 5, 10)  # sides of the blocks of cells that are inputs too
BLOCK_SCALE = np.float32(4)  # of those inputs: the larger, the faster they learn
GREY = np.float32(1 / 255)  # of a cell's light
PADDLES = (0, -1)  # their columns
HALF = np.float32(0.5)  # single precision stays so
FIRST_LAYER_SCALE = 0.01  # standard deviations of the initial weights
SECOND_LAYER_SCALE = 0.06
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
        return {"height": self.height, "width": self.width, "weights": pack(self.weights)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], hidden_units: int) -> Policy:
        """Read a policy; each array must have its shape.

        Raises:
            ValueError, TypeError, KeyError, ProtocolError: it is none.
        """
        height, width = plain["height"], plain["width"]
        if min(height, width) < 1 or height * width > MAX_CELLS:
            raise ValueError(f"frames of {width}×{height} cells")
        return cls(height, width, unpack(plain["weights"], cls.shapes(height, width, hidden_units)))

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


def pack(arrays: Weights) -> dict[str, PackedArray]:
    return {name: pack_array(array) for name, array in arrays.items()}


def unpack(packed: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> Weights:
    arrays = {name: unpack_array(packed[name], np.float32, shape).copy() for name, shape in shapes.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("weights that are not finite")
    return arrays


def probability(logit: Floats) -> Floats:
    """1 / (1 + exp(−logit)), without overflow."""
    p: Floats = HALF + HALF * np.tanh(HALF * logit)
    return p
