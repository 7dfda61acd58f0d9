"""An SQLite file that is changed in whole steps, opened and explained."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pongrl.arena.schema import APPLICATION, SCHEMA, VERSION
from pongrl.errors import PongError

PATIENCE = 10.0  # seconds to wait for another program that writes


class Store:
    """The file, opened. For one thread at a time.

    Args:
        path: The file; it is made if it is not there.
        is_new: Whether it may be made.
        patience: Seconds to wait for another program that writes.

    Raises:
        PongError: It cannot be opened, or is no file of an arena.
    """

    def __init__(self, path: Path, is_new: bool = True, patience: float = PATIENCE) -> None:
        self.path = path
        with self.explained():
            if not path.exists() and not is_new:
                raise PongError(
                    f"there is no {path}: name the file of an arena, or begin one with --arena {path}"
                )
            if path.exists() and not path.is_file():
                raise PongError(f"{path} is no file: name another with --arena")
            self._db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            with self.explained():
                self._prepare()
                self._place = path.stat()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        """Make the tables in a new file, and look at an old one."""
        db = self._db
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
            if not ours or db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise PongError(
                    f"{self.path} is not an arena's file, or another version's: name another file"
                )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # what was told to people is there after a power cut too
        db.execute("PRAGMA foreign_keys = ON")
        if not tables:
            with self.change():
                if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in SCHEMA.split(";\n"):
                        db.execute(statement)

    def check_place(self) -> None:
        """Look whether the file is still where it was.

        Raises:
            PongError: It was moved or deleted, so what is written goes nowhere.
        """
        with self.explained():
            here = self.path.stat()
        if not os.path.samestat(here, self._place):
            raise PongError(f"{self.path} is another file now: put the arena's file back")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Say in a sentence what is wrong with the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise PongError(
                f"the arena's file {self.path} cannot be used ({error}): name another, or put that right"
            ) from error

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Change several things in one step: all of them, or none."""
        with self.explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def all(self, query: str, *values: Any) -> list[Any]:
        """Return all rows that a query finds."""
        with self.explained():
            return self._db.execute(query, values).fetchall()

    def each(self, query: str) -> Iterator[Any]:
        """Give the rows that a query finds, one after another."""
        with self.explained():
            yield from self._db.execute(query)
