"""Keeping the files of an earlier run when a new one begins in the same directory."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable
from pathlib import Path


def keep_aside(directory: Path, paths: Iterable[Path], copy: bool = False) -> Path | None:
    """Put files into the first folder of previous-1, previous-2, … that does not exist yet.

    Args:
        directory: In which the folder is made.
        paths: The files. Those that do not exist are left out.
        copy: Leave the files where they are, and copy them.

    Returns:
        The folder, or None if there was no file to keep.

    Raises:
        OSError: The disk is full, or the directory cannot be written into.
    """
    found = [path for path in paths if path.exists()]
    if not found:
        return None
    folders = (directory / f"previous-{number}" for number in itertools.count(1))
    folder = next(each for each in folders if not each.exists())
    folder.mkdir()
    for path in found:
        if copy:
            shutil.copy2(path, folder / path.name)
        else:
            shutil.move(path, folder / path.name)
    return folder
