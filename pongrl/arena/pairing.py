"""Who plays whom next: the pair whose matches tell most.

A match tells most where either may win, and where little is known of the two: close ratings, large errors,
few matches. Whoever has played least is asked first, so nobody waits for long.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

from pongrl.arena.ledger import Player
from pongrl.arena.rating import SIGMA, expected

HOUSE_MATCHES = 10  # of two house players, to make them marks; afterwards they play only with others
LEAST_WORTH = 0.05  # of a match whose winner is known beforehand, beside one of equals

Meetings = Mapping[tuple[int, int], tuple[int, int]]  # matches of each pair, and those of the final


def worth(one: Player, other: Player, met: int) -> float:
    """Return how much a match of two players tells, beside others.

    Args:
        one, other: The players.
        met: Matches that they have played already.
    """
    share = expected(one.rating, other.rating)
    doubt = max(4 * share * (1 - share), LEAST_WORTH)
    return doubt * (one.rating.sigma + other.rating.sigma) / SIGMA / (1 + met / 4)


def choose(
    free: Sequence[Player], house: Sequence[Player], meetings: Meetings, rng: random.Random
) -> tuple[Player, Player] | None:
    """Choose the next pair.

    Args:
        free: Players that wait for a match.
        house: Players that are always there; each can play several matches at a time.
        meetings: How often they have met.
        rng: Decides between equals.

    Returns:
        The pair; None if nobody waits.
    """
    if not free:
        return None
    fewest = min(player.matches for player in free)
    one = rng.choice([player for player in free if player.matches == fewest])
    others = [player for player in (*free, *house) if player is not one]
    if not others:
        return None

    def told(other: Player) -> float:
        met, _ = meetings.get((one.number, other.number), (0, 0))
        return worth(one, other, met) * rng.uniform(0.8, 1.2)

    return one, max(others, key=told)


def choose_of_the_house(house: Sequence[Player], meetings: Meetings) -> tuple[Player, Player] | None:
    """Choose two house players that have not met often enough to be marks; None if all have."""
    pairs = [(one, other) for place, one in enumerate(house) for other in house[place + 1 :]]
    met = {pair: meetings.get((pair[0].number, pair[1].number), (0, 0))[0] for pair in pairs}
    if not pairs:
        return None
    least = min(pairs, key=met.__getitem__)
    return least if met[least] < HOUSE_MATCHES else None


def choose_for_final(
    players: Sequence[Player],
    busy: Collection[int],
    running: Collection[tuple[int, int]],
    meetings: Meetings,
    matches: int,
) -> tuple[Player, Player, int] | None:
    """Choose the next match of a final, in which each pair plays so many.

    Args:
        players: All of them, by their numbers.
        busy: Numbers of those who cannot play now.
        running: Pairs that play now, the lower number first.
        meetings: How often they have met.
        matches: Of each pair.

    Returns:
        Who has the left paddle, who has the right one, and which match of theirs it is, from 0; None if none
        can be played now.
    """
    able = [player for player in players if player.number not in busy]
    for place, one in enumerate(able):
        for other in able[place + 1 :]:
            _, played = meetings.get((one.number, other.number), (0, 0))
            if played < matches and (one.number, other.number) not in running:
                return (one, other, played) if played % 2 == 0 else (other, one, played)
    return None


def is_final_over(players: Sequence[Player], meetings: Meetings, matches: int) -> bool:
    """Return whether each pair has played all of its matches of the final."""
    return choose_for_final(players, (), (), meetings, matches) is None
