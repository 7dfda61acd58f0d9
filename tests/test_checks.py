"""Checks of options: each names the option and says what it may be."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.checks import whole, within
from pongrl.errors import PongError, UsageError


@pytest.mark.parametrize("value", [1, 2.5, 3])
def test_a_value_at_or_between_the_limits_is_within(value: float) -> None:
    within("--level", value, 1, 3)


@pytest.mark.parametrize("value", [0.999, 3.001, float("nan"), float("inf")])
def test_a_value_outside_the_limits_is_told_them(value: float) -> None:
    with pytest.raises(UsageError, match=f"--level must be from 1 to 3, not {value:g}") as caught:
        within("--level", value, 1, 3)
    assert isinstance(caught.value, PongError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("value", [1, 2, 3])
def test_a_whole_number_within_the_limits_is_one(value: int) -> None:
    whole("--level", value, 1, 3)


@pytest.mark.parametrize("value", [0, 4, 2.0, float("nan"), "2", None])
def test_what_is_no_whole_number_within_the_limits_is_told_them(value: Any) -> None:
    with pytest.raises(UsageError, match=f"--level must be a whole number from 1 to 3, not {value}"):
        whole("--level", value, 1, 3)
