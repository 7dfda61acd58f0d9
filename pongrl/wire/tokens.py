"""The token: the secret that both sides must know. "" means that everybody may come in."""

from __future__ import annotations

import os
from pathlib import Path

from pongrl.errors import PongError
from pongrl.files import read_file

LARGEST_TOKEN = 1 << 16  # bytes of a file


def choose_token(token: str | None, token_file: str | None) -> str | None:
    """Return the token to use: the one given, else the file's, else that of PONG_TOKEN, else None.

    Raises:
        PongError: the file cannot be read.
    """
    return token if token is not None else read_token(token_file)


def read_token(token_file: str | None) -> str | None:
    """Return the token in a file, or if none is named that of the environment's PONG_TOKEN, else None.

    Raises:
        PongError: the file cannot be read.
    """
    if token_file is None:
        return os.environ.get("PONG_TOKEN")
    try:
        data = read_file(Path(token_file), LARGEST_TOKEN)
        return data.decode("utf-8-sig").strip()  # Notepad writes a mark before the text
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the token file {token_file} cannot be read ({getattr(error, 'strerror', None) or error}): "
            "name a text file with the token in it, or set PONG_TOKEN"
        ) from error
