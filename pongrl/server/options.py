"""The server's options: what is played, and the rules that the user's options must keep.

`pong.Pong` has the user's options. It lets `check` look at them, and makes the `GameOptions` that all of
pongrl.server is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pongrl.checks import LARGEST_FRAMESKIP, LARGEST_MATCH, LARGEST_SEED, settle_types, whole, within
from pongrl.cli import asked_of
from pongrl.errors import UsageError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.people import People
from pongrl.game.players import has_second_level
from pongrl.game.rules import LEFT, RIGHT
from pongrl.modes import Mode, refuse_idle
from pongrl.wire.messages import MAX_GAMES, Role, Session


@dataclass(frozen=True)
class GameOptions:
    """What is played. It never changes while the games go on."""

    level: int  # of the built-in AI, 1 to 3; 4 plays both sides
    second_level: int | None  # of every second game, if it is another
    opponent: str  # "ai", or "human": a person at this keyboard has the right paddle
    games: int  # side by side
    frameskip: int  # ticks in one decision
    fps: int  # ticks per second of real time
    lockstep: bool
    points_to_win: int
    seed: int | None
    serves: bool  # agents may connect; else people play at this keyboard alone
    inset: bool  # the window shows what the agent is sent

    @property
    def people(self) -> People:
        """Who is at this keyboard."""
        if self.opponent == "human":
            return People((RIGHT,) if self.serves else (LEFT, RIGHT), play=True, serve=self.serves)
        plays = not self.serves and self.level != 4
        return People((LEFT,), play=plays, serve=self.serves, choose_level=plays)

    def level_of(self, game: int) -> int:
        """Return the level in a game; the first game is number 0."""
        second = self.second_level
        return second if second is not None and has_second_level(game) else self.level

    def closed(self, side: Role) -> str:
        """Say why no agent may have the paddle of a side; "" if one may."""
        if side is Role.RIGHT and self.opponent == "human":
            return "a person has the right paddle here (--opponent human): connect as LEFT"
        if side is Role.RIGHT and self.level == 4:
            return "level 4 plays both paddles here: start the server with --level 1, 2 or 3"
        return ""

    def session(self) -> Session:
        """Return what an agent is told of the games in WELCOME."""
        return Session(
            games=self.games, height=FRAME_HEIGHT, width=FRAME_WIDTH, level=self.level,
            frameskip=self.frameskip, ticks_per_second=self.fps,
            points_to_win=self.points_to_win, lockstep=self.lockstep,
        )  # fmt: skip


class Door(Protocol):
    """The options that say where agents come in; every program that serves has them."""

    host: str
    port: int
    token: str | None
    token_file: str | None
    open: bool
    certificate: str | None
    key: str | None


class UserOptions(Door, Protocol):
    """The options of `pong.Pong` that are checked."""

    levelodiff: int
    second_level: int | None
    opponent: str
    headless: bool
    server: bool
    render: bool
    lockstep: bool
    games: int
    web: bool | int
    benchmark: bool
    arena: bool | str
    ladder: bool | str
    csv: str | None
    free: str | None
    final: int | None
    move_seconds: float


class Rule(NamedTuple):
    """A mistake, and the sentence for the person who made it; {0} is the options."""

    is_broken: Callable[[UserOptions], bool]
    sentence: str


PLAYERS = (
    Rule(
        lambda user: user.levelodiff not in (1, 2, 3, 4),
        "the level must be 1, 2 or 3, or 4 to play itself, not {0.levelodiff}",
    ),
    Rule(
        lambda user: user.second_level is not None and (user.games == 1 or user.levelodiff == 4),
        "--second-level is that of every second game: give --games of 2 or more, and a --level of 1, 2 or 3",
    ),
    Rule(
        lambda user: user.opponent not in ("ai", "human"), "--opponent must be ai or human, not {0.opponent}"
    ),
    Rule(
        lambda user: user.opponent == "human" and (user.headless or user.lockstep or user.games != 1),
        "--opponent human needs the window, real time and one game: "
        "leave out --headless, --lockstep and --games",
    ),
    Rule(
        lambda user: user.opponent == "human" and user.levelodiff == 4,
        "level 4 plays both sides and leaves no paddle to a human: choose 1, 2 or 3",
    ),
)
WHOLE_NUMBERS = {  # the lowest and the highest that each may be
    "port": (0, 65535),
    "second_level": (1, 3),
    "fps": (1, 1000),
    "frameskip": (1, LARGEST_FRAMESKIP),
    "games": (1, MAX_GAMES),
    "points_to_win": (1, LARGEST_MATCH),
    "seed": (0, LARGEST_SEED),
    "tables": (1, 1000),
    "agents_per_address": (1, 1000),
    "final": (0, 1000),
}
CONTRADICTIONS = (
    Rule(
        lambda user: user.headless and not user.server,
        "--headless with --no-server leaves nothing to see and nothing to serve: drop one",
    ),
    Rule(
        lambda user: (user.final or 0) % 2 == 1,
        "--final must be even, since each pair plays as often on each side, not {0.final}",
    ),
    Rule(
        lambda user: user.arena is not False and not user.lockstep and "move_seconds" in asked_of(user),
        "--move-seconds is how long an arena in lockstep waits for a move: add --lockstep, or leave it out",
    ),
    Rule(
        lambda user: user.arena is not False and user.ladder is not False,
        "--arena plays and --ladder tells how it stands, also while it plays: give one of them",
    ),
)


# What the options are for

SERVED = Mode("serving agents")
HEADLESS = Mode("serving agents", "with --headless, since it needs a window: leave one of them out")
ALONE, BENCHMARK = Mode("--no-server"), Mode("--benchmark")
ARENA, LADDER = Mode("--arena"), Mode("--ladder")

_SERVING = (SERVED, HEADLESS)
_OPEN = (*_SERVING, ARENA)
_PLAYED = (*_SERVING, ALONE, BENCHMARK)

SERVES: Mapping[str, tuple[Mode, ...]] = {
    "levelodiff": _PLAYED,
    "render": (SERVED,),
    "server": (ALONE,),
    "host": _OPEN,
    "port": _OPEN,
    "opponent": (SERVED, ALONE),
    "headless": (HEADLESS, BENCHMARK, ARENA),
    "lockstep": _OPEN,
    "fps": (*_PLAYED, ARENA),
    "frameskip": (*_OPEN, BENCHMARK),
    "games": _SERVING,
    "second_level": _SERVING,
    "points_to_win": (*_PLAYED, ARENA),
    "seed": (*_PLAYED, ARENA),
    "token_file": _OPEN,
    "open": _OPEN,
    "certificate": _OPEN,
    "key": _OPEN,
    "web": _OPEN,
    "record": (*_SERVING, ALONE),
    "until_eof": (*_OPEN, ALONE),
    "token": _OPEN,
    "arena": (ARENA,),
    "ladder": (LADDER,),
    "tables": (ARENA,),
    "move_seconds": (ARENA,),
    "agents_per_address": (ARENA,),
    "csv": (LADDER,),
    "free": (LADDER,),
    "final": (LADDER,),
}
"""The modes in which each option serves; what is not here serves in all."""


def mode_of(user: UserOptions) -> Mode:
    """Return what the user asks for."""
    if user.benchmark:
        return BENCHMARK
    if user.ladder is not False:
        return LADDER
    if user.arena is not False:
        return ARENA
    if not user.server:
        return ALONE
    return HEADLESS if user.headless else SERVED


def check(user: UserOptions) -> None:
    """Check the user's options, one by one and together, and make them plain values.

    Raises:
        UsageError: an option is of another type, out of its range, contradicts another, or would do nothing.
    """
    settle_types(user)
    _check_rules(PLAYERS, user)
    for name, (low, high) in WHOLE_NUMBERS.items():
        value = getattr(user, name)
        if value is not None:
            whole("--" + name.replace("_", "-"), value, low, high)
    if user.web is not False:
        whole("--web", int(user.web), 0, 65535)
    within("--move-seconds", user.move_seconds, 0.001, 60.0)
    check_door(user)
    _check_rules(CONTRADICTIONS, user)
    refuse_idle(SERVES, mode_of(user), asked_of(user))


def check_door(user: Door) -> None:
    """Check where agents come in.

    Raises:
        UsageError: two options contradict each other.
    """
    if user.open and user.token_file is not None:
        raise UsageError("--open lets agents in without a token and --token-file names one: drop one")
    if user.key is not None and user.certificate is None:
        raise UsageError("--key belongs to a --certificate: give that too")


def _check_rules(rules: tuple[Rule, ...], user: UserOptions) -> None:
    for rule in rules:
        if rule.is_broken(user):
            raise UsageError(rule.sentence.format(user))
