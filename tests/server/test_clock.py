"""When ticks are due: a late one is caught up with, a suspended machine's are not."""

from __future__ import annotations

import time

import pytest

from pongrl.server.clock import LONGEST_DELAY, Clock, with_sleep


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time_now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: time_now[0])
    return time_now


def test_deadlines_are_a_period_apart_whatever_is_late(now: list[float]) -> None:
    clock, due = Clock(10), []
    for late in (0.0, 0.05, 0.15, 0.0):
        due.append(clock.due)
        now[0] = clock.due + late
        clock.advance()
    assert due == pytest.approx([100.1, 100.2, 100.3, 100.4])


def test_ticks_lost_to_a_suspended_machine_are_not_caught_up_with(now: list[float]) -> None:
    clock = Clock(10)
    now[0] = clock.due + LONGEST_DELAY + 1
    clock.advance()
    assert clock.due == pytest.approx(now[0] + 0.1)


def test_the_time_that_counts_sleep_is_that_since_boot_or_what_there_is(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 7, raising=False)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: {7: 4000.0}[clock], raising=False)
    assert with_sleep() == 4000.0
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", 7, raising=False)  # macOS
    assert with_sleep() == 4000.0
    monkeypatch.delattr(time, "CLOCK_MONOTONIC")  # Windows
    assert with_sleep() == now[0]
