"""What the system costs and how fast it is: `python -m tests.bench.speed`, one table, about two minutes.

Nothing else should run meanwhile. CPU and memory are read from /proc, so this is for Linux.
"""

from __future__ import annotations

import csv
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from netproto import PongClient, Step
from pong import Camera, Game
from tests.helpers import ROOT

PYTHON = sys.executable


def seconds_per_call(function: Callable[[], object], calls: int) -> float:
    """Mean duration of a call."""
    begin = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - begin) / calls


def row(what: str, figure: str) -> None:
    """Print a row of the table."""
    print(f"| {what} | {figure} |", flush=True)


@contextmanager
def server(*flags: str) -> Iterator[tuple[int, int, float]]:
    """A headless server as a process: its port, its process number, seconds until it listened."""
    begin = time.perf_counter()
    command = [PYTHON, "pong.py", "--headless", "--port", "0", "--seed", "1", *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    found = re.search(r":(\d+) ", process.stdout.readline())
    assert found is not None
    try:
        yield int(found[1]), process.pid, time.perf_counter() - begin
    finally:
        process.terminate()
        process.communicate()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def echo_seconds(size_up: int, size_down: int, calls: int) -> float:
    """A bare round trip between two processes: so many bytes up, so many down."""
    script = (
        "import socket,sys\n"
        "s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); c,_=s.accept()\n"
        "c.setsockopt(6,1,1); b=bytes(int(sys.argv[2])); n=int(sys.argv[1])\n"
        "while True:\n d=c.recv(n,256)\n if not d: break\n c.sendall(b)\n"
    )
    command = [PYTHON, "-c", script, str(size_up), str(size_down)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with socket.create_connection(("127.0.0.1", int(process.stdout.readline()))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        message = bytes(size_up)

        def trip() -> None:
            sock.sendall(message)
            sock.recv(size_down, socket.MSG_WAITALL)

        result = seconds_per_call(trip, calls)
    process.communicate()
    return result


def without_learning(games: int, steps: int) -> tuple[float, list[Step]]:
    """Seconds per step in lockstep with moves drawn beforehand, and the steps."""
    with server("--lockstep", "--games", str(games)) as (port, _, _), PongClient(port=port) as client:
        client.connect()
        moves = iter(np.random.default_rng(1).integers(1, 3, (steps + 50, games)))
        seen = [client.step(next(moves)) for _ in range(50)]
        return seconds_per_call(lambda: client.step(next(moves)), steps), seen


def with_learning(games: int, minutes: float) -> tuple[float, float, float]:
    """Decisions per second while training, seconds until the first line, the agent's megabytes."""
    with tempfile.TemporaryDirectory() as directory:
        command = [PYTHON, "mainmodel.py", "--local", "--games", str(games), "--seed", "1"]
        command += ["--minutes", str(minutes), "--directory", directory]
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter() - begin
        memory = 0.0
        for _ in process.stdout:
            if process.poll() is None:
                memory = max(memory, resident_megabytes(process.pid))
        process.wait()
        with open(Path(directory, "progress.csv"), newline="") as file:
            *_, last = csv.DictReader(file)
    return float(last["decisions"]) / float(last["seconds"]), started, memory


def real_time(seconds: float) -> tuple[float, float, float, int]:
    """In real time with an agent: the server's share of a core, its megabytes, STEPs per second, drops."""
    with server() as (port, pid, _), PongClient(port=port) as client:
        client.connect()
        before, begin, steps = cpu_seconds(pid), time.perf_counter(), 0
        step = client.step([1])
        while time.perf_counter() - begin < seconds:
            step = client.step([1 + steps % 2])
            steps += 1
        spent = time.perf_counter() - begin
        return (cpu_seconds(pid) - before) / spent, resident_megabytes(pid), steps / spent, step.dropped


def main() -> None:
    """Print the table."""
    print("| what | figure |\n|---|---|")
    game, camera, places = Game(1), Camera(), random.Random(1)

    def move() -> None:
        game.ball_x, game.ball_y = places.randint(0, 690), places.randint(0, 490)

    moving = seconds_per_call(move, 5000)
    looking = seconds_per_call(lambda: (move(), camera.look(game)), 5000) - moving
    full = seconds_per_call(lambda: Camera.full(game), 300)
    row(
        "a frame by the camera; by drawing and resizing all of it",
        f"{1e6 * looking:.1f} µs; {1e6 * full:.0f} µs",
    )
    with server() as (_, pid, started):
        row(
            "`pong.py --headless` until it listens; its memory",
            f"{started:.2f} s; {resident_megabytes(pid):.0f} MB",
        )
    for games, steps in ((1, 5000), (16, 2000)):
        per_step, seen = without_learning(games, steps)
        down = sum(len(step.serialize()) for step in seen) / len(seen)
        bare = echo_seconds(9 + games, round(down), 5000)
        row(
            f"lockstep without learning, games: {games}",
            f"{games / per_step:,.0f} decisions/s; a step {1e6 * per_step:.0f} µs, {per_step / bare:.1f} × "
            f"a bare echo; bytes per decision: {down / games:.0f} down, {(9 + games) / games:.1f} up",
        )
    for games in (1, 16):
        rate, started, memory = with_learning(games, 0.4)
        row(
            f"`mainmodel.py --local --games {games}`, learning",
            f"{rate:,.0f} decisions/s; first line after {started:.1f} s; {memory:.0f} MB",
        )
    share, memory, rate, dropped = real_time(15)
    row(
        "real time, 60 ticks per second, an agent connected: the server",
        f"{100 * share:.1f} % of a core, {memory:.0f} MB, {rate:.2f} decisions/s, {dropped} states dropped",
    )
    print(f"\nThreads left: {threading.active_count() - 1}")


if __name__ == "__main__":
    main()
