"""Train RLlib's PPO on Pong. It learns to beat level 1 in a few minutes.

    pip install -e ".[rllib]"       # in an environment of its own: RLlib wants an older Gymnasium
    python examples/train_rllib.py --local --level 1 --until 0.55
    python examples/train_rllib.py --host raspberrypi.local   # there: python pong.py --lockstep --games 16

Each point is an episode. γ is per decision; 0.93 for 8 ticks is about mainmodel.py's 0.99 per tick.
A saved algorithm is a folder with pickles in it: open none from strangers.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import gymnasium
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.tune.registry import register_env

from pongrl.envs.blocks import BlockObservation
from pongrl.envs.vector_env import RemotePongVector

POINTS = 1000  # the share of points won is taken over so many
BATCH = 1024  # decisions of all games together between two updates


def options_of(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train RLlib's PPO on Pong.")
    parser.add_argument("--local", action="store_true", help="start a server on this machine")
    parser.add_argument("--level", type=int, help="level of that server, 1 to 3")
    parser.add_argument("--host", default="127.0.0.1", help='where a running server is, as "name:port"')
    parser.add_argument("--games", type=int, default=16, help="games side by side, as the server has them")
    parser.add_argument("--steps", type=int, default=500_000, help="decisions to train for")
    parser.add_argument("--until", type=float, default=1, help="share of points won to end at, such as 0.55")
    parser.add_argument("--seed", type=int, help="seed of the network, and of the games with --local")
    parser.add_argument("--save", default="rllib", help="folder for the algorithm")
    parser.add_argument("--resume", help="folder of an algorithm to train further")
    return parser.parse_args(argv)


def games_of(config: dict[str, Any]) -> BlockObservation:
    """Make the games that RLlib asks for."""
    where = {name: config[name] for name in ("local", "level", "host")}
    return BlockObservation(RemotePongVector(config["num_envs"], points_per_episode=1, **where))


def config_of(options: argparse.Namespace) -> PPOConfig:
    """Say how PPO learns: a network of 128 units on one process."""
    where = {"local": options.local, "level": options.level, "host": options.host}
    return (
        PPOConfig()
        .environment("RemotePong", env_config=where)
        .env_runners(
            num_env_runners=0,  # the games of a server share one connection
            num_envs_per_env_runner=options.games,
            gym_env_vectorize_mode=gymnasium.VectorizeMode.VECTOR_ENTRY_POINT,
            rollout_fragment_length=max(BATCH // options.games, 1),
            batch_mode="truncate_episodes",
        )
        .training(
            train_batch_size_per_learner=BATCH, minibatch_size=256, num_epochs=4, lr=5e-4,
            gamma=0.93, lambda_=0.9, entropy_coeff=0.01,
        )
        .rl_module(
            model_config=DefaultModelConfig(
                fcnet_hiddens=[128], fcnet_activation="relu", vf_share_layers=True
            )
        )
        .reporting(metrics_num_episodes_for_smoothing=POINTS)
        .debugging(seed=options.seed, log_level="ERROR")
    )  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Train until enough points are won, or the steps are used up, or Ctrl-C; then save the algorithm."""
    options = options_of(argv)
    torch.set_num_threads(1)  # the network is small, and the game needs the other core
    ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=256 << 20)
    register_env("RemotePong", games_of)
    algorithm = config_of(options).build_algo()
    if options.resume:
        algorithm.restore_from_path(str(Path(options.resume).resolve()))
    decisions, share = 0, 0.0
    with contextlib.suppress(KeyboardInterrupt):
        while decisions < options.steps and share < options.until:
            result = algorithm.train()
            decisions += BATCH
            share = (1 + result["env_runners"]["episode_return_mean"]) / 2
            print(f"{decisions:,} decisions   won {100 * share:.1f} % of the last {POINTS:,} points", flush=True)
    algorithm.save_to_path(str(Path(options.save).resolve()))
    print(f"the algorithm is in {options.save}")
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
