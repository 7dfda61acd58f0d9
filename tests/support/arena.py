"""Arenas for tests: options, ledgers with players, contenders that do as they are told, and agents."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pongrl.arena.contenders import Observe
from pongrl.arena.draw import Fixture
from pongrl.arena.ledger import Ledger, Player, Result, Side
from pongrl.arena.rating import Rating
from pongrl.arena.run import ArenaRun
from pongrl.arena.standings import (
    AGENT,
    Answers,
    Bout,
    Courts,
    Live,
    News,
    People,
    Played,
    Row,
    Standings,
)
from pongrl.arena.table import ArenaOptions
from pongrl.arena.visitors import Visitors
from pongrl.errors import PongError
from pongrl.game.rules import Game
from pongrl.server.entrance import Entrance
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step
from tests.support import wait_until

OPTIONS = ArenaOptions(
    points_to_win=2, frameskip=8, fps=60, lockstep=True, move_seconds=0.1, tables=8, per_address=8, seed=1
)


def options(**changes: Any) -> ArenaOptions:
    """Return how matches are played, in lockstep and to two points unless it is said otherwise."""
    return replace(OPTIONS, **changes)


def secret(name: str) -> bytes:
    """Return an identity for a name."""
    return name.encode().ljust(16, b".")[:16]


def player(number: int = 1, name: str = "Ada", kind: str = AGENT, **more: Any) -> Player:
    """Return a player that no ledger knows."""
    return Player(number, name, kind, more.get("rating", Rating()), more.get("matches", 0))


@contextlib.contextmanager
def ledger(path: Path, *names: str) -> Iterator[Ledger]:
    """Open a ledger, and let agents of these names enter."""
    made = Ledger(path)
    for name in names:
        made.enter(name, secret(name), AGENT)
    yield made
    made.close()


def result(left: Player, right: Player, score: tuple[int, int] = (2, 1), **more: Any) -> Result:
    """Return a match that is over, won by who has more points."""
    winner = None if score[0] == score[1] else int(score[0] < score[1])
    answers = Answers(100, 2, 0.5)
    sides = Side(left.number, score[0], answers), Side(right.number, score[1], answers)
    return Result(*sides, winner, more.pop("ended", "points"), 7, 600, 1_700_000_000.0, 1.5, **more)


class Puppet:
    """A contender that does as the test says."""

    def __init__(self, who: Player, velocity: float = 0.0) -> None:
        self.player, self.answers = who, Answers()
        self.is_ready, self.silent_since = True, None
        self.move = velocity
        self.begun = self.ended = self.missed = 0
        self.seen: list[int] = []  # matches, as it was told with each state
        self.rewards: list[int] = []

    is_ready: bool
    silent_since: float | None

    def begin(self) -> None:
        """Count it."""
        self.begun += 1

    def velocity(self, game: Game, side: int) -> float:
        """Move as the test says."""
        return self.move

    def note(self, reward: int, hits: int) -> None:
        """Keep the reward."""
        if reward:
            self.rewards.append(reward)

    def miss(self) -> None:
        """Count it."""
        self.missed += 1

    def see(self, observe: Observe) -> None:
        """Count it."""
        self.seen.append(len(self.seen))

    def end(self) -> None:
        """Count it."""
        self.ended += 1


def fixture(left: Any, right: Any, **more: Any) -> Fixture:
    """Return a match of two contenders."""
    return Fixture(left, right, more.pop("seed", 3), **more)


@contextlib.contextmanager
def arena(
    path: Path, visitors: Visitors | None = None, audience: Any = None, **changes: Any
) -> Iterator[ArenaRun]:
    """Run an arena on a free port."""
    run = ArenaRun(options(**changes), path, Entrance("127.0.0.1", 0), visitors or Visitors())
    if audience is not None:
        run.show_to(audience)
    run.start()
    try:
        yield run
    finally:
        run.close()


class Agent(threading.Thread):
    """An agent that plays until it is told to stop, or the connection ends; `error` says how it ended.

    Args:
        address: Of the arena.
        name: By which it enters.
        move: Makes an answer from a state.
        identity: By which it is known again; the name makes one.
    """

    def __init__(
        self,
        address: tuple[str, int],
        name: str,
        move: Callable[[Step], int] = lambda _: 0,
        identity: bytes | None = None,
    ) -> None:
        super().__init__(name=f"agent {name}", daemon=True)
        own = secret(name) if identity is None else identity
        self.client = PongClient(*address, name=name, identity=own)
        self._move = move
        self.steps: list[Step] = []
        self.error: PongError | None = None
        self._stopping = False

    def run(self) -> None:
        """Play. This is the thread."""
        try:
            step = self.client.connect()
            while not self._stopping:
                self.steps.append(step)
                step = self.client.step([self._move(step)])
        except PongError as error:
            self.error = error
        finally:
            self.client.close()

    def stop(self) -> None:
        """Let it leave after the next state."""
        self._stopping = True


@contextlib.contextmanager
def agents(address: tuple[str, int], *made: Agent) -> Iterator[Sequence[Agent]]:
    """Let agents play for a `with` block; the arena's end, or `stop`, ends them."""
    for agent in made:
        agent.start()
    yield made
    for agent in made:
        agent.stop()


class Audience:
    """People on the page, who keep what they are shown."""

    def __init__(self, *watched: int) -> None:
        self.size, self.watched = 1, watched
        self.woken = threading.Event()  # set when something is shown
        self.standings: Standings | None = None
        self.bouts: list[Bout] = []
        self.over: dict[int, Played] = {}  # all matches that are over, by their numbers
        self.courts: list[Courts] = []
        self.news: dict[int, list[News]] = {}

    def show(self, value: Any) -> None:
        """Keep it."""
        match value:
            case Standings():
                self.standings = value
            case Bout():
                self.bouts.append(value)
                self.over |= {match.number: match for match in value.last}
            case Courts():
                self.courts.append(value)
            case People(news):
                for seat, one in news.items():
                    self.news.setdefault(seat, []).append(one)
        self.woken.set()

    def wait_for(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds; it is looked at when something is shown."""
        wait_until(condition, self.woken)

    @property
    def live(self) -> tuple[Live, ...]:
        """The matches that are being played."""
        return self.bouts[-1].live if self.bouts else ()

    @property
    def last(self) -> list[Played]:
        """The matches that are over, the newest first."""
        return [self.over[number] for number in sorted(self.over, reverse=True)]

    def between(self, *names: str) -> list[Played]:
        """Return the matches of these two that are over, the newest first."""
        return [match for match in self.last if {match.left, match.right} == set(names)]

    def row(self, name: str) -> Row | None:
        """Return a player's place on the ladder."""
        rows = self.standings.rows if self.standings is not None else ()
        return next((row for row in rows if row.name == name), None)
