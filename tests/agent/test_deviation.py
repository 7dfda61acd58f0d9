"""The usual size of an advantage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pongrl.agent.deviation import Deviation
from pongrl.wire.plain import dumps, loads


def test_before_the_first_batch_advantages_stay_as_they_are() -> None:
    assert Deviation().value == 1


def test_it_is_that_of_the_first_batch_and_then_that_of_many() -> None:
    deviation = Deviation()
    deviation.note(4.0)
    assert deviation.value == pytest.approx(2.0, abs=1e-5)
    deviation.note(0.0)  # a batch without a lost point
    assert deviation.value == pytest.approx(math.sqrt(2), rel=0.01)
    for _ in range(2000):
        deviation.note(9.0)
    assert deviation.value == pytest.approx(3.0, abs=1e-4)


def test_batches_without_any_advantage_divide_by_something() -> None:
    deviation = Deviation()
    deviation.note(0.0)
    assert deviation.value > 0


def test_it_survives_a_checkpoint() -> None:
    deviation = Deviation()
    for variance in np.random.default_rng(1).random(5).tolist():
        deviation.note(variance)
    again = Deviation.of(loads(dumps(deviation.to_plain())))
    for each in (deviation, again):
        each.note(0.3)
    assert again.value == deviation.value


def test_a_variance_that_makes_no_sense_changes_nothing() -> None:
    deviation = Deviation()
    for variance in (4.0, math.nan, math.inf, 1e31):
        deviation.note(variance)
    assert deviation.value == pytest.approx(2.0, abs=1e-5)
    assert Deviation.of(deviation.to_plain()).value == deviation.value


@pytest.mark.parametrize(
    "plain",
    [(-1.0, 0.5), (math.inf, 0.5), (1e31, 0.5), (math.nan, 0.5), (1.0, 1.5), (1, 0), (1.0,), "12", None],
)
def test_what_cannot_be_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match=r"deviation|variance"):
        Deviation.of(plain)
