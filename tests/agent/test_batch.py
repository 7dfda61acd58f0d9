"""What a batch teaches: advantages and gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pongrl.agent import batch
from pongrl.agent.batch import Batch, advantages
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import MOVES, Policy, Weights, probabilities
from pongrl.agent.recipe import OTHERS, OURS
from pongrl.agent.rollout import Rollout, Segment
from pongrl.agent.work import finish
from pongrl.game.moves import UP
from pongrl.wire.messages import Column, Mover
from tests.support.learning import RNG, SMALL, random_frames, state


def played(policy: Policy, games: int, decisions: int, rng: np.random.Generator) -> Segment:
    """Play with random outcomes, of moves that were the agent's up, or a person's."""
    eyes, rollout = Eyes(games, *SMALL), Rollout()
    for _ in range(decisions + 1):
        won = rng.integers(-1, 2, games)
        step = state(
            random_frames(rng, games), reward=won.tolist(), points=abs(won).tolist(),
            move=[UP] * games, mover=rng.choice([Mover.AGENT, Mover.HUMAN], games).tolist(),
        )  # fmt: skip
        rollout.decide(policy, step, eyes.look(step), rng)
    assert rollout.pending is not None
    assert rollout.matches is not None
    return Segment(rollout.decisions, rollout.frames, rollout.pending.seen.value, rollout.matches)


def with_values(rng: np.random.Generator, moves: int = 3) -> Policy:
    """Make a small policy whose values are not all 0."""
    weights = Policy.random(*SMALL, 8, rng, moves).weights
    return Policy(*SMALL, weights | {"v": rng.standard_normal(4, np.float32)})


def gradient_of(policy: Policy, segments: list[Segment], deviation: float = 0.7) -> Weights:
    made = Batch(segments, 0.99)
    return finish(made.gradient(policy, deviation))


@pytest.mark.parametrize("decisions", [1, 2, 5, 8, 13])
def test_advantages_are_the_sums_of_the_formula(decisions: int) -> None:
    rng = RNG(1)
    reward, discount, value = rng.random((3, decisions, 2), np.float32)
    last = rng.random(2, np.float32)
    estimates = advantages(reward, discount, value, last, 0.9)
    deltas = reward + discount * np.concatenate((value[1:], last[None])) - value
    for t in range(decisions):
        expected, factor = np.zeros(2), np.ones(2)
        for i in range(t, decisions):
            expected += factor * deltas[i]
            factor *= 0.9 * discount[i]
        np.testing.assert_allclose(estimates[t], expected, atol=1e-6)


def test_only_lost_points_count_and_the_return_goes_on_across_a_point() -> None:
    rng = RNG(2)
    policy, gamma = with_values(rng), 0.97
    segment = played(policy, 2, 9, rng)
    value = np.array([decision.seen.value for decision in segment.decisions])
    table = np.array([decision.table for decision in segment.decisions])
    reward, discount = np.minimum(table[:, :, Column.REWARD], 0), gamma ** table[:, :, Column.TICKS]
    expected = advantages(reward, discount, value, segment.last_value, OURS.gae_lambda)
    np.testing.assert_allclose(Batch([segment], gamma).advantage, expected.reshape(-1), rtol=1e-5, atol=1e-6)


def test_in_another_game_won_points_count_and_a_match_ends_the_return() -> None:
    rng = RNG(2)
    policy, gamma = with_values(rng), 0.97
    segment = played(policy, 2, 9, rng)
    table = np.array([decision.table for decision in segment.decisions])  # (T, N, columns)
    table[:, :, Column.REWARD] *= 3
    over = rng.random((9, 2)) < 0.3
    over[0] = True, False
    table[:, :, Column.MATCHES] = 7 + over.cumsum(0)
    decisions = [replace(old, table=rows) for old, rows in zip(segment.decisions, table, strict=True)]
    segment = replace(segment, decisions=decisions, matches=np.array([7, 7], np.int32))
    value = np.array([decision.seen.value for decision in decisions])
    ticks = table[:, :, Column.TICKS]
    discount = np.where(over, 0, gamma**ticks)
    reward = np.sign(table[:, :, Column.REWARD])
    expected = advantages(reward, discount, value, segment.last_value, OTHERS.gae_lambda)
    found = Batch([segment], gamma, OTHERS).advantage
    np.testing.assert_allclose(found, expected.reshape(-1), rtol=1e-5, atol=1e-6)


def test_decisions_that_teach_are_those_whose_move_was_made_by_the_agent() -> None:
    rng = RNG(3)
    segment = played(with_values(rng), 3, 20, rng)
    own = [
        mover == Mover.AGENT and move == MOVES[chosen]
        for decision in segment.decisions
        for chosen, move, mover in zip(
            decision.chosen, decision.table[:, Column.MOVE], decision.table[:, Column.MOVER], strict=True
        )
    ]
    made = Batch([segment], 0.99)
    assert made.own.tolist() == own
    assert sum(own) > 0


@pytest.mark.parametrize(("moves", "name"), [(2, "w"), (3, "w"), (3, "u")])
def test_the_gradient_is_that_of_the_objective(moves: int, name: str) -> None:
    """Finite differences of the objective as the docstring has it, with the advantages held fixed."""
    rng = RNG(4)
    policy = with_values(rng, moves)
    segment = played(policy, 2, 12, rng)
    made = Batch([segment], 0.99)
    gradient = gradient_of(policy, [segment])
    divided = made.advantage / 0.7
    target = made.value + made.advantage

    def objective(weights: np.ndarray) -> float:
        other = Policy(*SMALL, policy.weights | {name: weights.astype(np.float32)})
        seen = [other.forward(decision.seen.x) for decision in segment.decisions]
        logits = np.concatenate([one.logits for one in seen]).astype(float)
        value = np.concatenate([one.value for one in seen]).astype(float)
        p = probabilities(logits)
        entropy = -(p * np.log(p)).sum(1)
        chance = np.take_along_axis(p, made.chosen[:, None], 1)[:, 0]
        terms = divided * np.log(chance) + made.recipe.entropy_bonus * entropy
        terms = terms - batch.VALUE_WEIGHT * (target - value) ** 2 / 2
        return float((terms * made.own).sum() / made.own.sum())

    small = 1e-2
    for unit in range(4):
        above, below = policy.weights[name].astype(float), policy.weights[name].astype(float)
        above[unit] += small
        below[unit] -= small
        difference = (objective(above) - objective(below)) / (2 * small)
        assert difference == pytest.approx(gradient[name][unit], rel=2e-2, abs=1e-5)


def test_parts_hold_every_decision_once_in_a_new_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PART_ROWS", 16)
    rng = RNG(4)
    policy = with_values(rng)
    made = Batch([played(policy, 2, 20, rng), played(policy, 3, 5, rng)], 0.99)
    first, second = made.parts(RNG(1)), made.parts(RNG(2))
    assert len(first) == 3  # of 55 decisions
    assert first != second
    for parts in (first, second):
        assert sorted(number for part in parts for number in part) == list(range(25))


def test_the_gradient_for_another_policys_decisions_is_that_of_the_clipped_objective() -> None:
    rng = RNG(4)
    policy = with_values(rng)
    segment = played(policy, 2, 40, rng)
    made, part = Batch([segment], 0.99), list(range(3, 33))
    here = slice(6, 66)
    A, own, chosen = made.advantage[here] / 0.7, made.own[here], made.chosen[here]
    target = (made.value + made.advantage)[here]
    old = np.concatenate([decision.seen.logits for decision in segment.decisions])[here]
    was = np.take_along_axis(probabilities(old.astype(float)), chosen[:, None], 1)[:, 0]
    other = policy.weights | {"w": policy.weights["w"] + rng.normal(0, 4, 4).astype(np.float32)}
    ratios = []

    def objective(weights: np.ndarray) -> float:
        seen = [
            Policy(*SMALL, other | {"w": weights.astype(np.float32)}).forward(
                segment.decisions[number].seen.x
            )
            for number in part
        ]
        p = probabilities(np.concatenate([one.logits for one in seen]).astype(float))
        value = np.concatenate([one.value for one in seen]).astype(float)
        ratio = np.take_along_axis(p, chosen[:, None], 1)[:, 0] / was
        ratios.append(ratio)
        terms = np.minimum(ratio * A, np.clip(ratio, 0.8, 1.2) * A)
        terms = terms - made.recipe.entropy_bonus * (p * np.log(p)).sum(1)
        terms = terms - batch.VALUE_WEIGHT * (target - value) ** 2 / 2
        return float((terms * own).sum() / own.sum())

    gradient = finish(made.gradient_again(Policy(*SMALL, other), part, 0.7))
    small = 1e-3
    for unit in range(4):
        above, below = other["w"].astype(float), other["w"].astype(float)
        above[unit] += small
        below[unit] -= small
        difference = (objective(above) - objective(below)) / (2 * small)
        assert difference == pytest.approx(gradient["w"][unit], rel=2e-2, abs=1e-4)
    assert (abs(ratios[0] - 1) > 0.2).any()  # some are clipped
    assert (abs(ratios[0] - 1) < 0.2).any()


def test_a_long_batch_teaches_the_same_in_smaller_products(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = RNG(1)
    policy = Policy.random(*SMALL, 8, rng)
    segments = [played(policy, 2, 20, rng)]
    whole = gradient_of(policy, segments)
    monkeypatch.setattr(batch, "GRADIENT_ROWS", 6)
    in_parts = gradient_of(policy, segments)
    for name, gradient in whole.items():
        np.testing.assert_allclose(gradient, in_parts[name], rtol=1e-4, atol=1e-6)
        assert np.abs(gradient).max() > 0
