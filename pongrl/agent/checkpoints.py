"""Checkpoints: what they hold, and how they are written and read.

    Checkpoint     the parts of a checkpoint of a training run
    save, load     the file: plain values behind a checksum, replaced in one step
    Saver          saves in a thread of its own
    load_policy    reads the policy alone; load_trained what it was trained on, too
    points_learned reads how many points a checkpoint has learned from

The file is

    8 bytes     CHECKPOINT_MAGIC
    2           CHECKPOINT_FORMAT, big-endian
    32          SHA-256 of the rest
    the rest    a pickle of plain values (see pongrl.wire.plain): no code can be in it
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.agent.ranges import checked
from pongrl.errors import CheckpointError, ProtocolError, UsageError
from pongrl.files import read_file, replacing
from pongrl.text import printable
from pongrl.wire import plain
from pongrl.wire.messages import IDENTITY_BYTES

CHECKPOINT_MAGIC = b"PONG-CK\n"
CHECKPOINT_FORMAT = 1
HEAD = CHECKPOINT_MAGIC + CHECKPOINT_FORMAT.to_bytes(2, "big")
DIGEST_BYTES = 32  # of SHA-256
LARGEST_CHECKPOINT = 1 << 29  # bytes; one of 250 hidden units has 14 MB


@dataclass(frozen=True)
class Checkpoint:
    """The parts of a checkpoint of a training run.

    `read` checks the parts that do not depend on the run. The caller checks the options and restores the
    learner inside `with damage_explained(path)`, which turns errors into a CheckpointError.
    """

    options: Mapping[str, Any]  # that the run goes on with, by name; hiddenUnits is one of them
    progress: Progress
    policy: Policy
    learner: Mapping[str, Any]  # for Learner.restore
    identity: bytes | None = field(default=None, repr=False)  # of the agent; some old files have none
    level: int | None = None  # of the built-in AI that was trained against; old files have none

    def to_plain(self) -> dict[str, Any]:
        """Give the plain values that `save` and `Saver` write."""
        return {
            "options": dict(self.options),
            "progress": self.progress.to_plain(),
            "policy": self.policy.to_plain(),
            "learner": dict(self.learner),
            "identity": self.identity,
            "level": self.level,
        }

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a checkpoint.

        Raises:
            CheckpointError: The file cannot be read, or a part is missing or damaged.
        """
        values = load(path)
        with damage_explained(path):
            options = values["options"]
            return cls(
                options,
                Progress.from_plain(values["progress"]),
                Policy.from_plain(values["policy"], options["hiddenUnits"]),
                values["learner"],
                _identity(values.get("identity")),
                _level_of(values),
            )


def _identity(value: object) -> bytes | None:
    if value is None or (isinstance(value, bytes) and len(value) == IDENTITY_BYTES):
        return value
    raise ValueError("an identity that is none")


def _level_of(values: Mapping[str, Any]) -> int | None:
    """Find the level in the values of a checkpoint; old files have it among the options, or not at all."""
    level = values.get("level", values["options"].get("level"))
    return None if level is None else int(checked("level", level))


def points_learned(path: Path) -> int:
    """Read how many points a checkpoint has learned from.

    Raises:
        CheckpointError: The file cannot be read.
    """
    with damage_explained(path):
        return int(checked("points", load(path)["progress"]["points"]))


def load_policy(path: Path | str) -> Policy:
    """Read the policy of a checkpoint alone.

    Raises:
        CheckpointError: The file cannot be read, or has no policy.
    """
    return load_trained(path)[0]


def load_trained(path: Path | str) -> tuple[Policy, int | None]:
    """Read the policy of a checkpoint, and the level that it was trained against, if the file tells it.

    Raises:
        CheckpointError: The file cannot be read, or has no policy.
    """
    path = Path(path)
    values = load(path)
    with damage_explained(path):
        policy = Policy.from_plain(values["policy"], values["options"]["hiddenUnits"])
        return policy, _level_of(values) or None


@contextlib.contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turn the errors that wrong values in a checkpoint cause into one sentence.

    Raises:
        CheckpointError: In their place. A UsageError goes through as it is.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ProtocolError) as error:
        if isinstance(error, UsageError):
            raise
        reason = printable(f"{type(error).__name__}: {error}", longest=200)
        raise CheckpointError(
            f"{path} has not what a checkpoint needs ({reason}): resume from another"
        ) from error


def save(path: Path, values: dict[str, Any]) -> None:
    """Write plain values as a checkpoint. At every moment the file is the old or the new one, complete.

    Raises:
        CheckpointError: The disk is full, the directory is gone, or the file is read-only.
    """
    try:
        with replacing(path) as file:
            _write(file, values)
    except OSError as error:
        rest = "the file before stays" if os.path.exists(path) else "nothing is saved there"
        raise CheckpointError(f"{path} could not be written ({error.strerror}): {rest}") from error


def _write(file: IO[bytes], values: dict[str, Any]) -> None:
    digest_at = file.write(HEAD)
    file.write(bytes(DIGEST_BYTES))  # until the digest is known
    body = _Hashed(file)
    plain.dump(values, body)
    file.seek(digest_at)
    file.write(body.digest.digest())


class _Hashed:
    """A file that is hashed as it is written, so that a checkpoint needs no second copy in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)


def load(path: Path) -> dict[str, Any]:
    """Read the plain values of a checkpoint, which may come from anybody.

    Raises:
        CheckpointError: The file is missing, foreign, damaged, or of a later format.
    """
    try:
        data = read_file(path, LARGEST_CHECKPOINT, CHECKPOINT_MAGIC)
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error.strerror}): check its name"
        ) from error
    body, digest = _body_of(path, data)
    try:
        return _values_of(body, digest)
    except ProtocolError as error:
        reason = printable(str(error), longest=200)
        raise CheckpointError(
            f"{path} is damaged ({reason}): resume from another, or start from nothing"
        ) from error


def _body_of(path: Path, data: bytes) -> tuple[bytes, bytes]:
    """Check the beginning of a file; give its body, and the digest that it should have."""
    start = len(CHECKPOINT_MAGIC)
    if data[:start] != CHECKPOINT_MAGIC[: len(data)] or not data:
        raise CheckpointError(f"{path} is no checkpoint of this program: name one that it wrote")
    version = int.from_bytes(data[start : start + 2], "big")
    if len(data) > start + 1 and version != CHECKPOINT_FORMAT:
        raise CheckpointError(
            f"{path} has format {version}, this release reads {CHECKPOINT_FORMAT}: update it"
        )
    digest = slice(start + 2, start + 2 + DIGEST_BYTES)
    return data[digest.stop :], data[digest]


def _values_of(body: bytes, digest: bytes) -> dict[str, Any]:
    if hashlib.sha256(body).digest() != digest:
        raise ProtocolError("its checksum is wrong")
    values = plain.loads(body)
    if type(values) is not dict:
        raise ProtocolError("it holds something else")
    return values


class Saver:
    """Saves checkpoints in a thread of its own, since a disk takes as long as hundreds of decisions.

    Only the newest queued checkpoint of each file is kept and written. If one cannot be written, `say` is
    told why, in that thread: once for a file and a reason, until it can be written again. A mistake of ours
    is raised by the next call of `save`, or by `close`.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._thread = ThreadPoolExecutor(1, "saver")
        # The caller puts in, the thread takes out: values, and whether to tell why they cannot be written.
        self._queued: dict[Path, tuple[dict[str, Any], bool]] = {}
        self._problems: dict[Path, str] = {}  # of the last attempt for each file; "" if there was none
        self._mistake: Exception | None = None

    def save(self, path: Path, values: dict[str, Any], tells: bool = True) -> Future[bool]:
        """Queue plain values to be written. Nobody may change them any more.

        Args:
            path: The file.
            values: What is in it.
            tells: Whether `say` is told if they cannot be written; else the caller tells it (see `problem`).

        Returns:
            A future: True when they are written, False if they could not be.
        """
        self._raise_mistake()
        self._queued[path] = values, tells
        return self._thread.submit(self._save, path)

    def _save(self, path: Path) -> bool:
        try:
            if (queued := self._queued.pop(path, None)) is not None:  # else an earlier call has written them
                self._problems[path] = self._try(path, *queued, self._problems.get(path, ""))
        except Exception as error:
            self._mistake = error
            raise
        return not self._problems[path]

    def _try(self, path: Path, values: dict[str, Any], tells: bool, before: str) -> str:
        try:
            save(path, values)
        except CheckpointError as error:
            if tells and str(error) != before:
                self._say(str(error))
            return str(error)
        if before:
            self._say(f"{path} could be written again")
        return ""

    def problem(self, path: Path) -> str:
        """Say why a file could not be written the last time; "" if it could."""
        return self._problems.get(path, "")

    def _raise_mistake(self) -> None:
        if self._mistake is not None:
            raise self._mistake

    def close(self) -> None:
        """Write what is still queued, and end the thread."""
        self._thread.shutdown()
        self._raise_mistake()
