"""Train Stable-Baselines3's PPO on Pong, with its own progress bar, callbacks and TensorBoard.

    python -m integrations.train_sb3 --local --level 1
    python -m integrations.train_sb3 --host raspberrypi.local --games 16    # pong.py --lockstep --games 16
    tensorboard --logdir runs                                               # with --tensorboard runs

    SeveralGames    RemotePongVector as Stable-Baselines3's VecEnv; two frames to an observation
    Blocks          what the network looks at: the court and its change, summed over blocks
    ShareWon        callback: the share of points won, in the log; ends the training when it is enough
    TrainSB3        the program

The point is the episode. γ is per decision: 0.93 for 8 ticks is about mainmodel's 0.99 per tick.
A saved model is a .zip with a pickle in it, by Stable-Baselines3: open none from strangers.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from gymnasium import spaces

from examples.training import Training
from pongrl import cli
from pongrl.envs.gymnasium_env import RemotePongVector
from pongrl.envs.remote import HEIGHT, WIDTH, BoolArray
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array

try:
    import rich  # noqa: F401  # the progress bar wants both
    import torch
    import tqdm  # noqa: F401
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback, CallbackList, CheckpointCallback
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import VecEnv, VecMonitor
except ImportError as error:
    raise cli.missing(
        __name__, f"train_sb3 needs {error.name}: pip install -r integrations/requirements-sb3.txt"
    ) from error


ROLLOUT = 1024  # decisions of all games together between two updates
POINTS = 1000  # that the share won is of
CHECKPOINT_DECISIONS = 100_000


class SeveralGames(VecEnv):
    """`RemotePongVector` as Stable-Baselines3 wants several environments.

    Observation (2, 50, 70): the frame, and the one before it (as an episode begins, the same). Its own
    convention is the same-step autoreset: infos are a list, with "terminal_observation" at an episode's end.
    """

    def __init__(self, envs: RemotePongVector) -> None:
        self.envs = envs
        self._last = np.zeros((envs.num_envs, HEIGHT, WIDTH), np.uint8)
        self._actions: Any = None
        space = spaces.Box(0, 255, (2, HEIGHT, WIDTH), np.uint8)
        super().__init__(envs.num_envs, space, envs.single_action_space)

    def reset(self) -> UInt8Array:
        """Begin an episode of each game: (games, 2, 50, 70)."""
        frames, _ = self.envs.reset(seed=self._seeds[0])  # game i has the seed + i, there as here
        self._reset_seeds()
        return self._seen(frames, np.ones(self.num_envs, bool))

    def _seen(self, frames: UInt8Array, begins: BoolArray) -> UInt8Array:
        """Put each frame and the one before it together: (games, 2, 50, 70)."""
        before = np.where(begins[:, None, None], frames, self._last)
        self._last = frames
        return np.stack([frames, before], axis=1)

    def step_async(self, actions: Any) -> None:
        """Keep the moves (games,) for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[UInt8Array, Any, BoolArray, list[dict[str, Any]]]:
        """Make them: observations, rewards, dones, infos."""
        frames, rewards, terminated, truncated, told = self.envs.step(self._actions)
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in dones]
        for game in np.flatnonzero(dones).tolist():
            last = np.stack([told["final_obs"][game], self._last[game]])
            infos[game] = {"terminal_observation": last, "TimeLimit.truncated": bool(truncated[game])}
        return self._seen(frames, dones), rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Leave the server, and end it if it is our own."""
        self.envs.close()

    def get_images(self) -> Sequence[UInt8Array | None]:
        """Draw all courts, if they were made with render_mode="rgb_array"."""
        return self.envs.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Give an attribute of the whole as each game's."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the games of one server have no attributes of their own."""
        raise NotImplementedError("the games of one server have no attributes of their own")

    def env_method(self, method_name: str, *_: Any, indices: Any = None, **__: Any) -> list[Any]:
        """Refuse: the games of one server have no methods of their own."""
        raise NotImplementedError("the games of one server have no methods of their own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Say that no game is wrapped by itself."""
        return [False for _ in self._get_indices(indices)]


class Blocks(BaseFeaturesExtractor):
    """The frame and its change, summed over blocks of 2×2 and 10×10 cells; one layer of ReLU units.

    Blocks learn faster than cells: what is good for a ball here is not much else a cell further on.
    """

    SIDES = (2, 10)

    def __init__(self, observation_space: Any, units: int = 128) -> None:
        super().__init__(observation_space, units)
        blocks = sum(2 * (HEIGHT // side) * (WIDTH // side) for side in self.SIDES)
        self.hidden = torch.nn.Linear(blocks, units)

    def forward(self, observations: Any) -> Any:
        """Observations (batch, 2, 50, 70), from 0 to 1, to features (batch, units)."""
        now, before = observations[:, 0], observations[:, 1]
        both = torch.stack([now, now - before], dim=1)
        sums = [
            torch.nn.functional.avg_pool2d(both, side).flatten(1) * side**2 for side in self.SIDES
        ]  # (batch, 1750), (batch, 70)
        return torch.relu(self.hidden(torch.cat(sums, dim=1)))


class ShareWon(BaseCallback):
    """Log the share of the last points won; end the training when it is at least `until`."""

    def __init__(self, until: float | None) -> None:
        super().__init__()
        self.points: deque[bool] = deque(maxlen=POINTS)
        self._until = until

    @property
    def share(self) -> float:
        """Share won of the last 1,000 points, or of all while there are fewer."""
        return sum(self.points) / max(len(self.points), 1)

    def _on_step(self) -> bool:
        rewards = self.locals["rewards"]
        self.points.extend((rewards[rewards != 0] > 0).tolist())
        enough = self._until is not None and len(self.points) == POINTS and self.share >= self._until
        return not enough

    def _on_rollout_end(self) -> None:
        self.logger.record("rollout/share_won", self.share)


@dataclass
class TrainSB3(Training):
    """Train Stable-Baselines3's PPO on Pong, on a running server or on one of its own.

    Raises:
        UsageError: an option is out of its range.
    """

    save: Annotated[str, "file for the model; others beside it every 100,000 decisions"] = "ppo.zip"
    resume: Annotated[str | None, "go on with a saved model"] = None
    tensorboard: Annotated[str | None, "directory for TensorBoard's files"] = None
    quiet: Annotated[bool, "no progress bar"] = False

    def start(self) -> None:
        """Train to the end; Ctrl-C saves and ends too.

        Raises:
            PongError: there is no server, or it does not let us in.
        """
        cli.start_log(self.debug)
        torch.set_num_threads(1)  # the network is small, and the game needs the other core
        envs = SeveralGames(
            RemotePongVector(self.games, autoreset_mode="SameStep", points_per_episode=1, **self.where)
        )
        try:
            self._train(VecMonitor(envs))
        finally:
            envs.close()

    def _train(self, envs: Any) -> None:
        model = self._model(envs)
        won = ShareWon(self.until)
        stem = self.save.removesuffix(".zip")
        every = max(CHECKPOINT_DECISIONS // self.games, 1)
        with contextlib.suppress(KeyboardInterrupt):
            model.learn(
                self.steps,
                CallbackList([won, CheckpointCallback(every, ".", stem)]),
                tb_log_name="ppo",
                reset_num_timesteps=self.resume is None,
                progress_bar=not self.quiet,
            )
        model.save(self.save)
        print(
            f"won {100 * won.share:.1f} % of the last {len(won.points):,} points after "
            f"{model.num_timesteps:,} decisions; the model is in {self.save}"
        )

    def _model(self, envs: Any) -> Any:
        if self.resume is not None:
            try:
                return PPO.load(self.resume, envs, device="cpu", tensorboard_log=self.tensorboard)
            except (OSError, ValueError) as error:
                raise UsageError(f"--resume {self.resume} is no model that can go on ({error})") from error
        return PPO(
            "CnnPolicy",
            envs,
            n_steps=max(ROLLOUT // self.games, 1),
            batch_size=min(256, ROLLOUT),
            n_epochs=4,
            learning_rate=5e-4,
            gamma=0.93,
            gae_lambda=0.9,
            ent_coef=0.01,
            policy_kwargs={"features_extractor_class": Blocks, "net_arch": []},
            tensorboard_log=self.tensorboard,
            seed=self.seed,
            device="cpu",
        )


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(TrainSB3, argv)


if __name__ == "__main__":
    from examples import train_sb3  # so that a saved model names this module, not "__main__"

    sys.exit(train_sb3.main())
