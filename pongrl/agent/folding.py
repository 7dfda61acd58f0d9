"""The first layer, folded into the court.

The inputs of the network are the cells of a frame, sums of blocks of cells, and one input that is always 1
(see `learning`). A lit cell lights its blocks too, so all that it does to a unit is one number: its own
weight plus those of the blocks that it is in. `fold` computes these numbers once for every place of the
court, and then an observation needs to look up only the cells that it lists.

    W1 (inputs, units)  ── fold ──►  court (2, height, width, units)  ── mirror ──►  both (…, 2 · units)
    dW1                 ◄─ unfold ─  dcourt

The first axis of a court is 0 for light and 1 for change. W1 has the same order: the first half of its rows
is for light, the second for change. Each half has a row for each cell, then for each block of each size, and
at its end the row of the input that is always 1 (in the second half that row is never used).
"""

from __future__ import annotations

import numpy as np

from pongrl.agent.eyes import Floats
from pongrl.agent.work import Work

BLOCKS = (2, 5, 10)  # sides of the blocks, in cells
BLOCK_SCALE = np.float32(4)  # of the blocks' inputs: the larger it is, the faster their weights learn
GREY = np.float32(1 / 255)  # turns a cell's light into an input from 0 to 1
PADDLES = (0, -1)  # the columns of the paddles


def block_sizes(height: int, width: int) -> list[int]:
    """Choose the sizes of blocks that fill frames of this size without a rest."""
    return [size for size in BLOCKS if height % size == 0 and width % size == 0]


def inputs_of(height: int, width: int) -> int:
    """Count the inputs of the network: the rows of W1."""
    grid_cells = ((height // size) * (width // size) for size in (1, *block_sizes(height, width)))
    return 2 * (sum(grid_cells) + 1)


def grids(W1: Floats, height: int, width: int) -> list[tuple[int, Floats]]:
    """Show the rows of W1 as they lie on the court, without a copy.

    Returns:
        (size, weights) for the cells, whose size is 1, then for each size of blocks. The weights have the
        shape (2, rows, columns, units).
    """
    halves = W1.reshape(2, -1, W1.shape[1])  # (2, inputs / 2, units)
    found, begin = [], 0
    for size in (1, *block_sizes(height, width)):
        rows, columns = height // size, width // size
        here = halves[:, begin : (begin := begin + rows * columns)]
        found.append((size, here.reshape(2, rows, columns, -1)))
    return found


def fold(W1: Floats, height: int, width: int) -> Work[Floats]:
    """Add the weights of its blocks to each cell's weight.

    The paddles' columns are in no block: a ball beside a paddle must not look like a part of it.

    Returns:
        (2, height, width, units): what light at each place does to each unit, per level of grey.
    """
    (_, cells), *blocks = grids(W1, height, width)
    court = cells.copy()
    for size, block in blocks:
        rows, columns = block.shape[1:3]
        court.reshape(2, rows, size, columns, size, -1)[:] += BLOCK_SCALE * block[:, :, None, :, None]
        yield
    court[:, :, PADDLES] = cells[:, :, PADDLES]
    court *= GREY
    return court


def unfold(dcourt: Floats, inputs: int) -> Work[Floats]:
    """Compute the gradient of W1 from the gradient of the folded court: the backward pass of `fold`.

    Returns:
        (inputs, units). The rows of the inputs that are always 1 stay 0.
    """
    height, width, units = dcourt.shape[1:]
    dW1 = np.zeros((inputs, units), dcourt.dtype)
    (_, cells), *blocks = grids(dW1, height, width)
    np.multiply(dcourt, GREY, out=cells)
    between = BLOCK_SCALE * cells  # (2, height, width, units)
    between[:, :, PADDLES] = 0
    for size, block in blocks:
        yield
        rows, columns = block.shape[1:3]
        strips = between.reshape(2, rows, size, width, units).sum(2)  # (2, rows, width, units)
        strips.reshape(2, rows, columns, size, units).sum(3, out=block)
    return dW1


def mirror(court: Floats) -> Work[Floats]:
    """Put the weights of the units and of their mirrored twins side by side, so that one look-up gives both.

    Args:
        court: (2, height, width, units).

    Returns:
        (2, height, width, 2 · units): each cell's own weights, then those of its mirror image in the other
        half of the court.
    """
    half = court.shape[3]
    both: Floats = np.empty((*court.shape[:3], 2 * half), court.dtype)
    for way, ways in zip(court, both, strict=True):  # light, then change
        yield
        ways[..., :half], ways[..., half:] = way, way[::-1]
    return both
