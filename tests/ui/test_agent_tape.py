"""What the agent's window has to show: decisions in order, and the learning curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pongrl.ui.agent_tape import CURVE_POINTS, SLICE, Curve, Moment, Tape, difference
from tests.support.ui import decided_of, step_of


def moment(number: int, cells: dict[tuple[int, int], int] | None = None, reward: int = 0) -> Moment:
    return Moment.of(decided_of(step_of(number, cells or {}, reward)))


def test_a_moment_is_the_first_games_part_of_a_decision() -> None:
    decided = decided_of(step_of(7, {(20, 30): 200}, reward=-1), (0.7, 0.2, 0.1), 0.5, chosen=2, hidden=2)
    found = Moment.of(decided)
    assert (found.number, found.points, found.reward, found.ticks, found.chosen) == (7, 1, -1, 6, 2)
    assert [*found.probabilities, found.value] == pytest.approx([0.7, 0.2, 0.1, 0.5])
    assert found.frame[20, 30] == found.frame.sum() == 200
    np.testing.assert_array_equal(found.hidden, np.full(20, 2))  # without the twins
    other = replace(decided, session=replace(decided.session, height=80, width=30))
    assert len(Moment.of(other).hidden) == 40  # in another game there are none


def test_the_difference_is_what_has_come_and_gone() -> None:
    before, now = moment(1, {(20, 30): 255, (5, 5): 80}), moment(2, {(20, 31): 255, (5, 5): 80})
    change = difference(before, now)
    assert {place: change[place] for place in zip(*change.nonzero(), strict=True)} == {
        (20, 30): -255, (20, 31): 255
    }  # fmt: skip


def test_the_difference_is_seen_when_the_numbers_begin_again() -> None:
    before, now = moment((1 << 32) - 1, {(20, 30): 255}), moment(0, {(20, 31): 255})
    assert np.count_nonzero(difference(before, now)) == 2


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, moment(1, {(1, 1): 9})),
        (moment(1), moment(2, {(1, 1): 9}, reward=-1)),
        (moment(1), moment(3, {(1, 1): 9})),
    ],
    ids=["the first frame", "a new point", "decisions between them"],
)
def test_where_the_agent_sees_no_difference_there_is_none(before: Moment | None, now: Moment) -> None:
    assert not difference(before, now).any()


def test_in_real_time_each_decision_is_shown_as_it_comes() -> None:
    tape = Tape()
    for number in range(3 * SLICE):
        tape.record(moment(number))
        shown = tape.next()
        assert shown is not None
        assert shown.number == number
        assert tape.is_live
        assert tape.is_recording


def test_play_that_is_too_fast_is_shown_in_slices_of_decisions_in_a_row() -> None:
    tape, number, shown = Tape(), 0, []
    for _ in range(3 * SLICE):
        for _ in range(5):
            if tape.is_recording:
                tape.record(moment(number))
            number += 1
        came = tape.next()
        assert came is not None
        shown.append(came.number)
    assert shown[:SLICE] == list(range(SLICE))
    assert not tape.is_live
    jumps = np.flatnonzero(np.diff(shown) != 1) + 1
    assert len(jumps) == 2
    assert np.diff([0, *jumps]).min() >= SLICE


def test_a_tape_that_has_run_out_is_live_again() -> None:
    tape = Tape()
    for number in range(SLICE):
        tape.record(moment(number))
    assert not tape.is_live
    while tape.next() is not None:
        pass
    assert tape.is_live
    assert tape.is_recording


def test_a_curve_has_an_entry_for_every_so_many_points() -> None:
    curve = Curve()
    added = [points for points in range(100) if curve.add(points, points / 100, 20)]
    assert added == curve.points == [20, 40, 60, 80]
    assert curve.values == [0.2, 0.4, 0.6, 0.8]


def test_a_long_curve_is_thinned_out() -> None:
    curve = Curve()
    for points in range(100, 100 * 5 * CURVE_POINTS, 100):
        curve.add(points, points / 1e6, 100)
    assert CURVE_POINTS / 2 <= len(curve.points) <= CURVE_POINTS
    assert set(np.diff(curve.points)) <= {800}
    assert curve.values == [points / 1e6 for points in curve.points]
    assert curve.points[-1] > 100 * 4.9 * CURVE_POINTS
