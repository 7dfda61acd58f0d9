"""Opponents: checkpoints in a directory, which play the right paddles of a training (--opponents).

Opponent        a policy, and the name of its file
Opponents       those of the directory that play now
spread          chooses them
snapshot_path   where a training puts a snapshot of its own
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from pongrl.agent.checkpoints import load_policy
from pongrl.agent.policy import Policy
from pongrl.errors import CheckpointError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.text import printable

MOST_OPPONENTS = 8  # that play; one of 250 hidden units takes 8 MB of memory
LARGEST_OPPONENT = 1 << 26  # bytes of its file; a checkpoint of 250 hidden units has 14 MB
LONGEST_NAME = 100  # characters
SUFFIX = ".p"

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Opponent:
    """A policy that plays, and the name of its file."""

    name: str
    policy: Policy


class _File(NamedTuple):
    """A file as it was found; one that is replaced is another. The oldest comes first."""

    when: int
    name: str
    size: int


class Opponents:
    """The opponents that play now. A file that cannot play is told once, and left out.

    Args:
        directory: with their checkpoints.
        say: takes lines for the console.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self._directory, self._say = directory, say
        self._left_out: set[_File] = set()
        self._read: dict[_File, Opponent] = {}

    @property
    def playing(self) -> list[Opponent]:
        """Those that play, the oldest first; none if there is no checkpoint yet."""
        return list(self._read.values())

    def look(self) -> None:
        """Read what is new in the directory. If it is empty or gone, those that play go on."""
        read = self._read
        while files := [file for file in self._find() if file not in self._left_out]:
            chosen = spread(files, MOST_OPPONENTS)
            read = {file: one for file in chosen if (one := self._take(file)) is not None}
            if len(read) == len(chosen):
                break
        self._read = read or self._read

    def _find(self) -> list[_File]:
        """List the checkpoints, the oldest first."""
        files = []
        try:
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        with contextlib.suppress(OSError):  # it is gone, or a link that leads nowhere
                            status = entry.stat()
                            files.append(_File(status.st_mtime_ns, entry.name, status.st_size))
        except OSError:  # the directory is gone; the next look may go well
            return []
        return sorted(files)

    def _take(self, file: _File) -> Opponent | None:
        """Return the opponent of a file, which is read if it is new; None if it cannot play."""
        known = self._read.get(file)
        if known is not None:
            return known
        try:
            opponent = Opponent(printable(file.name.removesuffix(SUFFIX), LONGEST_NAME), self._load(file))
        except CheckpointError as error:
            self._left_out.add(file)
            self._say(f"an opponent is left out: {error}")
            return None
        self._read[file] = opponent  # if another is left out, it need not be read again
        return opponent

    def _load(self, file: _File) -> Policy:
        path = self._directory / file.name
        if file.size > LARGEST_OPPONENT:
            raise CheckpointError(f"{printable(str(path))} has more than {LARGEST_OPPONENT >> 20} MB")
        policy = load_policy(path)
        if (policy.height, policy.width) != (FRAME_HEIGHT, FRAME_WIDTH):
            raise CheckpointError(
                f"{printable(str(path))} was trained on frames of {policy.width}×{policy.height}, "
                f"and Pong's are {FRAME_WIDTH}×{FRAME_HEIGHT}"
            )
        return policy


def spread(things: Sequence[T], most: int) -> list[T]:
    """Choose from things in order: the last, the first, and others between them at even distances."""
    if len(things) <= most:
        return list(things)
    return [things[number * (len(things) - 1) // (most - 1)] for number in range(most)]


def snapshot_path(directory: Path, points: int, run: str) -> Path:
    """Return the name of a run's snapshot after so many points. By names, snapshots sort by points."""
    return directory / f"{points:09}-{run}{SUFFIX}"
