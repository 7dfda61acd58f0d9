"""Who is how strong: the ladder of a season, and the table of its final."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace

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


def final_table(
    store: Store, players: Sequence[tuple[int, str, str]], here: frozenset[int], final: int
) -> Standings:
    """Return the table of a final. Its matches are few, and counted.

    Args:
        store: Has the matches.
        players: Of the final: the number, the name and the kind of each.
        here: The numbers of those that are here now.
        final: Matches of each pair.
    """
    query = (
        "SELECT left, right, left_points, right_points, winner, ended, left_answers, left_late, "
        "left_answer_seconds, right_answers, right_late, right_answer_seconds "
        "FROM matches WHERE final ORDER BY id"
    )
    found = store.all(query)
    rows = {
        number: Row(name, kind, Rating(), (0, 0, 0), (0, 0), Answers(), kind == HOUSE or number in here)
        for number, name, kind in players
    }
    tallies: dict[tuple[str, str], Tally] = {}
    for left, right, points, other_points, winner, ended, *answers in found:
        one, other = rows[left], rows[right]
        ratings = rated(one.rating, other.rating, winner, is_forfeit(ended))
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


def tally_of(side: int, winner: int | None) -> Tally:
    """Return one match as a tally of a side, 0 or 1."""
    return (0, 1, 0) if winner is None else (1, 0, 0) if winner == side else (0, 0, 1)
