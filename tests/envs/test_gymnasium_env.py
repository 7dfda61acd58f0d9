"""RemotePong-v0: what Gymnasium promises of an environment, and what ours does beyond it."""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import ClosedEnvironmentError, InvalidAction, ResetNeeded  # noqa: E402
from gymnasium.utils.env_checker import check_env, data_equivalence  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402
from gymnasium.wrappers import (  # noqa: E402
    FrameStackObservation,
    RecordEpisodeStatistics,
    RecordVideo,
    TimeLimit,
)
from gymnasium.wrappers import vector as vector_wrappers  # noqa: E402

from pong import Pong  # noqa: E402
from pongrl.agent import fleet  # noqa: E402
from pongrl.envs.gymnasium_env import RemotePong, RemotePongVector  # noqa: E402
from pongrl.errors import (  # noqa: E402
    PongError,
    RefusedError,
    UsageError,
)
from pongrl.game.drawing import pygame_quietly  # noqa: E402
from pongrl.game.moves import DOWN, STAY, UP  # noqa: E402
from pongrl.game.people import Keys  # noqa: E402
from pongrl.wire.client import PongClient  # noqa: E402
from pongrl.wire.messages import Mover  # noqa: E402
from tests.support import PATIENCE, ROOT, serving  # noqa: E402
from tests.support.engines import playing  # noqa: E402

MATCH = 200  # decisions: more than any match of two points here takes


@pytest.fixture(autouse=True)
def _no_token_and_no_devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(fleet, "FIRST_PAUSE", 0.001)
    yield
    pygame_quietly().quit()


@contextlib.contextmanager
def local(**options: Any) -> Iterator[Any]:
    """An environment with a server of its own, without wrappers."""
    with RemotePong(local=True, **options) as env:
        yield env


@contextlib.contextmanager
def remote(server: Pong, **options: Any) -> Iterator[Any]:
    """An environment on a server, without wrappers."""
    with RemotePong(host="127.0.0.1", port=server.address[1], **options) as env:
        yield env


@contextlib.contextmanager
def several(num_envs: int, **options: Any) -> Iterator[Any]:
    """Several games, on a server of their own unless a port is given."""
    where = {"port": options.pop("port")} if "port" in options else {"local": True}
    envs = RemotePongVector(num_envs, **where, **options)
    try:
        yield envs
    finally:
        envs.close()


def lived(env: Any, actions: Any, seed: int | None) -> list[Any]:
    """All that an environment tells from a reset on."""
    return [env.reset(seed=seed), *(env.step(action) for action in actions)]


def actions_of(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).integers(0, 3, shape)


def until_over(env: Any, policy: Callable[[int], int] = lambda _: STAY, most: int = MATCH) -> list[Any]:
    """Play to the end of an episode: what each step gave."""
    steps: list[Any] = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        assert len(steps) < most, "the episode never ended"
        steps.append(env.step(policy(len(steps))))
    return steps


# ---------------------------------------------------------------------------------------------
# Checkers


@pytest.mark.parametrize("options", [{}, {"points_per_episode": 1}, {"render_mode": "rgb_array"}])
def test_gymnasiums_checker_finds_nothing(options: dict[str, Any]) -> None:
    env = gymnasium.make("RemotePong-v0", local=True, **options)
    try:
        check_env(env.unwrapped)
    finally:
        env.close()


def test_gymnasiums_checker_finds_nothing_on_a_server_with_a_seed() -> None:
    with serving(lockstep=True, seed=4) as server:
        env = gymnasium.make("RemotePong-v0", port=server.address[1])
        check_env(
            env.unwrapped, skip_render_check=True
        )  # that one makes a second agent, for which is no place
        env.close()


def test_stable_baselines_checker_finds_nothing() -> None:
    checker = pytest.importorskip(
        "stable_baselines3.common.env_checker",
        reason="Stable-Baselines3 is not installed: pip install stable-baselines3",
    )
    with local() as env:
        with pytest.warns(
            UserWarning, match="unconventional shape"
        ):  # it wants a picture's third dimension …
            checker.check_env(env)
        checker.check_env(env, warn=False)
    with local() as env:
        checker.check_env(FrameStackObservation(env, 4))  # … which every learner of Pong gives it


def test_it_is_made_by_its_name_and_by_its_modules() -> None:
    for name in ("RemotePong-v0", "integrations.gymnasium_env:RemotePong-v0"):
        env = gymnasium.make(name, host="raspberrypi.local:7", points_per_episode=1)
        assert type(env.unwrapped) is RemotePong
        env.close()
    envs = gymnasium.make_vec(
        "RemotePong-v0", num_envs=8, local=True, vectorization_mode="vector_entry_point"
    )
    assert type(envs) is RemotePongVector
    assert envs.observation_space.shape == (8, 50, 70)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert RemotePongVector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    envs.close()


def test_spaces_are_those_of_pong_from_pixels() -> None:
    with local() as env:
        assert env.observation_space == gymnasium.spaces.Box(0, 255, (50, 70), np.uint8)
        assert env.action_space == gymnasium.spaces.Discrete(3)
        env.reset(seed=1)
        before = env.step(STAY)[0][:, 0].argmax()
        assert env.step(UP)[0][:, 0].argmax() < before  # row 0 is above
        env.step(DOWN)
        assert env.step(DOWN)[0][:, 0].argmax() > before


# ---------------------------------------------------------------------------------------------
# Seeds


def test_a_seed_and_actions_give_the_same_again_also_after_the_first_reset() -> None:
    actions = actions_of(0, 60)
    with local(points_per_episode=1) as env, local(points_per_episode=1) as other:
        first = lived(env, actions, 5)
        env.reset()
        assert data_equivalence(lived(env, actions, 5), first, exact=True)
        assert data_equivalence(lived(other, actions, 5), first, exact=True)
        assert not data_equivalence(lived(env, actions, 6), first)
        assert data_equivalence(lived(env, actions, 5), first, exact=True)


def test_episodes_after_a_seed_are_reproducible_and_differ() -> None:
    with local(points_per_episode=1) as env:
        runs = []
        for _ in range(2):
            env.reset(seed=9)
            for _ in range(2):
                env.step(UP)
            runs.append([lived(env, [DOWN] * 4, None) for _ in range(4)])  # each ends the one before
        assert data_equivalence(runs[0], runs[1], exact=True)
        assert not any(data_equivalence(runs[0][0], later) for later in runs[0][1:])


def test_games_that_nobody_seeded_follow_the_environments_generator() -> None:
    runs = []
    for _ in range(2):
        with local() as env:
            env.np_random = np.random.default_rng(3)
            runs.append(lived(env, [UP] * 10, None))
    assert data_equivalence(runs[0], runs[1], exact=True)


def test_a_seed_is_that_of_the_server() -> None:
    actions = actions_of(1, 30)
    with local() as env, serving(lockstep=True, seed=77) as server, remote(server) as there:
        assert data_equivalence(lived(env, actions, 77), lived(there, actions, 1), exact=True)


def test_a_lockstep_server_with_a_seed_begins_anew_at_each_seeded_reset() -> None:
    with serving(lockstep=True, seed=3) as server, remote(server) as env:
        actions = actions_of(2, 40)
        assert data_equivalence(lived(env, actions, 1), lived(env, actions, 2), exact=True)


def test_the_same_seed_does_not_start_another_server() -> None:
    with local() as env:
        env.reset(seed=1)
        own = env._games.link._own
        env.step(UP)
        env.reset(seed=1)
        assert env._games.link._own is own
        env.reset(seed=2)
        assert env._games.link._own is not own


def test_the_same_seed_starts_another_server_if_the_first_has_died() -> None:
    with local() as env:
        first = lived(env, [UP] * 5, 1)
        kill(env)
        assert data_equivalence(lived(env, [UP] * 5, 1), first, exact=True)


def test_a_seed_too_large_is_refused_in_a_sentence() -> None:
    with local() as env, pytest.raises(UsageError, match="seed must be a whole number from 0"):
        env.reset(seed=1 << 64)


# ---------------------------------------------------------------------------------------------
# Episodes


def test_an_episode_is_a_match() -> None:
    with local(points_to_win=2) as env:
        for match in range(2):
            env.reset(seed=None if match else 1)
            steps = until_over(env)
            assert [step[2] for step in steps] == [False] * (len(steps) - 1) + [True]
            assert not any(step[3] for step in steps)
            assert abs(sum(step[1] for step in steps)) in (1, 2)  # 2:0 or 2:1
            assert steps[-1][4]["matches"] == match + 1
            assert steps[-1][4]["scores"].tolist() == [0, 0]  # the next match's


def test_an_episode_is_so_many_points() -> None:
    with local(points_per_episode=3, points_to_win=2) as env:
        env.reset(seed=1)
        for _ in range(3):
            steps = until_over(env)
            assert sum(step[4]["points"] for step in steps) == 3
            assert abs(steps[-1][1]) == 1
            env.reset()


def test_an_episodes_last_observation_is_the_next_ones_first() -> None:
    with local(points_per_episode=1) as env:
        env.reset(seed=1)
        last, reward, terminated, _, told = until_over(env)[-1]
        assert (reward, terminated, told["points"]) == (-1, True, 1)
        first, info = env.reset()
        np.testing.assert_array_equal(first, last)
        assert not np.shares_memory(first, last)
        # A new episode's info tells the score, and of nothing that was made before.
        nothing = {"points": 0, "ticks": 0, "hits": 0, "move": STAY, "mover": Mover.HELD}
        assert {key: info[key] for key in nothing} == nothing
        assert info["scores"].tolist() == [0, 1]


def test_a_reset_before_any_move_changes_nothing() -> None:
    with local() as env:
        first = env.reset(seed=2)
        for seed in (None, 2):
            assert data_equivalence(env.reset(seed=seed), first, exact=True)
        assert env._games.step.number == 0


def test_a_reset_in_the_middle_ends_the_match() -> None:
    with local(points_to_win=2) as env:
        env.reset(seed=1)
        for _ in range(3):
            env.step(UP)
        _, info = env.reset()
        assert info["matches"] == 1
        assert info["scores"].tolist() == [0, 0]
        assert len(until_over(env)) > 3


def test_a_time_limit_ends_episodes_of_games_that_differ() -> None:
    with local(points_per_episode=1) as env:
        limited = TimeLimit(env, 6)
        lives = []
        for episode in range(4):
            lives.append(lived(limited, [DOWN] * 6, 8 if not episode else None))
            assert lives[-1][-1][3]
        assert not all(data_equivalence(lives[0], later) for later in lives[1:])


def test_what_is_given_is_nobody_elses() -> None:
    with local(points_per_episode=1) as env:
        observation, _ = env.reset(seed=1)
        observation[:] = 7
        info = env.step(UP)[4]
        info["scores"][:] = 9
        last = until_over(env)[-1][0]
        last[:] = 7
        again, info = env.reset()
        assert (again != 7).any()
        assert info["scores"].sum() == 1


@pytest.mark.parametrize("action", [3, -1, 0.0, None, [1], True, "1", np.array([1])])
def test_an_action_that_is_none_is_refused_and_nothing_is_played(action: Any) -> None:
    with serving(lockstep=True) as server, remote(server) as env:
        env.reset()
        with pytest.raises(InvalidAction, match="one action of 0"):
            env.step(action)
        assert env._games.step.number == 0
        env.step(UP)


@pytest.mark.parametrize("action", [1, np.int64(1), np.uint8(1), np.array(1)])
def test_an_action_may_come_as_any_integer(action: Any) -> None:
    with serving(lockstep=True) as server, remote(server) as env:
        env.reset()
        assert env.step(action)[4]["move"] == UP


def test_steps_and_pictures_need_a_reset_first() -> None:
    with local(render_mode="rgb_array") as env:
        for early in (lambda: env.step(0), env.render):
            with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
                early()


# ---------------------------------------------------------------------------------------------
# A server on the network, and in real time


def test_level_4_moves_are_the_built_in_ais() -> None:
    with serving(lockstep=True, levelodiff=4) as server, remote(server) as env:
        env.reset()
        assert env.step(UP)[4]["mover"] == Mover.BUILTIN


def test_in_real_time_a_step_is_the_next_state_and_a_persons_moves_are_told() -> None:
    with playing(fps=1000, frameskip=2) as server, remote(server) as env:
        env.reset()
        numbers = []
        for _ in range(5):
            info = env.step(DOWN)[4]
            numbers.append(env._games.step.number)
        assert numbers == [1, 2, 3, 4, 5]
        assert env.metadata["render_fps"] == 500
        server.run.hold(Keys(either=UP))
        while info["mover"] != Mover.HUMAN:
            info = env.step(DOWN)[4]
        assert info["move"] == UP


def test_in_real_time_an_episode_begins_where_the_game_is() -> None:
    with serving(fps=1000, frameskip=2) as server, remote(server) as env:
        env.reset()
        for seed in (None, 5):
            last = env.step(UP)[0]
            np.testing.assert_array_equal(env.reset(seed=seed)[0], last)
        assert env._games.step.number == 2


def test_a_token_is_read_from_where_the_user_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with serving(lockstep=True, token="secret") as server:
        for options in ({"token": "secret"}, {"token_file": str(tmp_path / "token")}):
            with remote(server, **options) as env:
                env.reset()
                assert "secret" not in repr(vars(env))
        monkeypatch.setenv("PONG_TOKEN", "secret")
        with remote(server) as env:
            env.reset()
        with remote(server, token="wrong") as env, pytest.raises(RefusedError, match="the token is wrong"):
            env.reset()


def test_no_server_is_told_at_the_first_reset() -> None:
    with serving() as server:
        port = server.address[1]
    with RemotePong(port=port) as env, pytest.raises(PongError, match="no server at 127"):
        env.reset()


def test_a_server_with_another_number_of_games_is_told() -> None:
    with serving(lockstep=True, games=3) as server:
        with remote(server) as env, pytest.raises(UsageError, match=r"RemotePongVector\(num_envs=3\)"):
            env.reset()
        with several(2, port=server.address[1]) as envs, pytest.raises(UsageError, match="--games 2"):
            envs.reset()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"local": True, "host": "pi"}, "leave out host"),
        ({"local": True, "token": "secret"}, "leave out host"),
        ({"level": 2}, "say local=True"),
        ({"render_mode": "ansi"}, "render_mode must be one of rgb_array, human"),
        ({"points_per_episode": 0}, "points_per_episode must be a whole number from 1"),
        ({"host": "pi:x"}, "a port from 1"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(options: dict[str, Any], words: str) -> None:
    for make in (RemotePong, RemotePongVector):
        with pytest.raises(UsageError, match=words):
            make(**options)


def test_options_of_a_server_of_ones_own_reach_it() -> None:
    with local(level=1, frameskip=6, points_to_win=5) as env:
        env.reset()
        session = env._games.link.session
        assert (session.level, session.frameskip, session.points_to_win) == (1, 6, 5)
        assert env.metadata["render_fps"] == 10
        assert env.step(UP)[4]["ticks"] == 6
    with local(level=9) as env, pytest.raises(PongError, match="did not start: error: the level must be"):
        env.reset()


# ---------------------------------------------------------------------------------------------
# A connection that is lost


def kill(env: Any) -> None:
    """End an environment's own server at once, and wait until it is gone."""
    process = env._games.link._own._process
    process.kill()
    process.wait(PATIENCE)


def test_a_connection_lost_and_regained_truncates_the_episode() -> None:
    with serving(lockstep=True, seed=1) as server:
        port = server.address[1]
        with remote(server) as env:
            first, _ = env.reset()
            env.step(UP)
            server.close()
            with serving(lockstep=True, seed=1, port=port):
                observation, reward, terminated, truncated, info = env.step(UP)
                assert (reward, terminated, truncated) == (0, False, True)
                assert "said goodbye" in info["lost"]
                np.testing.assert_array_equal(observation, first)
                again, info = env.reset()
                np.testing.assert_array_equal(again, first)
                assert "lost" not in info
                assert env.step(UP)[3] is False


def test_a_server_is_sought_until_it_is_there_and_why_it_is_not_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(lockstep=True))
        port = server.address[1]
        env = stack.enter_context(remote(server))
        env.reset()
        server.close()
        pauses: list[float] = []

        def wait(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                stack.enter_context(serving(lockstep=True, port=port))

        env._games.link.wait = wait
        assert env.step(UP)[3]
        assert pauses == [0.001, 0.002, 0.004]
        (said,) = [record.message for record in caplog.records if record.name == "pong.remote"]
        assert said.startswith(f"no server at 127.0.0.1:{port}")


def test_a_place_that_somebody_else_has_taken_is_waited_for() -> None:
    with serving(lockstep=True) as server:
        port = server.address[1]
        with remote(server) as env:
            env.reset()
            server.close()
            with serving(lockstep=True, port=port), PongClient(port=port) as other:
                other.connect()
                env._games.link.wait = lambda _: other.close()
                assert env.step(UP)[3]


def test_a_server_that_lets_us_in_no_more_is_an_error() -> None:
    with serving(lockstep=True) as server:
        port = server.address[1]
        with remote(server) as env:
            env.reset()
            server.close()
            with serving(lockstep=True, port=port, token="new") as other:
                with pytest.raises(RefusedError, match="the token is wrong"):
                    env.step(UP)
                other.close()
            with serving(lockstep=True, port=port, games=2), pytest.raises(UsageError, match="plays 2 games"):
                env.step(UP)


def test_a_server_of_ones_own_that_died_is_replaced() -> None:
    with local() as env:
        env.reset(seed=1)
        env.step(UP)
        kill(env)
        assert env.step(UP)[2:4] == (False, True)
        env.reset()
        assert env.step(UP)[2:4] == (False, False)


def test_a_server_lost_between_two_episodes_truncates_the_next() -> None:
    with local(points_per_episode=1) as env:
        env.reset(seed=1)
        until_over(env)
        kill(env)
        env.reset()
        assert env.step(UP)[3]


def test_a_step_that_was_interrupted_costs_an_episode_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lockstep=True) as server, remote(server) as env:
        env.reset()

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(PongClient, "observe", interrupted)
            with pytest.raises(KeyboardInterrupt):
                env.step(UP)
        assert env.step(UP)[3]
        assert not env.step(UP)[3]


# ---------------------------------------------------------------------------------------------
# Several games


class BeginsStandingStill(gymnasium.Wrapper):  # type: ignore[misc]  # of a class of any kind
    """RemotePong as one of several games plays it: the autoreset's decision is played, standing still."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        first = self.env.reset(seed=seed, options=options)
        if seed is not None:
            return first
        self.env.step(STAY)
        games = self.env.unwrapped._games
        games.start_episodes(np.ones(1, bool))
        return games.step.frames[0].copy(), games.told(0)


@pytest.mark.parametrize("options", [{"points_per_episode": 1}, {"points_to_win": 2}])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_several_games_are_as_gymnasium_makes_them_of_single_ones(
    mode: AutoresetMode, options: dict[str, Any]
) -> None:
    def single() -> Any:
        env = RemotePong(local=True, **options)
        return BeginsStandingStill(env) if mode is AutoresetMode.NEXT_STEP else env

    theirs = SyncVectorEnv([single] * 3, autoreset_mode=mode)
    ended = 0
    with several(3, autoreset_mode=mode, **options) as ours:
        assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]
        for space in ("observation", "action", "single_observation", "single_action"):
            assert getattr(ours, f"{space}_space") == getattr(theirs, f"{space}_space")
        assert data_equivalence(ours.reset(seed=11), theirs.reset(seed=11), exact=True)
        for actions in actions_of(3, 100, 3):
            step = ours.step(actions)
            assert data_equivalence(step, theirs.step(actions), exact=True)
            over = step[2] | step[3]
            ended += over.sum()
            assert not over.all(), "then ours would have no decision to play"
            if over.any() and mode is AutoresetMode.DISABLED:
                mask = {"reset_mask": over}
                assert data_equivalence(
                    ours.reset(options=mask), theirs.reset(options=copy.deepcopy(mask)), exact=True
                )
                assert "reset_mask" in mask
    theirs.close()
    assert ended > 5


def test_at_next_step_the_action_is_ignored_and_there_is_no_reward() -> None:
    lives = []
    for action in (UP, DOWN):
        with several(2, points_per_episode=1) as envs:
            envs.reset(seed=1)
            while not (step := envs.step([UP, DOWN]))[2].any():
                pass
            ended = step[2]
            assert not ended.all()
            step = envs.step(np.where(ended, action, STAY))
            assert not step[1][ended].any()
            assert not step[2][ended].any()
            assert step[4]["points"][ended] == 0
            lives.append(step)
    assert data_equivalence(lives[0], lives[1], exact=True)


def test_at_next_step_games_that_all_ended_begin_without_a_decision() -> None:
    with several(1, points_per_episode=1) as envs:
        envs.reset(seed=1)
        while not (step := envs.step([STAY]))[2].all():
            pass
        number = envs._games.step.number
        begun = envs.step([UP])
        assert envs._games.step.number == number
        np.testing.assert_array_equal(begun[0], step[0])
        assert (begun[1].tolist(), begun[2].tolist(), begun[3].tolist()) == ([0], [False], [False])


def test_at_same_step_the_last_observation_and_info_are_kept() -> None:
    with several(2, points_per_episode=1, autoreset_mode="SameStep") as envs:
        envs.reset(seed=1)
        while not (step := envs.step([UP, DOWN]))[2].any():
            assert "final_obs" not in step[4]
        ended, infos = step[2], step[4]
        assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == ended.tolist()
        (game,) = np.flatnonzero(ended)
        np.testing.assert_array_equal(infos["final_obs"][game], step[0][game])
        assert infos["final_obs"][1 - game] is None
        assert infos["final_info"]["points"][game] == 1
        assert infos["points"][game] == 0
        assert abs(step[1][game]) == 1


def test_disabled_an_ended_game_must_be_reset_before_it_is_played() -> None:
    with several(2, points_per_episode=1, autoreset_mode=AutoresetMode.DISABLED) as envs:
        envs.reset(seed=1)
        while not (step := envs.step([UP, DOWN]))[2].any():
            pass
        with pytest.raises(ResetNeeded, match="begin them by reset_mask"):
            envs.step([UP, DOWN])
        observations, infos = envs.reset(options={"reset_mask": step[2]})
        np.testing.assert_array_equal(observations, step[0])
        assert infos["_points"].tolist() == step[2].tolist()
        envs.step([UP, DOWN])


@pytest.mark.parametrize(
    "mask", [[True, False], np.array([1, 0]), np.array([True]), np.zeros(2, bool), np.ones((2, 1), bool)]
)
def test_a_mask_that_is_none_is_refused(mask: Any) -> None:
    with several(2) as envs:
        envs.reset(seed=1)
        with pytest.raises(UsageError, match="an array of 2 bools"):
            envs.reset(options={"reset_mask": mask})
        with pytest.raises(UsageError, match="a seed is for all games"):
            envs.reset(seed=1, options={"reset_mask": np.ones(2, bool)})


def test_a_game_that_is_reset_by_mask_in_the_middle_begins_where_it_is() -> None:
    with several(2, points_to_win=2) as envs:
        envs.reset(seed=1)
        step = envs.step([UP, DOWN])
        observations, infos = envs.reset(options={"reset_mask": np.array([True, False])})
        np.testing.assert_array_equal(observations, step[0])
        assert infos["_ticks"].tolist() == [True, False]


def test_a_reset_of_all_games_in_the_middle_begins_new_ones_reproducibly() -> None:
    runs = []
    with several(2) as envs:
        for _ in range(2):
            envs.reset(seed=4)
            run = [envs.step([UP, DOWN]) for _ in range(4)]
            first = envs.reset()
            assert not first[1]["scores"].any()
            later = [envs.step([UP, DOWN]) for _ in range(4)]
            assert not data_equivalence(run, later)
            runs.append([run, first, later])
        assert data_equivalence(runs[0], runs[1], exact=True)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_lost_connection_truncates_all_games(mode: AutoresetMode) -> None:
    with several(3, autoreset_mode=mode) as envs:
        first, _ = envs.reset(seed=1)
        envs.step([UP] * 3)
        kill(envs)
        observations, rewards, terminated, truncated, infos = envs.step([UP] * 3)
        np.testing.assert_array_equal(observations, first)  # every game begins with the same picture
        assert (rewards.any(), terminated.any(), truncated.all()) == (False, False, True)
        lost = infos["final_info"]["lost"] if mode is AutoresetMode.SAME_STEP else infos["lost"]
        assert len(set(lost)) == 1
        if mode is AutoresetMode.SAME_STEP:
            np.testing.assert_array_equal(np.stack(infos["final_obs"]), first)
        if mode is AutoresetMode.DISABLED:
            envs.reset(options={"reset_mask": truncated})
        if mode is AutoresetMode.NEXT_STEP:
            assert not envs.step([UP] * 3)[3].any()
        assert not envs.step([UP] * 3)[3].any()


def test_a_connection_lost_while_a_game_begins_does_not_truncate_that_one() -> None:
    with several(2, points_per_episode=1) as envs:
        envs.reset(seed=1)
        while not (step := envs.step([UP, DOWN]))[2].any():
            pass
        kill(envs)
        truncated = envs.step([UP, DOWN])[3]
        assert truncated.tolist() == (~step[2]).tolist()


@pytest.mark.parametrize("actions", [[1], [0, 3], [[0, 1]], [0.0, 1.0], 1])
def test_actions_that_are_none_are_refused(actions: Any) -> None:
    with several(2) as envs:
        with pytest.raises(ResetNeeded):
            envs.step([0, 0])
        envs.reset(seed=1)
        with pytest.raises(InvalidAction, match="2 actions of 0"):
            envs.step(actions)


# ---------------------------------------------------------------------------------------------
# Wrappers


def test_frames_are_stacked() -> None:
    with local() as env:
        stacked = FrameStackObservation(env, 4)
        stacked.reset(seed=1)
        frames = [env.reset(seed=1)[0]]
        observation, _ = stacked.reset(seed=1)
        for _ in range(3):
            observation = stacked.step(UP)[0]
        assert observation.shape == (4, 50, 70)
        np.testing.assert_array_equal(observation[0], frames[0])
        assert len({frame.tobytes() for frame in observation}) == 4


def test_episodes_are_counted() -> None:
    with local(points_per_episode=1) as env:
        counted = RecordEpisodeStatistics(env)
        counted.reset(seed=1)
        steps = until_over(counted)
        assert steps[-1][4]["episode"]["l"] == len(steps)
        assert steps[-1][4]["episode"]["r"] == steps[-1][1]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_episodes_of_several_games_are_counted(mode: AutoresetMode) -> None:
    with several(2, points_per_episode=1, autoreset_mode=mode) as envs:
        counted = vector_wrappers.RecordEpisodeStatistics(envs)
        counted.reset(seed=1)
        played = np.zeros(2, int)
        begins = np.zeros(2, bool)
        for _ in range(60):
            step = counted.step([UP, DOWN])
            played += ~begins  # a decision that begins an episode is none of its
            over = step[2] | step[3]
            if over.any():
                assert step[4]["episode"]["l"][over].tolist() == played[over].tolist()
                assert (np.abs(step[4]["episode"]["r"][over]) == 1).all()
                played[over] = 0
                if mode is AutoresetMode.DISABLED:
                    counted.reset(options={"reset_mask": over})
            begins = over & (mode is AutoresetMode.NEXT_STEP)
        assert counted.episode_count > 5


def test_a_video_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("moviepy", reason="MoviePy is not installed: pip install moviepy")
    with local(points_per_episode=1, render_mode="rgb_array") as env:
        recorded = RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda _: True)
        recorded.reset(seed=1)
        until_over(recorded)
        recorded.close()
    (video,) = (tmp_path / "videos").iterdir()
    assert video.suffix == ".mp4"
    assert video.stat().st_size > 1000


# ---------------------------------------------------------------------------------------------
# Pictures and windows


def test_a_picture_is_the_court_as_people_see_it() -> None:
    from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, WHITE

    with local(render_mode="rgb_array") as env:
        env.reset(seed=1)
        picture = env.render()
        assert (picture.shape, picture.dtype) == ((500, 700, 3), np.uint8)
        assert (picture[245:255, 345:355] == ACCENT).all()
        for paddle in (picture[200:300, :10], picture[200:300, 690:]):
            assert (paddle == WHITE).all()
        assert (picture[300:, :10] == BACKGROUND).all()
        assert (picture[20:90, :350] == DIM).all(axis=2).any()  # a score
        for _ in range(4):
            env.step(UP)
        assert not np.array_equal(env.render(), picture)


def test_several_pictures_are_of_several_games() -> None:
    with several(3, render_mode="rgb_array") as envs:
        envs.reset(seed=1)
        envs.step([STAY, UP, DOWN])
        pictures = envs.render()
        assert [picture.shape for picture in pictures] == [(500, 700, 3)] * 3
        assert len({picture[:, :10].tobytes() for picture in pictures}) == 3


def test_without_a_render_mode_nothing_is_rendered_and_that_is_said() -> None:
    with local() as env:
        env.reset(seed=1)
        with pytest.warns(UserWarning, match="nothing is rendered"):
            assert env.render() is None
    with several(2) as envs:
        envs.reset(seed=1)
        with pytest.warns(UserWarning, match="nothing is rendered"):
            assert envs.render() is None


def test_a_window_shows_the_court_until_it_is_closed() -> None:
    pygame = pygame_quietly()
    with serving(lockstep=True, seed=1, frameskip=1) as server:
        with remote(server, render_mode="human") as env, remote(server, render_mode="rgb_array") as other:
            env.reset()
            env.step(UP)
            assert env.render() is None
            shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
            env.close()
            other.reset()
            other.step(UP)
            np.testing.assert_array_equal(shown, other.render())
        with remote(server, render_mode="human") as env:
            env.reset()
            pygame.event.post(pygame.event.Event(pygame.QUIT))
            env.step(UP)
            assert not pygame.display.get_init()
            env.step(UP)


def test_a_window_without_a_screen_says_what_to_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "none such")
    with (
        serving(lockstep=True) as server,
        remote(server, render_mode="human") as env,
        pytest.raises(PongError, match='leave out render_mode="human", or set SDL_VIDEODRIVER=dummy, on a'),
    ):
        env.reset()


def test_several_games_show_the_first_in_a_window() -> None:
    with several(2, render_mode="human", frameskip=1) as envs:
        envs.reset(seed=1)
        envs.step([UP, DOWN])
        assert envs.render() is None
        assert pygame_quietly().display.get_init()
    assert not pygame_quietly().display.get_init()


# ---------------------------------------------------------------------------------------------
# Nothing is left behind


def held() -> tuple[set[threading.Thread], set[str]]:
    """This process's threads and open files."""
    gc.collect()
    files = {f"{n} {os.readlink(f'/proc/self/fd/{n}')}" for n in open_files()}
    return set(threading.enumerate()), files


def open_files() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            os.readlink(f"/proc/self/fd/{name}")
            found.append(name)
    return found


def refuses_to_go_on(env: Any) -> None:
    with pytest.raises(ClosedEnvironmentError, match="was closed"):
        env.step(env.action_space.sample())
    with pytest.raises(ClosedEnvironmentError, match="was closed"):
        env.reset()


linux = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")


@linux
@pytest.mark.parametrize("make", [RemotePong, lambda **options: RemotePongVector(2, **options)])
@pytest.mark.parametrize("way", ["closed", "closed twice", "collected", "collected in a circle", "died"])
def test_nothing_is_left_behind(make: Callable[..., Any], way: str) -> None:
    before = held()
    env = make(local=True)
    env.reset(seed=1)
    env.step(env.action_space.sample())
    process = env._games.link._own._process
    if way.startswith("closed"):
        env.close()
        if way == "closed twice":
            env.close()
        refuses_to_go_on(env)
    elif way == "collected in a circle":
        env.itself = env
    elif way == "died":
        process.kill()
        process.wait(PATIENCE)
    del env
    gc.collect()
    assert process.returncode is not None
    assert held() == before


@linux
def test_nothing_is_left_behind_by_an_exception_or_a_reset_that_failed() -> None:
    before = held()

    def fail() -> None:
        with local() as env:
            env.reset(seed=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(PongError), local(level=9) as env:
        env.reset()
    del env
    assert held() == before


def test_a_collection_in_the_connections_own_thread_closes_it_too() -> None:
    env = RemotePong(local=True)
    env.reset(seed=1)
    client, process = env._games.link._client, env._games.link._own._process
    assert client is not None
    assert client._heart is not None
    # The environment's finalizer, run by a thread of that name: it must not wait for itself.
    thread = threading.Thread(target=env._let_go, name=client._heart.name)
    thread.start()
    thread.join(PATIENCE)
    assert process.wait(PATIENCE) == 0
    for left in threading.enumerate():
        if left.name == "close":
            left.join(PATIENCE)


@linux
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_copy_does_not_close_its_parents_connection() -> None:
    env = RemotePong(local=True)
    env.reset(seed=1)
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            env.close()
            gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert env.step(UP)[3] is False
    env.close()


@linux
def test_a_program_that_ends_without_closing_leaves_no_server() -> None:
    program = (
        "import gymnasium, integrations.gymnasium_env\n"
        "env = gymnasium.make('RemotePong-v0', local=True)\n"
        "env.reset(); env.step(1)\n"
        "print(env.unwrapped._games.link._own._process.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


@linux
def test_a_program_that_is_killed_leaves_no_server() -> None:
    program = (
        "import gymnasium, integrations.gymnasium_env\n"
        "env = gymnasium.make('RemotePong-v0', local=True)\n"
        "env.reset(); env.step(1)\n"
        "print(env.unwrapped._games.link._own._process.pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        server = os.pidfd_open(int(running.stdout.readline()))
        running.send_signal(signal.SIGKILL)
    try:
        assert select.select([server], [], [], PATIENCE)[0], "the server lives on"
    finally:
        os.close(server)


def test_an_environment_is_not_kept_alive_by_what_it_holds() -> None:
    with serving(lockstep=True) as server:
        env = RemotePong(port=server.address[1])
        env.reset()
        gone = weakref.ref(env)
        gc.disable()
        try:
            del env
            assert gone() is None  # without the collector: there is no circle
        finally:
            gc.enable()


def test_without_gymnasium_one_sentence_says_how_to_install_it() -> None:
    program = "import sys; sys.modules['gymnasium'] = None; import integrations.gymnasium_env"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("ImportError: RemotePong-v0 needs Gymnasium: pip install gymnasium\n")
