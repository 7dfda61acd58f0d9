"""Several games of one server for Stable-Baselines3.

    envs = SB3VecEnv(BlockObservation(RemotePongVector(16, local=True, autoreset_mode="SameStep")))
    network = {"features_extractor_class": HiddenLayer, "net_arch": []}
    model = PPO("MlpPolicy", VecMonitor(envs), policy_kwargs=network)

Stable-Baselines3's own VecEnvs have a process or an object for each game. The games of one server share every
round trip instead, which is much faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv

from pongrl.envs.games import BoolArray
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array

try:
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import VecEnv
    from torch import nn
except ImportError as error:
    raise ImportError(
        'SB3VecEnv needs Stable-Baselines3: pip install "pongrl[sb3]", '
        "or pip install stable-baselines3 in a checkout"
    ) from error


class SB3VecEnv(VecEnv):
    """A vector environment of Gymnasium as Stable-Baselines3 wants it.

    Observations, actions and rewards stay as they are. Infos become a list with one dictionary for each game.
    At the end of an episode it has "terminal_observation" and "TimeLimit.truncated", else nothing.

    Args:
        envs: `RemotePongVector` with autoreset_mode="SameStep", or a wrapper around it.

    Raises:
        UsageError: it is no vector environment, or has another autoreset.
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any]) -> None:
        if not isinstance(envs, VectorEnv):
            raise UsageError(
                f"SB3VecEnv is for several games, RemotePongVector, not {envs}: "
                "give a single one to Stable-Baselines3 as it is"
            )
        if envs.metadata.get("autoreset_mode") is not AutoresetMode.SAME_STEP:
            raise UsageError('Stable-Baselines3 begins episodes at once: give autoreset_mode="SameStep"')
        self.envs = envs
        self._actions: Any = None
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self.metadata: dict[str, Any] = {  # with the pace, for films
            "render_modes": [], **self.metadata, "render_fps": envs.metadata.get("render_fps", 30)
        }  # fmt: skip

    def reset(self) -> npt.NDArray[Any]:
        """Begin an episode of each game, with the seed that `seed` was given."""
        observations, _ = self.envs.reset(seed=self._seeds[0])  # game i has the seed + i, there and here
        self._reset_seeds()
        return np.asarray(observations)

    def step_async(self, actions: Any) -> None:
        """Keep the actions (games,) for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32], BoolArray, list[dict[str, Any]]]:
        """Make the moves: observations, rewards, dones, infos."""
        observations, rewards, terminated, truncated, told = self.envs.step(self._actions)
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for game in np.flatnonzero(dones).tolist():
            infos[game]["terminal_observation"] = told["final_obs"][game]
            infos[game]["TimeLimit.truncated"] = bool(truncated[game])
        return observations, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Leave the server, and end it if it is our own."""
        self.envs.close()

    def get_images(self) -> Sequence[UInt8Array | None]:
        """Draw all courts, if the games were made with render_mode="rgb_array"."""
        pictures: Any = self.envs.render()
        return [None] * self.num_envs if pictures is None else list(pictures)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute that all games share, once for each game."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the games of one server have no attributes of their own."""
        raise NotImplementedError("the games of one server have no attributes of their own")

    def env_method(self, method_name: str, *_: Any, indices: Any = None, **__: Any) -> list[Any]:
        """Give pictures for "render"; refuse others: the games of one server have no methods of their own."""
        if method_name == "render":  # VecEnv.render asks for it
            pictures = self.get_images()
            return [pictures[game] for game in self._get_indices(indices)]
        raise NotImplementedError("the games of one server have no methods of their own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Say that no single game is wrapped."""
        return [False for _ in self._get_indices(indices)]


class HiddenLayer(BaseFeaturesExtractor):
    """One layer of ReLU units, which policy and value share: (batch, features) to (batch, units).

    With `net_arch` alone, Stable-Baselines3 gives each a layer of its own. That costs twice the time, and it
    took more decisions to learn Pong.
    """

    def __init__(self, observation_space: Any, units: int = 128) -> None:
        super().__init__(observation_space, units)
        self.hidden = nn.Linear(observation_space.shape[0], units)

    def forward(self, observations: Any) -> Any:
        """Compute the units."""
        return nn.functional.relu(self.hidden(observations))
