"""The optimiser: RMSProp (Hinton, 2012).

cache ← decay · cache + (1 − decay) · dW²,   W ← W + rate · dW / (√cache + ε)
"""

from __future__ import annotations

import numpy as np

from pongrl.agent.policy import Weights
from pongrl.agent.work import Work

ROWS_AT_ONCE = 256  # of W1, so that intermediate results stay in the processor's cache
EPSILON = 1e-8


class RMSProp:
    """Divides each gradient by its usual size, so that all weights take steps of about the same length."""

    def __init__(self, weights: Weights, rate: float, decay: float) -> None:
        self.rate, self.decay = np.float32(rate), np.float32(decay)
        self.cache = {name: np.zeros_like(weight) for name, weight in weights.items()}  # means of squares

    def ascend(self, weights: Weights, gradient: Weights, share: float = 1.0) -> Work[Weights]:
        """Take one step along the gradient.

        Args:
            weights: From where.
            gradient: Of the same shapes.
            share: Of the rate.

        Returns:
            The new weights; those passed in stay as they are.
        """
        stepped: Weights = {}
        rate = self.rate * np.float32(share)
        for name, whole in gradient.items():
            stepped[name] = np.empty_like(whole)
            for begin in range(0, len(whole), ROWS_AT_ONCE):
                rows = slice(begin, begin + ROWS_AT_ONCE)
                g, cache = whole[rows], self.cache[name][rows]
                cache *= self.decay
                cache += (1 - self.decay) * np.square(g)
                step = rate * g / (np.sqrt(cache) + np.float32(EPSILON))
                np.add(weights[name][rows], step, out=stepped[name][rows])
                yield
        return stepped
