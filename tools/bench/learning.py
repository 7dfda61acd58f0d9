"""Measure how well the agent plays after so many frames: `python -m tools.bench.learning`.

For each seed `mainmodel.py --local` learns from scratch, over TCP. After so many frames it is told to quit;
its checkpoint plays without exploration, and it goes on with --resume. Then a table is printed. With --docs
it goes into docs/learning.md, and the curves into images/learning-level-N.png.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pongrl.agent.files import LATEST, ROWS
from pongrl.agent.progress import Run, read_progress
from pongrl.errors import PongError
from pongrl.ui.plots import draw_curves
from tools.bench.processes import Process
from tools.bench.table import write_into
from tools.processes import ROOT

EXPLORED = {1: (0.5, 0.9), 2: (0.5, 0.9), 3: (0.25, 0.5)}  # shares won with exploration; when, the table says
LOOK_SECONDS = 0.5  # between two looks at progress.csv, which is read whole each time
LONGEST_EVALUATION = 3600.0  # seconds; at level 3 a point takes long
# What an evaluation prints. At level 3 the estimate is worth more: it counts each ball, not each point.
WON = re.compile(r"points, ([\d.]+) %")
ESTIMATED = re.compile(r"estimated from .*: ([\d.]+) % \(([\d.]+) to ([\d.]+) %\)")


def learn(directory: Path, level: int, seed: int, frames: float, goes_on: bool) -> None:
    """Learn until so many frames were played, and quit with a checkpoint.

    Args:
        directory: for the files of the run.
        level: of the built-in AI.
        seed: of weights, moves and games.
        frames: of all games together, since the run began.
        goes_on: whether it began before, and is to go on.
    """
    flags = ["--resume"] if goes_on else []
    with Process(
        "mainmodel.py", "--local", "--level", str(level), "--seed", str(seed), "--directory", str(directory),
        *flags,
    ) as agent:  # fmt: skip
        while not agent.has_ended() and frames_of(directory / ROWS) < frames:
            time.sleep(LOOK_SECONDS)
        if not agent.has_ended():
            agent.type("q\n")
        agent.finish(60)


def frames_of(path: Path) -> float:
    """Return how many frames a run has played, by its progress.csv; 0 if it has none yet."""
    try:
        return read_progress(path)["frames"][-1]
    except PongError:
        return 0.0


def evaluate(checkpoint: Path, level: int, points: int) -> str:
    """Let a checkpoint play without exploration.

    Returns:
        The share of the points that it wins; at level 3 with its 95 % interval.
    """
    command = ["mainmodel.py", "--evaluate", str(checkpoint), "--level", str(level), "--points", str(points)]
    with Process(*command) as evaluation:
        evaluation.finish(LONGEST_EVALUATION)
        found = (ESTIMATED if level == 3 else WON).search(evaluation.output)
    if found is None:
        raise RuntimeError(f"an evaluation told no share: {evaluation.output}")
    share, *interval = (f"{float(percent) / 100:.3f}" for percent in found.groups())
    return f"{share} ({' to '.join(interval)})" if interval else share


def reached(run: Run, share: float) -> str:
    """Return after how many million frames a share of the last 1,000 points was first won."""
    for points, frames, won in zip(run["points"], run["frames"], run["win_rate"], strict=True):
        if points >= 1000 and won >= share:
            return f"{frames / 1e6:.1f} M"
    return "–"


def table_of(runs: dict[int, Run], shares: dict[int, list[str]], level: int, marks: Sequence[float]) -> str:
    """Return the table.

    Args:
        runs: by seed.
        shares: what `evaluate` returned after each mark, by seed.
        level: of all runs.
        marks: million frames.
    """
    columns = [f"{share:g} while it explores" for share in EXPLORED[level]]
    columns += [f"{mark:g} M" for mark in marks] + ["minutes"]
    lines = ["| seed | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    for seed, run in runs.items():
        cells = [reached(run, share) for share in EXPLORED[level]]
        cells += shares[seed] + [f"{run['seconds'][-1] / 60:.1f}"]
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
    medians = [
        f"{statistics.median(float(cell.split()[0]) for cell in column):.3f}"
        for column in zip(*(shares[seed] for seed in runs), strict=True)
    ]
    lines.append("| median |" + " |" * len(EXPLORED[level]) + " " + " | ".join(medians) + " | |")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.learning",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of the runs (1 2 3)")
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=2, help="of the built-in AI (2)")
    parser.add_argument(
        "--frames", type=float, nargs="+", default=[20, 40, 64], metavar="MILLION",
        help="after which it is evaluated (20 40 64)",
    )  # fmt: skip
    parser.add_argument(
        "--points", type=int, default=2000, help="of each evaluation (2000); at level 3, 250 take minutes"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder for the files of the runs, which are deleted otherwise"
    )
    parser.add_argument("--docs", action="store_true", help="write table and curves into the documentation")
    options = parser.parse_args()
    if options.docs and options.level == 1:
        parser.error("the documentation has no table for level 1")
    level, marks = options.level, sorted(options.frames)
    runs: dict[int, Run] = {}
    shares: dict[int, list[str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        directories = {seed: folder / f"level {level}, seed {seed}" for seed in options.seeds}
        for seed, directory in directories.items():
            shares[seed] = []
            for mark in marks:
                learn(directory, level, seed, 1e6 * mark, goes_on=mark > marks[0])
                shares[seed].append(evaluate(directory / LATEST, level, options.points))
            runs[seed] = read_progress(directory / ROWS)
            print(table_of(runs, shares, level, marks), flush=True)
        if options.docs:
            table = table_of(runs, shares, level, marks)
            write_into(ROOT / "docs" / "learning.md", f"learning {level}", table)
            curves = [directory / ROWS for directory in directories.values()]
            draw_curves(curves, ROOT / "images" / f"learning-level-{level}.png")


if __name__ == "__main__":
    main()
