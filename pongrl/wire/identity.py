"""The identity of an agent that is to be known again, tomorrow too: a secret in a file."""

from __future__ import annotations

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
        secret = read_file(path, _SECRET_BYTES) if path.exists() else _new_secret(path)
    except OSError as error:
        raise PongError(
            f"the identity in {path} cannot be used ({error.strerror}): mend that, or name another directory"
        ) from error
    if len(secret) != _SECRET_BYTES:
        raise PongError(f"{path} is no identity of an agent: move it away, or name another directory")
    key = name_of(name.encode(errors="replace")[:NAME_BYTES]).casefold()
    return hmac.digest(secret, key.encode(), "sha256")[:IDENTITY_BYTES]


def _new_secret(path: Path) -> bytes:
    secret = secrets.token_bytes(_SECRET_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    return secret
