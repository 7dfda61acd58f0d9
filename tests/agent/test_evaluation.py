"""Evaluation: what a policy achieves without learning."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent.evaluation import Evaluation, evaluate
from pongrl.agent.policy import Policy
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from tests.support import connected, serving

RNG = np.random.default_rng


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = Evaluation(points=100, won=10, hits=0, decisions=0, seconds=1).interval
    assert (low, high) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert Evaluation(points=10, won=10, hits=0, decisions=0, seconds=1).interval[1] == pytest.approx(1)


def test_every_game_of_an_evaluation_plays_its_share_of_the_points() -> None:
    policy = Policy.random(FRAME_HEIGHT, FRAME_WIDTH, 10, RNG(1))
    before = [weight.copy() for weight in policy.weights.values()]
    with serving(lockstep=True, games=3, seed=1) as server, connected(server) as client:
        counted: list[int] = []
        result, last = evaluate(policy, client, client.first, 7, None, lambda: bool(counted.append(1)))
        assert result is not None
        assert result.points == 7
        assert 0 <= result.won <= 7
        assert result.decisions == 3 * len(counted) == 3 * last.number
        score = last.scores.sum(axis=1)
        assert (score >= [3, 2, 2]).all()
        assert evaluate(policy, client, last, 7, RNG(1), lambda: True)[0] is None
    for weight, kept in zip(policy.weights.values(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_evaluations_of_one_seed_are_the_same_unless_drawn() -> None:
    policy = Policy.random(FRAME_HEIGHT, FRAME_WIDTH, 10, RNG(1))
    results = []
    for rng in (None, None, RNG(5), RNG(5)):
        with serving(lockstep=True, games=2, seed=4) as server, connected(server) as client:
            result, last = evaluate(policy, client, client.first, 10, rng, lambda: False)
            assert result is not None
            results.append((result.won, result.hits, last.number))
    assert results[0] == results[1]
    assert results[2] == results[3]
