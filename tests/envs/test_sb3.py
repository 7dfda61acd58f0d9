"""SB3VecEnv: several games as Stable-Baselines3 wants them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")
pytest.importorskip(
    "stable_baselines3", reason="Stable-Baselines3 is not installed: pip install stable-baselines3"
)

from stable_baselines3 import PPO

from pongrl.envs.blocks import BlockObservation
from pongrl.envs.sb3 import HiddenLayer, SB3VecEnv
from pongrl.errors import UsageError
from pongrl.game.moves import DOWN, UP
from tests.support.envs import local, several

pytestmark = pytest.mark.usefixtures("own_servers")
MOVES = np.array([UP, DOWN])


@contextlib.contextmanager
def for_sb3(**options: Any) -> Iterator[SB3VecEnv]:
    with several(2, autoreset_mode="SameStep", **options) as games:
        yield SB3VecEnv(games)


def test_steps_are_those_of_gymnasium_with_a_list_of_infos() -> None:
    options = {"points_per_episode": 1, "autoreset_mode": "SameStep"}
    with several(2, **options) as plain, for_sb3(points_per_episode=1) as envs:
        envs.seed(3)
        np.testing.assert_array_equal(envs.reset(), plain.reset(seed=3)[0])
        ended = 0
        for _ in range(40):
            observations, rewards, dones, infos = envs.step(MOVES)
            frames, its_rewards, terminated, _, told = plain.step(MOVES)
            np.testing.assert_array_equal(observations, frames)
            np.testing.assert_array_equal(rewards, its_rewards)
            np.testing.assert_array_equal(dones, terminated)
            assert (rewards.dtype, [bool(info) for info in infos]) == (np.float32, dones.tolist())
            for game in np.flatnonzero(dones):
                ended += 1
                last = infos[game]["terminal_observation"]
                np.testing.assert_array_equal(last, told["final_obs"][game])
                assert infos[game]["TimeLimit.truncated"] is False
        assert ended > 2


def test_a_seed_gives_the_same_games_and_is_used_once() -> None:
    with for_sb3() as envs:
        runs = []
        for _ in range(2):
            envs.seed(5)
            runs.append([envs.reset(), *(envs.step(MOVES)[0] for _ in range(10))])
        np.testing.assert_array_equal(runs[0], runs[1])
        envs.reset()
        assert not np.array_equal([envs.step(MOVES)[0] for _ in range(10)], runs[0][1:])


def test_a_lost_connection_is_a_truncated_episode(own_servers: list[Any]) -> None:
    with for_sb3() as envs:
        envs.reset()
        own_servers[0].close()
        _, rewards, dones, infos = envs.step(MOVES)
        assert (rewards.tolist(), dones.tolist()) == ([0, 0], [True, True])
        assert all(info["TimeLimit.truncated"] for info in infos)


def test_games_share_their_attributes_and_have_pictures() -> None:
    with for_sb3(render_mode="rgb_array") as envs:
        envs.reset()
        assert envs.get_attr("render_mode") == ["rgb_array"] * 2
        assert envs.env_is_wrapped(object, indices=[1]) == [False]
        assert [picture.shape for picture in envs.get_images()] == [(500, 700, 3)] * 2  # type: ignore[union-attr]
        for refused in (lambda: envs.set_attr("x", 1), lambda: envs.env_method("x")):
            with pytest.raises(NotImplementedError, match="of their own"):
                refused()


def test_ppo_learns_from_blocks_with_one_shared_layer_and_its_model_can_be_loaded(tmp_path: Path) -> None:
    with several(2, autoreset_mode="SameStep") as games:
        envs = SB3VecEnv(BlockObservation(games))
        network = {"features_extractor_class": HiddenLayer, "net_arch": []}
        model = PPO("MlpPolicy", envs, n_steps=4, batch_size=8, policy_kwargs=network, device="cpu", seed=1)
        before = model.policy.features_extractor.hidden.weight.detach().clone()
        assert before.shape == (128, 1820)
        model.learn(8)
        assert (model.policy.features_extractor.hidden.weight != before).any()
        model.save(tmp_path / "model.zip")
        loaded = PPO.load(tmp_path / "model.zip", device="cpu")
        observations = envs.reset()
        np.testing.assert_array_equal(
            loaded.predict(observations, deterministic=True)[0],
            model.predict(observations, deterministic=True)[0],
        )


def test_another_autoreset_is_refused() -> None:
    with several(2) as games, pytest.raises(UsageError, match='autoreset_mode="SameStep"'):
        SB3VecEnv(games)


def test_a_single_game_is_refused() -> None:
    with local() as env, pytest.raises(UsageError, match="is for several games"):
        SB3VecEnv(env)
