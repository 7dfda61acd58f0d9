"""What the agent sees and learns: observations, network, gradient, learning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pongrl.agent import learning, optimiser, policy
from pongrl.agent.eyes import Eyes, Sparse
from pongrl.agent.learning import Batch, Learner, Moments, Player, Segment, advantages, policy_gradient
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import DOWN, UP, Activations, Policy, block_sizes, fold, grids, probability, unfold
from pongrl.agent.work import finish
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.server.match import Board
from pongrl.wire import plain
from pongrl.wire.messages import Column, Mover, Role, Step

RNG = np.random.default_rng
SMALL = (10, 20)  # height and width of frames for tests of the mathematics


def state(frames: np.ndarray, **columns: list[int]) -> Step:
    """A STEP with these frames and columns of its table."""
    table = np.zeros((len(frames), len(Column)), np.int32)
    table[:, Column.TICKS] = 4
    for name, values in columns.items():
        table[:, Column[name.upper()]] = values
    return Step.of(0, 0, frames, table)


def random_frames(rng: np.random.Generator, games: int, shape: tuple[int, int] = SMALL) -> np.ndarray:
    return (rng.integers(0, 256, (games, *shape)) * (rng.random((games, *shape)) < 0.1)).astype(np.uint8)


def looked_at(frames: np.ndarray) -> np.ndarray:
    """The inputs that the module's docstring tells of: of the light of frames (B, height, width)."""
    batch, height, width = frames.shape
    between = frames / 255
    between[:, :, [0, -1]] = 0  # the paddles' columns are in no block
    levels = [frames.reshape(batch, -1) / 255]
    for size in (2, 5, 10):
        blocks = between.reshape(batch, height // size, size, width // size, size).sum((2, 4))
        levels.append(4 * blocks.reshape(batch, -1))
    return np.concatenate(levels, axis=1)


def inputs_of(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """All inputs of frames (B, height, width) and the frames before them: (B, inputs)."""
    light, light_before = looked_at(now), looked_at(before)
    one, nothing = np.ones((len(now), 1)), np.zeros((len(now), 1))
    return np.concatenate((light, one, light - light_before, nothing), axis=1)


def dense(x: Sparse, shape: tuple[int, int] = SMALL) -> np.ndarray:
    """Light and change of all cells: (B, 2, height, width)."""
    row = np.repeat(np.arange(len(x)), np.diff(x.starts, append=len(x.cells)))
    whole = np.zeros((len(x), 2 * shape[0] * shape[1]))
    np.add.at(whole, (row, x.cells), x.values)
    return whole.reshape(len(x), 2, *shape)


def look_twice(rng: np.random.Generator, games: int) -> tuple[Sparse, np.ndarray, np.ndarray]:
    """Observations of frames after others, and both frames: the later first."""
    eyes, before, now = Eyes(games, *SMALL), random_frames(rng, games), random_frames(rng, games)
    eyes.look(state(before))
    return eyes.look(state(now)), now, before


# Observations


@pytest.mark.parametrize("games", [1, 3])
def test_an_observation_is_the_light_and_its_change(games: int) -> None:
    x, now, before = look_twice(RNG(1), games)
    np.testing.assert_array_equal(dense(x), np.stack((now, now - before.astype(float)), axis=1))
    assert len(x.cells) == len(x.values) == np.count_nonzero(now) + np.count_nonzero(now != before)


def test_the_first_frame_of_an_episode_has_no_change_and_another_games_has() -> None:
    rng = RNG(2)
    eyes = Eyes(2, *SMALL)
    first = eyes.look(state(random_frames(rng, 2)))
    then = eyes.look(state(random_frames(rng, 2), points=[1, 0]))
    assert not dense(first)[:, 1].any()
    assert not dense(then)[0, 1].any()
    assert dense(then)[1, 1].any()


def test_what_follows_an_episodes_first_frame_is_compared_with_it() -> None:
    rng = RNG(2)
    eyes = Eyes(1, *SMALL)
    eyes.look(state(random_frames(rng, 1)))
    first, now = random_frames(rng, 1), random_frames(rng, 1)
    eyes.look(state(first, points=[1]))
    x = eyes.look(state(now))
    np.testing.assert_array_equal(dense(x)[:, 1], now - first.astype(float))


def test_whatever_was_seen_before_an_observation_is_the_light_and_its_change() -> None:
    rng, games = RNG(3), 4
    eyes, before = Eyes(games, *SMALL), np.zeros((games, *SMALL), np.uint8)
    for number in range(30):
        now = random_frames(rng, games)
        now[rng.random(games) < 0.2] = 0
        same = rng.random(now.shape) < 0.5
        now[same] = before[same]
        points = rng.integers(0, 2, games)
        new = (points > 0) | (number == 0)
        x = eyes.look(state(now, points=points.tolist()))
        change = np.where(new[:, None, None], 0, now - before.astype(float))
        np.testing.assert_array_equal(dense(x), np.stack((now, change), axis=1))
        assert len(x.cells) == np.count_nonzero(now) + np.count_nonzero(change)
        before = now


def test_black_frames_are_observations_too() -> None:
    x = Eyes(2, *SMALL).look(state(np.zeros((2, *SMALL), np.uint8)))
    assert len(x) == 2
    assert not dense(x).any()
    assert len(Policy.random(*SMALL, 4, RNG(1)).forward(x).logit) == 2


def test_block_sizes_that_do_not_fill_the_frame_are_left_out() -> None:
    assert block_sizes(50, 70) == [2, 5, 10]
    assert block_sizes(20, 30) == [2, 5, 10]
    assert block_sizes(9, 14) == []


# Network


def test_the_first_layer_is_folded_into_a_court_of_weights() -> None:
    rng = RNG(3)
    policy = Policy.random(*SMALL, 8, rng)
    W1 = policy.weights["W1"]
    court = finish(fold(W1, *SMALL))
    one = np.zeros((1, *SMALL))
    always = np.concatenate((looked_at(one), [[1.0]], looked_at(one), [[0.0]]), axis=1) @ W1
    for channel in range(2):
        for cell in [(0, 0), (3, 1), (9, 7), (4, 19)]:
            one[0][cell] = 1
            light, none = looked_at(one), looked_at(0 * one)
            inputs = (light, [[1.0]], none, [[0.0]]) if channel == 0 else (none, [[1.0]], light, [[0.0]])
            one[0][cell] = 0
            does = np.concatenate(inputs, axis=1) @ W1 - always
            np.testing.assert_allclose(court[channel][cell], does[0], rtol=1e-4, atol=1e-8)


def test_unfolding_is_the_transpose_of_folding() -> None:
    rng = RNG(3)
    W1 = rng.standard_normal(Policy.shapes(*SMALL, 6)["W1"])
    dcourt = rng.standard_normal((2, *SMALL, 3))
    assert np.vdot(finish(fold(W1, *SMALL)), dcourt) == pytest.approx(
        np.vdot(W1, finish(unfold(dcourt, len(W1)))), rel=1e-9
    )


def test_every_row_of_the_first_layer_lies_on_the_court_once_but_those_that_are_always_lit() -> None:
    W1 = np.zeros((Policy.shapes(*SMALL, 4)["W1"][0], 1), np.float32)
    for _, grid in grids(W1, *SMALL):
        grid += 1
    always = [len(W1) // 2 - 1, len(W1) - 1]
    assert np.flatnonzero(W1[:, 0] != 1).tolist() == always
    assert not W1[always].any()


def test_court_images_are_what_one_lit_cell_does() -> None:
    policy = Policy.random(*SMALL, 8, RNG(1))
    images, W1 = policy.court_images(), policy.weights["W1"]
    assert images.shape == (4, 2, *SMALL)
    for row, column in ((0, 0), (7, 1), (3, 14), (9, 19)):
        frame = np.zeros((1, *SMALL), np.uint8)
        always = inputs_of(frame, frame)
        frame[0, row, column] = 255
        does = (inputs_of(frame, 0 * frame) - always) @ W1
        np.testing.assert_allclose(images[:, :, row, column].sum(1), does[0], atol=1e-5)


def test_forward_equals_the_formulas_of_the_docstring() -> None:
    rng = RNG(4)
    policy = Policy.random(*SMALL, 6, rng)
    x, now, before = look_twice(rng, 5)
    seen, W = policy.forward(x), policy.weights
    h = np.maximum(inputs_of(now, before) @ W["W1"], 0)
    g = np.maximum(inputs_of(now[:, ::-1], before[:, ::-1]) @ W["W1"], 0)
    np.testing.assert_allclose(seen.logit, (h - g) @ W["w"], atol=1e-5)
    np.testing.assert_allclose(seen.value, (h + g) @ W["v"] + W["c"], atol=1e-5)


def test_a_flipped_court_swaps_up_and_down_and_keeps_the_value() -> None:
    rng = RNG(5)
    policy = Policy.random(*SMALL, 8, rng)
    frames = [random_frames(rng, 1), random_frames(rng, 1)]
    results = []
    for flip in (False, True):
        eyes = Eyes(1, *SMALL)
        looks = [eyes.look(state(frame[:, ::-1] if flip else frame)) for frame in frames]
        results.append(policy.forward(looks[1]))
    np.testing.assert_allclose(results[0].logit, -results[1].logit, atol=1e-6)
    np.testing.assert_allclose(results[0].value, results[1].value, atol=1e-6)


def test_the_gradient_equals_finite_differences() -> None:
    rng = RNG(6)
    policy = Policy.random(*SMALL, 6, rng)
    # Double precision and large weights: differences then are exact to many places.
    weights = {name: rng.standard_normal(weight.shape) * 0.3 for name, weight in policy.weights.items()}
    policy = Policy(*SMALL, weights)  # type: ignore[arg-type]
    x, _, _ = look_twice(rng, 4)
    dlogit, dvalue = rng.standard_normal(4), rng.standard_normal(4)
    gradient = finish(policy.backward([(policy.forward(x), dlogit, dvalue)]))  # type: ignore[list-item]

    def objective() -> float:
        seen = Policy(*SMALL, weights).forward(x)  # type: ignore[arg-type]
        return float(seen.logit @ dlogit + seen.value @ dvalue)

    small = 1e-6
    for name, weight in weights.items():
        lit = np.flatnonzero(gradient[name])
        for index in rng.choice(lit, min(len(lit), 30), replace=False):
            value = weight.flat[index]
            weight.flat[index] = value + small
            above = objective()
            weight.flat[index] = value - small
            below = objective()
            weight.flat[index] = value
            assert (above - below) / (2 * small) == pytest.approx(
                gradient[name].flat[index], rel=1e-3, abs=1e-6
            )


def test_the_gradient_of_a_batch_in_parts_is_the_gradient_of_the_whole() -> None:
    rng = RNG(6)
    policy = Policy.random(*SMALL, 6, rng)
    seen = [policy.forward(look_twice(rng, 4)[0]) for _ in range(3)]
    dlogit, dvalue = rng.standard_normal((2, 3, 4)).astype(np.float32)
    whole = finish(policy.backward([(Activations.join(seen), dlogit.reshape(-1), dvalue.reshape(-1))]))
    parts = finish(policy.backward(zip(seen, dlogit, dvalue, strict=True)))
    for name, g in whole.items():
        np.testing.assert_allclose(parts[name], g, rtol=1e-4, atol=1e-6)


def test_inputs_that_never_occurred_have_no_gradient() -> None:
    rng = RNG(7)
    policy = Policy.random(*SMALL, 6, rng)
    x, now, before = look_twice(rng, 2)
    ones = np.ones(2, np.float32)
    gradient = finish(policy.backward([(policy.forward(x), ones, ones)]))
    both = inputs_of(now, before), inputs_of(now[:, ::-1], before[:, ::-1])
    occurred = np.any([(inputs != 0).any(0) for inputs in both], axis=0)
    assert not gradient["W1"][~occurred].any()
    assert gradient["W1"].any()


def test_probability_does_not_overflow() -> None:
    p = probability(np.array([-1e30, -1000, 0, 1000, 1e30], np.float32))
    assert p.tolist() == [0, 0, 0.5, 1, 1]


def test_rmsprop_divides_by_the_root_of_the_decaying_mean_of_squares() -> None:
    weights = {"w": np.array([1.0, 2.0], np.float32)}
    optimiser = RMSProp(weights, rate=0.1, decay=0.9)
    cache = np.zeros(2)
    expected = weights["w"].astype(float)
    for g in ([1.0, -2.0], [0.5, 0.0]):
        cache = 0.9 * cache + 0.1 * np.square(g)
        expected += 0.1 * np.array(g) / (np.sqrt(cache) + optimiser.EPSILON)
        weights = finish(optimiser.ascend(weights, {"w": np.array(g, np.float32)}))
    np.testing.assert_allclose(weights["w"], expected, rtol=1e-5)


def test_a_step_takes_many_rows_as_it_takes_one() -> None:
    rng = RNG(8)
    shape = (2 * optimiser.ROWS_AT_ONCE + 3, 2)
    weights, g = {"W1": rng.standard_normal(shape, np.float32)}, rng.standard_normal(shape, np.float32)
    stepped = finish(RMSProp(weights, 0.1, 0.9).ascend(weights, {"W1": g}))["W1"]
    for row in (0, optimiser.ROWS_AT_ONCE, len(g) - 1):
        one = {"W1": weights["W1"][row : row + 1]}
        alone = finish(RMSProp(one, 0.1, 0.9).ascend(one, {"W1": g[row : row + 1]}))["W1"]
        np.testing.assert_array_equal(stepped[row], alone[0])


# Learning


def test_advantages_are_the_sums_of_the_formula() -> None:
    rewards, discounts, values, last = [0.0, 0.0, 1.0, 0.0], [0.9, 0.8, 0.0, 0.9], [0.1, 0.2, 0.3, 0.4], 0.5
    columns = (np.array(column, np.float32)[:, None] for column in (rewards, discounts, values))
    estimates = advantages(*columns, np.array([last], np.float32))
    following = [*values[1:], last]
    deltas = [r + d * v1 - v for r, d, v1, v in zip(rewards, discounts, following, values, strict=True)]
    for t in range(4):
        expected, factor = 0.0, 1.0
        for i in range(t, 4):
            expected += factor * deltas[i]
            factor *= learning.GAE_LAMBDA * discounts[i]
        assert estimates[t, 0] == pytest.approx(expected, abs=1e-6)


def small_learner(seed: int = 0, batch_size: int = 3) -> Learner:
    rng = RNG(seed)
    policy = Policy.random(*SMALL, 8, rng)
    return Learner(policy, RMSProp(policy.weights, 1e-2, 0.99), batch_size, 0.99, rng)


def play(
    learner: Learner, decisions: int, movers: Mover = Mover.AGENT, seed: int = 1, pieces: int = 0
) -> None:
    """Let it decide about frames of noise, where up is always right, two games side by side.

    Args:
        pieces: of work that there is time for after each decision.
    """
    rng, eyes, rollout = RNG(seed), Eyes(2, *SMALL), learner.begin()
    step = state(random_frames(rng, 2))
    for _ in range(decisions + 1):
        moves = learner.decide(rollout, step, eyes.look(step)).astype(int)
        learner.learn()
        for _ in range(pieces):
            learner.work()
        won = np.where(moves == UP, 1, -1)
        step = state(
            random_frames(rng, 2), reward=won.tolist(), points=[1, 1], move=moves.tolist(), mover=[movers] * 2
        )
    learner.drop(rollout)


def weights_of(learner: Learner) -> list[list[float]]:
    return [weight.reshape(-1).tolist() for weight in learner.policy.weights.values()]


def test_an_update_comes_after_every_batch_of_points_while_the_next_is_played() -> None:
    learner = small_learner(batch_size=4)
    before = learner.policy
    play(learner, 2)  # two games, a point each: the batch is full, and its update under way
    assert learner.policy is before
    play(learner, 1)
    assert learner.policy is before
    play(learner, 2)  # the next is full
    assert learner.updates == 1
    assert learner.policy is not before


@pytest.mark.parametrize("movers", [Mover.HELD, Mover.HUMAN, Mover.BUILTIN])
def test_moves_that_were_not_its_own_teach_nothing(movers: Mover) -> None:
    learner = small_learner()
    before = weights_of(learner)
    play(learner, 20, movers)
    learner.settle()
    assert learner.updates > 0
    assert weights_of(learner) == before


def one_decision(learner: Learner, made: Callable[[int], int], broken: bool = False) -> None:
    """Let it decide once and win the point; `made` gives the move that the game says was made."""
    eyes, rollout = Eyes(1, *SMALL), learner.begin()
    first = state(random_frames(RNG(1), 1))
    move = int(learner.decide(rollout, first, eyes.look(first))[0])
    if broken:
        assert rollout.pending is not None
        rollout.pending[0].value[0] = np.nan  # as an overflow somewhere would leave it
    step = state(random_frames(RNG(2), 1), reward=[1], points=[1], move=[made(move)], mover=[Mover.AGENT])
    learner.decide(rollout, step, eyes.look(step))
    learner.learn()
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


def test_the_same_seed_learns_the_same() -> None:
    learners = [small_learner(7), small_learner(7)]
    for learner in learners:
        play(learner, 30)
    assert weights_of(learners[0]) == weights_of(learners[1])


@pytest.mark.parametrize("pieces", [1, 4, 1000])
def test_when_there_is_time_to_learn_changes_nothing(pieces: int) -> None:
    none, some = small_learner(7), small_learner(7)
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
    monkeypatch.setattr(policy, "unfold", fail)
    with pytest.raises(MemoryError):
        learner.settle()
    with pytest.raises(RuntimeError, match="could not be learned from"):
        learner.to_plain()


def test_learning_stopped_and_resumed_equals_learning_that_never_stopped() -> None:
    whole, first = small_learner(9), small_learner(9)
    play(whole, 30, seed=1)
    play(whole, 30, seed=2)
    play(first, 30, seed=1)  # 60 points: a multiple of the batch, so none is half collected
    assert first.work()  # and the last one is being learned from
    saved = plain.loads(plain.dumps({"policy": first.policy.to_plain(), "learner": first.to_plain()}))
    policy = Policy.from_plain(saved["policy"], 8)
    resumed = Learner(policy, RMSProp(policy.weights, 1e-2, 0.99), 3, 0.99, RNG(12345))
    resumed.restore(saved["learner"])
    play(resumed, 30, seed=2)
    assert weights_of(resumed) == weights_of(whole)
    assert resumed.updates == whole.updates


def test_the_gradient_of_several_servers_is_that_of_their_games_together() -> None:
    """One server with two games teaches what two servers with one game each teach."""
    weights = []
    for groups in ([[0, 1]], [[0], [1]]):
        learner = small_learner(batch_size=6)
        learner.rng = _Fixed()  # type: ignore[assignment]
        frames = RNG(3)
        eyes = [Eyes(len(group), *SMALL) for group in groups]
        rollouts = [learner.begin() for _ in groups]
        for number in range(5):
            seen = random_frames(frames, 2)
            for group, eye, rollout in zip(groups, eyes, rollouts, strict=True):
                step = state(
                    seen[group], reward=[1] * len(group), points=[int(number > 0)] * len(group),
                    move=[UP] * len(group), mover=[Mover.AGENT] * len(group),
                )  # fmt: skip
                learner.decide(rollout, step, eye.look(step))
            learner.learn()
        learner.settle()
        weights.append(learner.policy.weights)
    for name in weights[0]:
        np.testing.assert_allclose(weights[0][name], weights[1][name], rtol=1e-3, atol=1e-6)
        assert np.abs(weights[0][name]).max() > 0


def test_parts_of_a_batch_teach_what_the_whole_teaches() -> None:
    """Each part knows of the others their moments alone."""
    learner, rng, segments = small_learner(batch_size=1000), RNG(1), []
    for games, decisions in ((2, 20), (1, 3), (3, 11)):
        eyes, rollout = Eyes(games, *SMALL), learner.begin()
        for _ in range(decisions + 1):
            won = rng.integers(-1, 2, games)
            step = state(
                random_frames(rng, games), reward=won.tolist(), points=abs(won).tolist(),
                move=[UP] * games, mover=rng.choice([Mover.AGENT, Mover.HUMAN], games).tolist(),
            )  # fmt: skip
            learner.decide(rollout, step, eyes.look(step))
        assert rollout.pending is not None
        segments.append(Segment(rollout.decisions, rollout.pending[0].value))
    whole = finish(policy_gradient(learner.policy, segments, 0.99))
    parts = [Batch([segment], 0.99) for segment in segments]
    together = Moments.pool([part.moments for part in parts])
    gradients = [finish(part.gradient(learner.policy, together)) for part in parts]
    for name, gradient in whole.items():
        total = sum(part[name] for part in gradients)
        np.testing.assert_allclose(total, gradient, rtol=1e-4, atol=1e-6 * np.abs(gradient).max())
        assert np.abs(gradient).max() > 0


class _Fixed:
    """A random generator that always chooses up."""

    def random(self, count: int) -> np.ndarray:
        return np.zeros(count)


def test_a_server_that_is_gone_takes_its_unfinished_points_with_it() -> None:
    learner = small_learner(batch_size=4)
    eyes, rollout = Eyes(2, *SMALL), learner.begin()
    for number in range(2):
        step = state(random_frames(RNG(number), 2), points=[number] * 2, mover=[Mover.AGENT] * 2)
        learner.decide(rollout, step, eyes.look(step))
    learner.drop(rollout)
    play(learner, 1)  # two points more: with the two that are gone they would be enough
    assert not learner.work()


class _Level2:
    levelodiff, points_to_win, opponent = 2, 21, "ai"


def test_it_learns_to_beat_random_play_from_pixels() -> None:
    """Sixteen games of level 2 in this process, one seed; random play wins 0.15 of the points."""
    games, points, rng = 16, 5_000, RNG(3)
    frames = np.zeros((games, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)
    boards = [Board(_Level2, 100 + i, frames[i]) for i in range(games)]  # type: ignore[arg-type]
    policy = Policy.random(FRAME_HEIGHT, FRAME_WIDTH, 250, rng)
    learner = Learner(policy, RMSProp(policy.weights, 1e-3, 0.99), 10, 0.99, rng)
    eyes, won = Eyes(games, FRAME_HEIGHT, FRAME_WIDTH), []

    def look() -> Step:
        for board in boards:
            board.camera.look(board.game)
        table = np.array([board.row(Role.LEFT) for board in boards], np.int32)
        for board in boards:
            board.hands[Role.LEFT].forget()
        return Step.of(0, 0, frames, table)

    step, rollout = look(), learner.begin()
    while len(won) < points:
        moves = learner.decide(rollout, step, eyes.look(step))
        learner.learn()
        for board, move in zip(boards, moves.tolist(), strict=True):
            hand = board.hands[Role.LEFT]
            hand.move, hand.mover = move, Mover.AGENT
            board.play(8, None)
        step = look()
        won += (step.rewards[step.points > 0] > 0).tolist()
    assert np.mean(won[:500]) < 0.25
    assert np.mean(won[-500:]) > 0.30


def test_a_player_makes_the_likelier_moves_and_learns_nothing() -> None:
    policy = Policy.random(*SMALL, 8, RNG(1))
    player, eyes = Player(policy), Eyes(3, *SMALL)
    rollout = player.begin()
    for number in range(5):
        step = state(random_frames(RNG(number), 3), points=[1] * 3)
        moves = player.decide(rollout, step, eyes.look(step))
        assert moves.tolist() == [UP if p > 0.5 else DOWN for p in player.p_up]
        player.learn()
    assert player.policy is policy
    assert rollout.decisions == []


def test_a_long_batch_teaches_what_its_parts_teach_together(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = small_learner(batch_size=1000)
    rng, eyes, rollout = RNG(1), Eyes(2, *SMALL), learner.begin()
    for _ in range(21):
        step = state(random_frames(rng, 2), reward=[1, -1], points=[1, 0], move=[UP] * 2)
        learner.decide(rollout, step, eyes.look(step))
    assert rollout.pending is not None
    segments = [Segment(rollout.decisions, rollout.pending[0].value)]
    whole = finish(policy_gradient(learner.policy, segments, 0.99))
    monkeypatch.setattr(learning, "GRADIENT_ROWS", 6)
    in_parts = finish(policy_gradient(learner.policy, segments, 0.99))
    for name, gradient in whole.items():
        np.testing.assert_allclose(gradient, in_parts[name], rtol=1e-4, atol=1e-6)
        assert np.abs(gradient).max() > 0
