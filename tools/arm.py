"""Try the project on a 64-bit ARM Debian, as on a Raspberry Pi, in emulation: `python -m tools.arm`.

It makes a Debian arm64 in a directory, and installs Python, the requirements and this checkout's wheel into
it. Then it runs these checks. "Outside" is this machine:

    install     pip installs wheels; there is no compiler
    real time   a server inside serves an agent outside, and drops no state
    lockstep    an agent outside learns from a server inside
    benchmark   `pongrl-server --benchmark` inside
    training    the same seed trains inside and outside; how far apart are the weights?
    checkpoint  after training: each side goes on from the other's checkpoint, and evaluates it
    tests       those tests that are named behind --, inside
    cost        instructions of a decision, beside those of a Debian amd64 in a second directory

It runs on Debian, as root, with the packages debootstrap and qemu-user-static; the cost needs qemu-user and
gcc too. The first time it takes a quarter of an hour. Emulated seconds say nothing about a Pi. The tables
that are printed at the end go into docs/raspberry-pi.md.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pongrl.agent.checkpoints import load
from pongrl.wire.client import PongClient
from tools.debian import PONG, Root, prepare
from tools.instructions import build_plugin, per_decision, per_second_of_serving
from tools.processes import ROOT, Program

CPUS = {"arm64": "cortex-a76", "amd64": "max"}  # the processor of a Raspberry Pi 5; whatever qemu can do
LONG = 600.0  # seconds that a program inside may take
DECISIONS = 150  # in real time: 20 seconds
POINTS = 300  # of the trainings that are compared
GAMES = (1, 16)  # of the cost
PYTHON = f"{PONG}/bin/python"
VERSIONS = """
import platform, cv2, numpy, pygame
print(platform.machine(), "Python", platform.python_version(), "numpy", numpy.__version__)
print("OpenCV", cv2.__version__, "pygame-ce", pygame.__version__)
"""


@dataclass(frozen=True)
class Bench:
    """What the checks work with.

    Attributes:
        arm: the emulated Debian.
        folder: a new directory inside it, for checkpoints of both sides.
        tests: what to give to pytest.
    """

    arm: Root
    folder: Path
    tests: list[str]

    def inside(self, path: Path) -> str:
        """Return the name that a path has inside."""
        return str(Path("/", path.relative_to(self.arm.path)))

    def server(self, *options: str) -> Program:
        """Start a server inside."""
        program = (f"{PONG}/bin/pongrl-server", "--headless", "--port", "0", *options)
        return Program(*program, stdin=None, development=False, python=PYTHON, within=self.arm.within)

    def agent(self, is_inside: bool, directory: Path, *options: str) -> str:
        """Run an agent on one side to its end, and return its output."""
        if is_inside:
            program, within, python = f"{PONG}/bin/pongrl-agent", self.arm.within, PYTHON
            where = self.inside(directory)
        else:
            program, within, python, where = "mainmodel.py", (), sys.executable, str(directory)
        arguments = (program, "--directory", where, *options)
        with Program(*arguments, development=False, python=python, within=within) as one:
            if one.ended(LONG):
                raise RuntimeError(one.output)
            return one.output


# The checks. Each returns what it has shown in a few words, or raises a RuntimeError or an AssertionError.


def check_install(bench: Bench) -> str:
    said = bench.arm.run("env", "PYGAME_HIDE_SUPPORT_PROMPT=1", PYTHON, "-c", VERSIONS)
    assert shutil.which("cc", path=str(bench.arm.path / "usr/bin")) is None
    assert said.startswith("aarch64 "), said
    debian = (bench.arm.path / "etc/debian_version").read_text().strip()
    return f"Debian {debian}, " + " ".join(said.split())


def check_real_time(bench: Bench) -> str:
    with bench.server("--seed", "1") as server:
        port = server.wait_for_port()
        with PongClient("127.0.0.1", port) as client:
            step = client.connect()
            begun, ticks = time.monotonic(), 0
            for _ in range(DECISIONS):
                step = client.step([1])
                ticks += int(step.ticks[0])
            rate = ticks / (time.monotonic() - begun)
        agent = bench.agent(False, bench.folder / "real", "--port", str(port), "--points", "5")
        assert server.end() == 0, server.output
    return f"{rate:.1f} ticks/s, {step.dropped} of {DECISIONS} states dropped; agent: {last_words(agent)}"


def check_lockstep(bench: Bench) -> str:
    with bench.server("--lockstep", "--games", "16", "--seed", "1") as server:
        options = ("--port", str(server.wait_for_port()), "--points", "500", "--seed", "1")
        agent = bench.agent(False, bench.folder / "lockstep", *options)
        assert server.end() == 0, server.output
    return last_words(agent)


def check_benchmark(bench: Bench) -> str:
    said = bench.arm.run(f"{PONG}/bin/pongrl-server", "--benchmark")
    one, many = re.findall(r"([\d,]+) decisions/s at most", said)
    return f"{one} decisions/s for one game, {many} for 16, emulated"


def check_training(bench: Bench) -> str:
    folders = {name: bench.folder / name for name in ("inside", "outside")}
    for name, folder in folders.items():
        bench.agent(
            name == "inside", folder, "--local", "--games", "16", "--seed", "1", "--points", str(POINTS)
        )
    one, other = (games_of(folder) for folder in folders.values())
    same = sum(a == b for a, b in zip(one, other, strict=False))
    weights = difference(*(load(folder / "interrupt.p")["policy"] for folder in folders.values()))
    return f"{same} of {len(one)} rows of progress.csv say the same games; {weights}"


def check_checkpoint(bench: Bench) -> str:
    for name in ("inside", "outside"):
        here, there = (
            evaluated(bench, bench.folder / name / "save.p", is_inside) for is_inside in (True, False)
        )
        assert here == there, (here, there)
    resumed = [resume(bench, *sides) for sides in (("inside", "outside"), ("outside", "inside"))]
    return f"resumed on the other side, up to {' and '.join(resumed)}; both evaluate both alike: {here[0]}"


def evaluated(bench: Bench, path: Path, is_inside: bool) -> list[str]:
    """Evaluate a checkpoint, and return what is said of it, without names and speed."""
    file = bench.inside(path) if is_inside else str(path)
    flags = ("--local", "--seed", "2", "--points", "200")
    said = bench.agent(is_inside, bench.folder / "evaluated", "--evaluate", file, *flags)
    return re.sub(r", [\d,]+ decisions/s", "", said[said.index("won") :]).splitlines()


def resume(bench: Bench, origin: str, side: str) -> str:
    """Go on with one side's checkpoint on the other side, and return what came of it."""
    path = bench.folder / origin / "interrupt.p"
    file = bench.inside(path) if side == "inside" else str(path)
    directory = bench.folder / f"resumed-{side}"
    bench.agent(side == "inside", directory, "--local", "--resume", file, "--points", "100", "--seed", "3")
    points = load(directory / "interrupt.p")["progress"]["points"]
    assert points >= POINTS + 100, points
    return f"{points} points"


def check_tests(bench: Bench) -> str:
    checkout = bench.folder / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "site", "build"))
    where = bench.inside(checkout)
    bench.arm.run(f"{PONG}/bin/pip", "install", "--quiet", "-r", f"{where}/tests/requirements.txt")
    command = (PYTHON, "-m", "pytest", "-q", "-n", "2", *bench.tests)
    said = bench.arm.run("env", "-C", where, *command, seconds=3600)
    return re.sub(r" in .*", "", said.strip().splitlines()[-1])


# What they compare.


def last_words(output: str) -> str:
    """Return what an agent has said of its training at the end, without its speed."""
    line = [line for line in output.splitlines() if "points   won" in line][-1]
    return ", ".join(re.sub(r"^saved \S+ ", "", line).split("   ")[:2])


def games_of(directory: Path) -> list[dict[str, str]]:
    """Return the rows of progress.csv without what depends on time."""
    with open(directory / "progress.csv", newline="") as file:
        return [
            {name: text for name, text in row.items() if "second" not in name} for row in csv.DictReader(file)
        ]


def arrays_of(values: Mapping[str, Any]) -> Iterator[Any]:
    """Find the arrays in a part of a checkpoint, which are written as (type, shape, bytes)."""
    for value in values.values():
        if isinstance(value, Mapping):
            yield from arrays_of(value)
        elif isinstance(value, tuple) and isinstance(value[-1], bytes):
            yield np.frombuffer(value[2], value[0])


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Say how far two policies are apart."""
    a, b = (np.concatenate(list(arrays_of(policy))) for policy in (one, other))
    if np.array_equal(a, b):
        return f"all {len(a):,} weights are equal, bit by bit"
    apart = np.abs(a - b)
    most, largest = np.quantile(apart, 0.99), apart.max()
    return (
        f"of {len(a):,} weights up to {np.abs(a).max():.2g}, half are within {np.median(apart):.1g}, "
        f"99 % within {most:.1g}, all within {largest:.1g}"
    )


def cost(arm: Root, amd: Root) -> Iterator[str]:
    """Count the instructions of a decision on both.

    Yields:
        Rows of a table.
    """
    with tempfile.TemporaryDirectory() as directory:
        plugin = build_plugin(Path(directory))
        for games in GAMES:
            counts = (per_decision(root, plugin, games) for root in (arm, amd))
            yield row(f"a decision, games: {games}", *counts)
        yield row("a second of real time", *(per_second_of_serving(root, plugin) for root in (arm, amd)))


def row(what: str, ours: float, theirs: float) -> str:
    """Return a row of the table of instructions."""
    return f"| {what} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |"


CHECKS: dict[str, Callable[[Bench], str]] = {
    "install": check_install,
    "real time": check_real_time,
    "lockstep": check_lockstep,
    "benchmark": check_benchmark,
    "training": check_training,
    "checkpoint": check_checkpoint,
}
COST = "cost"
NAMES = (*CHECKS, COST)
FAILURES = (RuntimeError, AssertionError, OSError)


def main(argv: list[str] | None = None) -> int:
    """Run the checks from the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.arm", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="directory for the Debians; without, a temporary one")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directory")
    parser.add_argument("--suite", default="bookworm", help="release of Debian: bookworm (default) or trixie")
    parser.add_argument("--mirror", help="where to get Debian; by default as this machine's apt does")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="checks to run")
    parser.add_argument("tests", nargs="*", help="what to give to pytest inside, behind --; no tests without")
    options = parser.parse_args(argv)
    directory = options.root or Path(tempfile.mkdtemp(prefix="pong-arm-"))
    try:
        return run_checks(directory.resolve(), options)
    finally:
        if options.root is None and not options.keep:
            shutil.rmtree(directory)


def run_checks(directory: Path, options: argparse.Namespace) -> int:
    """Make what is missing, run all checks and print their table."""
    arm, amd = (Root(directory / f"{options.suite}-{name}", options.suite, name, CPUS[name]) for name in CPUS)
    checks = {name: check for name, check in CHECKS.items() if name in options.only}
    if options.tests:
        checks["tests"] = check_tests
    with ExitStack() as stack:
        stack.enter_context(prepare(arm, options.mirror))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arm.path / "tmp")))
        bench = Bench(arm, folder, options.tests)
        results = {name: result_of(check, bench) for name, check in checks.items()}
        print("\n| check | what it has shown |\n|---|---|")
        print(*(f"| {name} | {words} |" for name, (words, _) in results.items()), sep="\n", flush=True)
        is_good = all(good for _, good in results.values())
        if COST in options.only:
            stack.enter_context(prepare(amd, options.mirror))
            print("\n| instructions of | aarch64 | x86-64 | ratio |\n|---|---|---|---|")
            for line in cost(arm, amd):
                print(line, flush=True)
    return 0 if is_good else 1


def result_of(check: Callable[[Bench], str], bench: Bench) -> tuple[str, bool]:
    """Run a check, and return its words and whether it went well."""
    try:
        words, is_good = check(bench), True
    except FAILURES as error:
        print(f"{check.__name__}: {error}", file=sys.stderr, flush=True)
        words, is_good = "failed", False
    print(f"{check.__name__}: {words}", flush=True)
    return words, is_good


if __name__ == "__main__":
    sys.exit(main())
