"""Count the instructions of the server's work, with qemu and a plugin of our own.

qemu's user emulators run a program instruction by instruction, so they can count them exactly, whatever the
speed of this machine. Debian's package qemu-user can load plugins (qemu-user-static cannot); the plugin is
instructions.c beside this file, and needs a C compiler.

    per_decision           of the loop of `pong.py --benchmark`: play a decision, look, pack the STEP
    per_second_of_serving  of a server in real time, with an agent outside

The start of the program cancels out, since a short and a long run are compared. Only the program's own
instructions are counted, and none of the kernel, which sends, receives and wakes it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pongrl.game.moves import UP
from pongrl.game.rules import TICKS_PER_SECOND
from pongrl.wire.client import PongClient
from tools.debian import MACHINES, PONG, Root, run
from tools.processes import Program

SOURCE = Path(__file__).with_suffix(".c")
FEW, MANY = 500, 2500  # turns of the loop; a turn is one decision in each game
SHORT, LONG = 75, 375  # decisions in real time
LONGEST = 900.0  # seconds that the loop may take
LOOP = """
import sys
from itertools import islice
from pongrl.server.benchmark import decisions
from pongrl.server.options import GameOptions
games, turns = map(int, sys.argv[1:])
options = GameOptions(
    level=2, second_level=None, opponent="ai", games=games, frameskip=8, fps=60, lockstep=True,
    points_to_win=21, seed=1, serves=True, inset=False,
)
for _ in islice(decisions(options), turns):
    pass
"""


def build_plugin(directory: Path) -> Path:
    """Compile the plugin.

    Raises:
        RuntimeError: there is no compiler, or it fails.
    """
    plugin = directory / "instructions.so"
    run("cc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(SOURCE))
    return plugin


def per_decision(root: Root, plugin: Path, games: int) -> float:
    """Return how many instructions a decision of one game takes when so many are played.

    Raises:
        RuntimeError: qemu is missing or too old, or the program fails.
    """
    count_loop(root, plugin, games, 1)  # the first run may write .pyc files
    few, many = (count_loop(root, plugin, games, turns) for turns in (FEW, MANY))
    return (many - few) / (MANY - FEW) / games


def per_second_of_serving(root: Root, plugin: Path) -> float:
    """Return how many instructions a second of one game in real time takes.

    Raises:
        RuntimeError: qemu is missing or too old, or the program fails.
    """
    (few, short), (many, long) = (count_serving(root, plugin, decisions) for decisions in (SHORT, LONG))
    return (many - few) / (long - short) * TICKS_PER_SECOND


def count_loop(root: Root, plugin: Path, games: int, turns: int) -> int:
    """Count the instructions of a program that turns the loop so many times."""
    arguments = ("-P", "-c", LOOP, str(games), str(turns))
    python, within = emulated(root, plugin)
    with Program(*arguments, python=python, within=within, development=False) as done:
        return counted(done.ended(LONGEST), done)


def count_serving(root: Root, plugin: Path, decisions: int) -> tuple[int, int]:
    """Serve so many decisions in real time.

    Returns:
        The instructions of the server, and the ticks that it has played.
    """
    python, within = emulated(root, plugin)
    program = (str(root.path / PONG[1:] / "bin/pongrl-server"), "--headless", "--port", "0", "--seed", "1")
    with Program(*program, stdin=None, python=python, within=within, development=False) as server:
        with PongClient("127.0.0.1", server.wait_for_port()) as client:
            client.connect()
            ticks = sum(int(client.step([UP]).ticks[0]) for _ in range(decisions))
        return counted(server.end(), server), ticks


def emulated(root: Root, plugin: Path) -> tuple[str, tuple[str, ...]]:
    """Return the root's Python, and the command that runs it in qemu with the plugin.

    Raises:
        RuntimeError: qemu is missing.
    """
    name = f"qemu-{MACHINES[root.architecture]}"
    qemu = shutil.which(name)
    if qemu is None:
        raise RuntimeError(f"{name} is missing: install Debian's package qemu-user")
    (packages,) = (root.path / PONG[1:]).glob("lib/python3*/site-packages")
    settings = ("PATH=/usr/bin:/bin", "PYTHONHASHSEED=0", "OPENBLAS_NUM_THREADS=1", f"PYTHONPATH={packages}")
    emulator = (qemu, "-L", str(root.path), "-cpu", root.cpu, "-plugin", str(plugin))
    return str(root.path / "usr/bin" / packages.parent.name), ("env", "-i", *settings, *emulator)


def counted(code: int, program: Program) -> int:
    """Read what the plugin has written at the program's end."""
    found = re.search(r"instructions: (\d+)", program.output)
    if code or found is None:
        raise RuntimeError(f"qemu failed:\n{program.output}")
    return int(found[1])
