"""Who plays whom: matches that tell most, and nobody waits for long."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pongrl.arena.ledger import Player
from pongrl.arena.pairing import (
    HOUSE_MATCHES,
    PATIENCE_SECONDS,
    choose,
    choose_of_the_house,
    missing_of_final,
    worth,
)
from pongrl.arena.rating import Rating
from pongrl.arena.standings import HOUSE
from tests.support.arena import player


def test_a_match_is_worth_more_where_ratings_are_close_and_unsure_and_few_were_played() -> None:
    one = player(rating=Rating(1500, 100))
    near, far = player(2, rating=Rating(1520, 100)), player(3, rating=Rating(2200, 100))
    unsure = player(4, rating=Rating(1520, 300))
    assert worth(one, near, 0) > worth(one, far, 0)
    assert worth(one, unsure, 0) > worth(one, near, 0)
    assert worth(one, near, 0) > worth(one, near, 5)


def test_nobody_plays_when_nobody_waits_and_nobody_plays_alone() -> None:
    assert choose({}, [player(9, "level 1", HOUSE)], [], {}, random.Random(1)) is None
    assert choose({player(): 0.0}, [], [], {}, random.Random(1)) is None


def test_who_has_played_least_comes_first() -> None:
    waiting = {player(number, f"p{number}", matches=10 + number % 3): 0.0 for number in range(9)}
    for seed in range(10):
        pair = choose(waiting, [], [], {}, random.Random(seed))
        assert pair is not None
        assert pair[0].matches == 10


def test_a_player_waits_for_a_better_opponent_and_not_for_ever() -> None:
    ada, bob, eve = (player(number, name) for number, name in enumerate(("Ada", "Bob", "Eve")))
    meetings = {(0, 1): (3, 0), (1, 0): (3, 0)}  # a match with Eve is worth four times as much

    def chosen(seconds: float) -> bool:
        waiting = {ada: seconds, bob: seconds}
        return choose(waiting, [], [eve], meetings, random.Random(1)) is not None

    assert not chosen(0.0)
    assert not chosen(PATIENCE_SECONDS / 2)
    assert chosen(PATIENCE_SECONDS * 0.9)
    assert choose({ada: 0.0, eve: 0.0}, [], [bob], meetings, random.Random(1)) == (ada, eve)


def test_who_has_come_to_play_goes_before_the_house() -> None:
    ada, bob, level = player(1, "Ada"), player(2, "Bob"), player(3, "level 1", HOUSE)
    pair = choose({ada: 0.0, bob: 0.0}, [level], [], {}, random.Random(1))
    assert pair is not None
    assert level not in pair


def test_two_players_do_not_meet_for_ever() -> None:
    players = [player(number, f"p{number}") for number in range(4)]
    met: Counter[tuple[int, int]] = Counter()
    rng = random.Random(3)
    for _ in range(120):
        meetings = {pair: (count, 0) for pair, count in met.items()}
        pair = choose(dict.fromkeys(players, 0.0), [], [], meetings, rng)
        assert pair is not None
        one, other = pair
        met[one.number, other.number] += 1
        met[other.number, one.number] += 1
    assert len(met) == 12
    assert min(met.values()) > 10


def test_house_players_meet_each_other_until_they_are_marks() -> None:
    house = [player(number, f"h{number}", HOUSE) for number in range(3)]
    meetings: dict[tuple[int, int], tuple[int, int]] = {}
    played = 0
    while (pair := choose_of_the_house(house, meetings)) is not None:
        played += 1
        key = pair[0].number, pair[1].number
        meetings[key] = (meetings.get(key, (0, 0))[0] + 1, 0)
    assert played == 3 * HOUSE_MATCHES


def play_final(players: list[Player], matches: int) -> list[tuple[int, int]]:
    meetings: dict[tuple[int, int], tuple[int, int]] = {}
    played = []
    while missing := list(missing_of_final(players, meetings, matches)):
        left, right, number = missing[0]
        assert number == meetings.get((left.number, right.number), (0, 0))[1]
        played.append((left.number, right.number))
        for pair in ((left.number, right.number), (right.number, left.number)):
            meetings[pair] = (number + 1, number + 1)
    return played


@pytest.mark.parametrize("matches", [2, 4])
def test_in_a_final_each_pair_plays_the_same_number_of_matches_on_both_sides(matches: int) -> None:
    played = Counter(play_final([player(number, f"p{number}") for number in range(5)], matches))
    assert sum(played.values()) == 10 * matches
    for one in range(5):
        for other in range(one):
            there, back = played[one, other], played[other, one]
            assert there + back == matches
            assert there == back
