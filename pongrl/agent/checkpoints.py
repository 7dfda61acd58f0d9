"""Checkpoints: plain values behind a checksum, replaced in one step."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from pongrl.agent.policy import Policy
from pongrl.errors import CheckpointError, ProtocolError, UsageError
from pongrl.wire import plain

CHECKPOINT_MAGIC = b"PONG-CK\n"
CHECKPOINT_FORMAT = 1


class _Hashed:
    """A file that is hashed as it is written, so that a checkpoint needs no second copy in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)


def save(path: Path, values: dict[str, Any]) -> None:
    """Write plain values as a checkpoint, so that the file is at any moment the old or the new one, whole.

    The file is magic (8 bytes), format (2), SHA-256 of the rest (32), and a pickle of plain values.

    Raises:
        CheckpointError: the disk is full, the directory gone, the file read-only.
    """
    unfinished = path.with_name(path.name + ".tmp")
    try:
        if path.exists() and not path.stat().st_mode & 0o222:  # replacing asks the directory alone
            raise PermissionError(errno.EACCES, "Permission denied")
        with open(unfinished, "wb") as file:
            digest_at = file.write(CHECKPOINT_MAGIC + CHECKPOINT_FORMAT.to_bytes(2, "big"))
            file.write(bytes(hashlib.sha256().digest_size))
            body = _Hashed(file)
            plain.dump(values, body)
            file.seek(digest_at)
            file.write(body.digest.digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise CheckpointError(
            f"{path} could not be written ({error.strerror}): the file before stays"
        ) from error


class Saver:
    """Writes checkpoints in a thread of its own, since a disk takes as long as hundreds of decisions.

    Of several for one file that wait the newest alone is kept and written. Why one is not written is said, in
    that thread; what is no fault of the disk's is raised by the next call, or at the end.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._thread = ThreadPoolExecutor(1, "saver")
        self._waiting: dict[Path, dict[str, Any]] = {}  # the caller puts in, the thread takes out
        self._went_well: dict[Path, bool] = {}  # the last time; the thread's alone
        self._mistake: Exception | None = None

    def save(self, path: Path, values: dict[str, Any]) -> Future[bool]:
        """Write these values, which nobody changes any more, soon. The result tells whether it went well."""
        self._raise_mistake()
        self._waiting[path] = values
        return self._thread.submit(self._write, path)

    def _write(self, path: Path) -> bool:
        try:
            if (values := self._waiting.pop(path, None)) is not None:  # else they went with those before
                self._went_well[path] = self._try(path, values)
        except Exception as error:
            self._mistake = error
            raise
        return self._went_well[path]

    def _try(self, path: Path, values: dict[str, Any]) -> bool:
        try:
            save(path, values)
        except CheckpointError as error:
            self._say(str(error))
            return False
        return True

    def _raise_mistake(self) -> None:
        if self._mistake is not None:
            raise self._mistake

    def close(self) -> None:
        """Write what still waits, and end the thread."""
        self._thread.shutdown()
        self._raise_mistake()


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint, from anybody: no code can be in it.

    Raises:
        CheckpointError: it is missing, foreign, damaged, or of a later format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error.strerror}): check its name"
        ) from error
    start = len(CHECKPOINT_MAGIC)
    if data[:start] != CHECKPOINT_MAGIC[: len(data)] or not data:
        raise CheckpointError(f"{path} is no checkpoint of this program: name one that it wrote")
    version, digest, body = (
        int.from_bytes(data[start : start + 2], "big"),
        data[start + 2 :][:32],
        data[start + 34 :],
    )
    if len(data) > start + 1 and version != CHECKPOINT_FORMAT:
        raise CheckpointError(
            f"{path} has format {version}, this release reads {CHECKPOINT_FORMAT}: update it"
        )
    try:
        if hashlib.sha256(body).digest() != digest:
            raise ProtocolError("its checksum is wrong")
        values = plain.loads(body)
        if type(values) is not dict:
            raise ProtocolError("it holds something else")
    except ProtocolError as error:
        raise CheckpointError(f"{path} is damaged ({error}): resume from another, or begin anew") from error
    return values


def points_of(path: Path) -> int:
    """How many points a checkpoint has learned from."""
    with damage_explained(path):
        return int(load(path)["progress"]["points"])


def load_policy(path: Path | str) -> Policy:
    """Read a checkpoint's policy alone.

    Raises:
        CheckpointError: there is none to be read.
    """
    path = Path(path)
    values = load(path)
    with damage_explained(path):
        return Policy.from_plain(values["policy"], values["options"]["hiddenUnits"])


@contextlib.contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turn what a checkpoint with the wrong things in it provokes into one sentence."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ProtocolError) as error:
        if isinstance(error, UsageError):
            raise
        raise CheckpointError(
            f"{path} has not what a checkpoint needs ({type(error).__name__}: {error}): resume from another"
        ) from error
