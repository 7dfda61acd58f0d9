"""Where agents come in: the address, the token that they must have, the certificate that they are shown."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from pongrl.server.options import GameOptions
from pongrl.wire.sockets import Address, spelled


@dataclass(frozen=True)
class Entrance:
    """Where agents come in, and what they need for it."""

    host: str
    port: int  # 0 for any that is free
    token: str = ""  # empty if none is asked for
    is_made_up: bool = False  # nobody has given the token, so agents must be told it
    certificate: str | None = None  # PEM files; without them nothing is encrypted
    key: str | None = None


def greeting(options: GameOptions, entrance: Entrance, addresses: Sequence[Address]) -> list[str]:
    """Return the lines that a server of Pong prints when it listens."""
    clock = "lockstep" if options.lockstep else f"real time at {options.fps} ticks per second"
    others = "" if options.second_level is None else f" and {options.second_level}"
    return invitation(f"level {options.level}{others}, {clock}, games: {options.games}", entrance, addresses)


def invitation(
    played: str, entrance: Entrance, addresses: Sequence[Address], verb: str = "connects", more: str = ""
) -> list[str]:
    """Return the lines that a server prints when it listens; the agent's `LocalServer` reads the first.

    Args:
        played: what is played, in words.
        entrance: where agents come in.
        addresses: on which the server listens.
        verb: what an agent does there.
        more: options that it needs for that.
    """
    where = " and ".join(spelled(*address) for address in addresses)
    words = f"listening on {where} ({played})"
    if not entrance.is_made_up:
        return [words]
    command = _agent_command(entrance, addresses[0][1])
    return [words, f"an agent on another machine {verb} with", f"    {command}{more}"]


def _agent_command(entrance: Entrance, port: int) -> str:
    """Return the command line for an agent on another machine."""
    name = socket.gethostname() if entrance.host in ("0.0.0.0", "::") else entrance.host
    if "." not in name and ":" not in name:
        name += ".local"
    command = f"PONG_TOKEN={entrance.token} python mainmodel.py --host {name} --port {port}"
    return command if entrance.certificate is None else f"{command} --ca FILE"
