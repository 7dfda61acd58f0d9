"""Train an agent that was written for Atari, unchanged: Stable-Baselines3's PPO, with the RL Zoo's settings.

    pip install -e ".[sb3]"
    python examples/train_atari_agent.py
    python examples/train_atari_agent.py --env ale_py:PongNoFrameskip-v4  # Atari's own, with the extra atari

Only the name of the environment says which Pong it is. Each game has a server of its own, and a decision is
four ticks, as Atari's wrappers have it. `ep_rew_mean` is the mean difference of points in a match: from −21,
if all points are lost, to 21. A saved model is a .zip with a pickle in it: open none from strangers.
"""

import argparse
import contextlib
import sys

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from pongrl.errors import PongError

OURS = "pongrl.envs:RemotePongNoFrameskip-v0"


def train(options: argparse.Namespace) -> None:
    """Train for so many decisions, or until Ctrl-C; then save the model."""
    envs = VecFrameStack(make_atari_env(options.env, n_envs=options.games, seed=options.seed), 4)
    with contextlib.closing(envs):
        model = PPO(
            "CnnPolicy", envs, n_steps=128, n_epochs=4, batch_size=256, vf_coef=0.5, ent_coef=0.01,
            learning_rate=lambda left: left * 2.5e-4, clip_range=lambda left: left * 0.1,
            seed=options.seed, verbose=1,
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):
            model.learn(options.steps)
        model.save(options.save)
    print(f"the model is in {options.save} after {model.num_timesteps:,} decisions")


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says; report an error in one sentence."""
    parser = argparse.ArgumentParser(description="Train an agent that was written for Atari.")
    parser.add_argument("--env", default=OURS, help=f"name of the environment (default: {OURS})")
    parser.add_argument("--games", type=int, default=8, help="games side by side")
    parser.add_argument("--steps", type=int, default=10_000_000, help="decisions to train for")
    parser.add_argument("--seed", type=int, help="seed of the network, and of the games")
    parser.add_argument("--save", default="ppo_atari.zip", help="file for the model")
    try:
        train(parser.parse_args(argv))
    except PongError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
