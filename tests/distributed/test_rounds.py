"""Rounds: what a worker learns alone, and the average that the driver makes of it. Needs no Ray."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent.eyes import Eyes
from pongrl.agent.learning import Learner
from pongrl.distributed.average import WARM_UP, Average
from pongrl.distributed.rounds import Change, Model, Round, halves, singles
from tests.support.learning import RNG, SMALL, random_frames, small_learner, state

STEP = 2**-8  # between two numbers of half the bytes, at most, as a share of them


def played(learner: Learner, model: Model, frames: int = 50) -> Change:
    """Play a round to its end, in two games in which each decision is a point."""
    round_, rng = Round(learner, model, frames), RNG(1)
    rollout, eyes = learner.begin(), Eyes(2, *SMALL)
    moves = [0, 0]
    while not round_.is_over:
        step = state(random_frames(rng, 2), reward=[1, -1], points=[1, 1], move=moves)
        moves = learner.decide(rollout, step, eyes.look(step)).astype(int).tolist()
        learner.learn()
    learner.drop(rollout)
    return round_.end()


def test_half_the_bytes_keep_the_range_and_seven_bits() -> None:
    numbers = np.array([0, 1, -1, 1.001, 3.14159, -1e-30, 1e30, np.inf, -np.inf, np.nan], np.float32)
    kept = singles(halves({"W1": numbers}))["W1"]
    assert halves({"W1": numbers})["W1"].nbytes == numbers.nbytes / 2
    np.testing.assert_allclose(kept, numbers, rtol=STEP / 2)
    assert kept[:3].tolist() == [0, 1, -1]


def test_a_round_has_so_many_frames_and_tells_how_far_they_moved_the_weights() -> None:
    learner = small_learner(batch_size=4)  # two decisions of four ticks in each of two games
    model = Average(small_learner(seed=5), 1).model()
    change = played(learner, model, frames=40)
    assert (change.version, change.updates, change.refused, change.frames) == (0, 3, 0, 48)
    for changed, begun, ended in (
        (change.weights, model.weights, learner.policy.weights),
        (change.cache, model.cache, learner.optimiser.cache),
    ):
        expected = halves({name: array - singles(begun)[name] for name, array in ended.items()})
        for name, array in expected.items():
            np.testing.assert_array_equal(changed[name], array)
            assert array.any()


def test_a_round_has_at_least_one_update() -> None:
    assert played(small_learner(), Average(small_learner(), 1).model(), frames=1).updates == 1


def test_a_model_has_as_many_bytes_as_a_change() -> None:
    model = Average(small_learner(), 1).model()
    numbers = sum(weight.size for weight in small_learner().policy.weights.values())
    assert played(small_learner(), model).nbytes == 2 * 2 * numbers


def test_the_schedule_goes_by_the_frames_of_all_workers() -> None:
    learner, others = small_learner(), small_learner()
    others.frames = 20_000_000
    round_ = Round(learner, Average(others, 4).model())
    assert learner.rate_share == 0.5
    assert not round_.is_over
    others.done = 0.85
    Round(learner, Average(others, 4).model())
    assert learner.rate_share == pytest.approx(0.25)


def test_steps_that_were_refused_count_for_the_round() -> None:
    learner = small_learner()
    learner.optimiser.rate = np.float32(1e12)
    change = played(learner, Average(small_learner(), 1).model(), frames=30)
    assert (change.updates, change.refused) == (0, 2)
    assert not any(weight.any() for weight in change.weights.values())


def test_one_workers_changes_are_added_whole() -> None:
    master, learner = small_learner(), small_learner()
    average = Average(master, 1)
    for _ in range(3):
        assert average.add(played(learner, average.model()))
    assert average.version == 3
    assert master.updates == learner.updates > 3
    assert master.frames == learner.frames
    assert master.deviation.value == learner.deviation.value
    for ours, its in ((master.policy.weights, learner.policy.weights),
                      (master.optimiser.cache, learner.optimiser.cache)):  # fmt: skip
        for name, array in ours.items():
            np.testing.assert_allclose(array, its[name], rtol=0, atol=STEP * abs(its[name]).max())


def test_of_several_workers_the_mean_is_added_first_and_more_than_it_later() -> None:
    average = Average(master := small_learner(), 8)
    assert average.share == pytest.approx(1 / 8)
    master.frames = WARM_UP
    assert average.share == pytest.approx(1 / 2)
    master.frames = 10 * WARM_UP
    assert average.share == pytest.approx(1 / 2)
    assert Average(master, 2).share == 1
    assert Average(master, 1).share == 1


def change_of(number: float, frames: int = 100, refused: int = 0) -> Change:
    """Make a change by this number of all weights, and of RMSProp's cache."""
    weights = small_learner().policy.weights
    by = halves({name: np.full_like(weight, number) for name, weight in weights.items()})
    return Change(0, by, by, (1.0, 1.0), frames, 3, refused)


def test_the_changes_of_two_workers_add_up() -> None:
    average = Average(master := small_learner(), 2)
    master.frames, before = WARM_UP, master.policy.weights["W1"].copy()
    assert average.add(change_of(0.25))
    assert average.add(change_of(0.5, frames=50))
    np.testing.assert_allclose(master.policy.weights["W1"], before + 0.75, rtol=1e-6)
    np.testing.assert_array_equal(master.optimiser.cache["W1"], np.full_like(before, 0.75))
    assert (master.frames - WARM_UP, master.updates, average.version) == (150, 6, 2)


def test_means_of_squares_stay_positive() -> None:
    average = Average(master := small_learner(), 1)
    assert average.add(change_of(-1.0))
    assert not master.optimiser.cache["W1"].any()


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 1e30])
def test_a_change_that_makes_no_sense_is_not_added(number: float) -> None:
    average = Average(master := small_learner(), 2)
    before, cache = master.policy, master.optimiser.cache
    assert not average.add(change_of(number, refused=1))
    assert (master.updates, master.refused, average.version) == (0, 4, 0)
    assert master.policy is before
    assert master.optimiser.cache is cache
