"""Keeping the files of an earlier run when a new one begins in the same directory."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterable
from pathlib import Path

from pongrl.files import check_readable

LARGEST_COPY = 1 << 30  # bytes of a file; none of ours is half as large


def keep_aside(directory: Path, paths: Iterable[Path], copy: bool = False) -> Path | None:
    """Put files into the first folder of previous-1, previous-2, … that does not exist yet.

    Args:
        directory: In which the folder is made.
        paths: The files. Those that do not exist are left out. Of a link, what it leads to is kept.
        copy: Leave the files where they are, and copy them.

    Returns:
        The folder, or None if there was no file to keep.

    Raises:
        OSError: The disk is full, the directory cannot be written into, or a file to copy is too large.
    """
    found = [path for path in paths if (path.is_file() if copy else path.exists())]
    if not found:
        return None
    folder = _new_folder(directory)
    for path in found:
        is_link = path.is_symlink() and path.is_file()  # from the folder it might lead nowhere
        if copy or is_link:
            check_readable(path, LARGEST_COPY)
            shutil.copy2(path, folder / path.name)
        if not copy:
            path.unlink() if is_link else shutil.move(path, folder / path.name)
    return folder


def _new_folder(directory: Path) -> Path:
    for number in itertools.count(1):
        folder = directory / f"previous-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            break
    return folder
