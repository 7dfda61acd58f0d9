"""Train Stable-Baselines3's PPO on Pong. It learns to beat level 1 in a few minutes.

    pip install -e ".[sb3]"
    python examples/train_sb3.py --local --level 1 --until 0.55
    python examples/train_sb3.py --host raspberrypi.local     # there: python pong.py --lockstep --games 16

Each point is an episode. `ep_rew_mean` is the mean reward of the last 1,000 points: −1 if all were lost, 1 if
all were won. γ is per decision; 0.93 for 8 ticks is about mainmodel.py's 0.99 per tick. To train a saved
model further, use PPO.load(file, envs). It is a .zip with a pickle in it: open none from strangers.
"""

import argparse
import contextlib
import sys
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

from pongrl.envs.blocks import BlockObservation
from pongrl.envs.sb3 import HiddenLayer, SB3VecEnv
from pongrl.envs.vector_env import RemotePongVector
from pongrl.errors import PongError

POINTS = 1000  # the share of points won is taken over so many
ROLLOUT = 1024  # decisions of all games together between two updates


def train(options: argparse.Namespace) -> None:
    """Train until enough points are won, or the steps are used up, or Ctrl-C; then save the model."""
    games = RemotePongVector(
        options.games, autoreset_mode="SameStep", points_per_episode=1,
        local=options.local, level=options.level, host=options.host,
    )  # fmt: skip
    envs = VecMonitor(SB3VecEnv(BlockObservation(games)))
    model = PPO(
        "MlpPolicy", envs, policy_kwargs={"features_extractor_class": HiddenLayer, "net_arch": []},
        n_steps=ROLLOUT // options.games, batch_size=256, n_epochs=4, learning_rate=5e-4,
        gamma=0.93, gae_lambda=0.9, ent_coef=0.01, stats_window_size=POINTS,
        seed=options.seed, device="cpu", verbose=1, tensorboard_log=options.tensorboard,
    )  # fmt: skip

    def is_not_enough(*_: Any) -> bool:
        rewards = [episode["r"] for episode in model.ep_info_buffer]
        return len(rewards) < POINTS or (1 + sum(rewards) / POINTS) / 2 < options.until

    with contextlib.closing(envs):
        with contextlib.suppress(KeyboardInterrupt):
            model.learn(options.steps, is_not_enough, log_interval=10)
        model.save(options.save)
    print(f"the model is in {options.save} after {model.num_timesteps:,} decisions")


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says; report an error in one sentence."""
    parser = argparse.ArgumentParser(description="Train Stable-Baselines3's PPO on Pong.")
    parser.add_argument("--local", action="store_true", help="start a server on this machine")
    parser.add_argument("--level", type=int, help="level of that server, 1 to 3")
    parser.add_argument("--host", default="127.0.0.1", help='where a running server is, as "name:port"')
    parser.add_argument("--games", type=int, default=16, help="games side by side, as the server has them")
    parser.add_argument("--steps", type=int, default=1_000_000, help="decisions to train for")
    parser.add_argument("--until", type=float, default=1, help="share of points won to end at, such as 0.55")
    parser.add_argument("--seed", type=int, help="seed of the network, and of the games with --local")
    parser.add_argument("--save", default="ppo.zip", help="file for the model")
    parser.add_argument("--tensorboard", help="folder for TensorBoard's files")
    torch.set_num_threads(1)  # the network is small, and the game needs the other core
    try:
        train(parser.parse_args(argv))
    except PongError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
