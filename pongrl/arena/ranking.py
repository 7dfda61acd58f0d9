"""Who is how strong: the ladder of a season, and the table of its final."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pongrl.arena.rating import Rating, rated
from pongrl.arena.standings import HOUSE, Answers, Row, Standings, Tally
from pongrl.arena.store import Store

FORFEIT = "forfeit"  # how the words begin that say why a match ended so


def ladder(store: Store, here: frozenset[int]) -> Standings:
    """Return the ladder of an open season: who is surely strongest comes first."""
    query = (
        "SELECT id, name, kind, mu, sigma, won, drawn, lost, points_won, points_lost, answers, late, "
        "answer_seconds FROM players"
    )
    rows, names = [], {}
    for number, name, kind, mu, sigma, won, drawn, lost, points, points_lost, *answers in store.all(query):
        tally, rating = (won, drawn, lost), Rating(mu, sigma)
        is_here, names[number] = kind == HOUSE or number in here, name
        rows.append(Row(name, kind, rating, tally, (points, points_lost), Answers(*answers), is_here))
    tallies = {
        (names[one], names[other]): (won, drawn, lost)
        for one, other, won, drawn, lost in store.all("SELECT one, other, won, drawn, lost FROM pairs")
    }
    ranked = sorted(rows, key=lambda row: (-row.rating.sure, row.name))
    return Standings(tuple(ranked), tallies, "open")


class FinalTable:
    """The table of a final. Each match is rated once: there may be thousands, and people look all the time.

    Args:
        store: Has the matches.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begin()

    def _begin(self) -> None:
        self._last = self._count = 0  # number of the last match that is counted here, and how many are
        self._rows: dict[int, Row] = {}  # by the players' numbers, without their names
        self._tallies: dict[tuple[int, int], Tally] = {}

    def standings(
        self, players: Sequence[tuple[int, str, str]], here: frozenset[int], final: int
    ) -> Standings:
        """Return the table.

        Args:
            players: Of the final: the number, the name and the kind of each.
            here: The numbers of those that are here now.
            final: Matches of each pair.
        """
        self._go_on()
        names = {number: name for number, name, _ in players}
        rows = [
            replace(self._row(number), name=name, kind=kind, is_here=kind == HOUSE or number in here)
            for number, name, kind in players
        ]
        ranked = sorted(rows, key=lambda row: (-row.score, row.points[1] - row.points[0], row.name))
        tallies = {(names[one], names[other]): tally for (one, other), tally in self._tallies.items()}
        missing = final * len(players) * (len(players) - 1) // 2 - self._count
        words = f"the final has {missing} matches left" if missing > 0 else "this is the final table"
        return Standings(tuple(ranked), tallies, f"closed: {words}", is_final=True)

    def _row(self, number: int) -> Row:
        return self._rows.get(number) or Row("", "", Rating(), (0, 0, 0), (0, 0), Answers())

    def _go_on(self) -> None:
        """Count the matches that are new. If others are gone, another final has begun."""
        query = (
            "SELECT id, left, right, left_points, right_points, winner, ended, left_answers, left_late, "
            "left_answer_seconds, right_answers, right_late, right_answer_seconds "
            "FROM matches WHERE final AND id > ? ORDER BY id"
        )
        found = self._store.all(query, self._last)
        if self._count + len(found) != self._store.all("SELECT count(*) FROM matches WHERE final")[0][0]:
            self._begin()
            found = self._store.all(query, 0)
        for match in found:
            self._add(*match)

    def _add(
        self, number: int, left: int, right: int, points: int, other_points: int, winner: int | None,
        ended: str, *answers: Any,
    ) -> None:  # fmt: skip
        one, other, is_forfeited = self._row(left), self._row(right), is_forfeit(ended)
        ratings = rated(one.rating, other.rating, winner, is_forfeited)
        tally, other_tally = (tally_of(side, winner, is_forfeited) for side in (0, 1))
        self._rows[left] = _counted(one, ratings[0], tally, (points, other_points), Answers(*answers[:3]))
        self._rows[right] = _counted(
            other, ratings[1], other_tally, (other_points, points), Answers(*answers[3:])
        )
        for pair, its in (((left, right), tally), ((right, left), other_tally)):
            self._tallies[pair] = _sum(self._tallies.get(pair, (0, 0, 0)), its)
        self._last, self._count = number, self._count + 1


def _counted(row: Row, rating: Rating, tally: Tally, points: tuple[int, int], answers: Answers) -> Row:
    """Return a player's row after one more match."""
    won, lost = row.points
    return replace(
        row, rating=rating, tally=_sum(row.tally, tally), points=(won + points[0], lost + points[1]),
        answers=Answers(*map(operator.add, row.answers, answers)),
    )  # fmt: skip


def _sum(one: Tally, other: Tally) -> Tally:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def is_forfeit(ended: str) -> bool:
    """Return whether a match was forfeited, by the words that say why it ended."""
    return ended.startswith(FORFEIT)


def tally_of(side: int, winner: int | None, is_forfeited: bool) -> Tally:
    """Return one match as a tally of a side, 0 or 1. What both have forfeited is no draw: both have lost."""
    if winner is None and is_forfeited:
        return (0, 0, 1)
    return (0, 1, 0) if winner is None else (1, 0, 0) if winner == side else (0, 0, 1)
