"""Measure how fast the agent learns: `python -m tools.bench.learning`.

Trains from scratch with `mainmodel.py --local`, once per seed, one run after the other: the whole system over
TCP. Then it prints a table. With --docs it puts the table into docs/learning.md, and the curves into
images/learning-level-N.png.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pongrl.agent.progress import Progress
from pongrl.ui.plots import draw_curves
from tools.bench.table import write_into
from tools.processes import ROOT

MARKS = {1: (0.5, 0.75), 2: (0.5, 0.75), 3: (0.12, 0.25)}  # shares won, by level; the table has their times


def train(seed: int, level: int, minutes: float, directory: Path) -> list[dict[str, float]]:
    """Train once, and return the rows of progress.csv."""
    command = [sys.executable, "mainmodel.py", "--local", "--level", str(level), "--seed", str(seed)]
    command += ["--minutes", str(minutes), "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with open(directory / "progress.csv", newline="") as file:
        return [{name: float(row[name]) for name in Progress.COLUMNS} for row in csv.DictReader(file)]


def reached(rows: list[dict[str, float]], share: float) -> str:
    """Return when a share of the last 1,000 points was first won: minutes and million frames."""
    for row in rows:
        if row["points"] >= 1000 and row["win_rate"] >= share:
            return f"{row['seconds'] / 60:.1f} min, {row['frames'] / 1e6:.1f} M"
    return "–"


def table_of(runs: dict[int, list[dict[str, float]]], level: int, minutes: float) -> str:
    """Return the table of several runs, by seed."""
    marks = MARKS[level]
    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    lines = [
        f"Level {level}, from scratch, {minutes:g} minutes, {machine}:",
        "",
        "| seed | "
        + " | ".join(f"{mark:g} of the points" for mark in marks)
        + " | at the end | best | frames |",
        "|---|" + "---|" * (len(marks) + 3),
    ]
    for seed, rows in runs.items():
        last = rows[-1]
        best = max((row["win_rate"] for row in rows if row["points"] >= 1000), default=last["win_rate"])
        cells = [reached(rows, mark) for mark in marks]
        cells += [f"{last['win_rate']:.3f}", f"{best:.3f}", f"{last['frames'] / 1e6:.1f} M"]
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
    median = statistics.median(rows[-1]["win_rate"] for rows in runs.values())
    return "\n".join([*lines, "", f"Median at the end: {median:.3f}."])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.learning",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=2)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument(
        "--keep", type=Path, help="folder for the files of the runs, which are deleted otherwise"
    )
    parser.add_argument("--docs", action="store_true", help="write table and curves into the documentation")
    options = parser.parse_args()
    if options.docs and options.level == 1:
        parser.error("the documentation has no table for level 1")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        directories = {seed: folder / f"level {options.level}, seed {seed}" for seed in options.seeds}
        runs = {}
        for seed, directory in directories.items():
            runs[seed] = train(seed, options.level, options.minutes, directory)
            print(table_of(runs, options.level, options.minutes), flush=True)
        if options.docs:
            table = table_of(runs, options.level, options.minutes)
            write_into(ROOT / "docs" / "learning.md", f"learning {options.level}", table)
            curves = [directory / "progress.csv" for directory in directories.values()]
            draw_curves(curves, ROOT / "images" / f"learning-level-{options.level}.png")


if __name__ == "__main__":
    main()
