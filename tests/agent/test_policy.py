"""The network: forward and backward pass, choice of moves, plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pongrl.agent import policy as network
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import MAX_CELLS, MOVES, Activations, Policy, choose, pack, probabilities, unpack
from pongrl.agent.ranges import Range
from pongrl.agent.work import finish
from pongrl.errors import ProtocolError
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.wire.plain import dumps, loads
from tests.support.learning import RNG, SMALL, all_inputs, look_twice, random_frames, state

both = pytest.mark.parametrize("moves", [2, 3])
all_kinds = pytest.mark.parametrize(("moves", "is_our_game"), [(2, True), (3, True), (3, False)])


def lively(rng: np.random.Generator, units: int = 8, moves: int = 3, is_our_game: bool = True) -> Policy:
    """Make a small policy of which no weight is 0."""
    weights = Policy.random(*SMALL, units, rng, moves, is_our_game).weights
    for name in weights.keys() - {"W1", "w"}:
        weights[name] = rng.standard_normal(weights[name].shape, np.float32)
    return Policy(*SMALL, weights)


def test_court_images_are_what_one_lit_cell_does() -> None:
    policy = Policy.random(*SMALL, 8, RNG(1))
    images, W1 = policy.court_images(), policy.weights["W1"]
    assert images.shape == (4, 2, *SMALL)
    for row, column in ((0, 0), (7, 1), (3, 14), (9, 19)):
        frame = np.zeros((1, *SMALL), np.uint8)
        always = all_inputs(frame, frame)
        frame[0, row, column] = 255
        does = (all_inputs(frame, 0 * frame) - always) @ W1
        np.testing.assert_allclose(images[:, :, row, column].sum(1), does[0], atol=1e-5)


@both
def test_forward_equals_the_formulas_of_the_docstring(moves: int) -> None:
    rng = RNG(4)
    policy = lively(rng, 6, moves)
    x, now, before = look_twice(rng, 5)
    seen, W = policy.forward(x), policy.weights
    h = np.maximum(all_inputs(now, before) @ W["W1"], 0)
    g = np.maximum(all_inputs(now[:, ::-1], before[:, ::-1]) @ W["W1"], 0)
    up = (h - g) @ W["w"] / 2
    stay = [(h + g) @ W["u"] + W["d"]] if moves == 3 else []
    np.testing.assert_allclose(seen.logits, np.column_stack([up, -up, *stay]), atol=1e-5)
    np.testing.assert_allclose(seen.value, (h + g) @ W["v"] + W["c"], atol=1e-5)


def test_without_twins_the_formulas_have_no_mirrored_half_and_the_last_move_is_an_input() -> None:
    rng = RNG(4)
    policy = lively(rng, is_our_game=False)
    W, frames = policy.weights, random_frames(rng, 3)
    eyes = Eyes(3, *SMALL, is_our_game=False)
    eyes.look(state(frames))
    now = random_frames(rng, 3)
    seen = policy.forward(eyes.look(state(now, move=[UP, STAY, DOWN])))
    told = np.stack((W["m"][0], np.zeros(4), W["m"][1]))
    h = np.maximum(all_inputs(now, frames) @ W["W1"] + told, 0)
    up, stay = h @ W["w"], h @ W["u"] + W["d"]
    np.testing.assert_allclose(seen.logits, np.column_stack((up, -up, stay)), atol=1e-5)
    np.testing.assert_allclose(seen.value, h @ W["v"] + W["c"], atol=1e-5)


@all_kinds
def test_frames_that_are_lit_everywhere_are_seen_alike(
    moves: int, is_our_game: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = RNG(4)
    policy, eyes = lively(rng, 6, moves, is_our_game), Eyes(3, *SMALL, is_our_game)
    x = eyes.look(state(random_frames(rng, 3), move=[UP, STAY, DOWN]))
    looked_up = policy.forward(x)
    monkeypatch.setattr(network, "MANY_CELLS", 1)
    multiplied = policy.forward(x)
    np.testing.assert_allclose(multiplied.logits, looked_up.logits, atol=1e-5)
    np.testing.assert_allclose(multiplied.value, looked_up.value, atol=1e-5)


def test_black_frames_have_logits_and_a_value() -> None:
    x = Eyes(2, *SMALL).look(state(np.zeros((2, *SMALL), np.uint8)))
    seen = Policy.random(*SMALL, 4, RNG(1)).forward(x)
    assert seen.logits.shape == (2, 3)
    assert seen.value.shape == (2,)


def test_a_flipped_court_swaps_up_and_down_and_keeps_the_value() -> None:
    rng = RNG(5)
    policy = lively(rng)
    frames = [random_frames(rng, 1), random_frames(rng, 1)]
    results = []
    for flip in (False, True):
        eyes = Eyes(1, *SMALL)
        looks = [eyes.look(state(frame[:, ::-1] if flip else frame)) for frame in frames]
        results.append(policy.forward(looks[1]))
    np.testing.assert_allclose(results[0].logits, results[1].logits[:, [1, 0, 2]], atol=1e-6)
    np.testing.assert_allclose(results[0].value, results[1].value, atol=1e-6)


@all_kinds
def test_the_gradient_equals_finite_differences(moves: int, is_our_game: bool) -> None:
    rng = RNG(6)
    # Double precision and large weights: differences are then exact to many places.
    weights: Any = {
        name: rng.standard_normal(shape) * 0.3
        for name, shape in Policy.shapes(*SMALL, 6, moves, is_our_game).items()
    }
    policy = Policy(*SMALL, weights)
    eyes = Eyes(4, *SMALL, is_our_game)
    eyes.look(state(random_frames(rng, 4)))
    x = eyes.look(state(random_frames(rng, 4), move=[UP, DOWN, STAY, UP]))
    dlogits, dvalue = rng.standard_normal((4, moves)), rng.standard_normal(4)
    part: Any = policy.forward(x), dlogits, dvalue
    gradient = finish(policy.backward([part]))

    def objective() -> float:
        seen = Policy(*SMALL, weights).forward(x)
        return float((seen.logits * dlogits).sum() + seen.value @ dvalue)

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
            difference = (above - below) / (2 * small)
            assert difference == pytest.approx(gradient[name].flat[index], rel=1e-3, abs=1e-6)


def test_the_gradient_of_a_batch_in_parts_is_the_gradient_of_the_whole() -> None:
    rng = RNG(6)
    policy = Policy.random(*SMALL, 6, rng)
    seen = [policy.forward(look_twice(rng, 4)[0]) for _ in range(3)]
    dlogits, dvalue = rng.standard_normal((3, 4, 3), np.float32), rng.standard_normal((3, 4), np.float32)
    whole = finish(policy.backward([(Activations.join(seen), dlogits.reshape(-1, 3), dvalue.reshape(-1))]))
    parts = finish(policy.backward(zip(seen, dlogits, dvalue, strict=True)))
    for name, g in whole.items():
        np.testing.assert_allclose(parts[name], g, rtol=1e-4, atol=1e-6)


def test_inputs_that_never_occurred_have_no_gradient() -> None:
    rng = RNG(7)
    policy = Policy.random(*SMALL, 6, rng)
    x, now, before = look_twice(rng, 2)
    dlogits, dvalue = np.eye(2, 3, dtype=np.float32), np.ones(2, np.float32)
    gradient = finish(policy.backward([(policy.forward(x), dlogits, dvalue)]))
    both = all_inputs(now, before), all_inputs(now[:, ::-1], before[:, ::-1])
    occurred = np.any([(inputs != 0).any(0) for inputs in both], axis=0)
    assert not gradient["W1"][~occurred].any()
    assert gradient["W1"].any()


def test_probabilities_do_not_overflow() -> None:
    p = probabilities(np.array([[1e30, 0, -1e30], [1000, 1000, -1000], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(p, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)


def test_without_a_generator_the_likeliest_moves_are_made() -> None:
    policy = lively(RNG(1))
    x, _, _ = look_twice(RNG(1), 50)
    choice = choose(policy, x, None)
    np.testing.assert_array_equal(choice.chosen, probabilities(choice.seen.logits).argmax(1))
    assert choice.moves.tolist() == MOVES[choice.chosen].tolist()
    assert MOVES.tolist() == [UP, DOWN, STAY]


@both
def test_moves_are_drawn_with_their_probabilities(moves: int) -> None:
    policy, games = Policy.random(*SMALL, 8, RNG(1), moves), 30_000
    bias = {"d": np.array([0.5], np.float32)} if moves == 3 else {}
    policy = Policy(*SMALL, policy.weights | bias)
    x, _, _ = look_twice(RNG(1), 1)
    one = policy.forward(x)
    many = type(x).join([x] * games)
    counts = np.bincount(choose(policy, many, RNG(2)).chosen, minlength=moves)
    np.testing.assert_allclose(counts / games, probabilities(one.logits)[0], atol=0.015)


@all_kinds
def test_a_policy_survives_a_checkpoint(moves: int, is_our_game: bool) -> None:
    policy = Policy.random(*SMALL, 8, RNG(1), moves, is_our_game)
    copy = Policy.from_plain(loads(dumps(policy.to_plain())), 8)
    assert (copy.height, copy.width, copy.moves, copy.is_our_game) == (*SMALL, moves, is_our_game)
    assert copy.weights.keys() == policy.weights.keys()
    for name, weight in policy.weights.items():
        np.testing.assert_array_equal(copy.weights[name], weight)


@pytest.mark.parametrize("size", [(0, 20), (10, -1), (MAX_CELLS, 2)])
def test_a_policy_for_impossible_frames_is_refused(size: tuple[int, int]) -> None:
    height, width = size
    plain = Policy.random(*SMALL, 8, RNG(1)).to_plain() | {"height": height, "width": width}
    with pytest.raises(ValueError, match=r"frames of|height|width"):
        Policy.from_plain(plain, 8)


def test_weights_that_are_missing_misshapen_or_out_of_range_are_refused() -> None:
    weights = {"w": np.ones(3, np.float32)}
    with pytest.raises(KeyError):
        unpack(pack(weights), {"v": (3,)})
    with pytest.raises(ProtocolError, match="shape"):
        unpack(pack(weights), {"w": (4,)})
    for number in (np.nan, np.inf, 3e38, -1e7):
        weights["w"][1] = number
        with pytest.raises(ValueError, match="not numbers from -1e\\+06 to 1e\\+06"):
            unpack(pack(weights), {"w": (3,)})
    weights["w"][1] = -1
    with pytest.raises(ValueError, match="not numbers from 0 to 5"):
        unpack(pack(weights), {"w": (3,)}, Range(float, 0, 5))
