"""What a page is to serve, where, and to whom: the first that the page's process is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

ADDRESSES, FAULT = "addresses", "fault"  # what the process itself tells the program


class Secrets(NamedTuple):
    """What a link must have for each of two rights. Neither tells the other one, or the token."""

    look: str  # "" if everybody who can connect may look
    steer: str


@dataclass(frozen=True)
class Site:
    """What a page's process is to serve, and to whom."""

    title: str  # whose page it is
    host: str
    port: int  # 0 for any that is free
    secrets: Secrets = field(repr=False)
    certificate: str | None = None  # PEM files; without them nothing is encrypted
    key: str | None = None
    about: Any = None  # what only this kind of page has to know


@dataclass(frozen=True)
class GameFacts:
    """What the game's page has to know of the game."""

    level: int  # 0 where our built-in AI does not play
    lockstep: bool
    second_level: bool  # every second game is played at another level
    right_is_window: bool  # a person at the game's own window has the right paddle
    right_is_game: bool = False  # the game has it itself, as those of emulators do


@dataclass(frozen=True)
class Others:
    """Games of other servers on the network: the name of each, and the link to its page."""

    games: list[dict[str, str]]


@dataclass(frozen=True)
class AgentFacts:
    """What the agent's page has to know of the run."""

    directory: str  # of the checkpoints
    commands: dict[str, str]  # words of the console, with a line of help for each


@dataclass(frozen=True)
class ArenaFacts:
    """What the arena's page has to know of the arena."""

    ledger: str  # the path of its file
    lockstep: bool
    points_to_win: int
    options: str = ""  # what an agent's command line needs beside the host, to connect


@dataclass(frozen=True)
class Lines:
    """Lines that the agent's terminal was told."""

    lines: list[str]
