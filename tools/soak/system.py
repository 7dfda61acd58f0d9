"""The processes of a soak and the relay between them, and what must hold of them."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from pongrl.agent import checkpoints
from pongrl.arena.ledger import Ledger
from tools.processes import ROOT
from tools.relay import Relay
from tools.soak.worlds import World
from tools.vitals import HAS_PROC, MEGABYTE, children, command_of, memory

CHECKPOINTS = ("save.p", "interrupt.p")
LONGEST_WAIT = 120.0  # until the game goes on; an agent waits up to 30 seconds between two attempts
LOOK_SECONDS = 0.25  # the processes are checked this often
READY = {"server": "listening on", "agent": "connected to"}  # what a process prints when it is ready
# The memory of a process may grow for so many seconds. An agent's batches use much memory for a moment: the
# smallest size within ten seconds counts.
WARM_UP = {"server": 20.0, "agent": 120.0}
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
        world: what is served.
        port: port of the server.
        seed: seed of the relay's delays.
        directory: folder for logs, and for the agent's files.
        stack: ends the processes and the relay.

    Attributes:
        lives: all processes, from the first to the last.
        refusals: last words of agents that could not connect, counted.
        resumed: points and updates on disk, whenever an agent has ended.
    """

    def __init__(
        self, world: World, port: int, seed: int, directory: Path, stack: contextlib.ExitStack
    ) -> None:
        self.world, self.port, self.directory = world, port, directory
        self.folder = directory / "run"  # the agent's
        self.lives: list[Life] = []
        self.refusals: Counter[str] = Counter()
        self.resumed: list[tuple[int, int]] = []
        self._children: dict[int, str] = {}  # of all servers: their commands
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
        flags = ("--lockstep", "--port", str(self.port), "--web", "0")
        self.server = self._start("server", *self.world.server, *flags)

    def start_agent(self) -> None:
        """Start the agent, with --resume if it has saved checkpoints."""
        flags = ["--host", "127.0.0.1", "--port", str(self.relay.port), "--directory", str(self.folder)]
        flags += self.world.agent
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

    @property
    def link(self) -> str:
        """The page's link for those who play; "" before it is there, and once it is gone."""
        found = re.search(r" there: (\S+)\n", self.server.words)
        return found[1] if found and self.page is not None else ""

    @property
    def page(self) -> int | None:
        """Number of the page's process; None if it is not there."""
        return next(iter(self._started_by_server("pongrl.web.")), None)

    @property
    def games(self) -> list[int]:
        """Numbers of the games' processes, where each game has its own."""
        return self._started_by_server("--multiprocessing-fork")

    def _started_by_server(self, words: str) -> list[int]:
        """Return the processes that the server has started with these words in their command."""
        if not HAS_PROC or self.server.process.poll() is not None:
            return []
        return [pid for pid in children(self.server.process.pid) if words in command_of(pid)]

    def note_children(self) -> None:
        """Remember which processes the server has started, since it is about to end."""
        if HAS_PROC:
            self._children |= {pid: command_of(pid) for pid in children(self.server.process.pid)}

    def orphans(self) -> list[str]:
        """Wait until no process that a server has started runs any more; return those that do not end."""
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            left = [told for pid, told in self._children.items() if told and command_of(pid) == told]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(LOOK_SECONDS)

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
        self.note_children()
        for life in (self.agent, self.server):
            life.process.terminate()
            code = life.process.wait(LONGEST_WAIT)
            assert code == 0, f"the {life.name} ended with exit code {code}: {life.last_words}"
        self.examine()
        self.relay.close()
        assert self.relay.error is None, f"the relay saw that {self.relay.error}"
        for life in self.lives:
            assert life.last - life.warm <= self.world.growth[life.name], (
                f"the {life.name} grew: {of_memory([life])}"
            )
            for forbidden in (self._token, "Traceback"):
                assert forbidden not in life.words, f"{forbidden!r} in what the {life.name} wrote"
        assert not (left := self.orphans()), f"processes that outlive their server: {left}"
        self._check_progress()
        if self.world.arena is not None:
            self._check_arena(self.world.arena)

    def _check_arena(self, path: Path) -> None:
        """Check that every match that was told of is kept."""
        servers = [life.words for life in self.lives if life.name == "server"]
        told = {int(number) for words in servers for number in re.findall(r" match (\d+): ", words)}
        ledger = Ledger(path)
        kept = {match[0] for match in ledger.matches()}
        ledger.close()
        assert told, "the server told of no match"
        assert told <= kept, f"matches that were told of and not kept: {sorted(told - kept)}"

    def _check_progress(self) -> None:
        with open(self.folder / "progress.csv", newline="") as file:
            rows = [(int(row["points"]), int(row["updates"])) for row in csv.DictReader(file)]
        assert rows == sorted(rows), "points or updates fall in progress.csv"
        (points, updates), kept = rows[-1], self.resumed[-1]  # a batch after the last point has no row
        assert points == kept[0], f"{rows[-1]} in progress.csv, {kept} on disk"
        assert updates <= kept[1], f"{rows[-1]} in progress.csv, {kept} on disk"
        assert kept[1] > 0, "nothing was learned"


def of_memory(lives: list[Life]) -> str:
    """Say how much memory processes used after their warm-up and at their end."""
    known = [life for life in lives if life.warm]
    if not known:
        return "no process lived long enough"
    worst = max(known, key=lambda life: life.last - life.warm)
    warm, last = worst.warm / MEGABYTE, worst.last / MEGABYTE
    return f"{len(known)} processes lived long enough; the one that grew most: {warm:.1f} to {last:.1f} MB"


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process if it still runs."""
    process.kill()
    process.wait()
