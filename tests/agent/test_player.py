"""A policy that plays without learning."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent.eyes import Eyes
from pongrl.agent.player import Decider, Player
from pongrl.agent.policy import MOVES, Policy, choose
from tests.support.learning import RNG, SMALL, random_frames, small_learner, state


def test_a_player_makes_the_likelier_moves_and_learns_nothing() -> None:
    policy = Policy.random(*SMALL, 8, RNG(1))
    player, eyes = Player(policy), Eyes(3, *SMALL)
    rollout = player.begin()
    for number in range(5):
        step = state(random_frames(RNG(number), 3), points=[1] * 3)
        moves = player.decide(rollout, step, eyes.look(step))
        assert rollout.pending is not None
        assert moves.tolist() == MOVES[rollout.pending.seen.logits.argmax(1)].tolist()
        player.learn()
        assert not player.work()
    player.drop(rollout)
    assert player.policy is policy
    assert player.updates == 0
    assert rollout.decisions == []


def test_a_player_with_a_generator_draws_its_moves() -> None:
    policy, rng = Policy.random(*SMALL, 8, RNG(1)), RNG(3)
    player, eyes = Player(policy, RNG(3)), Eyes(20, *SMALL)
    rollout = player.begin()
    for number in range(3):
        step = state(random_frames(RNG(number), 20))
        seen = eyes.look(step)
        player.decide(rollout, step, seen)
        assert rollout.pending is not None
        np.testing.assert_array_equal(rollout.pending.chosen, choose(policy, seen, rng).chosen)


@pytest.mark.parametrize("learns", [False, True])
def test_a_trainer_can_use_a_player_or_a_learner(learns: bool) -> None:
    decider: Decider = small_learner() if learns else Player(Policy.random(*SMALL, 8, RNG(1)))
    eyes, rollout = Eyes(2, *SMALL), decider.begin()
    step = state(random_frames(RNG(1), 2))
    assert len(decider.decide(rollout, step, eyes.look(step))) == 2
    decider.learn()
    assert not decider.work()
    assert decider.updates == 0
    decider.drop(rollout)
