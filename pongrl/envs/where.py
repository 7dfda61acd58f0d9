"""Which server an environment plays on: one on the network, or one that it starts itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from pongrl.agent.local_server import training_flags
from pongrl.checks import LARGEST_FRAMESKIP, LARGEST_MATCH, whole
from pongrl.errors import UsageError
from pongrl.wire.messages import DEFAULT_PORT
from pongrl.wire.sockets import check_types

NETWORK = frozenset({"host", "port", "token", "token_file", "ca"})  # options for a server on the network


class WhereOptions(TypedDict, total=False):
    """The keyword arguments of every environment that say where to play. `Where` explains them."""

    host: str
    port: int
    token: str | None
    token_file: str | None
    ca: str | None
    local: bool
    level: int | None
    frameskip: int | None
    points_to_win: int | None


@dataclass(frozen=True, kw_only=True)
class Where:
    """Say which server to play on.

    For a server on the network:
        host: its name or address, or "name:port".
        port: the port that it listens on.
        token: the token that it wants; by default the content of `token_file`, else PONG_TOKEN.
        token_file: a file with the token.
        ca: a file of certificates, if the server has a certificate.

    For a server of our own, which is a lockstep `pong.py` on this machine:
        local: True.
        level: level of the built-in AI, 1 to 3 (default 2).
        frameskip: ticks of 1/60 s in one decision (default 8).
        points_to_win: points that win a match (default 21).

    Raises:
        UsageError: options of both kinds were given, or one is of another type or out of its range.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    ca: str | None = None
    local: bool = False
    level: int | None = None
    frameskip: int | None = None
    points_to_win: int | None = None

    def __post_init__(self) -> None:
        check_types(self.host, self.port)
        network = (self.host, self.port, self.token, self.token_file, self.ca)
        if self.local and network != (Where.host, Where.port, None, None, None):
            raise UsageError("local=True starts a server of its own: leave out host, port, token and ca")
        if not self.local and (self.level, self.frameskip, self.points_to_win) != (None, None, None):
            raise UsageError(
                "level, frameskip and points_to_win are the server's own: "
                "give them to its pong.py, or say local=True"
            )
        for name, most in (("level", 3), ("frameskip", LARGEST_FRAMESKIP), ("points_to_win", LARGEST_MATCH)):
            value = getattr(self, name)
            if value is not None:
                whole(name, value, 1, most)

    def flags(self, games: int, seed: int) -> tuple[str, ...]:
        """Return the command line for a server of our own with so many games."""
        flags = training_flags(self.level, games, seed)
        for flag, value in (("--frameskip", self.frameskip), ("--points-to-win", self.points_to_win)):
            if value is not None:
                flags += (flag, str(value))
        return flags
