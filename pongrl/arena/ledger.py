"""The file that keeps an arena: players, matches and ratings, in SQLite.

Each match is written in one transaction, with what it changes of both players. So a kill at any moment loses
at most the matches that were being played. Several programs may have the file open: the server writes
matches, its page reads recordings, and a teacher frees a name or closes the season.

The secret identities of agents are not in the file: it has their hashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import operator
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pongrl.arena.rating import Rating, rated
from pongrl.arena.schema import APPLICATION, SCHEMA, VERSION
from pongrl.arena.standings import HOUSE, Answers, Played, Row, Standings, Tally
from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.wire.messages import NOBODY

RECORDINGS = 200  # of the last matches, that are kept
LARGEST_RECORDING = 1 << 20  # bytes of one
BUSY_SECONDS = 10.0  # to wait for another program that writes
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


@dataclass(frozen=True)
class Player:
    """Somebody on the ladder."""

    number: int
    name: str
    kind: str
    rating: Rating
    matches: int


class Ledger:
    """The file, opened. For one thread at a time.

    Args:
        path: The file; it is made if it is not there.
        is_new: Whether it may be made.

    Raises:
        PongError: It cannot be opened, or is no file of an arena.
    """

    def __init__(self, path: Path, is_new: bool = True) -> None:
        self.path = path
        with self._explained():
            if not path.exists() and not is_new:
                raise PongError(
                    f"there is no {path}: name the file of an arena, or start one with --arena {path}"
                )
            if path.exists() and not path.is_file():
                raise PongError(f"{path} is no file: name another with --arena")
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        """Make the tables in a new file, and look at an old one."""
        db = self._db
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
            if not ours or db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise PongError(
                    f"{self.path} is not an arena's file, or another version's: name another file"
                )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # what was told to people is there after a power cut too
        db.execute("PRAGMA foreign_keys = ON")
        if not tables:
            with self._change():
                if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in SCHEMA.split(";\n"):
                        db.execute(statement)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in a sentence what is wrong with the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise PongError(
                f"the arena's file {self.path} cannot be used ({error}): name another, or mend that"
            ) from error

    @contextlib.contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Change several things in one step: all of them, or none."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, query: str, *values: Any) -> list[Any]:
        with self._explained():
            return self._db.execute(query, values).fetchall()

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
        with self._change() as db:
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
        """Return what is known of a player."""
        return next(player for player in self.players() if key_of(player.name) == key_of(name))

    def players(self) -> list[Player]:
        """Return all players."""
        query = "SELECT id, name, kind, mu, sigma, won + drawn + lost FROM players ORDER BY id"
        return [
            Player(number, name, kind, Rating(mu, sigma), matches)
            for number, name, kind, mu, sigma, matches in self._all(query)
        ]

    def free(self, name: str) -> None:
        """Let a name belong to nobody, so that the next who comes by it has it.

        Raises:
            PongError: There is no such player.
        """
        with self._change() as db:
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
        return int(self._all("SELECT final FROM season")[0][0])

    def close_season(self, matches: int) -> None:
        """Close the season with a final, in which each pair plays so many matches; 0 opens it again."""
        with self._change() as db:
            if matches == 0:
                db.execute("UPDATE matches SET final = 0")
                db.execute("UPDATE pairs SET final = 0")
            db.execute("UPDATE season SET final = ?", (matches,))

    # Matches

    def record(self, result: Result) -> int:
        """Keep a match, and rate both players by it.

        Returns:
            The match's number.
        """
        left, right = result.left, result.right
        with self._change() as db:
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
            after = rated(before[0], before[1], result.winner)
            self._count(result, left, right, tally_of(0, result.winner), after[0])
            self._count(result, right, left, tally_of(1, result.winner), after[1])
            if result.views:
                db.execute("INSERT INTO recordings VALUES (?, ?)", (number, result.views))
                db.execute("DELETE FROM recordings WHERE match <= ?", (number - RECORDINGS,))
        return number

    def _rating(self, player: int) -> Rating:
        return Rating(*self._all("SELECT mu, sigma FROM players WHERE id = ?", player)[0])

    def _count(self, result: Result, side: Side, other: Side, tally: Tally, rating: Rating) -> None:
        """Count a match on one side."""
        self._db.execute(
            "UPDATE players SET mu = ?, sigma = ?, won = won + ?, drawn = drawn + ?, lost = lost + ?, "
            "points_won = points_won + ?, points_lost = points_lost + ?, "
            "answers = answers + ?, late = late + ?, answer_seconds = answer_seconds + ? WHERE id = ?",
            (*rating, *tally, side.points, other.points, *side.answers, side.player),
        )
        self._db.execute(
            "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET won = won + excluded.won, "
            "drawn = drawn + excluded.drawn, lost = lost + excluded.lost, final = final + excluded.final",
            (side.player, other.player, *tally, result.is_final),
        )

    def last(self, most: int) -> list[Played]:
        """Return the last matches, the newest first."""
        query = (
            "SELECT m.id, l.name, r.name, left_points, right_points, winner, ended, v.match NOT NULL "
            "FROM matches m JOIN players l ON l.id = m.left JOIN players r ON r.id = m.right "
            "LEFT JOIN recordings v ON v.match = m.id ORDER BY m.id DESC LIMIT ?"
        )
        return [
            Played(number, left, right, (one, other), winner, ended, bool(is_recorded))
            for number, left, right, one, other, winner, ended, is_recorded in self._all(query, most)
        ]

    def recording(self, match: int) -> bytes | None:
        """Return the recording of a match, as recording.py packs it; None if it is not kept."""
        found = self._all("SELECT views FROM recordings WHERE match = ?", match)
        return bytes(found[0][0]) if found else None

    def meetings(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return how many matches each pair has played, and in the final, both ways round."""
        query = "SELECT one, other, won + drawn + lost, final FROM pairs"
        return {(one, other): (all_, final) for one, other, all_, final in self._all(query)}

    # What people see

    def standings(self, here: frozenset[int] = frozenset()) -> Standings:
        """Return the ladder; of the final alone, if the season is closed.

        Args:
            here: The players that are here now.
        """
        final = self.final
        return self._ladder(here) if not final else self._final_table(here, final)

    def _ladder(self, here: frozenset[int]) -> Standings:
        query = (
            "SELECT id, name, kind, mu, sigma, won, drawn, lost, points_won, points_lost, answers, late, "
            "answer_seconds FROM players ORDER BY mu DESC, id"
        )
        rows, names = [], {}
        for number, name, kind, mu, sigma, won, drawn, lost, points, points_lost, *answers in self._all(
            query
        ):
            tally, rating = (won, drawn, lost), Rating(mu, sigma)
            is_here, names[number] = number in here, name
            rows.append(Row(name, kind, rating, tally, (points, points_lost), Answers(*answers), is_here))
        tallies = {
            (names[one], names[other]): (won, drawn, lost)
            for one, other, won, drawn, lost in self._all("SELECT one, other, won, drawn, lost FROM pairs")
        }
        return Standings(tuple(rows), tallies, "open")

    def _final_table(self, here: frozenset[int], final: int) -> Standings:
        """Count the matches of the final alone. They are few."""
        query = (
            "SELECT left, right, left_points, right_points, winner, left_answers, left_late, "
            "left_answer_seconds, right_answers, right_late, right_answer_seconds "
            "FROM matches WHERE final ORDER BY id"
        )
        players, found = self.players(), self._all(query)
        rows = {
            each.number: Row(
                each.name, each.kind, Rating(), (0, 0, 0), (0, 0), Answers(), each.number in here
            )
            for each in players
        }
        tallies: dict[tuple[str, str], Tally] = {}
        for left, right, points, other_points, winner, *answers in found:
            one, other = rows[left], rows[right]
            ratings = rated(one.rating, other.rating, winner)
            rows[left] = _counted(
                one, ratings[0], tally_of(0, winner), (points, other_points), Answers(*answers[:3])
            )
            rows[right] = _counted(
                other, ratings[1], tally_of(1, winner), (other_points, points), Answers(*answers[3:])
            )
            for pair, side in (((one.name, other.name), 0), ((other.name, one.name), 1)):
                tallies[pair] = _sum(tallies.get(pair, (0, 0, 0)), tally_of(side, winner))
        ranked = sorted(rows.values(), key=lambda row: (-row.score, row.points[1] - row.points[0], row.name))
        missing = final * len(players) * (len(players) - 1) // 2 - len(found)
        words = f"the final has {missing} matches left" if missing > 0 else "this is the final table"
        return Standings(tuple(ranked), tallies, f"closed: {words}", is_final=True)

    def matches(self) -> Iterator[tuple[Any, ...]]:
        """Give all matches, the oldest first, each with the columns of MATCH_COLUMNS."""
        with self._explained():
            yield from self._db.execute(
                f"SELECT {', '.join(MATCH_COLUMNS)} FROM matches m "
                "JOIN players l ON l.id = m.left JOIN players r ON r.id = m.right ORDER BY m.id"
            )


def key_of(name: str) -> str:
    """Return what two names have in common that people take for one."""
    return name.casefold()


def tally_of(side: int, winner: int | None) -> Tally:
    """Return one match as a tally of a side, 0 or 1."""
    return (0, 1, 0) if winner is None else (1, 0, 0) if winner == side else (0, 0, 1)


def _counted(row: Row, rating: Rating, tally: Tally, points: tuple[int, int], answers: Answers) -> Row:
    """Return a player's row after one more match."""
    won, lost = row.points
    return replace(
        row, rating=rating, tally=_sum(row.tally, tally), points=(won + points[0], lost + points[1]),
        answers=Answers(*map(operator.add, row.answers, answers)),
    )  # fmt: skip


def _sum(one: Tally, other: Tally) -> Tally:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
