"""The pool: shares that wait for a batch, and the gradients of which a step is made."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install ray")

import numpy as np

from pongrl.agent.batch import Moments
from pongrl.agent.learning import LONGEST_BATCH
from pongrl.distributed.pool import Pool
from pongrl.distributed.worker import Share
from pongrl.distributed.workforce import Post
from tests.support.learning import small_learner


class Place(Post):
    """A post whose worker only notes what it is asked."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.asked: list[list[int]] = []

    def ask_gradient(self, numbers: list[int], whole: Moments, deviation: float) -> Any:
        self.asked.append(numbers)
        return f"gradient {len(self.asked)} of {self.number}"


def share(number: int, points: int = 2, decisions: int = 10) -> Share:
    return Share(number, 0, Moments(decisions, 0.0, 1.0, decisions), 8 * decisions, points, [True] * points)


@pytest.fixture
def places() -> tuple[Place, Place]:
    return Place(1), Place(2)


def test_a_batch_is_asked_for_when_it_has_enough_points(places: tuple[Place, Place]) -> None:
    one, other = places
    pool = Pool(small_learner(batch_size=5))
    pool.ask()
    pool.take(one, share(0))
    pool.take(other, share(0))
    pool.ask()
    assert not pool.awaited
    pool.take(one, share(1))
    pool.ask()
    assert (one.asked, other.asked) == ([[0, 1]], [[0]])
    assert set(pool.awaited) == {"gradient 1 of 1", "gradient 1 of 2"}


def test_a_batch_is_asked_for_when_it_has_enough_decisions(places: tuple[Place, Place]) -> None:
    pool = Pool(small_learner(batch_size=5))
    pool.take(places[0], share(0, points=0, decisions=LONGEST_BATCH))
    pool.ask()
    assert pool.awaited


def test_a_step_is_taken_after_the_last_part_and_the_next_batch_waits_for_it(
    places: tuple[Place, Place],
) -> None:
    learner = small_learner(batch_size=4)
    pool, before = Pool(learner), learner.policy
    for place in places:
        pool.take(place, share(0))
    pool.ask()
    for place in places:
        pool.take(place, share(1))
    pool.ask()
    assert [place.asked for place in places] == [[[0]], [[0]]]
    part = {name: np.ones_like(weight) for name, weight in before.weights.items()}
    assert not pool.add("gradient 1 of 1", part)
    assert learner.policy is before
    assert pool.add("gradient 1 of 2", part)
    assert learner.policy is not before
    assert learner.updates == 1
    pool.ask()
    assert [place.asked for place in places] == [[[0], [1]], [[0], [1]]]


def test_the_part_of_a_dead_worker_is_left_out(places: tuple[Place, Place]) -> None:
    learner = small_learner(batch_size=4)
    pool = Pool(learner)
    for place in places:
        pool.take(place, share(0))
    pool.ask()
    part = {name: np.ones_like(weight) for name, weight in learner.policy.weights.items()}
    assert not pool.add("gradient 1 of 1", part)
    assert pool.add("gradient 1 of 2", None)
    assert learner.updates == 1


def test_nothing_is_learned_if_all_workers_of_a_batch_have_died(places: tuple[Place, Place]) -> None:
    learner = small_learner(batch_size=1)
    pool = Pool(learner)
    pool.take(places[0], share(0))
    pool.ask()
    assert not pool.add("gradient 1 of 1", None)
    assert learner.updates == 0


def test_the_shares_of_a_worker_that_is_gone_are_forgotten(places: tuple[Place, Place]) -> None:
    one, other = places
    pool = Pool(small_learner(batch_size=4))
    pool.take(one, share(0))
    pool.take(other, share(0))
    pool.drop(one)
    pool.ask()
    assert not pool.awaited
    pool.take(other, share(1))
    pool.ask()
    assert (one.asked, other.asked) == ([], [[0, 1]])
