"""The secret that both sides must know."""

from __future__ import annotations

import os
from pathlib import Path

from pongrl.errors import PongError


def read_token(token_file: str | None) -> str | None:
    """The token that the user gave: the file's, else PONG_TOKEN's, else None. "" means open.

    Raises:
        PongError: the file cannot be read.
    """
    if token_file is None:
        return os.environ.get("PONG_TOKEN")
    try:
        return Path(token_file).read_text("utf-8-sig").strip()  # Notepad marks its files
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the token file {token_file} cannot be read ({getattr(error, 'strerror', None) or error}): "
            "name a text file with the token in it"
        ) from error


def choose_token(token: str | None, token_file: str | None) -> str | None:
    """Return the token to use: the one given, else the file's, else PONG_TOKEN's, else None. "" means open.

    Raises:
        PongError: the file cannot be read.
    """
    return token if token is not None else read_token(token_file)
