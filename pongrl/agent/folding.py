"""The first layer, folded into the court.

The inputs of the network are the cells of a frame, sums of blocks of cells, and one input that is always 1
(see `learning`). A lit cell lights its blocks too, so all that it does to a unit is one number: its own
weight plus BLOCK_SCALE times those of the blocks that it is in. `fold` computes these numbers once for every
place of the court, and then an observation needs to look up only the cells that it lists.

    W1 (inputs, units)  ── halves ──►  (inputs / 2, units)  ── fold ──►  court (height, width, units)
    dW1                 ── halves ──►  the cells' rows  ── unfold ──►  the blocks' rows

The first half of the rows of W1 is for light, the second for change. Each has a row for each cell, then for
each block of each size, and at its end the row of the input that is always 1 (in the second half that row is
never used).
"""

from __future__ import annotations

import functools

import numpy as np

from pongrl.agent.eyes import Floats, Integers

# Sides of the blocks, in cells, and of what they are summed from: four blocks of 5×5 make one of 10×10.
BLOCKS = {2: 1, 5: 1, 10: 5}
BLOCK_SCALE = np.float32(4)  # of the blocks' inputs: the larger it is, the faster their weights learn
PADDLES = (0, -1)  # their columns are in no block: a ball beside a paddle must not look like a part of it


def block_sizes(height: int, width: int) -> list[int]:
    """Choose the sizes of blocks that fill frames of this size without a rest."""
    return [size for size in BLOCKS if height % size == 0 and width % size == 0]


def inputs_of(height: int, width: int) -> int:
    """Count the inputs of the network: the rows of W1."""
    grid_cells = ((height // size) * (width // size) for size in (1, *block_sizes(height, width)))
    return 2 * (sum(grid_cells) + 1)


def halves(W1: Floats) -> Floats:
    """Show W1 as its half for light and its half for change, without a copy: (2, inputs / 2, units)."""
    return W1.reshape(2, -1, W1.shape[1])


def grids(half: Floats, height: int, width: int) -> dict[int, Floats]:
    """Show the rows of a half of W1 as they lie on the court, without a copy.

    Returns:
        By size: the weights of the cells, whose size is 1, then those of the blocks. Each has the shape
        (rows, columns, units).
    """
    found, begin = {}, 0
    for size in (1, *block_sizes(height, width)):
        rows, columns = height // size, width // size
        here = half[begin : (begin := begin + rows * columns)]
        found[size] = here.reshape(rows, columns, -1)
    return found


@functools.cache
def rows_of_cells(height: int, width: int) -> Integers:
    """Give the row of W1 for each cell, in the order in which observations number them.

    The last two are for the moves that an observation may tell of: their rows follow those of W1.
    """
    cells, inputs = np.arange(height * width), inputs_of(height, width)
    return np.concatenate((cells, inputs // 2 + cells, (inputs, inputs + 1)))  # light, change, moves


@functools.cache
def mirrored_pairs(height: int, width: int) -> Integers:
    """Give each cell and its mirror image, which is as far from the other wall.

    Returns:
        (2 · height · width + 2, 2): of light, of change, then of moves, where up and down are mirror images.
    """
    cells = np.arange(2 * height * width).reshape(2, height, width)
    pairs = np.stack((cells, cells[:, ::-1]), axis=3).reshape(-1, 2)
    up, down = cells.size, cells.size + 1
    return np.concatenate((pairs, ((up, down), (down, up))))


def fold(half: Floats, court: Floats) -> None:
    """Add the weights of its blocks to each cell's weight.

    Args:
        half: Of W1: its rows for light, or for change.
        court: (height, width, units) is filled with what light, or change, at each place does to each unit.
    """
    grid = grids(half, *court.shape[:2])
    cells = grid.pop(1)
    court[:] = cells
    sums = {size: BLOCK_SCALE * block for size, block in grid.items()} | {1: court}
    for size in sorted(grid, reverse=True):
        inner = BLOCKS[size]
        _in_blocks(sums[inner], size // inner)[:] += sums[size][:, None, :, None]
    court[:, PADDLES] = cells[:, PADDLES]


def unfold(half: Floats, height: int, width: int) -> None:
    """Compute the blocks' rows of a gradient from the cells' rows: the backward pass of `fold`.

    Args:
        half: Of the gradient of W1. It has the cells' rows already.
    """
    grid = grids(half, height, width)
    cells = grid.pop(1)
    paddles = cells[:, PADDLES]
    cells[:, PADDLES] = 0
    sums = {1: cells}
    for size, block in grid.items():
        inner = BLOCKS[size]
        strips = _in_blocks(sums[inner], size // inner).sum(1)  # (rows, columns, cells of a side, units)
        sums[size] = strips.sum(2, out=block)
    half[height * width : -1] *= BLOCK_SCALE
    cells[:, PADDLES] = paddles


def _in_blocks(grid: Floats, side: int) -> Floats:
    """Show a grid as blocks of `side`×`side`, without a copy: (rows, side, columns, side, units)."""
    rows, columns, units = grid.shape
    return grid.reshape(rows // side, side, columns // side, side, units)
