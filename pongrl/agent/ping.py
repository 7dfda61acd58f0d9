"""The console's `ping`: ten round trips to a server, and whether the network is fast enough."""

from __future__ import annotations

import math
from collections.abc import Callable

from pongrl.wire.client import PongClient
from pongrl.wire.waiting import Wake

PINGS = 10
PING_SECONDS = 2.0  # after which a round trip counts as lost


def ping(
    client: PongClient,
    where: str,
    say: Callable[[str], None],
    wake: Wake | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Make ten round trips, say how long each took, and whether that will do.

    Args:
        client: the connection; its games should be paused.
        where: which server it is, for the lines; "" if there is no other.
        say: takes each line.
        wake: is set when there may be a reason to stop.
        stop: says whether there is: then no more is measured, or said.

    Raises:
        ConnectionLostError, ProtocolError: the server is gone, or misbehaves.
    """
    times = []
    for number in range(1, PINGS + 1):
        times.append(1000 * client.ping(PING_SECONDS, wake, stop))
        if stop():
            return
        took = f"{times[-1]:.3f} ms" if times[-1] < math.inf else "lost"
        say(f"ping {where}{number:2}: {took}")
    session = client.session
    for line in verdict(times, 1000 * session.frameskip / session.ticks_per_second):
        say(line)


def verdict(times: list[float], decision: float) -> list[str]:
    """Return lines that say what round trips mean for the game.

    Args:
        times: milliseconds; infinity for a lost one.
        decision: milliseconds between two decisions in real time.
    """
    came = sorted(time for time in times if time < math.inf)
    lost = f"lost {len(times) - len(came)} of {len(times)}"
    if not came:
        return [f"{lost}: the server is there, but does not answer in time"]
    average, late = sum(came) / len(came), came[math.ceil(0.95 * len(came)) - 1]
    return [
        f"average of {len(times)}: {average:.3f} ms, minimum {came[0]:.3f}, 95 % within {late:.3f}, {lost}",
        f"your network adds {average:.1f} ms to a decision; "
        f"real time needs under {decision:.0f} ms: {_judge(late, decision)}",
    ]


def _judge(late: float, decision: float) -> str:
    """Say whether round trips of `late` milliseconds are fast enough for real time."""
    if late < decision / 2:
        return "fine"
    if late < decision:
        return "states will be dropped now and then"
    return "it is too slow for that, use --lockstep, with several --games"
