"""Measure this version beside another one, in turn, since a machine's speed drifts.

Only what both programs print and write is used, so the other version may be any that has `--local`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tools.bench.measures import learning_rate, share_of_bound
from tools.bench.processes import Server
from tools.bench.table import Row
from tools.processes import ROOT

Measure = Callable[[float, Path], float]
"""Seconds and a checkout → a figure."""

STEPPER = """
import sys, time
from netproto import PongClient
with PongClient(port=int(sys.argv[1])) as client:
    client.connect()
    begin, steps = time.monotonic(), 0
    while time.monotonic() < begin + float(sys.argv[2]):
        client.step([1])
        steps += 1
    print(steps / (time.monotonic() - begin))
"""


def steps_per_second(seconds: float, tree: Path) -> float:
    """Return how often a checkout's client steps one game of its own server, without learning."""
    with Server("--lockstep", tree=tree) as server:
        done = subprocess.run(
            [sys.executable, "-c", STEPPER, str(server.port), str(seconds)],
            cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    return float(done.stdout)


MEASURES: dict[str, tuple[Measure, str]] = {
    "learning, as many games as `--local` plays": (partial(learning_rate, None), "decisions/s"),
    "16 games, learning": (partial(learning_rate, 16), "decisions/s"),
    "1 game, learning": (partial(learning_rate, 1), "decisions/s"),
    "1 game, without learning": (steps_per_second, "steps/s"),
    "16 games, learning, through 5 ms: share of 16 per 5 ms": (partial(share_of_bound, 16), ""),
}  # fmt: skip


def compare(other: Path, seconds: float, rounds: int) -> Iterator[Row]:
    """Measure this checkout and another one in turn.

    Args:
        other: the other checkout.
        seconds: of each run.
        rounds: runs of each.

    Returns:
        a row for each measure: the median of this version's figure by the other's.
    """
    for what, (measure, unit) in MEASURES.items():
        pairs = [(measure(seconds, ROOT), measure(seconds, other)) for _ in range(rounds)]
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        figures = "; ".join(f"{ours:,.4g} by {theirs:,.4g}" for ours, theirs in pairs)
        yield Row(f"{what}: this version by the other", ratio, "×", 2, f"{figures} {unit}".strip())
