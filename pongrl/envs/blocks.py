"""An observation that small networks learn from quickly: the court and its change, in blocks of cells.

    envs = BlockObservation(RemotePongVector(16, local=True, autoreset_mode="SameStep"))

| | |
|---|---|
| observation | Box(-inf, inf, (1820,), float32): 1,750 sums over blocks of 2×2 cells and 70 of 10×10 |
| each part | first the light in each block (1 for a white cell), row by row, then how much it has changed |
| change | since the frame before; 0 in the first observation of an episode |

What a network learns for one place of the ball is useful one cell further on, and blocks share it. The change
shows where the ball is going, which a single frame does not.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from pongrl.envs.games import BoolArray
from pongrl.errors import UsageError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.wire.arrays import UInt8Array

SIDES = (2, 10)  # of the blocks, in cells
FEATURES = sum(2 * (FRAME_HEIGHT // side) * (FRAME_WIDTH // side) for side in SIDES)
LIGHT = np.float32(1 / 255)

Floats: TypeAlias = npt.NDArray[np.float32]


def blocks_of(frames: UInt8Array, before: UInt8Array) -> Floats:
    """Sum frames, and their change since the frames before, over blocks: (games, 50, 70) to (games, 1820)."""
    games, light = len(frames), frames * LIGHT
    both = np.stack([light, light - before * LIGHT], axis=1)  # (games, 2, 50, 70)
    parts = []
    for side in SIDES:
        rows, columns = FRAME_HEIGHT // side, FRAME_WIDTH // side
        sums = both.reshape(games, 2, rows, side, columns, side).sum((3, 5))  # (games, 2, rows, columns)
        parts.append(sums.reshape(games, -1))
    return np.concatenate(parts, axis=1)


class BlockObservation(VectorWrapper):
    """Observe blocks of cells instead of frames; see the module.

    Args:
        env: `RemotePongVector`, with any autoreset.

    Raises:
        UsageError: it does not give single frames.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        shape = env.single_observation_space.shape
        if shape != (FRAME_HEIGHT, FRAME_WIDTH):
            raise UsageError(
                f"BlockObservation sees motion by itself and wants frames of {FRAME_HEIGHT}×{FRAME_WIDTH}, "
                f"not {shape}: leave out frame_stack and screen_size"
            )
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (FEATURES,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self._mode = env.metadata["autoreset_mode"]
        self._frames = np.zeros((env.num_envs, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)  # observed last
        self._before = self._frames  # observed before those
        self._ended = np.zeros(env.num_envs, bool)  # in the last step

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Begin episodes, as the wrapped environment does: (games, 1820)."""
        begins = np.ones(self.num_envs, bool)
        if options is not None and "reset_mask" in options:
            begins = options["reset_mask"]  # now: wrappers inside this one take it out
        frames, infos = self.env.reset(seed=seed, options=options)
        self._ended = self._ended & ~begins
        return self._observe(frames, self._before, begins), infos

    def step(self, actions: Any) -> tuple[Floats, Any, BoolArray, BoolArray, dict[str, Any]]:
        """Make a move in each game: observations (games, 1820), and what the wrapped environment gives."""
        frames, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = terminated | truncated
        is_lost = "lost" in infos or "lost" in infos.get("final_info", {})
        if is_lost:  # what was observed last is observed once more, and its motion too
            self._frames = self._before
        if self._mode is AutoresetMode.SAME_STEP:
            begins = ended
            self._translate_last(infos, ended)
        elif self._mode is AutoresetMode.NEXT_STEP:
            begins = self._ended
        else:
            begins = np.zeros(self.num_envs, bool)
        self._ended = ended
        return self._observe(frames, self._frames, begins), rewards, terminated, truncated, infos

    def _observe(self, frames: UInt8Array, before: UInt8Array, begins: BoolArray) -> Floats:
        self._before = np.where(begins[:, None, None], frames, before)
        self._frames = frames
        return blocks_of(frames, self._before)

    def _translate_last(self, infos: dict[str, Any], ended: BoolArray) -> None:
        """Turn the last observations of episodes, which same-step autoreset puts into infos, into blocks."""
        for game in np.flatnonzero(ended).tolist():
            last = infos["final_obs"][game]
            infos["final_obs"][game] = blocks_of(last[None], self._frames[game][None])[0]
