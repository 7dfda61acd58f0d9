"""RMSProp."""

from __future__ import annotations

import numpy as np

from pongrl.agent.optimiser import EPSILON, ROWS_AT_ONCE, RMSProp
from pongrl.agent.work import finish
from tests.support.learning import RNG


def test_rmsprop_divides_by_the_root_of_the_decaying_mean_of_squares() -> None:
    weights = {"w": np.array([1.0, 2.0], np.float32)}
    optimiser = RMSProp(weights, rate=0.1, decay=0.9)
    cache = np.zeros(2)
    expected = weights["w"].astype(float)
    for g in ([1.0, -2.0], [0.5, 0.0]):
        cache = 0.9 * cache + 0.1 * np.square(g)
        expected += 0.1 * np.array(g) / (np.sqrt(cache) + EPSILON)
        weights = finish(optimiser.ascend(weights, {"w": np.array(g, np.float32)}))
    np.testing.assert_allclose(weights["w"], expected, rtol=1e-5)


def test_a_step_takes_many_rows_as_it_takes_one() -> None:
    rng = RNG(8)
    shape = (2 * ROWS_AT_ONCE + 3, 2)
    weights, g = {"W1": rng.standard_normal(shape, np.float32)}, rng.standard_normal(shape, np.float32)
    stepped = finish(RMSProp(weights, 0.1, 0.9).ascend(weights, {"W1": g}))["W1"]
    for row in (0, ROWS_AT_ONCE, len(g) - 1):
        one = {"W1": weights["W1"][row : row + 1]}
        alone = finish(RMSProp(one, 0.1, 0.9).ascend(one, {"W1": g[row : row + 1]}))["W1"]
        np.testing.assert_array_equal(stepped[row], alone[0])


def test_a_step_leaves_the_old_weights_as_they_were() -> None:
    weights = {"w": np.ones(3, np.float32)}
    stepped = finish(RMSProp(weights, 0.1, 0.9).ascend(weights, {"w": np.ones(3, np.float32)}))
    assert weights["w"].tolist() == [1, 1, 1]
    assert (stepped["w"] > 1).all()
