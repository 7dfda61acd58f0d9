"""RemotePongNoFrameskip-v0: what code for Atari asks of it, beside RemotePong's own answers."""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import InvalidAction, ResetNeeded  # noqa: E402
from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation  # noqa: E402

import pongrl.envs  # noqa: E402, F401  # registers it
from pongrl.envs.atarilike import MEANINGS, PongAsAtariEnv  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.game.drawing import pygame_quietly  # noqa: E402
from pongrl.game.moves import DOWN, STAY, UP  # noqa: E402
from tests.support import serving  # noqa: E402
from tests.support.envs import local  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_servers")
NAME = "pongrl.envs:RemotePongNoFrameskip-v0"
SB3 = "Stable-Baselines3 is not installed: pip install stable-baselines3"


@contextlib.contextmanager
def atarilike(**options: Any) -> Iterator[Any]:
    """Make it without wrappers."""
    with PongAsAtariEnv(**options) as env:
        yield env


def test_its_name_is_all_that_code_for_atari_needs() -> None:
    env = gymnasium.make(NAME)
    assert type(env.unwrapped) is PongAsAtariEnv
    observation, info = env.reset(seed=1)
    assert (observation.shape, observation.dtype) == ((50, 70, 3), np.uint8)
    assert info["scores"].tolist() == [0, 0]
    env.close()
    spec = gymnasium.spec("RemotePongNoFrameskip-v0")
    assert "NoFrameskip" in spec.id  # OpenAI's Baselines look for this,
    assert "AtariEnv" in spec.entry_point  # and the RL Zoo for that


@pytest.mark.parametrize("options", [{"frame_stack": 4}, {"screen_size": 84}])
def test_what_atari_has_wrappers_for_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="here the wrappers that Atari's games have do it"):
        gymnasium.make(NAME, **options)


def test_the_checkers_find_nothing() -> None:
    env = gymnasium.make(NAME, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()
    sb3 = pytest.importorskip("stable_baselines3.common.env_checker", reason=SB3)
    with atarilike() as env:
        sb3.check_env(env)


def test_it_answers_as_the_emulator_does_for_pong() -> None:
    ale_py = pytest.importorskip("ale_py", reason='ale-py is not installed: pip install ".[atari]"')
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    theirs = ale_py.AtariEnv("pong", frameskip=1)
    theirs.reset()
    with atarilike() as ours:
        ours.reset()
        assert ours.get_action_meanings() == theirs.get_action_meanings()
        assert ours.action_space == theirs.action_space
        assert ours.ale.lives() == theirs.ale.lives()
        assert ours.observation_space.dtype == theirs.observation_space.dtype
        assert ours.observation_space.shape[2:] == theirs.observation_space.shape[2:]
    theirs.close()


def test_frames_rewards_and_ends_are_those_of_remotepong() -> None:
    moves = dict(zip(MEANINGS, (STAY, STAY, UP, DOWN, UP, DOWN), strict=True))
    with atarilike(points_to_win=2) as env, local(points_to_win=2, frameskip=1) as plain:
        np.testing.assert_array_equal(env.reset(seed=1)[0][:, :, 2], plain.reset(seed=1)[0])
        rewards = []
        for action in itertools.cycle(range(len(MEANINGS))):
            observation, reward, terminated, truncated, info = env.step(np.int64(action))
            frame, *its, its_info = plain.step(moves[MEANINGS[action]])
            for colour in range(3):
                np.testing.assert_array_equal(observation[:, :, colour], frame)
            assert its == [reward, terminated, truncated]
            np.testing.assert_equal(info, its_info)
            rewards.append(reward)
            if terminated:
                break
        assert info["scores"].max() == 2 or info["matches"] == 1
        assert set(rewards) <= {-1.0, 0.0, 1.0}
        assert sum(map(abs, rewards)) in (2, 3)


def test_gymnasiums_wrappers_for_atari_give_what_screen_size_and_frame_stack_give() -> None:
    with local(points_to_win=1, frameskip=1, screen_size=84, frame_stack=4) as plain:
        env = gymnasium.make(NAME, points_to_win=1)
        wrapped = FrameStackObservation(AtariPreprocessing(env, noop_max=0, frame_skip=1), 4)
        assert wrapped.observation_space == plain.observation_space
        assert plain.observation_space.shape == (4, 84, 84)
        np.testing.assert_array_equal(wrapped.reset(seed=2)[0], plain.reset(seed=2)[0])
        is_over = False
        while not is_over:
            theirs, ours = wrapped.step(MEANINGS.index("LEFT")), plain.step(DOWN)
            assert theirs[1:4] == ours[1:4]
            is_over = ours[2]
            if not is_over:  # Gymnasium's wrapper gives the frame before the last one again at an end
                np.testing.assert_array_equal(theirs[0], ours[0])
        wrapped.close()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"terminal_on_life_loss": True}, (84, 84)),
        ({"grayscale_newaxis": True, "screen_size": (80, 60)}, (60, 80, 1)),
        ({"grayscale_obs": False}, (84, 84, 3)),
    ],
)
def test_a_match_with_gymnasiums_wrapper_has_its_usual_shapes_and_rewards(
    options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    env = AtariPreprocessing(gymnasium.make(NAME, points_to_win=2), noop_max=2, **options)
    observation, _ = env.reset(seed=3)
    assert (observation.shape, observation.dtype, observation.any()) == (shape, np.uint8, True)
    rewards, ended = [], (False, False)
    while not any(ended):
        observation, reward, *ended, _ = env.step(0)
        assert env.observation_space.contains(observation)
        rewards.append(reward)
    assert ended == [True, False]
    assert set(rewards) == {-1, 0, 1} or abs(sum(rewards)) == 2
    env.close()


def test_stable_baselines_makes_it_as_it_makes_atari() -> None:
    common = pytest.importorskip("stable_baselines3.common.env_util", reason=SB3)
    from stable_baselines3.common.vec_env import VecFrameStack

    envs = VecFrameStack(common.make_atari_env(NAME, n_envs=2, seed=1, env_kwargs={"points_to_win": 1}), 4)
    observations = envs.reset()
    assert (observations.shape, observations.dtype) == ((2, 84, 84, 4), np.uint8)
    ended = [False, False]
    while not all(ended):
        _, rewards, dones, infos = envs.step([0, 5])
        for game in np.flatnonzero(dones).tolist():
            ended[game] = True
            assert infos[game]["episode"]["r"] == rewards[game]
            assert abs(rewards[game]) == 1
    envs.close()


def test_the_screen_can_be_drawn_into_arrays_as_the_emulators() -> None:
    with atarilike() as env:
        grey, colours = np.ones((50, 70), np.uint8), np.ones((50, 70, 3), np.uint8)
        with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
            env.ale.getScreenGrayscale(grey)
        observation, _ = env.reset(seed=1)
        env.ale.getScreenGrayscale(grey)
        env.ale.getScreenRGB(colours)
        np.testing.assert_array_equal(env.ale.getScreenGrayscale(), grey)
        np.testing.assert_array_equal(env.ale.getScreenRGB(), colours)
        np.testing.assert_array_equal(colours, observation)
        np.testing.assert_array_equal(grey, observation[:, :, 0])


def test_pictures_are_those_of_the_court() -> None:
    with atarilike(render_mode="rgb_array") as env:
        env.reset(seed=1)
        assert env.render().shape == (500, 700, 3)
        assert env.metadata["render_fps"] == 60


def test_it_plays_on_a_server_with_decisions_as_long_as_its_own(own_servers: list[Any]) -> None:
    with serving(lockstep=True, frameskip=4) as server:
        where = {"port": server.address[1]}
        with atarilike(frameskip=4, **where) as env:
            with pytest.raises(ValueError, match="Disable frame-skipping"):
                AtariPreprocessing(env, frame_skip=4)
            env.reset()
            assert env.step(2)[4]["ticks"] == 4
        words = "have 4 ticks and the environment's 1: start it with --frameskip 1, or give frameskip=4"
        with atarilike(**where) as env, pytest.raises(UsageError, match=words):
            env.reset()
    assert own_servers == []


@pytest.mark.parametrize("action", [6, -1, 2.0, None, [2]])
def test_an_action_that_is_none_is_refused(action: Any) -> None:
    with atarilike() as env:
        env.reset(seed=1)
        with pytest.raises(InvalidAction, match="one action from 0 to 5"):
            env.step(action)


def test_a_copy_is_made_with_the_same_arguments() -> None:
    with atarilike(points_per_episode=1, frameskip=2) as env:
        env.reset(seed=4)
        with copy.deepcopy(env) as other:
            np.testing.assert_array_equal(other.reset(seed=4)[0], env.reset(seed=4)[0])
            for _ in range(5):
                ours, theirs = env.step(2), other.step(2)
                np.testing.assert_array_equal(ours[0], theirs[0])
                assert theirs[4]["ticks"] == 2


def test_the_keys_for_people_move_up_and_down() -> None:
    with atarilike() as env:
        pygame = pygame_quietly()
        right, left = MEANINGS.index("RIGHT"), MEANINGS.index("LEFT")
        assert env.get_keys_to_action() == {
            ("w",): right, (pygame.K_UP,): right, ("s",): left, (pygame.K_DOWN,): left,
        }  # fmt: skip
