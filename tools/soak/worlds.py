"""What a soak's server serves: Pong, an arena, or another game."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.vitals import MEGABYTE

GAMES = 8


@dataclass(frozen=True)
class World:
    """What is served.

    Attributes:
        server: the server's command line, without the options that all worlds have.
        agent: further options of the agent.
        games: that the agent plays side by side.
        growth: bytes that a process may grow after its warm-up, by its name. An agent's batches grow as it
            learns: the longer its rallies are, the more it keeps.
        arena: the arena's file, if it is one.
    """

    server: tuple[str, ...]
    agent: tuple[str, ...]
    games: int
    growth: dict[str, int]
    arena: Path | None = None


def world_of(directory: Path, env: str | None, is_arena: bool) -> World:
    """Return what the options ask for; files are kept in a directory."""
    growth = {"server": 2 * MEGABYTE, "agent": 32 * MEGABYTE}
    if env is not None:
        flags = ("-m", "pongrl.envs.serve", "--env", env, "--games", str(GAMES))
        return World(flags, (), GAMES, growth | {"agent": 96 * MEGABYTE})
    if is_arena:
        path = directory / "arena.db"
        flags = ("pong.py", "--headless", "--arena", str(path), "--points-to-win", "5")
        return World(flags, ("--name", "soak"), 1, growth | {"server": 6 * MEGABYTE}, path)
    return World(("pong.py", "--headless", "--games", str(GAMES)), (), GAMES, growth)
