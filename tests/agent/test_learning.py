"""The learner: rollouts in, better policies out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pongrl.agent import policy as network
from pongrl.agent.eyes import Eyes
from pongrl.agent.learning import Learner
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import Policy
from pongrl.agent.ranges import SQUARE
from pongrl.agent.recipe import OTHERS, OURS, Recipe
from pongrl.agent.work import finish
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.moves import DOWN, UP
from pongrl.wire.messages import Mover
from pongrl.wire.plain import dumps, loads
from tests.support.learning import (
    RNG,
    SMALL,
    play,
    random_frames,
    small_learner,
    state,
    weights_of,
)
from tools.courts import Courts


def test_an_update_comes_after_every_batch_of_points_while_the_next_is_played() -> None:
    learner = small_learner(batch_size=4)
    before = learner.policy
    play(learner, 2)  # two games, a point each: the batch is full, and is being learned from
    assert learner.policy is before
    play(learner, 1)
    assert learner.policy is before
    play(learner, 2)  # the next is full
    assert learner.updates == 1
    assert learner.policy is not before


@pytest.mark.parametrize(("decisions", "is_full"), [(3, False), (4, True)])
def test_points_make_a_batch_only_after_enough_decisions(decisions: int, is_full: bool) -> None:
    learner = small_learner(batch_size=2, shortest=4)
    play(learner, decisions)
    assert learner.work() == is_full


@pytest.mark.parametrize("movers", [Mover.HELD, Mover.HUMAN, Mover.BUILTIN])
def test_moves_that_were_not_its_own_teach_nothing(movers: Mover) -> None:
    learner = small_learner()
    before = weights_of(learner)
    play(learner, 20, movers)
    learner.settle()
    assert learner.frames > 0
    assert (learner.updates, learner.refused) == (0, 0)
    assert weights_of(learner) == before
    assert not any(cache.any() for cache in learner.optimiser.cache.values())  # no memory of small gradients


def one_decision(
    learner: Learner, made: Callable[[int], int], broken: bool = False, settles: bool = True
) -> None:
    """Let it decide once and win the point; `made` gives the move that the game says was made."""
    eyes, rollout = Eyes(1, *SMALL), learner.begin()
    first = state(random_frames(RNG(1), 1))
    move = int(learner.decide(rollout, first, eyes.look(first))[0])
    if broken:
        assert rollout.pending is not None
        rollout.pending.seen.value[0] = np.nan  # as an overflow somewhere would leave it
    step = state(random_frames(RNG(2), 1), reward=[1], points=[1], move=[made(move)], mover=[Mover.AGENT])
    learner.decide(rollout, step, eyes.look(step))
    learner.learn()
    if settles:
        learner.settle()


def test_a_move_other_than_the_one_drawn_teaches_nothing() -> None:
    for made, learns in ((lambda move: UP + DOWN - move, False), (lambda move: move, True)):
        learner = small_learner(batch_size=1)
        before = weights_of(learner)
        one_decision(learner, made)
        assert (weights_of(learner) != before) == learns


def test_a_gradient_that_is_not_finite_is_refused_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    learner = small_learner(batch_size=1)
    before = weights_of(learner)
    one_decision(learner, lambda move: move, broken=True)
    assert (learner.refused, learner.updates) == (1, 0)
    assert weights_of(learner) == before
    assert "not finite" in caplog.text
    one_decision(learner, lambda move: move)
    assert (learner.refused, learner.updates) == (1, 1)


def test_a_step_that_was_refused_and_waits_is_no_update_after_a_checkpoint() -> None:
    learner = small_learner(batch_size=1)
    one_decision(learner, lambda move: move, broken=True, settles=False)
    again = small_learner(batch_size=1)
    again.restore(loads(dumps(learner.to_plain())))
    for each in (learner, again):
        each.settle()
        assert (each.refused, each.updates) == (1, 0)


def test_a_step_to_weights_that_make_no_sense_is_not_taken_and_that_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    learner = small_learner(batch_size=1)
    learner.optimiser.rate = np.float32(1e9)
    before = weights_of(learner)
    for _ in range(3):
        one_decision(learner, lambda move: move)
    assert (learner.refused, learner.updates) == (3, 0)
    assert weights_of(learner) == before
    assert [record.message.split(",")[0] for record in caplog.records] == ["weights have grown beyond 1e+06"]


@pytest.mark.parametrize(("name", "value"), [("updates", -1), ("refused", "1"), ("cache", "w")])
def test_a_state_that_means_nothing_is_not_restored(name: str, value: object) -> None:
    learner = small_learner()
    plain = learner.to_plain()
    if name == "cache":
        learner.optimiser.cache["w"][0] = -1  # a mean of squares
        value = learner.to_plain()["cache"]
    with pytest.raises((ValueError, TypeError)):
        small_learner().restore(plain | {name: value})


@pytest.mark.parametrize(
    "change", [{"inc": 0, "state": 0}, {"inc": 2}, {"state": 1.5}, {"state": -1}, {"inc": 2**128}]
)
def test_a_generator_that_would_draw_no_numbers_is_not_restored(change: dict[str, object]) -> None:
    learner = small_learner()
    plain = learner.to_plain()
    plain["generator"]["state"] |= change
    with pytest.raises((ValueError, OverflowError)):
        small_learner().restore(plain)


def test_what_a_learner_has_come_to_can_be_restored_however_far_it_is() -> None:
    learner, most = small_learner(batch_size=1), np.float32(SQUARE.most)
    learner.updates = learner.refused = 2**62
    for cache in learner.optimiser.cache.values():
        cache[:] = most
    gradient = {name: np.full_like(w, 1e9) for name, w in learner.policy.weights.items()}
    for _ in range(1000):
        learner.adopt(finish(learner.step(learner.policy, gradient, 1.0)))
    learner.adopt(finish(learner.step(learner.policy, {"w": np.full(4, 1e15, np.float32)}, 1.0)))
    small_learner().restore(loads(dumps(learner.to_plain())))
    assert learner.updates == 2**62 + 1000
    assert learner.refused == 2**62 + 1  # the last gradient's squares do not fit


def test_the_same_seed_learns_the_same() -> None:
    learners = [small_learner(7), small_learner(7)]
    for learner in learners:
        play(learner, 30)
    assert weights_of(learners[0]) == weights_of(learners[1])


recipes = pytest.mark.parametrize("recipe", [OURS, OTHERS])


@recipes
@pytest.mark.parametrize("pieces", [1, 4, 1000])
def test_when_there_is_time_to_learn_changes_nothing(pieces: int, recipe: Recipe) -> None:
    none, some = small_learner(7, recipe=recipe), small_learner(7, recipe=recipe)
    play(none, 30)
    play(some, 30, pieces=pieces)
    assert weights_of(none) == weights_of(some)
    assert some.updates == none.updates > 0


def test_learning_comes_in_pieces_and_ends() -> None:
    learner = small_learner(batch_size=2)
    assert not learner.work()
    play(learner, 1)
    pieces = sum(1 for _ in iter(learner.work, False))
    assert pieces > 5
    assert learner.updates == 0  # it is played with from the next batch on
    learner.settle()
    assert learner.updates == 1


def test_a_batch_that_could_not_be_learned_from_is_not_saved_as_if_it_had_been(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    learner = small_learner(batch_size=2)
    play(learner, 1)
    monkeypatch.setattr(network, "unfold", fail)
    with pytest.raises(MemoryError):
        learner.settle()
    with pytest.raises(RuntimeError, match="could not be learned from"):
        learner.to_plain()


def test_a_batch_that_teaches_several_times_makes_one_better_policy() -> None:
    learner = small_learner(batch_size=8, recipe=OTHERS)
    play(learner, 4)
    learner.settle()
    assert learner.updates == 1
    once = small_learner(batch_size=8, recipe=replace(OTHERS, passes=2))
    play(once, 4)
    once.settle()
    assert weights_of(once) != weights_of(learner)


@recipes
def test_learning_stopped_and_resumed_equals_learning_that_never_stopped(recipe: Recipe) -> None:
    whole, first = small_learner(9, recipe=recipe), small_learner(9, recipe=recipe)
    play(whole, 30, seed=1)
    play(whole, 30, seed=2)
    play(first, 30, seed=1)  # 60 points: a multiple of the batch, so none is half collected
    assert first.work()  # and the last one is being learned from
    saved = loads(dumps({"policy": first.policy.to_plain(), "learner": first.to_plain()}))
    policy = Policy.from_plain(saved["policy"], 8)
    resumed = small_learner(12345, recipe=recipe)
    resumed.policy = policy
    resumed.restore(saved["learner"])
    play(resumed, 30, seed=2)
    assert weights_of(resumed) == weights_of(whole)
    assert resumed.updates == whole.updates


class AlwaysUp:
    """A random generator that always chooses up."""

    def gumbel(self, size: tuple[int, int]) -> np.ndarray:
        noise = np.zeros(size)
        noise[:, 0] = 1e6
        return noise


def test_the_gradient_of_several_servers_is_that_of_their_games_together() -> None:
    """One server with two games teaches what two servers with one game each teach."""
    weights = []
    for groups in ([[0, 1]], [[0], [1]]):
        learner = small_learner(batch_size=6)
        learner.rng = AlwaysUp()  # type: ignore[assignment]
        frames = RNG(3)
        eyes = [Eyes(len(group), *SMALL) for group in groups]
        rollouts = [learner.begin() for _ in groups]
        for number in range(5):
            seen = random_frames(frames, 2)
            for group, eye, rollout in zip(groups, eyes, rollouts, strict=True):
                step = state(
                    seen[group], reward=[-1] * len(group), points=[int(number > 0)] * len(group),
                    move=[UP] * len(group), mover=[Mover.AGENT] * len(group),
                )  # fmt: skip
                learner.decide(rollout, step, eye.look(step))
            learner.learn()
        learner.settle()
        weights.append(learner.policy.weights)
    for name in weights[0]:
        alike = np.isclose(weights[0][name], weights[1][name], rtol=1e-3, atol=1e-6)
        assert alike.mean() > 0.99  # RMSProp makes whole steps of what is nothing but rounding
        assert np.abs(weights[0][name]).max() > 0


def test_a_server_that_is_gone_takes_its_unfinished_points_with_it() -> None:
    learner = small_learner(batch_size=4)
    eyes, rollout = Eyes(2, *SMALL), learner.begin()
    for number in range(2):
        step = state(random_frames(RNG(number), 2), points=[number] * 2, mover=[Mover.AGENT] * 2)
        learner.decide(rollout, step, eyes.look(step))
    learner.drop(rollout)
    play(learner, 1)  # two points more: with the two that are gone they would be enough
    assert not learner.work()


def test_a_long_rally_is_learned_from_before_it_ends() -> None:
    rng = RNG(1)
    policy = Policy.random(*SMALL, 8, rng)
    learner = Learner(policy, RMSProp(policy.weights, 1e-2, 0.99), 10, 0.99, rng, longest_batch=6)
    eyes, rollout = Eyes(2, *SMALL), learner.begin()
    for _ in range(4):
        step = state(random_frames(rng, 2))
        learner.decide(rollout, step, eyes.look(step))
        assert not learner.work()
        learner.learn()
    assert learner.work()


def test_it_learns_to_beat_random_play_from_pixels() -> None:
    """Sixteen games of level 2 in this process, one seed; random play wins 0.15 of the points."""
    count, rng, won = 16, RNG(3), list[bool]()
    policy = Policy.random(FRAME_HEIGHT, FRAME_WIDTH, 60, rng)
    learner = Learner(policy, RMSProp(policy.weights, 4e-3, 0.99), 10, 0.995, rng)
    games, eyes = Courts(count, seed=100), Eyes(count, FRAME_HEIGHT, FRAME_WIDTH)
    step, rollout = games.first(), learner.begin()
    while len(won) < 4_000:
        moves = learner.decide(rollout, step, eyes.look(step))
        learner.learn()
        step = games.play(moves)
        won += (step.rewards[step.points > 0] > 0).tolist()
    assert np.mean(won[:500]) < 0.25
    assert np.mean(won[-500:]) > 0.30
