"""What people see of an arena: the ladder, who beat whom, the matches that are played and the last ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pongrl.arena.rating import Rating

HOUSE, AGENT, PERSON = "house", "agent", "person"  # kinds of players


Tally: TypeAlias = tuple[int, int, int]  # matches won, drawn and lost


class Answers(NamedTuple):
    """How a player has answered."""

    asked: int = 0  # moves that it was asked for
    late: int = 0  # of them, answered too late or not at all
    seconds: float = 0.0  # of all answers that were in time, together

    @property
    def mean_ms(self) -> float | None:
        """How long an answer in time takes on average, in milliseconds; None if there was none."""
        in_time = self.asked - self.late
        return 1000 * self.seconds / in_time if in_time else None


@dataclass(frozen=True)
class Row:
    """A player's place on the ladder."""

    name: str
    kind: str  # HOUSE, AGENT or PERSON
    rating: Rating
    tally: Tally
    points: tuple[int, int]  # won and lost
    answers: Answers
    is_here: bool = False

    @property
    def matches(self) -> int:
        """How many it has played."""
        return sum(self.tally)

    @property
    def score(self) -> float:
        """Matches won, and half of those drawn."""
        return self.tally[0] + self.tally[1] / 2


@dataclass(frozen=True)
class Standings:
    """The ladder, the best first, and who beat whom."""

    rows: tuple[Row, ...]
    tallies: dict[tuple[str, str], Tally]  # of the first player against the second one
    season: str  # in words: "open", or "closed" and how far the final is
    is_final: bool = False  # the table of a final, in which each pair has played the same number of matches


@dataclass(frozen=True)
class Live:
    """A match that is being played."""

    number: int  # of its table, which has another match when this one is over
    left: str
    right: str
    score: tuple[int, int]
    game_seconds: float  # so far
    is_real_time: bool  # else it goes as fast as both answer


@dataclass(frozen=True)
class Played:
    """A match that is over."""

    number: int
    left: str
    right: str
    score: tuple[int, int]
    winner: int | None  # 0 is left, 1 is right, None a draw
    ended: str  # why, in words
    is_recorded: bool  # it can be watched again


@dataclass(frozen=True)
class Bout:
    """What is on now, and what was on last."""

    live: tuple[Live, ...]
    last: tuple[Played, ...]  # the newest first


Place: TypeAlias = tuple[int, int, int, int, int, int]
"""The ball's x and y, y of the left and the right paddle, the left and the right score."""


@dataclass(frozen=True)
class Courts:
    """Where everything is now in the matches that people look at, by the numbers of the tables."""

    places: dict[int, Place]


@dataclass(frozen=True)
class News:
    """What a person who plays on the page is told."""

    words: str  # what goes on, for a line
    match: int | None = None  # the number of the table at which the person plays now
    side: int | None = None  # LEFT or RIGHT
    opponent: str = ""
    serve_in: int = 0  # the number of the countdown before a serve; 0 if there is none
    is_out: bool = False  # does not play any more; `words` says why


@dataclass(frozen=True)
class People:
    """What the people who play on the page are told, by their seats."""

    news: dict[int, News]
