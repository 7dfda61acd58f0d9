"""Measure speed, delay, bytes, processor time and memory, and print one table (thirteen minutes, Linux only).

Processor time and memory are read from /proc. Run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tools.bench.against import compare
from tools.bench.measures import MEASURES, Durations
from tools.bench.table import HEADER, LEGEND, machine, write_into
from tools.processes import ROOT

PAGE = ROOT / "docs" / "speed.md"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    usual = Durations()
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="name the measurements and end")
    parser.add_argument("--only", metavar="NAME,…", help="make only these measurements")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/speed.md")
    parser.add_argument(
        "--learning", type=float, default=usual.learning, metavar="SECONDS",
        help=f"length of each run that learns ({usual.learning:g})",
    )  # fmt: skip
    parser.add_argument(
        "--real-time", type=float, default=usual.real_time, metavar="SECONDS",
        help=f"length of the run in real time ({usual.real_time:g}); 600 shows that no state is dropped in "
        "ten minutes",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=float, default=usual.memory, metavar="MINUTES",
        help=f"length of the training whose memory is watched ({usual.memory:g}); 30 shows that it does not "
        "grow",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="DIRECTORY",
        help="measure the checkout in DIRECTORY beside this one, in turn, and nothing else",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="runs of each beside --against (3)"
    )
    options = parser.parse_args(argv)
    if options.against is not None and not (options.against / "mainmodel.py").is_file():
        parser.error(f"there is no mainmodel.py in {options.against}: name a checkout")
    options.names = options.only.split(",") if options.only else list(MEASURES)
    unknown = [name for name in options.names if name not in MEASURES]
    if unknown:
        parser.error(f"no measurement is called {', '.join(unknown)}: there are {', '.join(MEASURES)}")
    if options.docs and options.only:
        parser.error("--docs needs the whole table: leave out --only")
    return options


def measure(names: list[str], durations: Durations) -> tuple[list[str], bool]:
    """Make measurements and print each row as it comes.

    Returns:
        the rows, and True if no measurement failed.
    """
    rows, good = [], True
    for name in names:
        try:
            for row in MEASURES[name](durations):
                rows.append(str(row))
                print(rows[-1], flush=True)
        except Exception as error:  # the other measurements go on
            good = False
            reason = " ".join(str(error).split())
            rows.append(f"| {name} | failed: {type(error).__name__}: {reason} | – | – |")
            print(rows[-1], flush=True)
    return rows, good


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark from its command line and return its exit code."""
    options = parse(argv)
    if options.list:
        for name, function in MEASURES.items():
            print(f"{name:12}{function.__doc__}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave `with` blocks, which end our processes
    print(f"{machine()}\n\n{HEADER}", flush=True)
    if options.against is not None:
        for row in compare(options.against.resolve(), options.learning, options.rounds):
            print(row, flush=True)
        return 0
    rows, good = measure(options.names, Durations(options.learning, options.real_time, options.memory))
    print(f"\n{LEGEND}")
    if options.docs:
        write_into(PAGE, "speed", "\n".join((machine(), "", HEADER, *rows, "", LEGEND)))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
