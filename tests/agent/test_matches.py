"""Matches: their scores, as the states tell of them."""

from __future__ import annotations

import numpy as np

from pongrl.agent.matches import Matches
from tests.support.agents import state

MOST = (1 << 31) - 1


def test_a_score_is_what_was_won_less_what_was_lost_from_the_first_point_on() -> None:
    matches = Matches(state(2, matches=[3, 0], left=[1, 0], right=[0, 2]))
    assert (matches.ended(state(2, matches=[3, 0], left=[1, 1], right=[0, 2], reward=[0, 1]))) == []
    assert (matches.ended(state(2, matches=[3, 1], left=[1, 0], right=[1, 0], reward=[-1, -1]))) == [(1, -2)]
    assert (matches.ended(state(2, matches=[4, 2], reward=[5, 7]))) == [(0, 5), (1, 7)]


def test_points_after_the_end_belong_to_the_next_match() -> None:
    matches = Matches(state(matches=[0], left=[20]))
    assert (matches.ended(state(matches=[1], right=[1], reward=[0]))) == [(0, 21)]
    assert (matches.ended(state(matches=[2], reward=[-20]))) == [(0, -21)]


def test_the_largest_scores_do_not_overflow() -> None:
    matches = Matches(state(matches=[0], left=[MOST]))
    ((_, score),) = matches.ended(state(matches=[1], right=[MOST], reward=[MOST]))
    assert score == 3 * MOST
    assert np.isfinite(score)
