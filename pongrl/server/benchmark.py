"""How many decisions per second this machine can serve: `python pong.py --benchmark`."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys
from pongrl.server.match import Match
from pongrl.server.options import GameOptions
from pongrl.wire.messages import Role

BENCHMARK_SECONDS = 2.0
GAMES = (1, 16)
DECISIONS_UP_OR_DOWN = 40  # before the paddle turns round


def measure(options: GameOptions, seconds: float = BENCHMARK_SECONDS) -> None:
    """Play decisions as fast as it goes, pack their STEPs, and print how many there were."""
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    for games in GAMES:
        rate = decisions_per_second(replace(options, games=games), seconds)
        print(
            f"games: {games:2}   {rate:,.0f} decisions/s at most, "
            f"before the network and the agent take their time"
        )
    needed = GAMES[-1] * options.fps / options.frameskip
    print(f"real time needs {needed:.0f} decisions/s for {GAMES[-1]} games")


def decisions_per_second(options: GameOptions, seconds: float) -> float:
    """Play for so long, and return the decisions per second, of all games together."""
    decided = decisions(options)
    total = warm = next(decided)  # which draws all stamps of the camera first
    begin = time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        total = next(decided)
    return (total - warm) / elapsed


def decisions(options: GameOptions) -> Iterator[int]:
    """Let every game play one decision and pack the STEP, again and again.

    Yields:
        How many decisions there have been, of all games together.
    """
    match, keys = Match(options), Keys()
    hands = match.seat(Role.LEFT)
    total = 0
    while True:
        move = UP if total // DECISIONS_UP_OR_DOWN % 2 else DOWN
        for hand in hands:
            hand.move = move
        match.decide(keys)
        match.observe(Role.LEFT, 0, 0).serialize()
        total += options.games
        yield total
