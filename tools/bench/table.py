"""How the benchmark's rows read, and how its table gets into the README."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADER = "| what | figure | bound | ratio |\n|---|---|---|---|"
LEGEND = (
    "Ratio: how many times better the figure is than its bound: 1 or more, or ok, holds it; "
    "less, or missed, does not."
)


@dataclass(frozen=True)
class Row:
    """One figure, and the bound that it is measured against."""

    what: str
    figure: float
    unit: str
    digits: int = 0  # behind the point
    note: str = ""  # what else belongs to it
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> str:
        """How many times better than the bound the figure is, never rounded up; a word where one is 0."""
        if self.at_least is None and self.at_most is None:
            return "–"
        better, worse = (self.figure, self.at_least) if self.at_most is None else (self.at_most, self.figure)
        assert worse is not None
        if better <= 0 or worse <= 0:
            return "ok" if better >= worse else "missed"
        ratio = better / worse
        return f"{math.floor(ratio):,}" if ratio >= 10 else f"{math.floor(100 * ratio) / 100:.2f}"

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:,g} {self.unit}".strip()
        return "–" if self.at_most is None else f"at most {self.at_most:,g} {self.unit}".strip()

    def __str__(self) -> str:
        figure = f"{self.figure:,.{self.digits}f} {self.unit}".strip() + f"; {self.note}" * bool(self.note)
        return f"| {self.what} | {figure} | {self.bound} | {self.ratio} |"


def machine() -> str:
    """The machine and the versions that figures depend on, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    cores = f"{os.cpu_count()} cores"
    return f"{model}, {cores}, Python {platform.python_version()}, numpy {np.__version__}:"


def put_between(text: str, name: str, table: str) -> str:
    """Replace what stands in a text between the marks of that name; a text without them stays as it is."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        return text
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}{table}\n{end}{after}"
