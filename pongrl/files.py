"""Files that a person names: looked at before they are read, and replaced in one step when they are written.

A name may lead to anything: a pipe that nobody writes to, a device that never ends, a file larger than the
memory, or a link that somebody else has put there. The errors are OSErrors whose `strerror` says what is
wrong, as the system's own are.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

LARGEST_TEXT = 1 << 26  # bytes of a progress.csv: some 700,000 rows
LARGEST_PEM = 1 << 24  # bytes of a file of certificates: those of a system have a quarter of a million
REPLACE_PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds between attempts to replace a file that others may read now

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "it is a directory"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (lambda mode: not stat.S_ISREG(mode), "it is a device"),
)


def read_file(path: Path, largest: int, begins: bytes = b"") -> bytes:
    """Read a whole file.

    Args:
        path: Its name.
        largest: Bytes that it may have.
        begins: What its first bytes must be; if they are others, only so many are read and returned.

    Raises:
        OSError: It cannot be read, is no ordinary file, or is larger.
    """
    with _opened(path, largest) as file:
        first = file.read(len(begins))
        rest = os.fstat(file.fileno()).st_size - len(first)  # memory is taken for all that is asked for
        return first if first != begins else first + file.read(max(rest, 0))


def check_readable(path: Path, largest: int) -> None:
    """Look at a file that a library will read by its name; see `read_file`.

    Raises:
        OSError: It cannot be read, is no ordinary file, or is larger.
    """
    with _opened(path, largest):
        pass


@contextlib.contextmanager
def _opened(path: Path, largest: int) -> Iterator[IO[bytes]]:
    """Open a file, and look at what was opened: what has the name may be another thing a moment later."""
    # O_NONBLOCK: opening a pipe would wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except PermissionError:
        if path.is_dir():  # that is all that Windows says of one
            _check_kind(stat.S_IFDIR)
        raise
    try:
        status = os.fstat(number)
        _check_kind(status.st_mode)
        if status.st_size > largest:
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, where {largest:,} are the most")
        with open(number, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(number)


def check_replaceable(path: Path) -> None:
    """Look at the place where a file is to be written: it must be free, or an ordinary file.

    Raises:
        OSError: Something else is there, or a file that is read-only.
    """
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        _check_kind(mode)
        if not mode & 0o222:  # replacing a file asks only its directory
            raise PermissionError(errno.EACCES, "Permission denied")


@contextlib.contextmanager
def replacing(path: Path, mode: str = "wb", **how: Any) -> Iterator[IO[Any]]:
    """Write a file beside another one, and put it in its place at the end, unless there is an error.

    At every moment the file is the old or the new one, complete. A link is replaced, and not followed.

    Args:
        path: The file.
        mode, how: As for `open`.

    Raises:
        OSError: It cannot be written; the old file stays.
    """
    check_replaceable(path)
    unfinished = path.with_name(path.name + ".tmp")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()  # of a run that was killed; or a link, which would lead elsewhere
    try:
        with open(unfinished, mode.replace("w", "x"), **how) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not (unfinished.exists() and os.path.samestat(os.fstat(file.fileno()), unfinished.stat())):
                raise FileExistsError(errno.EEXIST, "another program writes it too")
        _put_in_place(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _put_in_place(unfinished: Path, path: Path) -> None:
    """Replace a file. Windows refuses that while another program has it open, if only to read it."""
    for seconds in REPLACE_PAUSES:
        with contextlib.suppress(PermissionError):
            os.replace(unfinished, path)
            return
        time.sleep(seconds)
    os.replace(unfinished, path)


def _check_kind(mode: int) -> None:
    for is_kind, words in _KINDS:
        if is_kind(mode):
            raise OSError(errno.EINVAL, words)
