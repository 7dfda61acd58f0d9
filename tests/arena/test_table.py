"""One match: its clock, what is late, and how it ends."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pongrl.arena.recording import unpacked
from pongrl.arena.standings import HOUSE, PERSON
from pongrl.arena.table import FORFEIT_SECONDS, LONGEST_MATCH, Table
from tests.support.arena import Puppet, fixture, options, player


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[0])
    return times


def table(left: Puppet, right: Puppet, **changes: Any) -> Table:
    return Table(1, fixture(left, right), options(**changes))


def puppets() -> tuple[Puppet, Puppet]:
    return Puppet(player(1, "Ada")), Puppet(player(2, "Bob"))


def test_in_lockstep_a_decision_is_played_as_soon_as_both_have_answered(now: list[float]) -> None:
    left, right = puppets()
    made = table(left, right)
    assert (left.begun, right.begun, len(left.seen), len(right.seen)) == (1, 1, 1, 1)
    made.turn()
    assert made.ticks == 8
    right.is_ready = False
    made.turn()
    assert made.ticks == 8
    assert made.due == now[0] + 0.1
    assert (left.missed, right.missed) == (0, 0)


def test_who_is_late_is_played_without_and_counted(now: list[float]) -> None:
    left, right = puppets()
    made = table(left, right)
    right.is_ready = False
    now[0] += 0.11
    made.turn()
    assert made.ticks == 8
    assert (left.missed, right.missed) == (0, 1)
    made.turn()  # the next one has its own time
    assert made.ticks == 8


def test_in_real_time_nobody_is_waited_for(now: list[float]) -> None:
    left, right = puppets()
    made = table(left, right, lockstep=False)
    right.is_ready = False
    for _ in range(8):
        now[0] = made.due
        made.turn()
    assert made.ticks == 8
    assert right.missed == 1
    made.turn()  # nothing is due
    assert made.ticks == 8


def test_a_match_with_a_person_is_played_in_real_time_after_a_countdown(now: list[float]) -> None:
    left, right = Puppet(player(1, "Ada", PERSON)), Puppet(player(2, "Bob"))
    made = table(left, right)
    assert made.is_real_time
    counts = []
    while not made.ticks:
        counts.append(made.serve_in)
        now[0] = made.due
        made.turn()
    assert sorted(set(counts), reverse=True) == [3, 2, 1]
    assert now[0] == pytest.approx(101.5, abs=0.05)


def test_house_players_take_no_more_time_than_they_need(now: list[float]) -> None:
    left, right = Puppet(player(1, "level 1", HOUSE)), Puppet(player(2, "level 2", HOUSE))
    made = table(left, right, lockstep=False)
    made.turn()
    assert made.ticks == 8


def test_a_match_ends_with_the_points_that_win_it(now: list[float]) -> None:
    left, right = puppets()
    left.move = right.move = -5.0  # both stand at the top, and miss
    made = table(left, right, points_to_win=3)
    while not made.is_over:
        made.turn()
        now[0] += 0.01
    took = now[0] - 100
    now[0] += 600  # in which the disk is full, and the match waits to be kept
    kept = made.result()
    assert kept.seconds == pytest.approx(took, abs=0.02)
    assert max(made.score) == 3
    assert kept.ended == "points"
    assert kept.winner == int(made.score[0] < 3)
    assert (kept.left.points, kept.right.points) == made.score
    assert sum(left.rewards) == made.score[0] - made.score[1] == -sum(right.rewards)
    assert (left.ended, right.ended) == (1, 1)
    rows = unpacked(kept.views)
    assert len(rows) == made.ticks + 1
    assert tuple(rows[0]) == (345, 245, 200, 200, 0, 0)
    assert tuple(rows[-1, 4:]) == made.score


def test_the_same_seed_serves_the_same_ball_to_both_sides(now: list[float]) -> None:
    tables = [table(*puppets()), table(*puppets())]
    for made in tables:
        made.turn()
    assert tables[0].place() == tables[1].place()


def test_a_match_without_end_ends_after_five_minutes_of_the_game(now: list[float]) -> None:
    left, right = puppets()
    made = table(left, right, points_to_win=10_000)
    while not made.is_over:
        for side, puppet in enumerate((left, right)):
            puppet.move = made.game.ball_y - 45 - made.game.paddles[side]
        made.turn()
    assert made.result().ended == "time"
    assert made.ticks == LONGEST_MATCH


@pytest.mark.parametrize(("gone", "winner"), [((0,), 1), ((1,), 0), ((0, 1), None)])
def test_who_says_nothing_for_too_long_forfeits(
    now: list[float], gone: tuple[int, ...], winner: int | None
) -> None:
    sides = puppets()
    made = table(*sides)
    for side in gone:
        sides[side].is_ready, sides[side].silent_since = False, now[0]
    now[0] += FORFEIT_SECONDS - 0.01
    made.turn()
    assert not made.is_over
    now[0] += 0.02
    made.turn()
    kept = made.result()
    assert made.is_forfeited
    assert kept.winner == winner
    assert kept.ended == "forfeit by " + " and ".join(("Ada", "Bob")[side] for side in gone)


def test_who_leaves_forfeits_at_once_and_once(now: list[float]) -> None:
    made = table(*puppets())
    made.forfeit(0, "left")
    made.forfeit(1, "left")
    assert (made.result().winner, made.result().ended) == (1, "forfeit by Ada: left")
