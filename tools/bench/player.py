"""An agent that answers every state at once and notes when each came, in a process of its own.

`python -m tools.bench.player --port PORT --seconds SECONDS` prints "playing" when the first state is there,
and its record at the end, as a line of JSON. A `Record` shows whether the ticks of a server in real time keep
to their times, and whether a reward was lost.

Every state says how many ticks have passed, so the time of tick n is phase + n / 60 s. The phase is chosen so
that the earliest twentieth of the ticks is early and the rest late. If the server's clock goes wrong or
starts again, all later ticks are late or early.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step

TICKS_PER_SECOND = 60
TOLERANCE_SECONDS = 0.002  # a tick is in time if it comes within this

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """What a player saw of the first game, one entry per state.

    Attributes:
        times: when the state came, by `time.monotonic`.
        ticks: ticks since the state before.
        rewards: the rewards.
        dropped: states dropped so far.
        left, right: the score.
    """

    times: list[float] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    rewards: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)

    def add(self, step: Step, now: float) -> None:
        """Note a state that came at the time `now`."""
        left, right = step.scores[0]
        row = (now, int(step.ticks[0]), int(step.rewards[0]), int(step.dropped), int(left), int(right))
        columns = (self.times, self.ticks, self.rewards, self.dropped, self.left, self.right)
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]

    @property
    def lateness(self) -> Floats:
        """Seconds by which each state came later than the time of its tick."""
        return lateness(np.array(self.times), np.cumsum(self.ticks))

    @property
    def reward_lost(self) -> int:
        """The change of the score minus the sum of the rewards, if no match has ended."""
        change = (self.left[-1] - self.right[-1]) - (self.left[0] - self.right[0])
        return change - sum(self.rewards[1:])

    def ticks_lost(self, begin: float, end: float) -> float:
        """Return the ticks that the server lost while the player was stopped.

        Args:
            begin, end: when the player was stopped and continued.

        Raises:
            RuntimeError: no state came before the stop, or none after it.
        """
        times, late = np.array(self.times), self.lateness
        before, after = (
            late[times < begin],
            late[times >= end][1:],
        )  # the first had been waiting in the socket
        if not len(before) or not len(after):
            raise RuntimeError("no state came before the player was stopped, or none after")
        return float(TICKS_PER_SECOND * (np.median(after) - np.median(before)))


def lateness(arrivals: Floats, numbers: npt.ArrayLike, per_second: float = TICKS_PER_SECOND) -> Floats:
    """Return the seconds by which ticks came after their times.

    Args:
        arrivals: when they came, in seconds.
        numbers: their numbers.
        per_second: ticks per second.
    """
    offsets = arrivals - np.asarray(numbers) / per_second
    late: Floats = offsets - np.percentile(offsets, 5)
    return late


def numbers_of(arrivals: Floats, per_second: float = TICKS_PER_SECOND) -> npt.NDArray[np.int64]:
    """Return the numbers of ticks that are known only by their arrival, from each to the nearest next."""
    return np.cumsum(np.rint(np.diff(arrivals, prepend=arrivals[0]) * per_second)).astype(np.int64)


def states_missing(arrivals: Floats, frameskip: int, per_second: float = TICKS_PER_SECOND) -> int:
    """Return the number of states that never came.

    No decision lasts longer than `frameskip` ticks, so a longer gap hides at least one. Every dropped state
    leaves such a gap: a point ends a decision early, but the next decisions are whole, because no ball
    crosses half the court in so few ticks.
    """
    gaps = np.diff(arrivals) * per_second  # in ticks, with an error of up to half a tick
    long = gaps[gaps > frameskip + 0.5]
    return int(np.sum(np.ceil((long - 0.5) / frameskip) - 1))


def share_in_time(late: Floats) -> float:
    """Return the share of ticks that came within the tolerance."""
    return float(np.mean(np.abs(late) <= TOLERANCE_SECONDS))


def play(client: PongClient, seconds: float) -> Record:
    """Play for some seconds and return the record."""
    record, step = Record(), client.connect()
    record.add(step, time.monotonic())
    print("playing", flush=True)
    until = record.times[0] + seconds
    while record.times[-1] < until:
        step = client.step(
            np.ones(len(step.ticks), int)
        )  # up: most balls are missed, so that there are points
        record.add(step, time.monotonic())
    return record


def main() -> None:
    """Run the player from its command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    with PongClient(port=options.port) as client:
        print(json.dumps(asdict(play(client, options.seconds))), flush=True)


if __name__ == "__main__":
    main()
