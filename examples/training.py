"""What the programs that train other libraries' agents have in common: their options."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from pongrl.checks import whole
from pongrl.errors import UsageError
from pongrl.wire.messages import DEFAULT_PORT, MAX_GAMES

LARGEST_SEED = (1 << 31) - 1  # that every library takes, also with a game's number added to the games' own


@dataclass
class Training:
    """Options: where to play, for how long, and where to go on.

    Raises:
        UsageError: an option is out of its range.
    """

    _: KW_ONLY
    host: Annotated[str, "where the server is"] = "127.0.0.1"
    port: Annotated[int, "port that it listens on"] = DEFAULT_PORT
    token_file: Annotated[str | None, "file with the token that it wants (or set PONG_TOKEN)"] = None
    ca: Annotated[str | None, "file with the certificate of a server that has one"] = None
    local: Annotated[bool, "start a server on this machine"] = False
    level: Annotated[int | None, "its level, 1 to 3"] = None
    games: Annotated[int, "games side by side, as many as the server plays"] = 16
    steps: Annotated[int, "decisions to train for, of all games together"] = 1_000_000
    until: Annotated[float | None, "end when this share of the last 1,000 points is won, as 0.55"] = None
    seed: Annotated[int | None, "seed of the network, and of the games with --local"] = None
    debug: Annotated[bool, "log why the program ends"] = False

    def __post_init__(self) -> None:
        whole("--games", self.games, 1, MAX_GAMES)
        whole("--steps", self.steps, 1, 10**12)
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED - self.games)
        if self.until is not None and not 0 < self.until <= 1:
            raise UsageError(f"--until is a share, more than 0 and at most 1, not {self.until:g}")

    @property
    def where(self) -> dict[str, Any]:
        """The arguments for RemotePongVector; a level for a server that is there is refused by it."""
        if self.local:
            return {"local": True, "level": self.level}
        there = {"host": self.host, "port": self.port, "token_file": self.token_file, "ca": self.ca}
        return there | {"level": self.level}
