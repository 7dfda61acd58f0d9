"""Ten round trips, and what they mean."""

from __future__ import annotations

import math

import pytest

from pongrl.agent.ping import PINGS, ping, verdict
from tests.support import connected, serving
from tests.support.agents import Lines


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1.0] * 9 + [3.0], ["average of 10: 1.200 ms, minimum 1.000, 95 % within 3.000, lost 0 of 10",
                             "your network adds 1.2 ms to a decision; real time needs under 133 ms: fine"]),
        ([90.0] * 10, ["adds 90.0 ms", "states will be dropped now and then"]),
        ([200.0] * 10, ["adds 200.0 ms", "too slow for that, use --lockstep"]),
        ([2.0] * 8 + [math.inf] * 2, ["average of 10: 2.000 ms", "lost 2 of 10"]),
        ([math.inf] * 10, ["lost 10 of 10", "does not answer in time"]),
    ],
)  # fmt: skip
def test_a_ping_ends_in_a_verdict(times: list[float], words: list[str]) -> None:
    told = "\n".join(verdict(times, 133.3))
    assert all(part in told for part in words), told


def test_nothing_is_said_once_it_is_stopped() -> None:
    lines = Lines()
    with serving(lockstep=True) as server, connected(server) as client:
        ping(client, "here ", lines, stop=lambda: True)
    assert lines.said == []


def test_each_round_trip_is_said() -> None:
    lines = Lines()
    with serving(lockstep=True) as server, connected(server) as client:
        ping(client, "here ", lines)
    assert len(lines.said) == PINGS + 2
    assert lines.said[0].startswith("ping here  1: ")
    assert lines.said[9].startswith("ping here 10: ")
    assert "real time needs under 133 ms" in lines.said[-1]
