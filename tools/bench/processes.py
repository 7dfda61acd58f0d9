"""The programs as the benchmark runs them, and what /proc tells about them (Linux only).

Process        one of our programs at full speed
Server         pong.py, headless, on a free port
ProxyProcess   the proxy of delay.py, and its counts
training       mainmodel.py, with a temporary folder to write into
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.processes import ROOT, Program

STEP = "19"  # the kind of message, as a key in JSON


class Process(Program):
    """A program at full speed: without Python's development mode, its standard input open."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(*arguments, stdin=None, development=False)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid

    def has_ended(self) -> bool:
        """Return True if it has ended."""
        return self.process.poll() is not None

    def finish(self, seconds: float) -> None:
        """Wait until it ends without an error.

        Raises:
            RuntimeError: it ends with an exit code, or does not end.
        """
        code = self.ended(seconds)
        if code:
            last = (self.output.splitlines() or ["nothing"])[-1]
            raise RuntimeError(f"a program ended with exit code {code}; its last line: {last}")


class Listening(Process):
    """A process that prints the address it listens on.

    Attributes:
        port: where it listens.
        seconds_to_listen: seconds from its start until it listened.

    Raises:
        RuntimeError: it ended, or did not listen within a minute.
    """

    def __init__(self, *arguments: str) -> None:
        super().__init__(*arguments)
        try:
            line = self.find(r"listening on \S*:\d+")
        except RuntimeError:
            self.close()
            raise
        self.port = int(line.text.split()[2].rpartition(":")[2])
        self.seconds_to_listen = line.time - self.begun


class Server(Listening):
    """pong.py, headless, on a free port.

    Args:
        flags: further flags.
        tree: the checkout to take it from.
    """

    def __init__(self, *flags: str, tree: Path = ROOT) -> None:
        program = str(tree / "pong.py")
        super().__init__(program, "--headless", "--port", "0", "--seed", "1", "--until-eof", *flags)


@dataclass(frozen=True)
class Counts:
    """What a proxy has passed on so far.

    Attributes:
        time: when it was asked, by `time.monotonic`.
        bytes_up: bytes from agents to the server.
        bytes_down: bytes from the server to agents.
        steps: STEP messages.
        step_times: when each STEP came; empty unless the proxy was to note it.
    """

    time: float
    bytes_up: int
    bytes_down: int
    steps: int
    step_times: list[float]


class ProxyProcess(Listening):
    """The proxy of delay.py in front of a server on this machine."""

    def __init__(self, port: int, milliseconds: float = 0.0, times: bool = False) -> None:
        command = ["-m", "tools.bench.delay", "--to", f"127.0.0.1:{port}", "--until-eof"]
        command += ["--milliseconds", str(milliseconds)]
        if times:
            command.append("--times")
        super().__init__(*command)

    def counts(self) -> Counts:
        """Ask for the counts so far."""
        self.type("\n")
        counts: dict[str, Any] = json.loads(self.find(r"^{").text)
        up, down = counts["up"], counts["down"]
        steps = down["messages"].get(STEP, 0)
        return Counts(counts["now"], up["bytes"], down["bytes"], steps, down.get("times", []))


@contextlib.contextmanager
def training(seconds: float, *flags: str, tree: Path = ROOT) -> Iterator[tuple[Process, Path]]:
    """Run mainmodel.py of a checkout for a number of seconds of training.

    Returns:
        the process, and the temporary folder that it writes into.
    """
    with tempfile.TemporaryDirectory() as directory:
        program = str(tree / "mainmodel.py")
        command = [program, "--seed", "1", "--minutes", str(seconds / 60), "--directory", directory]
        with Process(*command, *flags) as agent:
            try:
                yield agent, Path(directory)
            finally:
                if not agent.has_ended():
                    agent.end()  # in order, with the server that it may have started


# ---------------------------------------------------------------------------------------------
# /proc


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process has at the moment.

    Raises:
        ProcessLookupError: it has ended, and only its exit code is left.
        FileNotFoundError: it has ended, and nothing is left.
    """
    _, found, rest = Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")
    if not found:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(rest.split()[0]) / 1024


@contextlib.contextmanager
def pinned(places: dict[int, set[int]]) -> Iterator[None]:
    """Keep processes, with all threads that they have now, on certain cores until the block ends."""
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
