"""The token: the secret that both sides must know. "" means that everybody may come in."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from pongrl.errors import PongError, UsageError
from pongrl.files import read_file

LARGEST_TOKEN = 1 << 16  # bytes of a file

log = logging.getLogger("pong")


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


def token_to_ask(given: str | None, is_open: bool, is_loopback: bool) -> tuple[str, bool]:
    """Decide what token agents must have. Strangers who can connect always need one, unless told otherwise.

    Args:
        given: the user's token, "" if it is empty, None if there is none.
        is_open: the user lets everybody in.
        is_loopback: only this machine can connect.

    Returns:
        The token, "" for none, and whether it was made up here.

    Raises:
        UsageError: the token and `is_open` contradict each other, or the token is empty.
    """
    if is_open:
        if given:
            raise UsageError("--open lets agents in without a token, but there is one: drop one of them")
        if not is_loopback:
            log.warning("without a token everybody on this network can take the left paddle")
        return "", False
    if is_loopback:
        return given or "", False
    if given == "":
        raise UsageError("the token is empty: give one, or say --open to let everybody in")
    if given is None:
        return secrets.token_urlsafe(12), True
    return given, False
