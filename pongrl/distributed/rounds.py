"""A round: a worker learns alone from the newest weights, and tells how far that has moved them.

This is local SGD (Stich, Local SGD Converges Fast and Communicates Little, 2019), but no worker waits for the
others at the end of a round. RMSProp's cache travels as the weights do: one that has seen the gradients of
all workers is less noisy, and learning needs a fifth fewer frames. Both travel as half the bytes. The driver
adds the changes to numbers of single precision, so no rounding adds up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.agent.deviation import Deviation
from pongrl.agent.eyes import Floats
from pongrl.agent.learning import Learner
from pongrl.agent.optimiser import ROWS_AT_ONCE
from pongrl.agent.policy import Policy, Weights

FRAMES = 8_000  # of a round: some 75 ms of play; two to four batches to begin with, later one
HALF_A_STEP = np.uint32(1 << 15)  # of the numbers that are rounded to

Halves: TypeAlias = dict[str, npt.NDArray[np.uint16]]
"""Arrays as bfloat16, which numpy does not know, by name as in `policy.Weights`. See `halves`."""


@dataclass(frozen=True)
class Model:
    """What a worker begins a round with."""

    version: int  # changes that are in it
    frames: int  # of the game, that all workers have learned from; the schedule needs them
    done: float  # how much of the run is over, likewise; see Learner
    weights: Halves
    cache: Halves  # of RMSProp
    deviation: tuple[float, float]  # of the advantages; see Deviation


@dataclass(frozen=True)
class Change:
    """What a worker has learned in a round: numbers at its end minus numbers at its beginning."""

    version: int  # of the model that the round began with
    weights: Halves
    cache: Halves
    deviation: tuple[float, float]  # at the end
    frames: int
    updates: int  # steps that were taken
    refused: int  # steps that were not

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays; a model has as many."""
        return sum(array.nbytes for part in (self.weights, self.cache) for array in part.values())


def halves(arrays: Weights) -> Halves:
    """Round to half the bytes: the sign, the exponent and seven bits of a single precision number remain."""
    rounded: Halves = {name: np.empty(array.shape, np.uint16) for name, array in arrays.items()}
    for name, array in arrays.items():
        for rows in parts_of(array):
            rounded[name][rows] = (array[rows].view(np.uint32) + HALF_A_STEP) >> 16
    return rounded


def single(half: npt.NDArray[np.uint16]) -> Floats:
    """Give single precision back."""
    return (half.astype(np.uint32) << 16).view(np.float32)


def singles(arrays: Halves) -> Weights:
    """Give single precision back, by name."""
    return {name: single(half) for name, half in arrays.items()}


def parts_of(array: npt.NDArray[Any]) -> Iterator[slice]:
    """Cut the rows of an array into parts, so that intermediate results stay in the processor's cache."""
    for begin in range(0, len(array), ROWS_AT_ONCE):
        yield slice(begin, begin + ROWS_AT_ONCE)


class Round:
    """Lets a learner learn alone for a while, beginning with a model.

    Args:
        learner: plays and learns. Its weights and its optimiser's cache are replaced.
        model: to begin with.
        frames: of full batches, that make the round.
    """

    def __init__(self, learner: Learner, model: Model, frames: int = FRAMES) -> None:
        learner.settle()
        self._weights, self._cache = singles(model.weights), singles(model.cache)
        learner.policy = Policy(learner.policy.height, learner.policy.width, self._weights)
        learner.optimiser.cache = {name: cache.copy() for name, cache in self._cache.items()}
        learner.frames, learner.done = model.frames, model.done
        learner.deviation = Deviation(*model.deviation)
        self._learner, self._model = learner, model
        self._updates, self._refused, self._frames = learner.updates, learner.refused, frames

    @property
    def is_over(self) -> bool:
        """Whether the last batch of the round has been played. `end` finishes learning from it."""
        return self._learner.frames - self._model.frames >= self._frames  # a batch counts when it is full

    def end(self) -> Change:
        """Finish learning, and give what the round has changed."""
        learner = self._learner
        learner.settle()
        weights, cache = learner.policy.weights, learner.optimiser.cache
        return Change(
            self._model.version,
            halves({name: weights[name] - begun for name, begun in self._weights.items()}),
            halves({name: cache[name] - begun for name, begun in self._cache.items()}),
            learner.deviation.to_plain(),
            learner.frames - self._model.frames,
            learner.updates - self._updates,
            learner.refused - self._refused,
        )
