"""The file that keeps an arena: players, matches and ratings, in SQLite.

Each match is written in one transaction, with what it changes of both players. So a kill at any moment loses
at most the matches that were being played. Several programs may have the file open: the server writes
matches, its page reads recordings, and a teacher frees a name or closes the season.

The secret identities of agents are not in the file: it has their hashes.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pongrl.arena.ranking import FinalTable, is_forfeit, ladder, tally_of
from pongrl.arena.rating import Rating, rated
from pongrl.arena.standings import HOUSE, Answers, Played, Standings, Tally
from pongrl.arena.store import PATIENCE, Store
from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.wire.messages import NOBODY

MOST_PLAYERS = 1000  # of a ladder; more names than that are no class, but somebody who makes them up
RECORDINGS = 200  # of the last matches, that are kept
MATCH_COLUMNS = (
    "m.id", "begun", "seconds", "seed", "ticks", "l.name", "r.name", "left_points", "right_points", "winner",
    "ended", "left_answers", "right_answers", "left_late", "right_late",
    "left_answer_seconds", "right_answer_seconds", "final",
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """What one side did in a match."""

    player: int
    points: int
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True)
class Result:
    """A match that is over."""

    left: Side
    right: Side
    winner: int | None  # 0 is left, 1 is right, None a draw
    ended: str  # why, in words
    seed: int
    ticks: int
    begun: float  # seconds since 1970
    seconds: float  # that it took
    views: bytes = b""  # the recording, as recording.py packs it
    is_final: bool = False

    @property
    def is_forfeited(self) -> bool:
        """Whether a side, or both, have forfeited it."""
        return is_forfeit(self.ended)


@dataclass(frozen=True)
class Player:
    """Somebody on the ladder."""

    number: int
    name: str
    kind: str
    rating: Rating
    matches: int


class Ledger(Store):
    """An arena's file, by what is in it. See Store."""

    def __init__(self, path: Path, is_new: bool = True, patience: float = PATIENCE) -> None:
        super().__init__(path, is_new, patience)
        self._final_table = FinalTable(self)

    # Players

    def enter(self, name: str, identity: bytes, kind: str) -> Player:
        """Let a player come under its name, which is its own from now on if it has an identity.

        Args:
            name: One line, not empty.
            identity: The secret by which it is known again; NOBODY if it has none.
            kind: HOUSE, AGENT or PERSON.

        Raises:
            RefusedError: The name is somebody else's, the identity has another name, or the season is over.
        """
        owner = None if identity == NOBODY else hashlib.sha256(identity).digest()
        known = self.all("SELECT kind, owner FROM players WHERE key = ?", key_of(name))
        if owner is not None and known == [(kind, owner)]:  # then nothing has to be written
            return self.player(name)
        with self.change() as db:
            mine = owner and db.execute("SELECT name, key FROM players WHERE owner = ?", (owner,)).fetchone()
            if mine and mine[1] != key_of(name):
                raise RefusedError(
                    Refusal.ROLE,
                    f"this agent is known here as {mine[0]}: come by that name, or as another agent",
                )
            found = db.execute("SELECT kind, owner FROM players WHERE key = ?", (key_of(name),)).fetchone()
            if found is None:
                if kind != HOUSE and self.final:
                    raise RefusedError(Refusal.ROLE, "the season is closed: nobody new can enter")
                if db.execute("SELECT count(*) FROM players").fetchone()[0] >= MOST_PLAYERS:
                    raise RefusedError(Refusal.ROLE, f"the ladder has {MOST_PLAYERS} players: it is full")
                db.execute(
                    "INSERT INTO players (name, key, kind, owner, mu, sigma) VALUES (?, ?, ?, ?, ?, ?)",
                    (name, key_of(name), kind, owner, *Rating()),
                )
            elif (found[0] == HOUSE) != (kind == HOUSE) or (found[1] is not None and found[1] != owner):
                raise RefusedError(
                    Refusal.ROLE, f"the name {name} belongs to another: choose one, or ask for it to be freed"
                )
            else:
                db.execute(
                    "UPDATE players SET owner = ?, kind = ? WHERE key = ?", (owner, kind, key_of(name))
                )
        return self.player(name)

    def player(self, name: str) -> Player:
        """Return what is known of a player, who is on the ladder."""
        return self._players("WHERE key = ?", key_of(name))[0]

    def knows(self, name: str) -> bool:
        """Return whether somebody has played by this name."""
        return bool(self.all("SELECT 1 FROM players WHERE key = ?", key_of(name)))

    def is_name_of(self, name: str, identity: bytes) -> bool:
        """Return whether a name belongs to who has this identity."""
        owner = hashlib.sha256(identity).digest()
        return bool(self.all("SELECT 1 FROM players WHERE key = ? AND owner = ?", key_of(name), owner))

    def is_owned(self, name: str) -> bool:
        """Return whether a name belongs to somebody."""
        return bool(self.all("SELECT 1 FROM players WHERE key = ? AND owner NOT NULL", key_of(name)))

    def players(self) -> list[Player]:
        """Return all players."""
        return self._players("ORDER BY id")

    def _players(self, which: str, *values: str) -> list[Player]:
        query = f"SELECT id, name, kind, mu, sigma, won + drawn + lost FROM players {which}"
        return [
            Player(number, name, kind, Rating(mu, sigma), matches)
            for number, name, kind, mu, sigma, matches in self.all(query, *values)
        ]

    def finalists(self) -> list[Player]:
        """Return the players of a final: those who have played before, and the house."""
        return [player for player in self.players() if player.kind == HOUSE or player.matches]

    def free(self, name: str) -> None:
        """Let a name belong to nobody, so that the next who comes by it has it.

        Raises:
            PongError: There is no such player.
        """
        with self.change() as db:
            changed = db.execute(
                "UPDATE players SET owner = NULL WHERE key = ? AND kind != ?", (key_of(name), HOUSE)
            ).rowcount
        if not changed:
            names = ", ".join(player.name for player in self.players() if player.kind != HOUSE)
            raise PongError(f"nobody is called {name} here; there are: {names or 'none yet'}")

    # The season

    @property
    def final(self) -> int:
        """The matches of each pair in the final that closes the season; 0 while it is open."""
        return int(self.all("SELECT final FROM season")[0][0])

    def close_season(self, matches: int) -> None:
        """Close the season with a final, in which each pair plays so many matches; 0 opens it again.

        Raises:
            PongError: Some have played more already.
        """
        with self.change() as db:
            (played,) = db.execute("SELECT coalesce(max(final), 0) FROM pairs").fetchone()
            if 0 < matches < played:
                raise PongError(
                    f"some have met {played} times in this final: give at least that, or --final 0 first"
                )
            if matches == 0:
                db.execute("UPDATE matches SET final = 0")
                db.execute("UPDATE pairs SET final = 0")
            db.execute("UPDATE season SET final = ?", (matches,))

    # Matches

    def record(self, *results: Result) -> int:
        """Keep matches, all in one step, and rate their players by them.

        Returns:
            The number of the last one.
        """
        with self.change() as db:
            is_closed = self.final > 0  # else a match of a final was still played when the season was opened
            numbers = [
                self._record(db, replace(result, is_final=result.is_final and is_closed))
                for result in results
            ]
        return numbers[-1]

    def _record(self, db: sqlite3.Connection, result: Result) -> int:
        left, right = result.left, result.right
        number = db.execute(
            f"INSERT INTO matches VALUES (NULL{', ?' * 17})",
            (
                result.begun, result.seconds, result.seed, result.ticks, left.player, right.player,
                left.points, right.points, result.winner, result.ended,
                left.answers.asked, right.answers.asked, left.answers.late, right.answers.late,
                left.answers.seconds, right.answers.seconds, result.is_final,
            ),
        ).lastrowid  # fmt: skip
        assert number is not None
        before = [self._rating(side.player) for side in (left, right)]
        after = rated(before[0], before[1], result.winner, result.is_forfeited)
        _count(db, result, left, right, tally_of(0, result.winner, result.is_forfeited), after[0])
        _count(db, result, right, left, tally_of(1, result.winner, result.is_forfeited), after[1])
        if result.views:
            db.execute("INSERT INTO recordings VALUES (?, ?)", (number, result.views))
            db.execute("DELETE FROM recordings WHERE match <= ?", (number - RECORDINGS,))
        return number

    def _rating(self, player: int) -> Rating:
        return Rating(*self.all("SELECT mu, sigma FROM players WHERE id = ?", player)[0])

    def last(self, most: int) -> list[Played]:
        """Return the last matches, the newest first."""
        query = (
            "SELECT m.id, l.name, r.name, left_points, right_points, winner, ended, v.match NOT NULL "
            "FROM matches m JOIN players l ON l.id = m.left JOIN players r ON r.id = m.right "
            "LEFT JOIN recordings v ON v.match = m.id ORDER BY m.id DESC LIMIT ?"
        )
        return [
            Played(number, left, right, (one, other), winner, ended, bool(is_recorded))
            for number, left, right, one, other, winner, ended, is_recorded in self.all(query, most)
        ]

    def recording(self, match: int) -> bytes | None:
        """Return the recording of a match, as recording.py packs it; None if it is not kept."""
        found = self.all("SELECT views FROM recordings WHERE match = ?", match)
        return bytes(found[0][0]) if found else None

    def meetings(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return how many matches each pair has played, and in the final, both ways round."""
        query = "SELECT one, other, won + drawn + lost, final FROM pairs"
        return {(one, other): (all_, final) for one, other, all_, final in self.all(query)}

    # What people see

    def standings(self, here: frozenset[int] = frozenset()) -> Standings:
        """Return the ladder; of the final alone, if the season is closed.

        Args:
            here: The players that are here now.
        """
        final = self.final
        if not final:
            return ladder(self, here)
        players = [(player.number, player.name, player.kind) for player in self.finalists()]
        return self._final_table.standings(players, here, final)

    def matches(self) -> Iterator[tuple[Any, ...]]:
        """Give all matches, the oldest first, each with the columns of MATCH_COLUMNS."""
        return self.each(
            f"SELECT {', '.join(MATCH_COLUMNS)} FROM matches m "
            "JOIN players l ON l.id = m.left JOIN players r ON r.id = m.right ORDER BY m.id"
        )


def key_of(name: str) -> str:
    """Return what two names have in common that people take for one."""
    return name.casefold()


def _count(
    db: sqlite3.Connection, result: Result, side: Side, other: Side, tally: Tally, rating: Rating
) -> None:
    """Count a match on one side."""
    db.execute(
        "UPDATE players SET mu = ?, sigma = ?, won = won + ?, drawn = drawn + ?, lost = lost + ?, "
        "points_won = points_won + ?, points_lost = points_lost + ?, "
        "answers = answers + ?, late = late + ?, answer_seconds = answer_seconds + ? WHERE id = ?",
        (*rating, *tally, side.points, other.points, *side.answers, side.player),
    )
    db.execute(
        "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (one, other) DO UPDATE SET "
        "won = won + excluded.won, drawn = drawn + excluded.drawn, lost = lost + excluded.lost, "
        "final = final + excluded.final",
        (side.player, other.player, *tally, result.is_final),
    )
