"""Keeps a second server from an arena's file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pongrl.errors import PongError


class Lock:
    """Held until `close`, or until the process ends, however it does.

    It is a transaction in an empty database beside the file: SQLite locks alike on all systems.

    Args:
        path: The arena's file.

    Raises:
        PongError: Another server has it.
    """

    def __init__(self, path: Path) -> None:
        name = path.with_name(path.name + ".lock")
        try:
            self._db = sqlite3.connect(name, timeout=0.0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise PongError(f"the arena's file {path} cannot be locked ({error}): name another") from error
        try:
            self._db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._db.close()
            raise PongError(
                f"another server plays the arena of {path} ({error}): end that one, or name another file"
            ) from error

    def close(self) -> None:
        """Let another server have the file."""
        self._db.close()
