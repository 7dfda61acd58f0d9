"""Train RLlib's PPO on Pong. It learns to beat level 1 in a few minutes.

    pip install -e ".[rllib]"       # in an environment of its own: RLlib wants an older Gymnasium
    python examples/train_rllib.py --local --level 1 --until 0.55
    python examples/train_rllib.py --host raspberrypi.local   # there: python pong.py --lockstep --games 16

Each point is an episode. γ is per decision; 0.93 for 8 ticks is about mainmodel.py's 0.99 per tick.
To train a saved algorithm further, call its restore_from_path before train. It is a folder with pickles in
it: open none from strangers.
"""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

import gymnasium
import ray
import torch
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.tune.registry import register_env

from pongrl.envs.blocks import BlockObservation
from pongrl.envs.vector_env import RemotePongVector
from pongrl.errors import PongError

POINTS = 1000  # the share of points won is taken over so many
BATCH = 1024  # decisions of all games together between two updates


def make_games(config: dict[str, Any]) -> RecordEpisodeStatistics:
    """Make the games that RLlib asks for, and remember the reward of each point."""
    where = {name: config[name] for name in ("local", "level", "host")}
    games = RemotePongVector(config["num_envs"], points_per_episode=1, **where)
    return RecordEpisodeStatistics(BlockObservation(games), buffer_length=POINTS)


def config_of(options: argparse.Namespace) -> PPOConfig:
    """Say how PPO learns: 128 hidden units, in this process."""
    where = {"local": options.local, "level": options.level, "host": options.host}
    network = DefaultModelConfig(fcnet_hiddens=[128], fcnet_activation="relu", vf_share_layers=True)
    config = PPOConfig().environment("RemotePong", env_config=where).rl_module(model_config=network)
    config.env_runners(
        num_env_runners=0, num_envs_per_env_runner=options.games,
        gym_env_vectorize_mode=gymnasium.VectorizeMode.VECTOR_ENTRY_POINT,
        rollout_fragment_length=BATCH // options.games, batch_mode="truncate_episodes",
    )  # fmt: skip
    config.training(
        train_batch_size_per_learner=BATCH, minibatch_size=256, num_epochs=4, lr=5e-4,
        gamma=0.93, lambda_=0.9, entropy_coeff=0.01,
    )  # fmt: skip
    return config.debugging(seed=options.seed, log_level="ERROR")


def train(options: argparse.Namespace) -> None:
    """Train until enough points are won, or the steps are used up, or Ctrl-C; then save the algorithm."""
    register_env("RemotePong", make_games)
    algorithm = config_of(options).build_algo()
    games = algorithm.env_runner.env
    while not isinstance(games, RecordEpisodeStatistics):  # it is below wrappers of RLlib
        games = games.env
    rewards, decisions, share = games.return_queue, 0, 0.0
    with contextlib.suppress(KeyboardInterrupt):
        while decisions < options.steps and (len(rewards) < POINTS or share < options.until):
            algorithm.train()
            decisions += BATCH
            share = sum(reward > 0 for reward in rewards) / max(len(rewards), 1)
            print(
                f"{decisions:,} decisions   won {share:.1%} of the last {len(rewards):,} points", flush=True
            )
    algorithm.save_to_path(str(Path(options.save).resolve()))
    algorithm.stop()
    print(f"the algorithm is in {options.save}")


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says; report an error in one sentence."""
    parser = argparse.ArgumentParser(description="Train RLlib's PPO on Pong.")
    parser.add_argument("--local", action="store_true", help="start a server on this machine")
    parser.add_argument("--level", type=int, help="level of that server, 1 to 3")
    parser.add_argument("--host", default="127.0.0.1", help='where a running server is, as "name:port"')
    parser.add_argument("--games", type=int, default=16, help="games side by side, as the server has them")
    parser.add_argument("--steps", type=int, default=1_000_000, help="decisions to train for")
    parser.add_argument("--until", type=float, default=1, help="share of points won to end at, such as 0.55")
    parser.add_argument("--seed", type=int, help="seed of the network, and of the games with --local")
    parser.add_argument("--save", default="rllib", help="folder for the algorithm")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)  # the network is small, and the game needs the other core
    ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=256 << 20)
    try:
        train(options)
    except PongError as error:
        sys.exit(f"error: {error}")
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
