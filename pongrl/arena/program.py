"""What `pong.py --arena` and `pong.py --ladder` do with the user's options."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pongrl.arena.export import export, is_replaceable
from pongrl.arena.ladder import ladder
from pongrl.arena.ledger import Ledger
from pongrl.arena.table import ArenaOptions
from pongrl.errors import PongError
from pongrl.files import replacing
from pongrl.server.entrance import Entrance, invitation
from pongrl.wire.session import name_of
from pongrl.wire.sockets import Address

FILE = "arena.db"
TABLES_PER_CORE = 16


class ArenaUser(Protocol):
    """The options of `pong.Pong` that an arena takes."""

    arena: bool | str
    points_to_win: int
    frameskip: int
    fps: int
    lockstep: bool
    move_seconds: float
    tables: int | None
    agents_per_address: int
    seed: int | None


def file_of(option: bool | str) -> Path:
    """Return the file that --arena or --ladder means."""
    return Path(option if isinstance(option, str) else FILE)


def arena_options(user: ArenaUser) -> ArenaOptions:
    """Return how matches are played."""
    tables = user.tables or TABLES_PER_CORE * (os.cpu_count() or 1)
    return ArenaOptions(
        user.points_to_win, user.frameskip, user.fps, user.lockstep, user.move_seconds, tables,
        user.agents_per_address, user.seed,
    )  # fmt: skip


def greeting_of(
    options: ArenaOptions, path: Path, entrance: Entrance, addresses: Sequence[Address]
) -> list[str]:
    """Return the lines that an arena prints when it listens."""
    clock = f"real time at {options.fps} ticks per second"
    if options.lockstep:
        clock = f"lockstep, {options.move_seconds:g} s for an answer"
    played = f"arena {path}, {clock}, tables: {options.tables}"
    return invitation(played, entrance, addresses, "enters", " --play save.p --name NAME")


def tell_ladder(
    path: Path, free: str | None, final: int | None, csv: str | None, say: Callable[[str], None]
) -> None:
    """Change what a teacher asks for, and say how an arena stands.

    Args:
        path: The arena's file; an arena may be playing with it.
        free: A name that is to belong to nobody.
        final: Matches of each pair in the final that closes the season; 0 to open it again.
        csv: File to write all matches into.
        say: Takes the lines.

    Raises:
        PongError: The file is no arena's, there is no such name, or the CSV cannot be written.
    """
    ledger = Ledger(path, is_new=False)
    try:
        if free is not None:
            ledger.free(name_of(free.encode(errors="replace")))
        if final is not None:
            ledger.close_season(final)
        if csv is not None:
            _write(ledger, path, Path(csv))
            say(f"wrote all matches into {csv}")
        for line in ladder(ledger.standings()):
            say(line)
    finally:
        ledger.close()


def _write(ledger: Ledger, own: Path, path: Path) -> None:
    if path.exists() and path.samefile(own):
        raise PongError(f"{path} is the arena's own file: name another with --csv")
    try:
        if not is_replaceable(path):
            raise PongError(f"{path} is no list of matches, and stays: name another file with --csv")
        with replacing(path, "w", encoding="utf-8-sig", newline="") as file:
            export(ledger, file)
    except OSError as error:
        raise PongError(
            f"{path} cannot be written ({error.strerror}): name another file with --csv"
        ) from error
