"""The weights that all workers learn for: the driver's."""

from __future__ import annotations

import numpy as np

from pongrl.agent.deviation import Deviation
from pongrl.agent.learning import Learner
from pongrl.agent.policy import Policy, Weights
from pongrl.agent.ranges import SQUARE, WEIGHT
from pongrl.distributed.rounds import Change, Halves, Model, halves, parts_of, single

FACTOR = 4.0  # the mean of all workers' changes is too small by so much
WARM_UP = 1_000_000  # frames in which the factor grows from 1: RMSProp's first steps are long


class Average:
    """Adds up what the workers change.

    Args:
        learner: has the numbers to begin with, and then the newest, for the files.
        workers: how many there are.
    """

    def __init__(self, learner: Learner, workers: int) -> None:
        learner.settle()
        self._learner, self._workers = learner, workers
        self.version = 0  # changes that were added

    @property
    def share(self) -> float:
        """What part of a worker's change is added: at most all of it."""
        factor = 1 + (FACTOR - 1) * min(self._learner.frames / WARM_UP, 1.0)
        return min(1.0, factor / self._workers)

    def model(self) -> Model:
        """Give what a round begins with."""
        learner = self._learner
        weights, cache = halves(learner.policy.weights), halves(learner.optimiser.cache)
        return Model(self.version, learner.frames, learner.done, weights, cache, learner.deviation.to_plain())

    def add(self, change: Change) -> bool:
        """Add what a worker has learned.

        Returns:
            False if that makes no sense, so that it was not added.
        """
        learner, share = self._learner, np.float32(self.share)
        learner.frames += change.frames
        learner.refused += change.refused
        with np.errstate(invalid="ignore", over="ignore"):
            weights = _sum(learner.policy.weights, share, change.weights)
            cache = _sum(learner.optimiser.cache, share, change.cache)
        if not _are_sound(weights, WEIGHT.most**2) or not _are_sound(cache, SQUARE.most):
            learner.refused += change.updates
            return False
        learner.policy = Policy(learner.policy.height, learner.policy.width, weights)
        for mean in cache.values():
            np.maximum(mean, 0, out=mean)  # it was rounded
        learner.optimiser.cache, learner.deviation = cache, Deviation(*change.deviation)
        learner.updates += change.updates
        self.version += 1
        return True


def _are_sound(arrays: Weights, most: float) -> bool:
    """Tell whether the squares of all numbers of each array are finite, and their sum is not too large."""
    return all(np.vdot(array, array) <= most for array in arrays.values())  # NaN is not, either


def _sum(arrays: Weights, share: np.float32, changes: Halves) -> Weights:
    """Add a share of changes."""
    sums: Weights = {name: np.empty_like(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        for rows in parts_of(array):
            np.add(array[rows], share * single(changes[name][rows]), out=sums[name][rows])
    return sums
