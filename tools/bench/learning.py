"""How fast the agent learns, as a person would see it: `python -m tools.bench.learning`.

Trains from scratch with `mainmodel.py --local`, once per seed, one after the other, the whole system over
TCP. Then it writes the table between the README's markers and the curve, images/learning-level-N.png.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pongrl.ui.plots import draw_curves
from tools.bench.table import put_between
from tools.processes import ROOT

README = ROOT / "README.md"
MARKS = {1: (0.5, 0.75), 2: (0.5, 0.75), 3: (0.12, 0.25)}  # shares whose time the table tells


def train(seed: int, level: int, minutes: float, directory: Path) -> list[dict[str, float]]:
    """Train once and return the rows of progress.csv."""
    command = [sys.executable, "mainmodel.py", "--local", "--level", str(level), "--seed", str(seed)]
    command += ["--minutes", str(minutes), "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with open(directory / "progress.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def reached(rows: list[dict[str, float]], share: float) -> str:
    """When a share of the last 1,000 points was first won: minutes and million frames."""
    for row in rows:
        if row["points"] >= 1000 and row["win_rate"] >= share:
            return f"{row['seconds'] / 60:.1f} min, {row['frames'] / 1e6:.1f} M"
    return "–"


def table_of(runs: dict[int, list[dict[str, float]]], level: int, minutes: float) -> str:
    """The README's table."""
    marks = MARKS[level]
    lines = [
        f"Level {level}, from scratch, {minutes:g} minutes, {platform.machine()} with two cores:",
        "",
        "| seed | "
        + " | ".join(f"{mark:g} of the points" for mark in marks)
        + " | at the end | best | frames |",
        "|---|" + "---|" * (len(marks) + 3),
    ]
    for seed, rows in runs.items():
        last = rows[-1]
        best = max(row["win_rate"] for row in rows if row["points"] >= 1000)
        cells = [reached(rows, mark) for mark in marks]
        cells += [f"{last['win_rate']:.3f}", f"{best:.3f}", f"{last['frames'] / 1e6:.1f} M"]
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
    median = statistics.median(rows[-1]["win_rate"] for rows in runs.values())
    return "\n".join([*lines, "", f"Median at the end: {median:.3f}."])


def write_into_readme(table: str, level: int) -> None:
    """Put the table between its markers."""
    README.write_text(put_between(README.read_text("utf-8"), f"learning {level}", table), "utf-8")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=2)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--keep", type=Path, help="folder for the runs' files; else they are thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        runs = {}
        for seed in options.seeds:
            directory = folder / f"level {options.level}, seed {seed}"
            runs[seed] = train(seed, options.level, options.minutes, directory)
            print(table_of(runs, options.level, options.minutes), flush=True)
        write_into_readme(table_of(runs, options.level, options.minutes), options.level)
        paths = [folder / f"level {options.level}, seed {seed}" / "progress.csv" for seed in options.seeds]
        draw_curves(paths, ROOT / "images" / f"learning-level-{options.level}.png")


if __name__ == "__main__":
    main()
