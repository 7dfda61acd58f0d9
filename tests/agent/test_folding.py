"""The first layer, folded into the court."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.agent.folding import (
    block_sizes,
    fold,
    grids,
    halves,
    inputs_of,
    mirrored_pairs,
    rows_of_cells,
    unfold,
)
from pongrl.agent.policy import Policy
from tests.support.learning import RNG, SMALL, looked_at


def test_block_sizes_that_do_not_fill_the_frame_are_left_out() -> None:
    assert block_sizes(50, 70) == [2, 5, 10]
    assert block_sizes(20, 30) == [2, 5, 10]
    assert block_sizes(9, 14) == []


def test_there_are_as_many_inputs_as_the_text_says() -> None:
    assert inputs_of(50, 70) == 9_102
    assert inputs_of(9, 14) == 2 * (9 * 14 + 1)


def folded(W1: np.ndarray) -> np.ndarray:
    """Fold both halves of the first layer: (2, height, width, units)."""
    court = np.empty((2, *SMALL, W1.shape[1]), W1.dtype)
    for half, way in zip(halves(W1), court, strict=True):
        fold(half, way)
    return court


def test_the_first_layer_is_folded_into_a_court_of_weights() -> None:
    W1 = Policy.random(*SMALL, 8, RNG(3)).weights["W1"]
    court = folded(W1)
    one = np.zeros((1, *SMALL))
    always = np.concatenate((looked_at(one), [[1.0]], looked_at(one), [[0.0]]), axis=1) @ W1
    for channel in range(2):
        for cell in [(0, 0), (3, 1), (9, 7), (4, 19)]:
            one[0][cell] = 255
            light, none = looked_at(one), looked_at(0 * one)
            inputs = (light, [[1.0]], none, [[0.0]]) if channel == 0 else (none, [[1.0]], light, [[0.0]])
            one[0][cell] = 0
            does = np.concatenate(inputs, axis=1) @ W1 - always
            np.testing.assert_allclose(court[channel][cell], does[0], rtol=1e-4, atol=1e-6)


def test_frames_without_blocks_are_folded_too() -> None:
    W1 = RNG(3).standard_normal((inputs_of(9, 14), 3))
    court = np.empty((9, 14, 3))
    fold(halves(W1)[1], court)  # type: ignore[arg-type]  # double precision
    np.testing.assert_array_equal(court.reshape(-1, 3), halves(W1)[1][:-1])  # type: ignore[arg-type]


def test_unfolding_is_the_transpose_of_folding() -> None:
    rng = RNG(3)
    W1 = rng.standard_normal((inputs_of(*SMALL), 3))
    dcourt = rng.standard_normal((2, *SMALL, 3))
    dW1 = np.zeros_like(W1)
    rows = rows_of_cells(*SMALL)[:-2]  # without those of the moves
    dW1[rows] = dcourt.reshape(-1, 3)
    for half in halves(dW1):  # type: ignore[arg-type]
        unfold(half, *SMALL)
    assert np.vdot(folded(W1), dcourt) == pytest.approx(np.vdot(W1, dW1), rel=1e-9)
    np.testing.assert_array_equal(dW1[rows], dcourt.reshape(-1, 3))


def test_every_row_of_the_first_layer_lies_on_the_court_once_but_those_that_are_always_lit() -> None:
    W1 = np.zeros((inputs_of(*SMALL), 1), np.float32)
    for half in halves(W1):
        for grid in grids(half, *SMALL).values():
            grid += 1
    always = [len(W1) // 2 - 1, len(W1) - 1]
    assert np.flatnonzero(W1[:, 0] != 1).tolist() == always
    assert not W1[always].any()


def test_each_cells_mirror_image_is_as_far_from_the_other_wall() -> None:
    court = RNG(3).standard_normal((2, *SMALL))
    cell, image = mirrored_pairs(*SMALL)[:-2].T
    np.testing.assert_array_equal(cell, np.arange(court.size))
    np.testing.assert_array_equal(court.reshape(-1)[image], court[:, ::-1].reshape(-1))
