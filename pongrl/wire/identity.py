"""The identity of an agent that is to be known again, tomorrow too: a secret in a file."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from pongrl.errors import PongError
from pongrl.files import read_file
from pongrl.wire.messages import IDENTITY_BYTES, NAME_BYTES, name_of

FILE = "identity"
_SECRET_BYTES = 32


def identity_for(name: str, directory: str | Path = ".") -> bytes:
    """Return the identity of an agent with this name, the same each time.

    It is made from a secret in the file `identity` of the directory, which is written the first time. Whoever
    has the file can come by these names, so keep it to yourself.

    Args:
        name: The agent's.
        directory: Where the file is.

    Returns:
        16 bytes, for `PongClient(identity=…)`.

    Raises:
        PongError: The file cannot be read or written, or is another kind of file.
    """
    path = Path(directory, FILE)
    try:
        if not path.exists():
            _write_secret(path)
        secret = read_file(path, _SECRET_BYTES)
    except OSError as error:
        raise PongError(
            f"the identity in {path} cannot be used ({error.strerror}): name another directory"
        ) from error
    if len(secret) != _SECRET_BYTES:
        raise PongError(f"{path} is no identity of an agent: move it away, or name another directory")
    key = name_of(name.encode(errors="replace")[:NAME_BYTES]).casefold()
    return hmac.digest(secret, key.encode(), "sha256")[:IDENTITY_BYTES]


def _write_secret(path: Path) -> None:
    """Write a new secret, whole at once; of several agents that do so the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = path.with_name(f"{FILE}.{secrets.token_hex(8)}.tmp")  # on Windows tempfile would try for hours
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(ours, flags, 0o600)  # nobody else may read it
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
        try:
            os.link(ours, path)
        except FileExistsError:
            pass
        except OSError:  # this file system has no links
            os.replace(ours, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ours)
