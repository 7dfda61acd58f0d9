"""The ranking of hidden units."""

from __future__ import annotations

import numpy as np

from pongrl.agent.policy import Policy
from pongrl.agent.units import UNITS_AT_ONCE, strongest_units
from pongrl.agent.work import finish
from tests.support.learning import RNG, SMALL


def test_the_strongest_units_have_the_largest_weight_times_spread() -> None:
    policy = Policy.random(*SMALL, 40, RNG(1))
    images = policy.court_images()
    strength = [abs(weight) * image.std() for weight, image in zip(policy.weights["w"], images, strict=True)]
    expected = sorted(range(20), key=lambda unit: -strength[unit])
    assert finish(strongest_units(policy, 12)) == expected[:12]
    assert finish(strongest_units(policy, 100)) == expected


def test_the_ranking_comes_in_pieces() -> None:
    policy = Policy.random(*SMALL, 2 * (2 * UNITS_AT_ONCE + 1), RNG(1))
    assert sum(1 for _ in strongest_units(policy, 3)) == 3


def test_a_unit_that_nothing_depends_on_is_the_weakest() -> None:
    policy = Policy.random(*SMALL, 12, RNG(1))
    w = policy.weights["w"].copy()
    w[4] = 0
    assert finish(strongest_units(Policy(*SMALL, policy.weights | {"w": w}), 6))[-1] == 4
    assert np.abs(policy.weights["w"]).min() > 0
