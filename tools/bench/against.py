"""Measure this version beside another one, in turn, since a machine's speed drifts.

Only what both programs print and write is used, so the other version may be any that has `--local`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tools.bench.measures import learning_rate, share_of_bound
from tools.bench.table import Row
from tools.processes import ROOT

Measure = Callable[[float, Path], float]
"""Seconds and a checkout → a figure."""

MEASURES: dict[str, tuple[Measure, str]] = {
    "16 games, learning": (partial(learning_rate, 16), "decisions/s"),
    "1 game, learning": (partial(learning_rate, 1), "decisions/s"),
    "16 games, learning, through 5 ms: share of 16 per 5 ms": (
        lambda seconds, tree: share_of_bound(seconds, tree)[0], ""
    ),
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
