"""Kill a process many times while it saves checkpoints: `python -m tools.crashes DIRECTORY KILLS`.

After each kill the file must load. It must be whole, and be the last checkpoint that the process reported as
saved, or the one after it. At most one unfinished file may lie beside it. The process is forked, so that a
kill takes milliseconds; this works on POSIX systems only. The exit code is 1 if something failed.
"""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # a process with BLAS threads cannot be forked safely

# isort: split
import argparse
import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pongrl.agent import checkpoints
from pongrl.errors import CheckpointError
from pongrl.wire.sockets import reason_of

LONGEST = 0.004  # seconds from the first file to the kill; to save one takes about two milliseconds


def numbered(number: int) -> dict[str, Any]:
    """Return the content of checkpoint `number`; sizes vary, and no two in a row are equal."""
    return {"number": number, "filling": bytes((number % 256,)) * (1000 + 7919 * number % 300_000)}


def save_on_and_on(path: Path, number: int, told: int) -> None:
    """Save checkpoint after checkpoint, and write a byte into the pipe `told` for each."""
    try:
        for each in itertools.count(number + 1):
            checkpoints.save(path, numbered(each))
            os.write(told, b".")
    finally:  # the process that forked us reports what went wrong
        os._exit(1)


def kill_one(path: Path, number: int, seconds: float) -> int:
    """Let a process save from `number` on, kill it, and return the last number that it reported."""
    hears, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(hears)  # writing fails when the process that forked us has ended
        save_on_and_on(path, number, tells)
    os.close(tells)
    try:
        saved = len(os.read(hears, 1))
        time.sleep(seconds)  # the kill must come at any moment, not at an event
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while told := os.read(hears, 1024):
        saved += len(told)
    os.close(hears)
    return number + saved


def check(path: Path, saved: int) -> tuple[int, bool]:
    """Check what is on disk after a kill.

    Returns:
        the number of the checkpoint, and True if an unfinished file lies beside it.

    Raises:
        AssertionError: the checkpoint is not whole or too old, or more files lie beside it.
    """
    values = checkpoints.load(path)
    number = values["number"]
    assert values == numbered(number), f"number {number} is mixed with another"
    assert saved <= number <= saved + 1, f"number {number} is there, after {saved} was saved"
    beside = [each.name for each in path.parent.iterdir() if each != path]
    assert len(beside) <= 1, f"left behind: {beside}"
    return number, bool(beside)


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.crashes", description="Kill a process many times while it saves checkpoints."
    )
    parser.add_argument("directory", type=Path, help="an empty folder for the checkpoints")
    parser.add_argument("kills", type=int, help="how many times")
    options = parser.parse_args(argv)
    try:
        options.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{options.directory} cannot be made: {reason_of(error)}")
    if any(options.directory.iterdir()):
        parser.error(f"{options.directory} is not empty: name another folder")
    path, moments = options.directory / "save.p", random.Random()
    number = newer = unfinished = 0
    for kill in range(options.kills):
        try:
            saved = kill_one(path, number, LONGEST * moments.random())
            number, left = check(path, saved)
        except (CheckpointError, AssertionError) as error:
            print(f"FAILED after {kill + 1} kills: {error}", file=sys.stderr)
            return 1
        newer += number > saved
        unfinished += left
    print(f"kills {options.kills}, files {number}, newer than told {newer}, unfinished beside {unfinished}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
