"""What the tests of the learner share: states, observations, and small learners."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pongrl.agent.eyes import Eyes, Observations
from pongrl.agent.learning import LONGEST_BATCH, Learner
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import Policy
from pongrl.agent.recipe import OURS, Recipe
from pongrl.game.moves import UP
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Column, Mover, Step

RNG = np.random.default_rng
SMALL = (10, 20)  # height and width of frames for tests of the mathematics

Array = npt.NDArray[np.float64]


def state(frames: UInt8Array, **columns: list[int]) -> Step:
    """Make a STEP with these frames and these columns of its table."""
    table = np.zeros((len(frames), len(Column)), np.int32)
    table[:, Column.TICKS] = 4
    for name, values in columns.items():
        table[:, Column[name.upper()]] = values
    return Step.of(0, 0, frames, table)


def random_frames(rng: np.random.Generator, games: int, shape: tuple[int, int] = SMALL) -> UInt8Array:
    """Make frames in which a tenth of the cells is lit."""
    light = rng.integers(0, 256, (games, *shape)) * (rng.random((games, *shape)) < 0.1)
    return light.astype(np.uint8)


def looked_at(frames: npt.NDArray[np.generic]) -> Array:
    """Compute the inputs for the light of frames (B, height, width) as the docstring of `learning` says."""
    batch, height, width = frames.shape
    cells = frames.astype(np.float64) / 255
    between = cells.copy()
    between[:, :, [0, -1]] = 0  # the paddles' columns are in no block
    levels = [cells.reshape(batch, -1)]
    for size in (2, 5, 10):
        blocks = between.reshape(batch, height // size, size, width // size, size).sum((2, 4))
        levels.append(4 * blocks.reshape(batch, -1))
    return np.concatenate(levels, axis=1)


def all_inputs(now: npt.NDArray[np.generic], before: npt.NDArray[np.generic]) -> Array:
    """Compute all inputs of frames (B, height, width) and the frames before them: (B, inputs)."""
    light, light_before = looked_at(now), looked_at(before)
    one, nothing = np.ones((len(now), 1)), np.zeros((len(now), 1))
    return np.concatenate((light, one, light - light_before, nothing), axis=1)


def dense(x: Observations, shape: tuple[int, int] = SMALL) -> Array:
    """Spread out light and change of all cells, in 255 steps as frames have them: (B, 2, height, width)."""
    row = np.repeat(np.arange(len(x)), np.diff(x.starts, append=len(x.cells)))
    whole = np.zeros((len(x), 2 * shape[0] * shape[1]))
    np.add.at(whole, (row, x.cells), 255.0 * x.values)
    whole = whole.round(3)
    return whole.reshape(len(x), 2, *shape)


def look_twice(rng: np.random.Generator, games: int) -> tuple[Observations, UInt8Array, UInt8Array]:
    """Observe random frames after others; give the observations, these frames, and those before."""
    eyes, before, now = Eyes(games, *SMALL), random_frames(rng, games), random_frames(rng, games)
    eyes.look(state(before))
    return eyes.look(state(now)), now, before


def small_learner(seed: int = 0, batch_size: int = 3, recipe: Recipe = OURS, shortest: int = 1) -> Learner:
    """Make a learner for frames of the size SMALL, with batches of so many points, or decisions."""
    rng, recipe = RNG(seed), replace(recipe, shortest=shortest)
    policy = Policy.random(*SMALL, 8, rng)
    optimiser = RMSProp(policy.weights, 1e-2, 0.99)
    longest = LONGEST_BATCH if recipe.by_points else batch_size
    return Learner(policy, optimiser, batch_size, 0.99, rng, longest, recipe=recipe)


def play(
    learner: Learner, decisions: int, movers: Mover = Mover.AGENT, seed: int = 1, pieces: int = 0
) -> None:
    """Let it decide about frames of noise, in two games in which each decision is a point and up wins it.

    Args:
        learner: Plays.
        decisions: How many, in each game.
        movers: Who is said to have made the moves.
        seed: Of the noise.
        pieces: Pieces of work that there is time for after each decision.
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
    """Give the weights that play now, as lists that can be compared."""
    return [weight.reshape(-1).tolist() for weight in learner.policy.weights.values()]
