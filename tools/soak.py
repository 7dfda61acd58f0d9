"""Train while processes die and the network fails: `python -m tools.soak --minutes 120`.

A real agent trains on a real server, with a relay between them. A seed decides the order of the faults:

    server killed, agent killed     SIGKILL, and a new start after a while, the agent with --resume
    server stopped, agent stopped   SIGSTOP, and SIGCONT after up to 20 seconds
    cut with RST, cut with FIN      the relay ends the connection
    delays                          every piece takes up to 50 ms longer, for some seconds
    held                            the network delivers nothing for up to 20 seconds, then everything
    swallowed                       the network delivers nothing for up to 20 seconds, and loses it
    garbage                         strangers send the server random bytes and messages
    silent crowd                    many strangers connect to the server and say nothing

No fault is longer than a twentieth of the run. After each fault the soak waits until the game goes on. Now
and then a short fault happens during a long one.

What must hold: the server and the agent end only when they are killed, except that an agent that could not
connect may end with one sentence; it is started again. The game goes on after each fault. On each connection
the relay finds that every reward is a change of the score. Checkpoints always load, and their points and
updates never decrease. A resumed agent goes on from the best checkpoint. No process grows after its warm-up.
Nothing is left behind. The soak prints a summary in Markdown; its exit code is 0 or 1.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pongrl.agent import checkpoints
from pongrl.agent.progress import Progress
from pongrl.wire.limits import SERVER_HANDSHAKE_LIMITS
from tools.hostile import garbage, noise
from tools.processes import ROOT
from tools.relay import Relay, Weather
from tools.vitals import HAS_PROC, MEGABYTE, files, memory

GAMES = 8
CHECKPOINTS = ("save.p", "interrupt.p")
LONGEST_FAULT = 20.0  # seconds
LONGEST_DELAY = 0.05
LONGEST_WAIT = 120.0  # until the game goes on; an agent waits up to 30 seconds between two attempts
LOOK_SECONDS = 0.25  # the processes are checked this often
READY = {"server": "listening on", "agent": "connected to"}  # what a process prints when it is ready
# The memory of a process may grow for so many seconds, and by so many bytes later. An agent's batches grow
# with its rallies and use much memory for a moment: the smallest size within ten seconds counts.
WARM_UP = {"server": 20.0, "agent": 120.0}
LARGEST_GROWTH = {"server": 2 * MEGABYTE, "agent": 32 * MEGABYTE}
LOOKS = 40  # checks in those ten seconds


@dataclass
class Life:
    """A process from its start to its end.

    Attributes:
        name: "server" or "agent".
        process: the process.
        log: the file with its output.
        began: when it started, and later when it was ready, by `time.monotonic`.
        warm: its memory in bytes after the warm-up; 0 before that.
        last: its memory in bytes at the last check.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)
    warm: int = 0
    last: int = 0
    _is_ready: bool = False
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=LOOKS))

    def look(self) -> None:
        """Check its memory, but only when it is ready: a process stopped at its start stays small."""
        if not HAS_PROC or self.process.poll() is not None:
            return
        if not self._is_ready:
            self._is_ready = READY[self.name] in self.words
            self.began = time.monotonic()
            return
        self._recent.append(memory(self.process.pid))
        if time.monotonic() - self.began >= WARM_UP[self.name] and len(self._recent) == LOOKS:
            self.last = min(self._recent)
            self.warm = self.warm or self.last

    @property
    def words(self) -> str:
        """What it has written so far."""
        return self.log.read_text("utf-8", "replace")

    @property
    def last_words(self) -> str:
        """The last lines that it has written."""
        return " | ".join(self.words.splitlines()[-5:])


class System:
    """A server, an agent that trains on it, and the relay between them.

    Args:
        port: port of the server.
        seed: seed of the relay's delays.
        directory: folder for logs, and for the agent's files.
        stack: ends the processes and the relay.

    Attributes:
        lives: all processes, from the first to the last.
        refusals: last words of agents that could not connect, counted.
        resumed: points and updates on disk, whenever an agent has ended.
    """

    def __init__(self, port: int, seed: int, directory: Path, stack: contextlib.ExitStack) -> None:
        self.port, self.directory = port, directory
        self.folder = directory / "run"  # the agent's
        self.lives: list[Life] = []
        self.refusals: Counter[str] = Counter()
        self.resumed: list[tuple[int, int]] = []
        self._token = secrets.token_urlsafe(16)
        self._stack = stack
        self.relay = Relay(port, seed)
        stack.callback(self.relay.close)
        self.relay.start()
        self.start_server()
        self.start_agent()

    def _start(self, name: str, *command: str) -> Life:
        log = self.directory / f"{name}-{len(self.lives)}.log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=os.environ | {"PONG_TOKEN": self._token},
            )  # fmt: skip
        life = Life(name, process, log)
        self.lives.append(life)
        self._stack.callback(kill, process)
        return life

    def start_server(self) -> None:
        """Start the server, always on the same port."""
        flags = ("--headless", "--lockstep", "--games", str(GAMES), "--port", str(self.port))
        self.server = self._start("server", "pong.py", *flags)

    def start_agent(self) -> None:
        """Start the agent, with --resume if it has saved checkpoints."""
        flags = ["--host", "127.0.0.1", "--port", str(self.relay.port), "--directory", str(self.folder)]
        if any((self.folder / name).exists() for name in CHECKPOINTS):
            flags.append("--resume")
        self.agent = self._start("agent", "mainmodel.py", *flags)

    def look(self) -> None:
        """Check the relay and the processes, and start the agent again if it could not connect.

        Raises:
            AssertionError: a process has ended that should not, or the relay has found an error.
        """
        assert self.relay.error is None, f"the relay saw that {self.relay.error}"
        for life in (self.server, self.agent):
            life.look()
        code = self.server.process.poll()
        assert code in (None, -signal.SIGKILL), (
            f"the server ended with exit code {code}: {self.server.last_words}"
        )
        code = self.agent.process.poll()
        if code not in (None, -signal.SIGKILL):
            self._excuse(code)
            self.start_agent()

    def _excuse(self, code: int) -> None:
        """Accept the end of an agent that could not connect, which a person might have to repair.

        Raises:
            AssertionError: it ended in another way.
        """
        words = self.agent.words.splitlines()
        excused = code == 2 and not any(line.startswith("connected to") for line in words)
        assert excused, f"the agent ended with exit code {code}: {self.agent.last_words}"
        self.refusals[re.sub(r"[0-9.]+:\d+", "…", words[-1])] += 1

    def rest(self, seconds: float) -> None:
        """Let time pass, and check the processes meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(LOOK_SECONDS, left))
            self.look()

    def wait_for_play(self, after: str) -> float:
        """Wait until the game goes on after a fault, and return how many seconds that took.

        Raises:
            AssertionError: it does not go on.
        """
        begin = time.monotonic()
        self.relay.played.clear()
        while not self.relay.played.wait(LOOK_SECONDS):
            self.look()
            assert time.monotonic() - begin < LONGEST_WAIT, f"after {after}, the game did not go on"
        return time.monotonic() - begin

    def examine(self) -> None:
        """Check what an agent that has ended left on disk.

        Raises:
            AssertionError: a checkpoint does not load, or has fewer points or updates than before.
        """
        paths = [path for name in CHECKPOINTS if (path := self.folder / name).exists()]
        kept = [checkpoints.load(path)["progress"] for path in paths]
        best = max([(one["points"], one["updates"]) for one in kept], default=(0, 0))
        before = self.resumed[-1] if self.resumed else (0, 0)
        assert all(now >= then for now, then in zip(best, before, strict=True)), (
            f"points and updates on disk were {before}, and are {best}"
        )
        if before[0] and "connected to" in self.agent.words:
            resumed = f": {before[0]:,} points"  # in the line that begins with "resumed from"
            assert resumed in self.agent.words.split("\n")[0], (
                f"not resumed{resumed}: {self.agent.last_words}"
            )
        self.resumed.append(best)

    def end(self) -> None:
        """End both programs in order, and check their files and logs.

        Raises:
            AssertionError: they do not end, or something is wrong in what they left.
        """
        self.look()
        for life in (self.agent, self.server):
            life.process.terminate()
            code = life.process.wait(LONGEST_WAIT)
            assert code == 0, f"the {life.name} ended with exit code {code}: {life.last_words}"
        self.examine()
        self.relay.close()
        assert self.relay.error is None, f"the relay saw that {self.relay.error}"
        for life in self.lives:
            assert life.last - life.warm <= LARGEST_GROWTH[life.name], (
                f"the {life.name} grew: {of_memory([life])}"
            )
            for forbidden in (self._token, "Traceback"):
                assert forbidden not in life.words, f"{forbidden!r} in what the {life.name} wrote"
        self._check_progress()

    def _check_progress(self) -> None:
        with open(self.folder / "progress.csv", newline="") as file:
            rows = [(int(row["points"]), int(row["updates"])) for row in csv.DictReader(file)]
        assert rows == sorted(rows), "points or updates fall in progress.csv"
        assert rows[-1] == self.resumed[-1], f"{rows[-1]} in progress.csv, {self.resumed[-1]} on disk"
        assert self.resumed[-1][1] > 0, "nothing was learned"


class Faults:
    """The faults of a run: `go_through` makes one after another.

    Attributes:
        counts: how often each fault happened.
        longest: the longest time from the end of a fault until the game went on, and the fault.
    """

    def __init__(self, system: System, rng: random.Random, seconds: float) -> None:
        self.counts: Counter[str] = Counter()
        self.longest = (0.0, "no fault")
        self._began = time.monotonic()
        self._system, self._rng, self._seconds = system, rng, seconds

    @property
    def age(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def go_through(self) -> None:
        """Make one fault after another until time is over.

        Raises:
            AssertionError: something does not hold.
        """
        self._wait_for_play("the start")
        for name in self._deck():
            self._system.rest(self._some(8.0))
            if self.age > self._seconds:
                return
            self._do(name)
            self._wait_for_play(name)

    def _wait_for_play(self, after: str) -> None:
        self.longest = max(self.longest, (self._system.wait_for_play(after), after))

    def _deck(self) -> Iterator[str]:
        """Yield the names of faults in random order, all equally often.

        After the first round processes are killed less often, so that some live long enough to show that they
        do not grow.
        """
        chance_of_kills = 1.0
        while True:
            names = [*self.LONG, *self.SHORT]
            self._rng.shuffle(names)
            for name in names:
                if not name.endswith("killed") or self._rng.random() < chance_of_kills:
                    yield name
            chance_of_kills = 1 / 3

    def _do(self, name: str) -> None:
        self.counts[name] += 1
        (self.LONG | self.SHORT)[name](self)

    def _some(self, longest: float) -> float:
        """Draw a duration in seconds."""
        return self._rng.uniform(0.05, 1.0) * min(longest, self._seconds / 20)

    def _during(self, longest: float) -> None:
        """Let a fault last; now and then a short one happens meanwhile."""
        self._system.rest(self._some(longest) / 2)
        if self._rng.random() < 0.25:
            self._do(self._rng.choice([*self.SHORT]))
        self._system.rest(self._some(longest) / 2)

    def kill_server(self) -> None:
        """Kill the server, and start it again after a while."""
        kill(self._system.server.process)
        self._during(5.0)
        self._system.start_server()

    def kill_agent(self) -> None:
        """Kill the agent, check its files, and start it again after a while."""
        kill(self._system.agent.process)
        self._system.examine()
        self._system.rest(self._some(2.0))
        self._system.start_agent()

    def stop_server(self) -> None:
        """Stop the server for a while."""
        self._stop(self._system.server)

    def stop_agent(self) -> None:
        """Stop the agent for a while."""
        self._stop(self._system.agent)

    def _stop(self, life: Life) -> None:
        life.process.send_signal(signal.SIGSTOP)
        self._during(LONGEST_FAULT)
        life.process.send_signal(signal.SIGCONT)

    def reset(self) -> None:
        """Cut the connection with RST."""
        self._system.relay.cut(reset=True)

    def finish(self) -> None:
        """Cut the connection with FIN."""
        self._system.relay.cut(reset=False)

    def delay(self) -> None:
        """Delay each piece for a while."""
        self._system.relay.delay = LONGEST_DELAY
        self._during(8.0)
        self._system.relay.delay = 0.0

    def hold(self) -> None:
        """Let the network hold everything back for a while."""
        self._have(Weather.HELD)

    def swallow(self) -> None:
        """Let the network lose everything for a while."""
        self._have(Weather.SWALLOWED)

    def _have(self, weather: Weather) -> None:
        self._system.relay.set_weather(weather)
        self._during(LONGEST_FAULT)
        self._system.relay.set_weather(Weather.FAIR)

    def send_garbage(self) -> None:
        """Send the server random bytes and messages, as strangers."""
        for _ in range(self._rng.randint(20, 100)):
            sent = self._rng.choice((noise(self._rng), garbage(self._rng, SERVER_HANDSHAKE_LIMITS)))
            with contextlib.suppress(OSError), self._stranger() as sock:
                sock.sendall(sent)

    def crowd(self) -> None:
        """Connect to the server many times, and say nothing for a while."""
        with contextlib.ExitStack() as strangers:
            for _ in range(self._rng.randint(20, 120)):
                with contextlib.suppress(OSError):
                    strangers.enter_context(self._stranger())
            self._during(6.0)

    def _stranger(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._system.port), 5)

    LONG: ClassVar = {
        "server killed": kill_server, "server stopped": stop_server, "agent stopped": stop_agent,
        "delays": delay, "held": hold, "swallowed": swallow, "silent crowd": crowd,
    }  # fmt: skip
    SHORT: ClassVar = {
        "agent killed": kill_agent, "cut with RST": reset, "cut with FIN": finish, "garbage": send_garbage,
    }  # fmt: skip


def summary_of(system: System, faults: Faults) -> str:
    """Return the results as a table in Markdown."""
    books = [books for books in system.relay.books if books.ledger is not None]
    ledgers = [books.ledger for books in books if books.ledger is not None]
    states = sum(ledger.states for ledger in ledgers)
    progress = Progress.from_plain(checkpoints.load(system.folder / "interrupt.p")["progress"])
    seconds, after = faults.longest
    rows = {
        "minutes": f"{faults.age / 60:.1f}",
        "faults": f"{faults.counts.total()}: " + told(faults.counts),
        "agents that could not connect, and were started again": told(system.refusals) or "none",
        "connections": f"{system.relay.connections}, {len(books)} of them let in",
        "decisions": f"{GAMES * sum(books.actions for books in books):,}",
        "points": f"{sum(ledger.points for ledger in ledgers):,}",
        "rewards checked against the score": f"{GAMES * states:,}, of {states:,} states: all agree",
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


def of_memory(lives: list[Life]) -> str:
    """Say how much memory processes used after their warm-up and at their end."""
    known = [life for life in lives if life.warm]
    if not known:
        return "no process lived long enough"
    worst = max(known, key=lambda life: life.last - life.warm)
    warm, last = worst.warm / MEGABYTE, worst.last / MEGABYTE
    return f"{len(known)} processes lived long enough; the one that grew most: {warm:.1f} to {last:.1f} MB"


def free_port(rng: random.Random) -> int:
    """Return a free port below those that the system gives to clients, which might connect to themselves."""
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", rng.randint(20_000, 30_000))) as it,
        ):
            return int(it.getsockname()[1])


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process if it still runs."""
    process.kill()
    process.wait()


def left_behind(ports: list[int], before: tuple[int, int]) -> str:
    """Say what a soak has left behind: a listener, a process, threads or files; "" if nothing."""
    for port in ports:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return f"a process that listens on port {port}"
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return "a process"
    now = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    return "" if now <= before else f"threads and files: {now}, {before} before"


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak", description="Train while processes die and the network fails."
    )
    parser.add_argument("--minutes", type=float, default=120.0, help="how long (default %(default)g)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the order of faults (default %(default)s)"
    )
    parser.add_argument("--directory", help="folder to keep logs and checkpoints in")
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        directory = options.directory or stack.enter_context(tempfile.TemporaryDirectory())
        try:
            print(soak(60 * options.minutes, options.seed, Path(directory)))
        except Exception as error:
            sentence = " ".join(str(error).split())
            again = f"python -m tools.soak --minutes {options.minutes:g} --seed {options.seed}"
            print(f"FAILED {sentence}; repeat with: {again}", file=sys.stderr)
            return 1
    return 0


def soak(seconds: float, seed: int, directory: Path) -> str:
    """Run a soak to its end, and return its summary.

    Raises:
        AssertionError: something does not hold.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    rng = random.Random(seed)
    with contextlib.ExitStack() as stack:
        system = System(free_port(rng), seed, directory, stack)
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
