"""How the rows of a benchmark read, and how a table gets into the documentation."""

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
    """A figure and the bound that it should keep.

    Attributes:
        what: what is measured.
        figure: the number, in `unit`, printed with `digits` decimals.
        note: what else a reader should know.
        at_least: the bound, for figures that should be large.
        at_most: the bound, for figures that should be small.
    """

    what: str
    figure: float
    unit: str
    digits: int = 0
    note: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> str:
        """How many times better than the bound the figure is, rounded down; a word if one of them is 0."""
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
        figure = f"{self.figure:,.{self.digits}f} {self.unit}".strip()
        if self.note:
            figure += f"; {self.note}"
        return f"| {self.what} | {figure} | {self.bound} | {self.ratio} |"


def machine() -> str:
    """Describe in one line the machine and the versions that figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}:"


def put_between(text: str, name: str, table: str) -> str:
    """Replace what stands between the marks `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: the text has no such marks.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        raise ValueError(f"there are no marks {begin.strip()} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}{table}\n{end}{after}"


def write_into(page: Path, name: str, table: str) -> None:
    """Put a table between its marks on a page of the documentation.

    Raises:
        ValueError: the page has no such marks.
    """
    page.write_text(put_between(page.read_text("utf-8"), name, table), "utf-8")
