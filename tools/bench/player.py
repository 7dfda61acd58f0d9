"""An agent that answers every state at once and writes down when it came, in a process of its own.

`python -m tools.bench.player --port PORT --seconds SECONDS` prints "playing" when the first state is there,
and at the end its record as a line of JSON. Below is also what a record tells: whether the ticks of a
server in real time keep to their times, and whether any reward was lost.

Every state says how many ticks have gone by, so the n-th tick's own time is phase + n / 60 s; the phase is
what makes all but the earliest twentieth of the ticks late. A clock that goes wrong, or is set anew in
between, makes all ticks from then on late (or early).
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
TOLERANCE_SECONDS = 0.002  # within which a tick is in time

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """What a player saw of the first game, one entry for each state."""

    times: list[float] = field(default_factory=list)  # time.monotonic when it was there
    ticks: list[int] = field(default_factory=list)  # since the state before
    rewards: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)  # so far
    left: list[int] = field(default_factory=list)  # score
    right: list[int] = field(default_factory=list)

    def add(self, step: Step, now: float) -> None:
        """Write down a state that came now."""
        left, right = step.scores[0]
        row = (now, int(step.ticks[0]), int(step.rewards[0]), int(step.dropped), int(left), int(right))
        columns = (self.times, self.ticks, self.rewards, self.dropped, self.left, self.right)
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]

    @property
    def lateness(self) -> Floats:
        """Seconds by which each state came after the time of its tick."""
        return lateness(np.array(self.times), np.cumsum(self.ticks))

    @property
    def reward_lost(self) -> int:
        """The change of the score less the sum of the rewards (of a match that has not ended)."""
        change = (self.left[-1] - self.right[-1]) - (self.left[0] - self.right[0])
        return change - sum(self.rewards[1:])

    def ticks_lost(self, begin: float, end: float) -> float:
        """How many ticks the time after a stop of the player lacks, against the time before it.

        Raises:
            RuntimeError: no state came before it or none after it.
        """
        times, late = np.array(self.times), self.lateness
        before, after = late[times < begin], late[times >= end][1:]  # the first had been lying there
        if not len(before) or not len(after):
            raise RuntimeError("no state came before the player was stopped, or none after")
        return float(TICKS_PER_SECOND * (np.median(after) - np.median(before)))


def lateness(arrivals: Floats, numbers: npt.ArrayLike, per_second: float = TICKS_PER_SECOND) -> Floats:
    """Seconds by which ticks of these numbers came after their times on the grid that fits them best."""
    offsets = arrivals - np.asarray(numbers) / per_second
    late: Floats = offsets - np.percentile(offsets, 5)
    return late


def numbers_of(arrivals: Floats, per_second: float = TICKS_PER_SECOND) -> npt.NDArray[np.int64]:
    """The ticks that arrivals belong to when nothing tells: the nearest, from one state to the next."""
    return np.cumsum(np.rint(np.diff(arrivals, prepend=arrivals[0]) * per_second)).astype(np.int64)


def states_missing(arrivals: Floats, frameskip: int, per_second: float = TICKS_PER_SECOND) -> int:
    """How many decisions no state told of: none lasts more than `frameskip` ticks, so a longer gap has some.

    A state that was dropped always leaves such a gap: a point ends a decision early, but the next few are
    whole ones, since no ball crosses half of the court in so few ticks.
    """
    gaps = np.diff(arrivals) * per_second  # in ticks, give or take half of one
    long = gaps[gaps > frameskip + 0.5]
    return int(np.sum(np.ceil((long - 0.5) / frameskip) - 1))


def share_in_time(late: Floats) -> float:
    """The share of ticks that came within the tolerance of their time."""
    return float(np.mean(np.abs(late) <= TOLERANCE_SECONDS))


def play(client: PongClient, seconds: float) -> Record:
    """Play for so long and give the record."""
    record, step = Record(), client.connect()
    record.add(step, time.monotonic())
    print("playing", flush=True)
    until = record.times[0] + seconds
    while record.times[-1] < until:
        step = client.step(np.ones(len(step.ticks), int))  # up, where most balls are missed: points come
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
