"""Who plays whom next: the pair whose matches tell most.

A match tells most where either may win, and where little is known of the two: close ratings, large errors,
few matches. So equals meet ten times as often as two of whom one always wins.

Two who have just met are free at the same moment, and would meet for ever. So a player waits a little for an
opponent that tells more and still plays: the longer it has waited, the less it asks for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from pongrl.arena.ledger import Player
from pongrl.arena.rating import SIGMA, expected
from pongrl.arena.standings import HOUSE

PATIENCE_SECONDS = 5.0  # after which a player takes whom it can have
HOUSE_MATCHES = 10  # of two house players, to make them marks; afterwards they play only with others
HOUSE_WORTH = 0.5  # of a match with a house player, beside one with somebody who has come to play
LEAST_WORTH = 0.1  # of a match whose winner is known beforehand, beside one of equals

Meetings: TypeAlias = Mapping[tuple[int, int], tuple[int, int]]
"""Matches of each pair, and those of the final among them."""
Missing: TypeAlias = tuple[Player, Player, int]
"""Who has the left paddle, who has the right one, and which match of theirs it is, from 0."""


def worth(one: Player, other: Player, met: int) -> float:
    """Return how much a match of two players tells, beside others.

    Args:
        one, other: The players.
        met: Matches that they have played already.
    """
    share = expected(one.rating, other.rating)
    doubt = max(4 * share * (1 - share), LEAST_WORTH) * (HOUSE_WORTH if other.kind == HOUSE else 1.0)
    return doubt * (one.rating.sigma + other.rating.sigma) / SIGMA / (1 + met)


def choose(
    waiting: Mapping[Player, float],
    house: Sequence[Player],
    playing: Sequence[Player],
    meetings: Meetings,
    rng: random.Random,
) -> tuple[Player, Player] | None:
    """Choose the next pair.

    Args:
        waiting: Players that wait for a match, and for how many seconds.
        house: Players that are always there; each can play several matches at a time.
        playing: Players that are here, and play.
        meetings: How often they have met.
        rng: Decides between equals.

    Returns:
        The pair; None if nobody waits, or all who do wait for somebody.
    """
    order = sorted(waiting, key=lambda player: (player.matches, rng.random()))
    for one in order:

        def told(other: Player, one: Player = one) -> float:
            met, _ = meetings.get((one.number, other.number), (0, 0))
            return worth(one, other, met) * rng.uniform(0.95, 1.05)

        now = {other: told(other) for other in (*order, *house) if other is not one}
        if not now:
            return None
        asked = max(map(told, playing), default=0.0) * (1 - waiting[one] / PATIENCE_SECONDS)
        best = max(now, key=now.__getitem__)
        if now[best] >= asked:
            return one, best
    return None


def choose_of_the_house(house: Sequence[Player], meetings: Meetings) -> tuple[Player, Player] | None:
    """Choose two house players that have not met often enough to be marks; None if all have."""
    pairs = [(one, other) for place, one in enumerate(house) for other in house[place + 1 :]]
    met = {pair: meetings.get((pair[0].number, pair[1].number), (0, 0))[0] for pair in pairs}
    if not pairs:
        return None
    least = min(pairs, key=met.__getitem__)
    return least if met[least] < HOUSE_MATCHES else None


def missing_of_final(players: Sequence[Player], meetings: Meetings, matches: int) -> Iterator[Missing]:
    """Give the next match of each pair that has not yet played all of its matches of a final.

    Args:
        players: Of the final.
        meetings: How often they have met.
        matches: Of each pair; half of them are played on each side.
    """
    for place, one in enumerate(players):
        for other in players[place + 1 :]:
            _, played = meetings.get((one.number, other.number), (0, 0))
            if played < matches:
                yield (one, other, played) if played % 2 == 0 else (other, one, played)
