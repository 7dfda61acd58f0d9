"""Stable-Baselines3's PPO with the settings that RL Baselines3 Zoo has for Atari's games.

Source: hyperparams/ppo.yml of github.com/DLR-RM/rl-baselines3-zoo, entry `atari`. It is for games that skip
no frames, where the wrapper makes each action for four of them. ALE/Pong-v5 does that itself, so the wrapper
must not, or a decision would last sixteen frames. Rate and clipping fall as if training went on for the zoo's
ten million decisions. As in the zoo, the games are played in this process, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pongrl.game.drawing import opencv
from tools.atari_peers.curve import Curve
from tools.atari_peers.matches import ENV, Matches, make_game

GAMES, STACK = 8, 4
DECISIONS = 10_000_000  # over which rate and clipping fall to 0
STEPS, EPOCHS, MINIBATCH = 128, 4, 256  # decisions of a game in a batch; passes; decisions in a step
UPDATES = EPOCHS * GAMES * STEPS // MINIBATCH  # from each batch
SIZE = 84  # rows and columns of a frame


class Ppo:
    """Learns, and plays what it has learned.

    Args:
        seed: Of weights, moves and games.
    """

    def __init__(self, seed: int) -> None:
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_atari_env
        from stable_baselines3.common.vec_env import VecFrameStack

        make_game().close()  # Gymnasium then knows the game
        games = make_atari_env(ENV, n_envs=GAMES, seed=seed, wrapper_kwargs={"frame_skip": 1})
        self._model: Any = PPO(
            "CnnPolicy", VecFrameStack(games, STACK), n_steps=STEPS, n_epochs=EPOCHS, batch_size=MINIBATCH,
            learning_rate=falling(2.5e-4), clip_range=falling(0.1), vf_coef=0.5, ent_coef=0.01, seed=seed,
        )  # fmt: skip

    def train(self, curve: Curve) -> None:
        """Learn until the time is over."""

        def stepped(told: dict[str, Any], _: dict[str, Any]) -> bool:
            for info in told["infos"]:
                if "episode" in info:  # before the wrapper cuts rewards and ends
                    curve.finish_match(float(info["episode"]["r"]))
            curve.updates = (self._model.num_timesteps - 1) // (GAMES * STEPS) * UPDATES
            return curve.count(GAMES)

        curve.begin()
        self._model.learn(DECISIONS, callback=stepped)
        self._model.env.close()

    def play(self, matches: Matches, rng: np.random.Generator | None) -> None:
        """Play matches to their end; `rng` draws the moves, without it the likeliest ones are made."""
        import torch

        if rng is not None:
            torch.manual_seed(int(rng.integers(2**31)))
        seen = np.zeros((len(matches.pictures), SIZE, SIZE, STACK), np.uint8)  # the newest frame is last
        while not matches.is_over():
            seen = np.concatenate((seen[..., 1:], small(matches)[..., None]), axis=3)
            actions, _ = self._model.predict(seen, deterministic=rng is None)
            matches.step(actions.tolist())


def falling(first: float) -> Callable[[float], float]:
    """Make a schedule that falls to 0 with the share of training that is left, as `lin_` of the zoo does."""
    return lambda left: first * left


def small(matches: Matches) -> npt.NDArray[np.uint8]:
    """Bring the pictures down to the frames that the wrapper makes: (games, SIZE, SIZE)."""
    cv2 = opencv()
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in matches.pictures]
    return np.stack([cv2.resize(each, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for each in grey])
