"""Decisions, and what came of them, until they are enough for a batch."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent import rollout
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import Policy
from pongrl.agent.rollout import Rollout, Rollouts
from tests.support.learning import RNG, SMALL, random_frames, state


def play(rollout: Rollout, decisions: int, games: int = 2, points: int = 0) -> None:
    """Make so many decisions whose outcome is known, and one that waits for it.

    Args:
        rollout: New, or one that goes on.
        decisions: How many.
        games: Side by side.
        points: That each decision ended in each game.
    """
    rng, eyes = RNG(1), Eyes(games, *SMALL)
    policy = Policy.random(*SMALL, 4, rng)
    for _ in range(decisions + (rollout.pending is None)):
        step = state(random_frames(rng, games), points=[points] * games)
        rollout.decide(policy, step, eyes.look(step), rng)


def test_a_decision_has_the_moves_drawn_and_the_table_of_what_followed() -> None:
    rng, eyes, rollout = RNG(1), Eyes(2, *SMALL), Rollout()
    policy = Policy.random(*SMALL, 4, rng)
    first, second = (state(random_frames(rng, 2), points=[number, 1]) for number in (0, 2))
    rollout.decide(policy, first, eyes.look(first), rng)
    assert rollout.decisions == []
    chosen = rollout.pending
    assert chosen is not None
    moves = rollout.decide(policy, second, eyes.look(second), rng)
    (decision,) = rollout.decisions
    assert decision.seen is chosen.seen
    assert decision.chosen is chosen.chosen
    assert decision.table is second.table
    assert rollout.points == 3
    assert rollout.pending is not None
    np.testing.assert_array_equal(moves, rollout.pending.moves)


@pytest.mark.parametrize(("decisions", "points", "is_full"), [(1, 1, False), (2, 1, True), (9, 0, True)])
def test_a_batch_is_full_after_enough_points_or_enough_decisions(
    decisions: int, points: int, is_full: bool
) -> None:
    rollouts = Rollouts(batch_size=4, longest_batch=18)
    play(rollouts.begin(), decisions, points=points)
    assert bool(rollouts.take_batch()) == is_full


@pytest.mark.parametrize(("second", "is_full"), [(2, True), (3, False)])
def test_points_make_a_batch_after_enough_decisions_for_each_game(second: int, is_full: bool) -> None:
    rollouts = Rollouts(batch_size=4, longest_batch=1000, shortest=3)
    play(rollouts.begin(), 4, games=2, points=1)
    play(rollouts.begin(), 2, games=second, points=1)
    assert bool(rollouts.take_batch()) == is_full


def test_so_many_decisions_make_a_batch_however_few_they_are_for_each_game() -> None:
    rollouts = Rollouts(batch_size=4, longest_batch=4, shortest=100)
    play(rollouts.begin(), 2)
    assert rollouts.take_batch()


def test_a_batch_is_full_when_its_observations_take_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rollouts = Rollouts(batch_size=1000, longest_batch=1000)
    one, other = rollouts.begin(), rollouts.begin()
    play(one, 3)
    play(other, 2)
    size = sum(decision.seen.x.size for each in (one, other) for decision in each.decisions)
    monkeypatch.setattr(rollout, "LARGEST_BATCH", size + 1)
    assert rollouts.take_batch() == []
    monkeypatch.setattr(rollout, "LARGEST_BATCH", size)
    assert len(rollouts.take_batch()) == 2
    assert rollouts.take_batch() == []


def test_a_batch_has_a_segment_from_each_server_and_is_taken_once() -> None:
    rollouts = Rollouts(batch_size=4, longest_batch=1000)
    first, second, idle = (rollouts.begin() for _ in range(3))
    play(first, 2, points=1)
    play(second, 3, games=1)
    play(idle, 0)
    segments = rollouts.take_batch()
    assert [(len(segment.decisions), len(segment.last_value)) for segment in segments] == [(2, 2), (3, 1)]
    assert first.pending is not None
    assert segments[0].last_value is first.pending.seen.value
    assert rollouts.take_batch() == []


def test_a_server_that_is_gone_adds_nothing_to_a_batch() -> None:
    rollouts = Rollouts(batch_size=4, longest_batch=1000)
    gone, here = rollouts.begin(), rollouts.begin()
    play(gone, 1, points=1)
    play(here, 1, points=1)
    rollouts.drop(gone)
    assert rollouts.take_batch() == []
    play(here, 1, points=1)
    (segment,) = rollouts.take_batch()
    assert len(segment.decisions) == 2
