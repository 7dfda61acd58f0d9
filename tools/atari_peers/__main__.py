"""Train other learners beside ours on Atari's Pong, evaluate them all alike, and draw their curves.

python -m tools.atari_peers --learner plain --minutes 60 --seed 1 --directory plain
python -m tools.atari_peers --plot images/atari-peers.png plain ppo ours
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

import numpy as np

from pongrl.errors import PongError
from tools.atari_peers.curve import Curve, draw_curves
from tools.atari_peers.matches import Matches, Result, generator

LEARNERS = ("plain", "ppo", "ours", "ours-in-process")


class Learner(Protocol):
    """What is compared."""

    def train(self, curve: Curve) -> None:
        """Learn until the time is over."""

    def play(self, matches: Matches, rng: np.random.Generator | None) -> None:
        """Play matches to their end; `rng` draws the moves, without it the likeliest ones are made."""


def make_learner(name: str, seed: int, directory: Path) -> Learner:
    """Make a learner that knows nothing yet. Only what it needs is imported."""
    if name == "plain":
        from tools.atari_peers.plain import Plain

        return Plain(seed)
    if name == "ppo":
        from tools.atari_peers.ppo import Ppo

        return Ppo(seed)
    from tools.atari_peers.ours import Ours, OursInProcess

    return (Ours if name == "ours" else OursInProcess)(seed, directory)


def evaluate(learner: Learner, count: int, seed: int, is_greedy: bool) -> Result:
    """Let a learner play matches."""
    matches = Matches(count, seed)
    learner.play(matches, None if is_greedy else generator(seed))
    matches.close()
    return Result(tuple(matches.scores))


def run(options: argparse.Namespace) -> str:
    """Train and evaluate a learner; return a line that tells how it went."""
    options.directory.mkdir(parents=True, exist_ok=True)
    learner = make_learner(options.learner, options.seed, options.directory)
    curve = Curve(options.directory, options.minutes, options.every)
    learner.train(curve)
    last = curve.last
    per_second = last.decisions / max(60 * last.minutes, 1e-9)
    line = (
        f"{options.learner}, seed {options.seed}: {last.minutes:.1f} minutes, {last.decisions:,} decisions, "
        f"{per_second:,.0f} a second, {last.updates:,} updates; in training {last.score:+.1f}"
    )
    if options.matches:
        for words, is_greedy in (("greedy", True), ("sampled", False)):
            line += f"; {words} {evaluate(learner, options.matches, options.seed, is_greedy)}"
    return line


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.atari_peers", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--learner", choices=LEARNERS, help="what learns")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training (60)")
    parser.add_argument("--seed", type=int, default=1, help="of weights, moves and games (1)")
    parser.add_argument("--directory", type=Path, default=Path("peers"), help="for curve.csv and result.txt")
    parser.add_argument(
        "--every", type=float, default=0.5, metavar="MINUTES",
        help="from one row of curve.csv to the next (0.5); ours has a row for every 100 points",
    )  # fmt: skip
    parser.add_argument(
        "--matches", type=int, default=20, metavar="N",
        help="of each evaluation at the end, greedy and sampled (20); 0 for none",
    )  # fmt: skip
    parser.add_argument(
        "--plot", nargs="+", type=Path, metavar=("FILE", "DIRECTORY"),
        help="draw the curves of these runs into FILE, and do nothing else",
    )  # fmt: skip
    options = parser.parse_args(argv)
    if options.plot is None and options.learner is None:
        parser.error("say what learns, with --learner, or which runs to draw, with --plot")
    if options.plot is not None and len(options.plot) < 2:
        parser.error("--plot needs the file to write, and the directories of the runs to draw")
    return options


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(argv)
    try:
        if options.plot is not None:
            draw_curves(options.plot[1:], options.plot[0])
            return
        line = run(options)
    except PongError as error:
        raise SystemExit(str(error)) from error
    except ImportError as error:
        raise SystemExit(f'{error}: pip install ".[atari,sb3,plots]" in the checkout') from error
    (options.directory / "result.txt").write_text(f"{line}\n", "utf-8")
    print(line)


if __name__ == "__main__":
    main()
