"""The programs as processes, and what /proc tells of them: this is for Linux.

Process     any of ours: its lines as they come and when, a signal, an end
Server      pong.py, headless, on a free port
Relay       the proxy of delay.py, and its counts
training    mainmodel.py, writing into a folder that is thrown away
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.processes import ROOT

PATIENCE = 60.0  # seconds until a line that is waited for is a failure
STEP = "19"  # kinds of messages, as JSON has its keys


@dataclass(frozen=True)
class Seen:
    """A line that was waited for."""

    match: re.Match[str]
    time: float  # time.monotonic when it came


class Process:
    """A program of ours with these arguments behind `python`; it is ended at the end of the block."""

    def __init__(self, *arguments: str) -> None:
        self._name = " ".join(arguments)
        environment = {name: value for name, value in os.environ.items() if name != "PONG_TOKEN"}
        self.begun = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.pid = self._process.pid
        self._said = "nothing"  # its last line; the reader sets it
        self._lines: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put((time.monotonic(), line))
            self._said = line.strip()
        self._lines.put(None)

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> Seen:
        """Wait for a line in which the pattern occurs.

        Raises:
            RuntimeError: the process has ended before, or it takes too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                came = self._lines.get(timeout=max(deadline - time.monotonic(), 0.0))
            except queue.Empty:
                raise self._failure(f"has not said {pattern!r} for {seconds:g} seconds") from None
            if came is None:
                raise self._failure(f"has ended without saying {pattern!r}")
            if (match := re.search(pattern, came[1])) is not None:
                return Seen(match, came[0])

    def _failure(self, what: str) -> RuntimeError:
        return RuntimeError(f"{self._name} {what}; its last line: {self._said}")

    def type(self, line: str) -> None:
        """Type a line into its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def has_ended(self) -> bool:
        """Whether it runs no longer."""
        return self._process.poll() is not None

    def ended(self, seconds: float) -> None:
        """Wait for its end, which is to be a good one.

        Raises:
            RuntimeError: it ends with an exit code, or does not end.
        """
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"has not ended after {seconds:g} seconds") from None
        if code:
            self._reader.join()
            raise self._failure(f"has ended with exit code {code}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()


class Listening(Process):
    """A process that says where it listens; `port` is there as soon as it does."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(*arguments)
        try:
            seen = self.wait_for(r"listening on \S*:(\d+)")
        except RuntimeError:
            self.__exit__()
            raise
        self.port, self.seconds_to_listen = int(seen.match[1]), seen.time - self.begun


class Server(Listening):
    """pong.py, headless, on a free port."""

    def __init__(self, *flags: str) -> None:
        super().__init__("pong.py", "--headless", "--port", "0", "--seed", "1", "--until-eof", *flags)


@dataclass(frozen=True)
class Counts:
    """What a relay has passed on so far."""

    time: float
    bytes_up: int
    bytes_down: int
    steps: int
    step_times: list[float]


class Relay(Listening):
    """The proxy of delay.py in front of a server on this machine."""

    def __init__(self, port: int, milliseconds: float = 0.0, times: bool = False) -> None:
        command = ["-m", "tools.bench.delay", "--to", f"127.0.0.1:{port}", "--until-eof"]
        super().__init__(*command, "--milliseconds", str(milliseconds), *["--times"] * times)

    def counts(self) -> Counts:
        """Ask it what has passed."""
        self.type("")
        counts: dict[str, Any] = json.loads(self.wait_for(r"^{").match.string)
        up, down = counts["up"], counts["down"]
        steps = down["messages"].get(STEP, 0)
        return Counts(counts["now"], up["bytes"], down["bytes"], steps, down.get("times", []))


@contextlib.contextmanager
def training(seconds: float, *flags: str) -> Iterator[tuple[Process, Path]]:
    """mainmodel.py, learning for so long, and the folder that it writes into."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["mainmodel.py", "--seed", "1", "--minutes", str(seconds / 60), "--directory", directory]
        with Process(*command, *flags) as agent:
            yield agent, Path(directory)


# ---------------------------------------------------------------------------------------------
# /proc


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Memory that a process has at the moment.

    Raises:
        ProcessLookupError: it has ended, and only its exit code is left of it.
        FileNotFoundError: nor is that.
    """
    _, found, rest = Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")
    if not found:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(rest.split()[0]) / 1024


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(number) for text in lists for number in text.split()]


@contextlib.contextmanager
def pinned(places: dict[int, set[int]]) -> Iterator[None]:
    """Keep processes on these cores for a while, with all threads that they have now."""
    before = {
        int(task.name): os.sched_getaffinity(int(task.name))
        for pid in places
        for task in Path(f"/proc/{pid}/task").iterdir()
    }
    try:
        for pid, cores in places.items():
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), cores)
        yield
    finally:
        for thread, cores in before.items():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(thread, cores)
