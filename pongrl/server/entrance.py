"""Where agents come in: the address, the token that they must have, the certificate that they are shown."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from pongrl.server.options import Door, GameOptions
from pongrl.server.playing import Offer
from pongrl.wire.sockets import Address, is_loopback, spelled
from pongrl.wire.tokens import choose_token, token_to_ask


@dataclass(frozen=True)
class Entrance:
    """Where agents come in, and what they need for it."""

    host: str
    port: int  # 0 for any that is free
    token: str = field(default="", repr=False)  # empty if none is asked for
    is_made_up: bool = False  # nobody has given the token, so agents must be told it
    certificate: str | None = None  # PEM files; without them nothing is encrypted
    key: str | None = None


def entrance_of(user: Door) -> Entrance:
    """Return where agents come in, with a token that is made up if one is needed.

    Raises:
        PongError: the token cannot be read.
    """
    host = user.host or "127.0.0.1"
    given = choose_token(user.token, user.token_file)
    token, is_made_up = token_to_ask(given, user.open, is_loopback(host))
    return Entrance(host, user.port, token, is_made_up, user.certificate, user.key)


def greeting(options: GameOptions, entrance: Entrance, addresses: Sequence[Address]) -> list[str]:
    """Return the lines that a server of Pong prints when it listens."""
    others = "" if options.second_level is None else f" and {options.second_level}"
    played = f"level {options.level}{others}, {clock_of(options)}, games: {options.games}"
    return invitation(played, entrance, addresses)


def clock_of(offer: Offer) -> str:
    """Say by which clock is played."""
    return "lockstep" if offer.lockstep else f"real time at {offer.fps} ticks per second"


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
