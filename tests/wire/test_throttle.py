"""Guesses at the token: how many are free, and what the others cost."""

from __future__ import annotations

import pytest

from pongrl.wire import throttle
from pongrl.wire.throttle import Attempts, network_of


def test_so_many_wrong_tokens_are_free_and_then_each_costs_a_second() -> None:
    attempts = Attempts()
    crossed = [attempts.count("a", 100.0) for _ in range(throttle.FREE_ATTEMPTS)]
    assert crossed == [False] * (throttle.FREE_ATTEMPTS - 1) + [True]
    assert attempts.wait("a", 100.0) == pytest.approx(throttle.SECONDS_PER_ATTEMPT)
    assert attempts.wait("b", 100.0) == 0
    assert attempts.wait("a", 101.0) == 0
    assert not attempts.count("a", 101.0)  # told already
    assert attempts.wait("a", 101.0) == pytest.approx(throttle.SECONDS_PER_ATTEMPT)
    assert attempts.wait("a", 1000.0) == 0
    assert not attempts.count("a", 1000.0)


def test_only_so_many_addresses_are_remembered() -> None:
    attempts = Attempts()
    for number in range(3 * throttle.REMEMBERED_ADDRESSES):
        attempts.count(str(number), 100.0)
    assert len(attempts) == throttle.REMEMBERED_ADDRESSES
    attempts.count("one", 1000.0)
    assert len(attempts) == 1  # the others are forgotten with their time


def test_an_ipv6_address_counts_with_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::2:3") != network_of("2001:db8:0:1::1")
    assert network_of("10.0.0.1") != network_of("10.0.0.2")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
