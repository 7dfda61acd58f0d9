"""Keeping the files of an earlier run when a new one begins in the same directory.

make_room    keeps aside all that a run would lose, or that would be taken for its own
put_aside    keeps some of a run's files aside, and says where
keep_aside   keeps any files aside
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from pongrl.agent.checkpoints import points_learned
from pongrl.agent.files import BEST, LATEST, OPPONENTS, ROWS
from pongrl.agent.options import RunOptions
from pongrl.errors import CheckpointError
from pongrl.files import check_readable

LARGEST_COPY = 1 << 30  # bytes of a file; none of ours is half as large


def keep_aside(directory: Path, move: Iterable[Path] = (), copy: Iterable[Path] = ()) -> Path | None:
    """Put files into the first folder of previous-1, previous-2, … that does not exist yet.

    Those that do not exist are left out. Of a link, what it leads to is kept.

    Args:
        directory: In which the folder is made.
        move: Files that are moved there.
        copy: Files that stay where they are, and are copied.

    Returns:
        The folder, or None if there was no file to keep.

    Raises:
        OSError: The disk is full, the directory cannot be written into, or a file to copy is too large.
    """
    copied = [path for path in copy if path.is_file()]
    moved = [path for path in move if path.exists()]
    if not copied and not moved:
        return None
    folder = _new_folder(directory)
    try:
        for path in copied:
            _copy(path, folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)  # half of a copy would fill a disk that is full
        raise
    for path in moved:
        if path.is_symlink() and path.is_file():  # from the folder it might lead nowhere
            _copy(path, folder)
            path.unlink()
        else:
            shutil.move(path, folder / path.name)
    return folder


def _copy(path: Path, folder: Path) -> None:
    check_readable(path, LARGEST_COPY)
    shutil.copy2(path, folder / path.name)


def _new_folder(directory: Path) -> Path:
    for number in itertools.count(1):
        folder = directory / f"previous-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            break
    return folder


def put_aside(
    directory: Path, say: Callable[[str], None], move: Iterable[str] = (), copy: Iterable[str] = ()
) -> None:
    """Keep files of a run's directory aside, those with these names, and say where.

    Raises:
        CheckpointError: they cannot be kept.
    """
    moved, copied = ([directory / name for name in names] for names in (move, copy))
    try:
        folder = keep_aside(directory, moved, copied)
    except OSError as error:
        raise CheckpointError(
            f"the files of the run before cannot be kept in {directory} ({error.strerror}): "
            "make room, or choose another --directory"
        ) from error
    if folder is not None:
        say(f"the files of the run before are kept in {folder}")


def make_room(options: RunOptions, points: int, say: Callable[[str], None]) -> None:
    """Keep aside what the run before has left in the directory of a run that begins.

    No checkpoint stays there that this run does not come from: the next --resume or --play would take it.

    Args:
        options: of the run that begins.
        points: that it has learned from.
        say: takes lines for the console.

    Raises:
        CheckpointError: the files cannot be kept.
    """
    directory, tables = Path(options.directory), (ROWS, OPPONENTS)
    if not options.resume:
        put_aside(directory, say, move=(BEST, LATEST, *tables))
    elif options.resume is not True:
        ours = [name for name in (BEST, LATEST) if _comes_from(directory / name, options, points)]
        others = [name for name in (BEST, LATEST) if name not in ours]
        put_aside(directory, say, move=others, copy=(*ours, *tables))


def _comes_from(path: Path, options: RunOptions, points: int) -> bool:
    """Tell whether a run comes from a checkpoint: that is resumed, or was the best before the one that is."""
    if options.is_resumed(path):
        return True
    if path.name == BEST and path.exists() and options.is_resumed(path.with_name(LATEST)):
        with contextlib.suppress(CheckpointError):
            return points_learned(path) <= points
    return False
