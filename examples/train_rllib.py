"""Train RLlib's PPO on Pong, on several games of one server.

    python -m integrations.train_rllib --local --level 1
    python -m integrations.train_rllib --host raspberrypi.local --games 16    # pong.py --lockstep --games 16

    SeenGames     RemotePong-v0's vector environment, seen in blocks of cells: the court and its change
    TrainRLlib    the program

RLlib has no command line for an environment of one's own, so this is it. Its networks want a vector or a
picture with colours, so the frame and its change come as sums over blocks of 2×2 and 10×10 cells. The
point is the episode; γ is per decision: 0.93 for 8 ticks is about mainmodel's 0.99 per tick.
A saved algorithm is a directory with pickles in it, by RLlib: open none from strangers.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from examples.training import Training
from pongrl import cli
from pongrl.envs.gymnasium_env import RemotePongVector
from pongrl.envs.remote import HEIGHT, WIDTH, BoolArray
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what will change there


try:
    import gymnasium
    import ray
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what RLlib itself imports
        from ray.rllib.algorithms.ppo import PPOConfig
        from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
        from ray.tune.registry import register_env
except ImportError as error:
    raise cli.missing(
        __name__, f"train_rllib needs {error.name}: pip install -r integrations/requirements-rllib.txt"
    ) from error


BATCH = 1024  # decisions of all games together between two updates
POINTS = 1000  # that the share won is of
SIDES = (2, 10)  # of the blocks
FEATURES = sum(2 * (HEIGHT // side) * (WIDTH // side) for side in SIDES)
STORE_BYTES = 256 << 20
Floats: TypeAlias = npt.NDArray[np.float32]


class SeenGames(VectorEnv[Any, Any, Any]):
    """`RemotePongVector` with observations (1820,): how bright each block is, and its change."""

    metadata = RemotePongVector.metadata | {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, games: int, **where: Any) -> None:
        self.envs = RemotePongVector(games, autoreset_mode="NextStep", points_per_episode=1, **where)
        self.num_envs = games
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (FEATURES,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, games)
        self.single_action_space, self.action_space = self.envs.single_action_space, self.envs.action_space
        self._last = np.zeros((games, HEIGHT, WIDTH), np.float32)
        self._begins = np.zeros(games, bool)  # with the next state
        self.points: deque[bool] = deque(maxlen=POINTS)  # won

    @property
    def share(self) -> float:
        """Share won of the last 1,000 points, or of all while there are fewer."""
        return sum(self.points) / max(len(self.points), 1)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Floats, Any]:
        """Begin an episode of each game: (games, 1820)."""
        frames, infos = self.envs.reset(seed=seed, options=options)
        self._begins = np.zeros(self.num_envs, bool)
        return self._seen(frames, np.ones(self.num_envs, bool)), infos

    def step(self, actions: Any) -> tuple[Floats, Any, BoolArray, BoolArray, Any]:
        """Make the moves (games,)."""
        frames, rewards, terminated, truncated, infos = self.envs.step(actions)
        seen = self._seen(frames, self._begins)
        self._begins = terminated | truncated
        self.points.extend((rewards[rewards != 0] > 0).tolist())
        return seen, rewards, terminated, truncated, infos

    def _seen(self, frames: UInt8Array, begins: BoolArray) -> Floats:
        """Sum frames and their change over blocks: (games, 1820)."""
        now: Floats = frames.astype(np.float32) / np.float32(255)
        before = np.where(begins[:, None, None], now, self._last)
        self._last = now
        both = np.stack([now, now - before], axis=1)  # (games, 2, 50, 70)
        sums = [
            both.reshape(self.num_envs, 2, HEIGHT // side, side, WIDTH // side, side).sum((3, 5))
            for side in SIDES
        ]
        return np.concatenate([blocks.reshape(self.num_envs, -1) for blocks in sums], axis=1)

    def close_extras(self, **_: Any) -> None:
        """Leave the server, and end it if it is our own."""
        self.envs.close()


def make_games(config: dict[str, Any]) -> SeenGames:
    """Make what RLlib asks for: as many games as it says, where the program says."""
    where = dict(config)
    return SeenGames(where.pop("num_envs"), **where)


register_env("RemotePong", make_games)


@dataclass
class TrainRLlib(Training):
    """Train RLlib's PPO on Pong, on a running server or on one of its own.

    Raises:
        UsageError: an option is out of its range.
    """

    steps: Annotated[int, "decisions to train for, of all games together"] = 500_000
    save: Annotated[str, "directory for the algorithm"] = "rllib"
    resume: Annotated[str | None, "go on with a saved algorithm"] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume is not None and not Path(self.resume, "rllib_checkpoint.json").exists():
            raise UsageError(f"--resume {self.resume} is no algorithm that RLlib saved: name one")

    def start(self) -> None:
        """Train to the end; Ctrl-C saves and ends too.

        Raises:
            PongError: there is no server, or it does not let us in.
        """
        cli.start_log(self.debug)
        torch.set_num_threads(1)  # the network is small, and the game needs the other core
        logging.getLogger("ray.rllib").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # RLlib's, of itself
            self._train()

    def _train(self) -> None:
        ray.init("local", num_cpus=1, object_store_memory=STORE_BYTES, include_dashboard=False,
                 log_to_driver=self.debug, logging_level=logging.CRITICAL)  # fmt: skip
        with contextlib.ExitStack() as stack:
            stack.callback(ray.shutdown)
            algorithm = self._config().build_algo()
            stack.callback(algorithm.stop)
            if self.resume is not None:
                algorithm.restore_from_path(str(Path(self.resume).resolve()))
            games, decisions = algorithm.env_runner.env.unwrapped, 0
            with contextlib.suppress(KeyboardInterrupt):
                while decisions < self.steps and not self._is_enough(games):
                    algorithm.train()
                    decisions += BATCH
                    print(
                        f"{decisions:,} decisions   won {100 * games.share:.1f} % "
                        f"of the last {len(games.points):,} points",
                        flush=True,
                    )
            algorithm.save_to_path(str(Path(self.save).resolve()))
            print(f"the algorithm is in {self.save}")

    def _is_enough(self, games: SeenGames) -> bool:
        return self.until is not None and len(games.points) == POINTS and games.share >= self.until

    def _config(self) -> Any:
        return (
            PPOConfig()
            .environment("RemotePong", env_config=self.where)
            .env_runners(
                num_env_runners=0,
                num_envs_per_env_runner=self.games,
                gym_env_vectorize_mode=gymnasium.VectorizeMode.VECTOR_ENTRY_POINT,
                rollout_fragment_length=max(BATCH // self.games, 1),
                batch_mode="truncate_episodes",
            )
            .training(
                train_batch_size_per_learner=BATCH,
                minibatch_size=256,
                num_epochs=4,
                lr=5e-4,
                gamma=0.93,
                lambda_=0.9,
                entropy_coeff=0.01,
            )
            .rl_module(
                model_config=DefaultModelConfig(
                    fcnet_hiddens=[128], fcnet_activation="relu", vf_share_layers=True
                )
            )
            .debugging(seed=self.seed, log_level="ERROR")
        )


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(TrainRLlib, argv)


if __name__ == "__main__":
    from examples import train_rllib  # so that what is saved names this module, not "__main__"

    sys.exit(train_rllib.main())
