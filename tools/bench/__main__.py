"""The benchmark: `python -m tools.bench` prints one table, in about six minutes; nothing else should run.

On Linux, since processor time and memory are read from /proc. It asserts nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys

from tools.bench.measures import MEASURES, Durations
from tools.bench.table import HEADER, LEGEND, machine, put_between
from tools.processes import ROOT

README = ROOT / "README.md"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    usual = Durations()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the measurements and end")
    parser.add_argument("--only", metavar="NAME,…", help="make these measurements alone")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument(
        "--learning", type=float, default=usual.learning, metavar="SECONDS",
        help=f"of each run that learns ({usual.learning:g})",
    )  # fmt: skip
    parser.add_argument(
        "--real-time", type=float, default=usual.real_time, metavar="SECONDS",
        help=f"of real time ({usual.real_time:g}; 600 for the claim that no state is dropped in ten minutes)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=float, default=usual.memory, metavar="MINUTES",
        help=f"of training whose memory is watched ({usual.memory:g}; 30 for the claim that it stays so)",
    )  # fmt: skip
    options = parser.parse_args(argv)
    options.names = options.only.split(",") if options.only else list(MEASURES)
    unknown = [name for name in options.names if name not in MEASURES]
    if unknown:
        parser.error(f"no measurement is called {', '.join(unknown)}: there are {', '.join(MEASURES)}")
    if options.readme and options.only:
        parser.error("--readme wants the whole table: leave out --only")
    return options


def measure(names: list[str], durations: Durations) -> tuple[list[str], bool]:
    """Make these measurements and print their rows as they come; the rows, and whether none failed."""
    rows, good = [], True
    for name in names:
        try:
            for row in MEASURES[name](durations):
                rows.append(str(row))
                print(rows[-1], flush=True)
        except Exception as error:  # one that fails must not cost the others
            good = False
            rows.append(f"| {name} | failed: {type(error).__name__}: {error} | – | – |")
            print(rows[-1], flush=True)
    return rows, good


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark from its command line and give its exit code."""
    options = parse(argv)
    if options.list:
        for name in MEASURES:
            print(f"{name:12}{MEASURES[name].__doc__}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of the blocks that end our processes
    print(f"{machine()}\n\n{HEADER}", flush=True)
    rows, good = measure(options.names, Durations(options.learning, options.real_time, options.memory))
    print(f"\n{LEGEND}")
    if options.readme:
        table = "\n".join((machine(), "", HEADER, *rows, "", LEGEND))
        README.write_text(put_between(README.read_text("utf-8"), "speed", table), "utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
