"""Hours of faults, squeezed: `python -m tools.soak --minutes 120`. It prints a summary in Markdown.

A real server, a real agent that trains on it, a relay between them, and a script of faults from a seed:

    server killed, agent killed     SIGKILL, and started again after a while, the agent with --resume
    server stopped, agent stopped   SIGSTOP, and SIGCONT after up to 20 seconds
    cut with RST, cut with FIN      by the relay
    delays                          up to 50 ms for each piece, for some seconds
    held                            the network delivers nothing for up to 20 seconds, then all of it
    swallowed                       the network delivers nothing for up to 20 seconds, and nothing of it later
    garbage                         strangers send the server what nobody should
    silent crowd                    strangers connect to the server in numbers and say nothing

No fault is longer than a twentieth of the run. After each the soak waits until play goes on; now and then a
short one comes in the middle of a long one.

What must hold: the server and the agent end only when they are killed, but that an agent that has not been
connected may end with one sentence, and is started again; play goes on after each fault; on each connection
every reward is a change of the score, by the relay's books; checkpoints always load, and never have fewer
points or updates than before; a resumed agent goes on from the best of them; no process grows once it is
warm; and nothing is left behind. The exit code is 0 or 1.
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
LONGEST_FAULT = 20.0  # seconds
LONGEST_DELAY = 0.05
LONGEST_WAIT = 120.0  # for play to go on; between two tries an agent waits 30 seconds at most
LOOK_SECONDS = 0.25  # between two looks at the processes
READY = {"server": "listening on", "agent": "connected to"}  # what they say when their life begins
# Seconds of a process's life that its memory may grow in, and bytes that it may grow by later. An agent's
# batches grow with its rallies, and each takes much for a moment: what counts is the least in ten seconds.
WARM_UP = {"server": 20.0, "agent": 120.0}
LARGEST_GROWTH = {"server": 2 * MEGABYTE, "agent": 32 * MEGABYTE}
LOOKS = 40  # in those ten seconds


@dataclass
class Life:
    """A process from its start to its end."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)
    warm: int = 0  # bytes; 0 until it is
    last: int = 0
    _is_ready: bool = False
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=LOOKS))

    def look(self) -> None:
        """Look at its memory, from when it is ready: one that is stopped as it starts is small for long."""
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
        """What it wrote so far."""
        return self.log.read_text("utf-8", "replace")

    @property
    def last_words(self) -> str:
        """The last lines of that."""
        return " | ".join(self.words.splitlines()[-5:])


class Soak:
    """The system, its faults, and the books of both."""

    def __init__(self, seconds: float, seed: int, directory: Path, stack: contextlib.ExitStack) -> None:
        self.began = time.monotonic()
        self.rng = random.Random(seed)
        self.seconds, self.directory = seconds, directory
        self.token = secrets.token_urlsafe(16)
        self.server_port = free_port(self.rng)
        self.lives: list[Life] = []
        self.faults: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()  # agents that ended before they were connected
        self.resumed: list[tuple[int, int]] = []  # points and updates of the checkpoints, at each end
        self.longest = (0.0, "no fault")
        self._stack = stack
        self.relay = Relay(self.server_port, seed)
        stack.callback(self.relay.close)
        self.relay.start()
        self.server = self.start_server()
        self.agent = self.start_agent()

    @property
    def age(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    # Processes.

    def _start(self, name: str, *command: str) -> Life:
        log = self.directory / f"{name}-{len(self.lives)}.log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=os.environ | {"PONG_TOKEN": self.token},
            )  # fmt: skip
        life = Life(name, process, log)
        self.lives.append(life)
        self._stack.callback(kill, process)
        return life

    def start_server(self) -> Life:
        """Start the server, on the same port every time."""
        flags = ("--headless", "--lockstep", "--games", str(GAMES), "--port", str(self.server_port))
        return self._start("server", "pong.py", *flags)

    def start_agent(self) -> Life:
        """Start the agent, from its checkpoints if there are any."""
        where = ("--host", "127.0.0.1", "--port", str(self.relay.port), "--directory", str(self.run))
        resume = [path for name in ("save.p", "interrupt.p") if (path := self.run / name).exists()]
        return self._start("agent", "mainmodel.py", *where, *["--resume"] * bool(resume))

    @property
    def run(self) -> Path:
        """The agent's directory."""
        return self.directory / "run"

    def rest(self, seconds: float) -> None:
        """Let time pass, with an eye on the processes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(LOOK_SECONDS, left))
            self.look()

    def look(self) -> None:
        """Look at the processes: how large, and whether they are there.

        Raises:
            AssertionError: one has ended that should not, or the relay saw what should not be.
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
            self.agent = self.start_agent()

    def _excuse(self, code: int) -> None:
        """Let an agent end that has not been connected: what was wrong then may be a person's to mend."""
        words = self.agent.words.splitlines()
        excused = code == 2 and not any(line.startswith("connected to") for line in words)
        assert excused, f"the agent ended with exit code {code}: {self.agent.last_words}"
        self.refusals[re.sub(r"[0-9.]+:\d+", "…", words[-1])] += 1

    # Faults.

    def kill_server(self) -> None:
        """Kill the server, and start it again after a while."""
        kill(self.server.process)
        self._during(5.0)
        self.server = self.start_server()

    def kill_agent(self) -> None:
        """Kill the agent, look at what it left, and start it again after a while."""
        kill(self.agent.process)
        self._examine()
        self.rest(self._some(2.0))
        self.agent = self.start_agent()

    def stop_server(self) -> None:
        """Stop the server for a while."""
        self._stop(self.server)

    def stop_agent(self) -> None:
        """Stop the agent for a while."""
        self._stop(self.agent)

    def _stop(self, life: Life) -> None:
        life.process.send_signal(signal.SIGSTOP)
        self._during(LONGEST_FAULT)
        life.process.send_signal(signal.SIGCONT)

    def reset(self) -> None:
        """Cut the connection with RST."""
        self.relay.cut(reset=True)

    def finish(self) -> None:
        """Cut the connection with FIN."""
        self.relay.cut(reset=False)

    def delay(self) -> None:
        """Delay each piece for a while."""
        self.relay.delay = LONGEST_DELAY
        self._during(8.0)
        self.relay.delay = 0.0

    def hold(self) -> None:
        """Hold everything back for a while."""
        self._have(Weather.HELD)

    def swallow(self) -> None:
        """Lose everything for a while."""
        self._have(Weather.SWALLOWED)

    def _have(self, weather: Weather) -> None:
        self.relay.set_weather(weather)
        self._during(LONGEST_FAULT)
        self.relay.set_weather(Weather.FAIR)

    def send_garbage(self) -> None:
        """Send the server what nobody should."""
        for _ in range(self.rng.randint(20, 100)):
            with contextlib.suppress(OSError), self._stranger() as sock:
                sock.sendall(self.rng.choice((noise(self.rng), garbage(self.rng, SERVER_HANDSHAKE_LIMITS))))

    def crowd(self) -> None:
        """Connect to the server in numbers, and say nothing for a while."""
        with contextlib.ExitStack() as strangers:
            for _ in range(self.rng.randint(20, 120)):
                with contextlib.suppress(OSError):
                    strangers.enter_context(self._stranger())
            self._during(6.0)

    def _stranger(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server_port), 5)

    LONG: ClassVar = {
        "server killed": kill_server, "server stopped": stop_server, "agent stopped": stop_agent,
        "delays": delay, "held": hold, "swallowed": swallow, "silent crowd": crowd,
    }  # fmt: skip
    SHORT: ClassVar = {
        "agent killed": kill_agent, "cut with RST": reset, "cut with FIN": finish, "garbage": send_garbage,
    }  # fmt: skip

    def _some(self, longest: float) -> float:
        """Draw how long something takes."""
        return self.rng.uniform(0.05, 1.0) * min(longest, self.seconds / 20)

    def _during(self, longest: float) -> None:
        """Let a fault last; now and then a short one comes in the middle of it."""
        self.rest(self._some(longest) / 2)
        if self.rng.random() < 0.25:
            self._do(self.rng.choice([*self.SHORT]))
        self.rest(self._some(longest) / 2)

    def _do(self, name: str) -> None:
        self.faults[name] += 1
        (self.LONG | self.SHORT)[name](self)

    def _deck(self) -> Iterator[str]:
        """Give faults, each kind as often as any other, in random order; deaths are rarer after the first.

        Else no process would live long enough to show that it does not grow.
        """
        rarer = 1.0
        while True:
            names = [*self.LONG, *self.SHORT]
            self.rng.shuffle(names)
            for name in names:
                if not name.endswith("killed") or self.rng.random() < rarer:
                    yield name
            rarer = 1 / 3

    def go_through(self) -> None:
        """Let fault after fault happen until time is over.

        Raises:
            AssertionError: something does not hold.
        """
        self.wait_for_play("the start")
        for name in self._deck():
            self.rest(self._some(8.0))
            if self.age > self.seconds:
                return
            self._do(name)
            self.wait_for_play(name)

    def wait_for_play(self, after: str) -> None:
        """Wait until the game goes on.

        Raises:
            AssertionError: it does not.
        """
        begin = time.monotonic()
        self.relay.played.clear()
        while not self.relay.played.wait(LOOK_SECONDS):
            self.look()
            assert time.monotonic() - begin < LONGEST_WAIT, f"after {after}, play did not go on"
        self.longest = max(self.longest, (time.monotonic() - begin, after))

    # Books.

    def _examine(self) -> None:
        """Look at what an agent that is gone has left on disk.

        Raises:
            AssertionError: a checkpoint does not load, or what was learned is less than before.
        """
        kept = [
            checkpoints.load(path)["progress"]
            for name in ("save.p", "interrupt.p")
            if (path := self.run / name).exists()
        ]
        best = max([(one["points"], one["updates"]) for one in kept], default=(0, 0))
        before = self.resumed[-1] if self.resumed else (0, 0)
        assert all(now >= then for now, then in zip(best, before, strict=True)), (
            f"points and updates on disk were {before}, and are {best}"
        )
        if before[0] and "connected to" in self.agent.words:
            resumed = f": {before[0]:,} points"  # of the line that begins with "resumed from"
            assert resumed in self.agent.words.split("\n")[0], (
                f"not resumed{resumed}: {self.agent.last_words}"
            )
        self.resumed.append(best)

    def end(self) -> None:
        """End both programs in order, and look at what is left.

        Raises:
            AssertionError: they do not end, or something is left.
        """
        self.look()
        for life in (self.agent, self.server):
            life.process.terminate()
            code = life.process.wait(LONGEST_WAIT)
            assert code == 0, f"the {life.name} ended with exit code {code}: {life.last_words}"
        self._examine()
        self.relay.close()
        assert self.relay.error is None, f"the relay saw that {self.relay.error}"
        for life in self.lives:
            assert life.last - life.warm <= LARGEST_GROWTH[life.name], (
                f"the {life.name} grew: {of_memory([life])}"
            )
            for forbidden in (self.token, "Traceback"):
                assert forbidden not in life.words, f"{forbidden!r} in what the {life.name} wrote"
        with open(self.run / "progress.csv", newline="") as file:
            rows = [(int(row["points"]), int(row["updates"])) for row in csv.DictReader(file)]
        assert rows == sorted(rows), "points or updates fall in progress.csv"
        assert rows[-1] == self.resumed[-1], f"{rows[-1]} in progress.csv, {self.resumed[-1]} on disk"
        assert self.resumed[-1][1] > 0, "nothing was learned"

    def summary(self) -> str:
        """Say it all in a table."""
        books = [books for books in self.relay.books if books.ledger is not None]
        ledgers = [books.ledger for books in books if books.ledger is not None]
        progress = Progress.from_plain(checkpoints.load(self.run / "interrupt.p")["progress"])
        seconds, after = self.longest
        rows = {
            "minutes": f"{self.age / 60:.1f}",
            "faults": f"{self.faults.total()}: " + told(self.faults),
            "agents that could not connect at once, and were started again": told(self.refusals) or "none",
            "connections": f"{self.relay.connections}, {len(books)} of them let in",
            "decisions": f"{GAMES * sum(books.actions for books in books):,}",
            "points": f"{sum(ledger.points for ledger in ledgers):,}",
            "rewards checked against the score": f"{GAMES * sum(ledger.states for ledger in ledgers):,}, "
            f"of {sum(ledger.states for ledger in ledgers):,} states: all agree",
            "memory of the server": of_memory([life for life in self.lives if life.name == "server"]),
            "memory of the agent": of_memory([life for life in self.lives if life.name == "agent"]),
            "longest from a fault's end to play": f"{seconds:.1f} s, after {after}",
            "learned, at each end of an agent": " → ".join(f"{points:,}" for points, _ in self.resumed)
            + f" points; won {100 * progress.win_rate:.1f} % of the last 1,000",
        }
        return "| soak | |\n|---|---|\n" + "\n".join(
            f"| {what} | {figure} |" for what, figure in rows.items()
        )


def told(counter: Counter[str]) -> str:
    """Say how often what happened."""
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def of_memory(lives: list[Life]) -> str:
    """Say what processes had when they were warm, and at their ends."""
    known = [life for life in lives if life.warm]
    if not known:
        return "none lived long enough to tell"
    worst = max(known, key=lambda life: life.last - life.warm)
    warm, last = worst.warm / MEGABYTE, worst.last / MEGABYTE
    return (
        f"{len(known)} lives that were long enough; the one that grew most, from {warm:.1f} to {last:.1f} MB"
    )


def free_port(rng: random.Random) -> int:
    """Give a free port below those that the system gives to clients: one of them may connect to itself."""
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", rng.randint(20_000, 30_000))) as it,
        ):
            return int(it.getsockname()[1])


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, if it is there."""
    process.kill()
    process.wait()


def left_behind(ports: list[int], before: tuple[int, int]) -> str:
    """Say what is left of a soak: processes, sockets, or more threads and files than before."""
    for port in ports:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return f"somebody who listens on port {port}"
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return "a process"
    now = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    return "" if now <= before else f"threads and files: {now}, {before} before"


def main(argv: list[str] | None = None) -> int:
    """Run the command and give its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=120.0, help="how long (default %(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the script of faults (default %(default)s)")
    parser.add_argument("--directory", help="where to leave logs and checkpoints (default nowhere)")
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
    """Run a soak to its end, and give its summary.

    Raises:
        AssertionError: something does not hold.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = threading.active_count(), files(os.getpid()) if HAS_PROC else 0
    with contextlib.ExitStack() as stack:
        run = Soak(seconds, seed, directory, stack)
        try:
            run.go_through()
            run.end()
        except Exception as error:
            raise AssertionError(f"after {run.age:.0f} s and {told(run.faults)}: {error}") from error
        summary = run.summary()
    left = left_behind([run.server_port, run.relay.port], before)
    assert not left, f"the soak left behind {left}"
    return summary


if __name__ == "__main__":
    sys.exit(main())
