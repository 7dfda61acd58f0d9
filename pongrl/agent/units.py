"""Which hidden units matter most for the choice of a move."""

from __future__ import annotations

import numpy as np

from pongrl.agent.eyes import Floats
from pongrl.agent.policy import Policy
from pongrl.agent.work import Work

UNITS_AT_ONCE = 8  # in a piece of work, which then takes about a millisecond


def strongest_units(policy: Policy, count: int) -> Work[list[int]]:
    """Find the hidden units with the largest effect on the logit.

    A unit's strength is the size of its weight w times the standard deviation of what the cells of the court
    do to it (see `Policy.court_images`).

    Args:
        policy: Its H/2 units are ranked; a unit and its mirrored twin count as one.
        count: How many units to give, at most.

    Returns:
        The numbers of the units, the strongest first.
    """
    w = policy.weights["w"]
    spread = np.empty_like(w)  # (H/2,)
    for begin in range(0, len(w), UNITS_AT_ONCE):
        some = slice(begin, begin + UNITS_AT_ONCE)
        spread[some] = policy.court_images(some).std(axis=(1, 2, 3))
        yield
    strongest: list[int] = np.argsort(-np.abs(w) * spread)[:count].tolist()
    return strongest


def largest_effect(image: Floats) -> float:
    """Return the size of the largest effect in an image (height, width) of a unit; never 0.

    The paddles' columns are left out if there are others, since they would outshine all else.
    """
    inner = image[:, 1:-1] if image.shape[1] > 2 else image
    return float(np.abs(inner).max()) or 1.0
