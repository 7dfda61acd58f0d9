"""Where agents come in: the address, the token that they must have, the certificate that they are shown."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from pongrl.errors import UsageError
from pongrl.server.options import GameOptions
from pongrl.wire.sockets import Address, spelled

log = logging.getLogger("pong")


@dataclass(frozen=True)
class Entrance:
    """Where agents come in, and what they need for it."""

    host: str
    port: int  # 0 for any that is free
    token: str = ""  # empty if none is asked for
    is_made_up: bool = False  # nobody has given the token, so agents must be told it
    certificate: str | None = None  # PEM files; without them nothing is encrypted
    key: str | None = None


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


def greeting(options: GameOptions, entrance: Entrance, addresses: Sequence[Address]) -> list[str]:
    """Return the lines that a server prints when it listens; the agent's `LocalServer` reads the first."""
    port = addresses[0][1]
    where = " and ".join(spelled(*address) for address in addresses)
    clock = "lockstep" if options.lockstep else f"real time at {options.fps} ticks per second"
    others = "" if options.second_level is None else f" and {options.second_level}"
    words = f"listening on {where} (level {options.level}{others}, {clock}, games: {options.games})"
    if not entrance.is_made_up:
        return [words]
    return [words, "an agent on another machine connects with", f"    {_agent_command(entrance, port)}"]


def _agent_command(entrance: Entrance, port: int) -> str:
    """Return the command line for an agent on another machine."""
    name = socket.gethostname() if entrance.host in ("0.0.0.0", "::") else entrance.host
    if "." not in name and ":" not in name:
        name += ".local"
    command = f"PONG_TOKEN={entrance.token} python mainmodel.py --host {name} --port {port}"
    return command if entrance.certificate is None else f"{command} --ca FILE"
