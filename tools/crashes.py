"""Kill a process while it saves checkpoints, again and again: `python -m tools.crashes DIRECTORY KILLS`.

After each kill the file must load and be, whole, the last one that was told to be saved, or the next one. No
more than one unfinished file may lie beside it. POSIX only: the process that is killed is forked, so that a
kill costs milliseconds. The exit code is 0 or 1, with what failed and after how many kills.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pongrl import errors
from pongrl.agent import checkpoints

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process with threads is not one to fork


LONGEST = 0.004  # seconds from the first file saved to the kill; one takes about two milliseconds


def numbered(number: int) -> dict[str, Any]:
    """Give what the checkpoint of a number holds: of many sizes, and none like the one before."""
    return {"number": number, "filling": bytes((number % 256,)) * (1000 + 7919 * number % 300_000)}


def save_on_and_on(path: Path, number: int, told: int) -> None:
    """Save, with ever higher numbers, and tell by a byte of each that it is saved."""
    try:
        for each in itertools.count(number + 1):
            checkpoints.save(path, numbered(each))
            os.write(told, b".")
    finally:  # whatever went wrong: this is a copy of the process that tells of it
        os._exit(1)


def kill_one(path: Path, number: int, seconds: float) -> int:
    """Let a process save from a number on, kill it, and give the number that it told last."""
    hears, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(hears)  # so that it ends if we do
        save_on_and_on(path, number, tells)
    os.close(tells)
    try:
        saved = len(os.read(hears, 1))
        time.sleep(seconds)  # a moment, not an event, is what is tried
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while told := os.read(hears, 1024):
        saved += len(told)
    os.close(hears)
    return number + saved


def check(path: Path, saved: int) -> tuple[int, bool]:
    """Give the number of the checkpoint that is there, and whether an unfinished one is.

    Raises:
        AssertionError: it is not whole, is too old, or more than that lies about.
    """
    values = checkpoints.load(path)
    number = values["number"]
    assert values == numbered(number), f"number {number} is mixed with another"
    assert saved <= number <= saved + 1, f"number {number} is there, after {saved} was saved"
    beside = [each.name for each in path.parent.iterdir() if each != path]
    assert len(beside) <= 1, f"left behind: {beside}"
    return number, bool(beside)


def main(directory: str, kills: str) -> int:
    """Run the command and give its exit code."""
    path, moments = Path(directory, "save.p"), random.Random()
    number = newer = unfinished = 0
    for kill in range(int(kills)):
        try:
            saved = kill_one(path, number, LONGEST * moments.random())
            number, left = check(path, saved)
        except (errors.CheckpointError, AssertionError) as error:
            print(f"FAILED after {kill + 1} kills: {error}", file=sys.stderr)
            return 1
        newer += number > saved
        unfinished += left
    print(f"kills {kills}, files {number}, newer than told {newer}, unfinished beside {unfinished}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
