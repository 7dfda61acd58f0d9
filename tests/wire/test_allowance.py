"""An allowance: much at once, little for long."""

from __future__ import annotations

from pongrl.wire.allowance import Allowance
from tests.support.wire_peers import Clock


def test_much_may_be_done_at_once_and_little_for_long() -> None:
    clock = Clock()
    allowance = Allowance(3, 2, clock)
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [allowance.take() for _ in range(2)] == [True, False]
    clock.now += 100  # no more than three are saved up
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
