"""The ranges of a checkpoint's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pongrl.agent.ranges import RANGES, WEIGHT, are_in, checked, held


@pytest.mark.parametrize("name", RANGES)
def test_the_least_and_the_most_are_in_a_range_and_what_is_beyond_is_not(name: str) -> None:
    kind, least, most = RANGES[name]
    assert checked(name, kind(least)) == least
    assert checked(name, kind(most)) == most
    for beyond in (kind(least) - 1, kind(most) * 2):
        with pytest.raises(ValueError, match=name):
            checked(name, beyond)
        assert checked(name, held(name, beyond)) in (least, most)


@pytest.mark.parametrize("value", [True, None, "1", b"1", [1], math.nan])
def test_what_is_no_number_of_the_type_is_refused(value: object) -> None:
    for name in RANGES:
        with pytest.raises((TypeError, ValueError), match=name):
            checked(name, value)


def test_arrays_are_in_a_range_if_all_their_numbers_are() -> None:
    fits = np.array([[-1e6, 1e6]], np.float32)
    assert are_in(WEIGHT, [fits, fits])
    for wrong in (math.nan, math.inf, -math.inf, 1.1e6):
        assert not are_in(WEIGHT, [fits, np.array([0, wrong], np.float32)])
