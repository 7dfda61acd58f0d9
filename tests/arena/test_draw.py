"""Which matches are played: pairs of them with sides changed, and a final that comes to its end."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pongrl.arena.draw import FINAL_SECONDS, FORFEITS_AT_ONCE, SECOND_SECONDS, Draw, Fixture
from pongrl.arena.house import HOUSE_PLAYERS
from pongrl.arena.ledger import Ledger
from pongrl.arena.pairing import PATIENCE_SECONDS
from pongrl.arena.standings import HOUSE
from tests.support.arena import Puppet, ledger, result


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[0])
    return times


@contextlib.contextmanager
def drawing(path: Path, now: list[float], *names: str) -> Iterator[tuple[Ledger, Draw, dict[int, Puppet]]]:
    with ledger(path, *names) as book:
        if len(names) > 1:  # who has never played is in no final
            book.record(result(book.player(names[0]), book.player(names[1])))
        draw = Draw(book, random.Random(1), points_to_win=2, clock=lambda: now[0])
        free = {each.number: Puppet(each) for each in book.players() if each.kind != HOUSE}
        yield book, draw, free


def played(book: Ledger, fixture: Fixture) -> None:
    left, right = (side.player for side in fixture.sides)
    book.record(result(left, right, is_final=fixture.is_final))


def test_all_house_players_are_on_the_ladder(path: Path, now: list[float]) -> None:
    with drawing(path, now) as (book, _, _):
        assert {row.name for row in book.standings().rows} == set(HOUSE_PLAYERS)


def test_two_matches_follow_each_other_from_one_seed_with_sides_changed(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (_, draw, free):
        first = draw.next(free, ())
        assert first is not None
        assert not first.is_second
        draw.note(first, is_forfeited=False)
        second = draw.next(free, ())
        assert second is not None
        assert second.is_second
        assert second.seed == first.seed
        assert [side.player for side in second.sides] == [side.player for side in first.sides[::-1]]
        draw.note(second, is_forfeited=False)
        third = draw.next(free, ())
        assert third is not None
        assert (third.is_second, third.seed == first.seed) == (False, False)


def test_after_a_forfeit_there_is_no_second_match(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (_, draw, free):
        first = draw.next(free, ())
        assert first is not None
        draw.note(first, is_forfeited=True)
        after = draw.next(free, ())
        assert after is not None
        assert not after.is_second


def test_who_does_not_come_to_the_second_match_is_spared_it(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada") as (_, draw, free):
        first = draw.next(free, ())
        assert first is not None
        draw.note(first, is_forfeited=False)
        meanwhile = draw.next({}, (first,))
        assert meanwhile is not None
        assert meanwhile.is_of_the_house
        now[0] += SECOND_SECONDS + 1
        after = draw.next(free, ())
        assert after is not None
        assert not after.is_second


def test_a_second_match_waits_for_a_table_as_long_as_both_are_there(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (_, draw, free):
        first = draw.next(free, ())
        assert first is not None
        draw.note(first, is_forfeited=False)
        for _ in range(3):
            now[0] += SECOND_SECONDS - 1
            draw.hold(free)  # all tables are taken
        second = draw.next(free, ())
        assert second is not None
        assert second.is_second


def test_who_waits_for_the_second_match_is_given_no_other_one(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob", "Eve") as (_, draw, free):
        first = Fixture(free[1], free[2], 5)
        draw.note(first, is_forfeited=False)
        only_ada = {1: free[1], 3: free[3]}
        meanwhile = draw.next(only_ada, (first,))  # Eve waits for one of the two
        assert meanwhile is not None
        assert meanwhile.is_of_the_house
        now[0] += PATIENCE_SECONDS
        other = draw.next(only_ada, (first,))
        assert other is not None
        assert 1 not in other.pair


def test_house_players_play_each_other_when_nobody_else_plays(path: Path, now: list[float]) -> None:
    with drawing(path, now) as (book, draw, _):
        while (fixture := draw.next({}, ())) is not None:
            assert fixture.is_of_the_house
            played(book, fixture)
            draw.note(fixture, is_forfeited=True)
        meetings = book.meetings()
        assert {count for count, _ in meetings.values()} == {10}


def test_a_final_gives_each_pair_the_same_number_of_matches(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (book, draw, free):
        book.close_season(2)
        seeds: Counter[int] = Counter()
        while (fixture := draw.next(free, ())) is not None:
            assert fixture.is_final
            seeds[fixture.seed] += 1
            played(book, fixture)
            draw.note(fixture, is_forfeited=False)
        assert {final for _, final in book.meetings().values()} == {2}
        assert set(seeds.values()) == {2}
        assert book.standings().season == "closed: this is the final table"


def test_a_final_does_not_begin_a_match_that_is_being_played(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (book, draw, free):
        book.close_season(2)
        playing: list[Fixture] = []
        while (fixture := draw.next(free, playing)) is not None:
            playing.append(fixture)
        assert len({fixture.pair for fixture in playing}) == len(playing)


def test_a_final_waits_for_who_is_away_and_then_goes_on_without(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (book, draw, free):
        book.close_season(2)
        only_ada = {1: free[1]}
        while (fixture := draw.next(only_ada, ())) is not None:
            assert 2 not in fixture.pair
            played(book, fixture)
        before = book.last(1)[0].number
        now[0] += FINAL_SECONDS - 1
        assert draw.next(only_ada, ()) is None
        assert book.last(1)[0].number == before
        now[0] += 2
        while not book.standings().season.endswith("this is the final table"):
            assert draw.next(only_ada, ()) is None
        table = book.standings()
        assert table.season == "closed: this is the final table"
        (bob,) = (row for row in table.rows if row.name == "Bob")
        assert (bob.tally, bob.points) == ((0, 0, 14), (0, 28))
        assert book.last(1)[0].ended == "forfeit by Bob: did not come"


def test_a_final_without_many_forfeits_some_matches_at_a_time(path: Path, now: list[float]) -> None:
    names = [f"player {number}" for number in range(20)]
    with drawing(path, now, *names) as (book, draw, _):
        players = book.players()
        book.record(*(result(players[number], players[number + 1]) for number in range(19)))
        book.close_season(2)
        while (fixture := draw.next({}, ())) is not None:
            played(book, fixture)
        now[0] += FINAL_SECONDS
        before = book.last(1)[0].number
        draw.next({}, ())
        assert book.last(1)[0].number == before + FORFEITS_AT_ONCE
        while not book.standings().season.endswith("this is the final table"):
            draw.next({}, ())


def test_who_has_never_played_is_in_no_final(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob", "Typo") as (book, draw, free):
        book.close_season(2)
        while (fixture := draw.next(free, ())) is not None:
            assert 3 not in fixture.pair
            played(book, fixture)
        assert "Typo" not in [row.name for row in book.standings().rows]


def test_in_a_final_too_the_house_takes_one_table(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (book, draw, _):
        book.close_season(2)
        playing: list[Fixture] = []
        while (fixture := draw.next({}, playing)) is not None:
            playing.append(fixture)
        assert len(playing) == 1


def test_who_comes_in_time_plays_the_final(path: Path, now: list[float]) -> None:
    with drawing(path, now, "Ada", "Bob") as (book, draw, free):
        book.close_season(2)
        while (fixture := draw.next({1: free[1]}, ())) is not None:
            played(book, fixture)
        now[0] += FINAL_SECONDS / 2
        assert draw.next(free, ()) is not None
