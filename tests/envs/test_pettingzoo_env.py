"""RemotePongParallel: what PettingZoo promises of an environment, and what ours does beyond it."""

from __future__ import annotations

import contextlib
import copy
import gc
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="PettingZoo is not installed: pip install pettingzoo")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its tests import PettingZoo's own games
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test

from gymnasium.error import ClosedEnvironmentError, InvalidAction, ResetNeeded
from pettingzoo.utils import aec_to_parallel, parallel_to_aec

from pong import Pong
from pongrl.envs import pettingzoo_env
from pongrl.envs.pettingzoo_env import RemotePongParallel
from pongrl.errors import RefusedError, UsageError
from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, STAY, UP, VELOCITY
from pongrl.game.rules import Game
from pongrl.ui.screen import SmallWindow
from pongrl.wire.messages import Mover
from tests.support import serving
from tests.support.envs import LONGEST_MATCH

pytestmark = pytest.mark.usefixtures("own_servers")


def local(**options: Any) -> contextlib.closing[RemotePongParallel]:
    """Make an environment with a server of its own."""
    return contextlib.closing(RemotePongParallel(local=True, **options))


def remote(server: Pong, **options: Any) -> contextlib.closing[RemotePongParallel]:
    """Make an environment on a server."""
    return contextlib.closing(RemotePongParallel(port=server.address[1], **options))


def moves(left: int, right: int) -> dict[str, int]:
    return {"left": left, "right": right}


def until_over(env: RemotePongParallel) -> list[Any]:
    """Stand still to the end of an episode, and return what each step gave."""
    steps: list[Any] = []
    while env.agents:
        assert len(steps) < LONGEST_MATCH, "the episode never ended"
        steps.append(env.step(moves(STAY, STAY)))
    return steps


def lived(env: RemotePongParallel, seed: int | None) -> list[Any]:
    """Reset, play an episode, and return all that the environment said."""
    numbers = np.random.default_rng(1)
    told: list[Any] = [env.reset(seed=seed)]
    while env.agents and len(told) < LONGEST_MATCH:
        told.append(env.step(moves(*numbers.integers(0, 3, 2))))
    return told


# ---------------------------------------------------------------------------------------------
# Checkers


@pytest.mark.parametrize("options", [{}, {"points_per_episode": 1}, {"render_mode": "rgb_array"}])
def test_pettingzoos_parallel_checker_finds_nothing(options: dict[str, Any]) -> None:
    with local(**options) as env:
        parallel_api_test(env, 300)


def test_pettingzoos_checker_of_seeds_finds_nothing() -> None:
    parallel_seed_test(lambda: RemotePongParallel(local=True), 100)


def test_turn_by_turn_pettingzoos_checker_only_recommends_other_names_for_the_agents() -> None:
    env = parallel_to_aec(RemotePongParallel(local=True, points_per_episode=1))
    with (
        contextlib.closing(env),
        pytest.warns(UserWarning, match="We recommend agents to be named") as warned,
    ):
        api_test(env, 100)
    assert len({str(each.message) for each in warned}) == 1


# ---------------------------------------------------------------------------------------------
# Moves, episodes and seeds


def test_both_play_the_game_of_their_moves_and_see_it_from_their_sides() -> None:
    game, numbers = Game(7), np.random.default_rng(2)
    with local(frameskip=5) as env:
        observations, infos = env.reset(seed=7)
        for _ in range(200):
            frame = Camera.full(game)
            np.testing.assert_array_equal(observations["left"], frame)
            np.testing.assert_array_equal(observations["right"], frame[:, ::-1])
            assert infos["left"]["scores"].tolist() == list(game.score)
            assert infos["right"]["scores"].tolist() == list(game.score)[::-1]
            both = numbers.integers(0, 3, 2)
            observations, rewards, *_, infos = env.step(moves(*both))
            reward = ticks = 0
            while ticks < 5 and not reward:
                reward = game.step(*(VELOCITY[move] for move in both))
                ticks += 1
            assert rewards == {"left": reward, "right": -reward}
            for info, move in zip(infos.values(), both, strict=True):
                assert (info["ticks"], info["move"], info["mover"]) == (ticks, move, Mover.AGENT)
        assert sum(game.score) > 5


def test_a_seed_gives_the_same_again_and_another_seed_another() -> None:
    with local(points_to_win=2) as env, local(points_to_win=2) as other:
        first = lived(env, 3)
        later = lived(env, None)
        np.testing.assert_equal(lived(env, 3), first)
        np.testing.assert_equal(lived(env, None), later)
        np.testing.assert_equal(lived(other, 3), first)
        with pytest.raises(AssertionError):
            np.testing.assert_equal(lived(other, 4), first)


def test_games_without_a_seed_differ() -> None:
    with local(points_to_win=2) as env, local(points_to_win=2) as other, pytest.raises(AssertionError):
        np.testing.assert_equal(lived(env, None), lived(other, None))


def test_a_lockstep_server_with_a_seed_begins_again_at_each_seeded_reset() -> None:
    with serving(lockstep=True, seed=5) as server, remote(server) as env:
        for seed in range(5):
            observations, _ = env.reset(seed=seed)
            np.testing.assert_array_equal(observations["left"], Camera.full(Game(5)))
            env.step(moves(UP, DOWN))


@pytest.mark.parametrize(("options", "points"), [({"points_to_win": 2}, 2), ({"points_per_episode": 3}, 3)])
def test_an_episode_is_a_match_or_a_number_of_points_and_ends_for_both(
    options: dict[str, int], points: int
) -> None:
    with local(**options) as env:
        env.reset(seed=1)
        for _ in range(2):
            assert env.agents == ["left", "right"]
            steps = until_over(env)
            last, _, terminated, truncated, infos = steps[-1]
            assert terminated == {"left": True, "right": True}
            assert truncated == {"left": False, "right": False}
            played = sum(abs(rewards["left"]) for _, rewards, *_ in steps)
            assert points <= played <= 2 * points - 1 if "points_to_win" in options else played == points
            assert env.step({}) == ({}, {}, {}, {}, {})
            with pytest.raises(ResetNeeded, match=r"call reset\(\)"):
                env.step(moves(UP, UP))
            observations, infos = env.reset()
            np.testing.assert_equal(observations, last)  # the next serve
            for info in infos.values():
                assert (info["points"], info["ticks"], info["mover"]) == (0, 0, Mover.HELD)


def test_a_reset_in_the_middle_ends_the_episode() -> None:
    with local(points_to_win=3) as env:
        env.reset(seed=1)
        env.step(moves(UP, DOWN))
        _, infos = env.reset()
        assert infos["left"]["matches"] == infos["right"]["matches"] == 1
        assert infos["left"]["scores"].tolist() == [0, 0]


# ---------------------------------------------------------------------------------------------
# Misuse


@pytest.mark.parametrize(
    "actions",
    [
        {}, {"left": UP}, moves(UP, UP) | {"middle": UP}, moves(UP, 3), moves(-1, UP),
        {"left": UP, "right": None}, {"left": UP, "right": 1.0}, {"left": [UP], "right": UP},
    ],
)  # fmt: skip
def test_refused_actions_play_nothing(actions: dict[str, Any]) -> None:
    with serving(lockstep=True, seed=1) as server, remote(server) as env:
        env.reset(seed=1)
        expected = env.step({"left": UP, "right": np.int64(DOWN)})
        env.reset(seed=1)
        with pytest.raises(InvalidAction, match="there must be"):
            env.step(actions)
        np.testing.assert_equal(env.step(moves(UP, DOWN)), expected)


def test_steps_and_pictures_need_a_reset_first_and_an_open_environment() -> None:
    with local(render_mode="rgb_array") as env:
        for early in (lambda: env.step(moves(UP, UP)), env.render):
            with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
                early()
    with pytest.raises(ClosedEnvironmentError, match="make another"):
        env.reset()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"local": True, "level": 2}, "leave it out"),
        ({"local": True, "host": "pi"}, "leave out host"),
        ({"render_mode": "ansi"}, "render_mode must be one of rgb_array, human"),
        ({"points_per_episode": 0}, "points_per_episode must be a whole number from 1"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RemotePongParallel(**options)


def test_a_demonstration_has_no_paddle_for_it() -> None:
    with serving(levelodiff=4) as server, remote(server) as env, pytest.raises(RefusedError, match="level 4"):
        env.reset()


# ---------------------------------------------------------------------------------------------
# Time, and connections that are lost


def test_in_real_time_rewards_are_opposite_although_states_are_dropped() -> None:
    with serving(fps=1000, frameskip=1) as server, remote(server, points_per_episode=3) as env:
        for _ in range(2):
            env.reset()
            played = 0
            while env.agents:
                assert played < 3
                observations, rewards, *_, infos = env.step(moves(STAY, UP))
                assert rewards["left"] == -rewards["right"]
                played += infos["left"]["points"]
            assert played >= 3  # more if a state with a point was dropped
        own, others = observations["right"][29, [0, -1]]
        assert (own, others) == (0, 255)  # its own paddle is up, the other one is not


def test_a_lost_connection_truncates_for_both(own_servers: list[Any]) -> None:
    with local() as env:
        env.reset(seed=1)
        before = env.step(moves(UP, UP))[0]
        own_servers[0].close()
        last, rewards, terminated, truncated, infos = env.step(moves(UP, UP))
        assert rewards == {"left": 0, "right": 0}
        assert (any(terminated.values()), all(truncated.values()), env.agents) == (False, True, [])
        assert all(info["lost"] for info in infos.values())
        for agent, picture in before.items():  # whose value is what a learner wants
            np.testing.assert_array_equal(last[agent], picture)
        _, infos = env.reset()
        assert not any("lost" in info for info in infos.values())
        assert not any(env.step(moves(UP, UP))[3].values())


def test_an_environment_that_is_collected_ends_its_server(own_servers: list[Any]) -> None:
    env = RemotePongParallel(local=True)
    env.reset(seed=1)
    env.step(moves(UP, UP))
    del env
    gc.collect()
    assert own_servers[0].has_closed


# ---------------------------------------------------------------------------------------------
# Pictures


def test_a_picture_and_the_window_are_the_court_as_people_see_it() -> None:
    pygame = pygame_quietly()
    pictures = []
    for mode in ("rgb_array", "human"):
        with local(render_mode=mode, frameskip=1) as env:
            env.reset(seed=1)
            for _ in range(10):
                env.step(moves(UP, DOWN))
            picture = env.render()
            if picture is None:
                picture = pygame.surfarray.array3d(SmallWindow.open_windows[-1].surface).swapaxes(0, 1)
            pictures.append(picture)
    assert pictures[0].shape == (500, 700, 3)
    np.testing.assert_array_equal(*pictures)
    assert (pictures[0][150:250, :10] == 240).all()
    assert (pictures[0][250:350, 690:] == 240).all()


def test_without_a_render_mode_nothing_is_rendered_and_a_warning_says_so() -> None:
    with local() as env:
        env.reset()
        with pytest.warns(UserWarning, match="nothing is rendered"):
            assert env.render() is None


def test_an_episode_may_be_cut_after_some_cycles() -> None:
    with local(max_cycles=3) as env:
        env.reset(seed=1)
        cut = [env.step(moves(UP, UP))[3] for _ in range(3)]
        assert cut == [dict.fromkeys(("left", "right"), number == 2) for number in range(3)]
        assert env.agents == []


def test_a_copy_is_a_new_environment() -> None:
    with local(points_per_episode=1) as env:
        env.reset(seed=1)
        with contextlib.closing(copy.deepcopy(env)) as other:
            np.testing.assert_array_equal(other.reset(seed=1)[0]["left"], env.reset(seed=1)[0]["left"])


def test_the_module_has_the_names_of_pettingzoos_own() -> None:
    with contextlib.closing(pettingzoo_env.parallel_env(local=True)) as together:
        assert isinstance(together, RemotePongParallel)
    in_turn = pettingzoo_env.env(local=True, points_per_episode=1)
    assert isinstance(aec_to_parallel(in_turn), RemotePongParallel)
    in_turn.reset(seed=1)
    for agent in in_turn.agent_iter(4):
        in_turn.step(UP if agent == "left" else DOWN)
    in_turn.close()
