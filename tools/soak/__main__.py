"""The soak's command; see the package."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from pongrl.agent import checkpoints
from pongrl.agent.progress import Progress
from tools.soak.faults import Faults
from tools.soak.system import System, of_memory
from tools.soak.worlds import World, world_of
from tools.vitals import HAS_PROC, files


def summary_of(system: System, faults: Faults) -> str:
    """Return the results as a table in Markdown."""
    books = [books for books in system.relay.books if books.ledger is not None]
    ledgers = [books.ledger for books in books if books.ledger is not None]
    states, games = sum(ledger.states for ledger in ledgers), system.world.games
    progress = Progress.from_plain(checkpoints.load(system.folder / "interrupt.p")["progress"])
    seconds, after = faults.longest
    rows = {
        "minutes": f"{faults.age / 60:.1f}",
        "faults": f"{faults.counts.total()}: " + told(faults.counts),
        "agents that could not connect, and were started again": told(system.refusals) or "none",
        "connections": f"{system.relay.connections}, {len(books)} of them let in",
        "decisions": f"{games * sum(books.actions for books in books):,}",
        "points": f"{sum(ledger.points for ledger in ledgers):,}",
        "rewards checked against the score": f"{games * states:,}, of {states:,} states: all agree",
        "memory of the server": of_memory([life for life in system.lives if life.name == "server"]),
        "memory of the agent": of_memory([life for life in system.lives if life.name == "agent"]),
        "longest time from the end of a fault until the game went on": f"{seconds:.1f} s, after {after}",
        "learned, whenever an agent ended": " → ".join(f"{points:,}" for points, _ in system.resumed)
        + f" points; won {100 * progress.win_rate:.1f} % of the last 1,000",
    }
    return "| soak | |\n|---|---|\n" + "\n".join(f"| {what} | {figure} |" for what, figure in rows.items())


def told(counter: Counter[str]) -> str:
    """List names with their counts."""
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def free_port(rng: random.Random) -> int:
    """Return a free port below those that the system gives to clients, which might connect to themselves."""
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", rng.randint(20_000, 30_000))) as it,
        ):
            return int(it.getsockname()[1])


def left_behind(ports: list[int], before: tuple[int, int]) -> str:
    """Say what a soak has left behind: a listener, a process, threads or files; "" if nothing."""
    for port in ports:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return f"a process that listens on port {port}"
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return "a process"
    now = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    has_more = any(new > old for new, old in zip(now, before, strict=True))
    return f"threads and files: {now}, {before} before" if has_more else ""


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak", description="Train while processes die and the network fails."
    )
    parser.add_argument("--minutes", type=float, default=120.0, help="how long (default %(default)g)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the order of faults (default %(default)s)"
    )
    parser.add_argument("--directory", help="new folder to keep logs and checkpoints in")
    served = parser.add_mutually_exclusive_group()
    served.add_argument("--arena", action="store_true", help="train in an arena")
    served.add_argument("--env", help="train on another game, such as ALE/Pong-v5")
    options = parser.parse_args(argv)
    if options.directory and Path(options.directory).exists() and os.listdir(options.directory):
        parser.error(f"{options.directory} has files of another run: name a new --directory")
    with contextlib.ExitStack() as stack:
        directory = Path(options.directory or stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        world = world_of(directory, options.env, options.arena)
        try:
            print(soak(world, 60 * options.minutes, options.seed, directory))
        except Exception as error:
            sentence = " ".join(str(error).split())
            again = f"python -m tools.soak --minutes {options.minutes:g} --seed {options.seed}"
            again += " --arena" * options.arena + f" --env {options.env}" * (options.env is not None)
            print(f"FAILED {sentence}; repeat with: {again}", file=sys.stderr)
            return 1
    return 0


def soak(world: World, seconds: float, seed: int, directory: Path) -> str:
    """Run a soak to its end, and return its summary.

    Raises:
        AssertionError: something does not hold.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    rng = random.Random(seed)
    with contextlib.ExitStack() as stack:
        system = System(world, free_port(rng), seed, directory, stack)
        faults = Faults(system, rng, seconds)
        try:
            faults.go_through()
            system.end()
        except Exception as error:
            raise AssertionError(f"after {faults.age:.0f} s and {told(faults.counts)}: {error}") from error
        summary = summary_of(system, faults)
    left = left_behind([system.port, system.relay.port], before)
    assert not left, f"the soak left behind {left}"
    return summary


if __name__ == "__main__":
    sys.exit(main())
