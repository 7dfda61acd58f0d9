"""RemotePong: what Gymnasium promises of an environment, and what ours does beyond it."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import InvalidAction, ResetNeeded  # noqa: E402
from gymnasium.utils.env_checker import check_env, data_equivalence  # noqa: E402
from gymnasium.wrappers import (  # noqa: E402
    FrameStackObservation,
    RecordEpisodeStatistics,
    RecordVideo,
    TimeLimit,
)

from pongrl.agent.local_server import LocalServer  # noqa: E402
from pongrl.envs import link as link_module  # noqa: E402
from pongrl.envs.gymnasium_env import RemotePong  # noqa: E402
from pongrl.errors import RefusedError, UsageError  # noqa: E402
from pongrl.game.drawing import opencv, pygame_quietly  # noqa: E402
from pongrl.game.moves import DOWN, STAY, UP  # noqa: E402
from pongrl.ui.screen import SmallWindow  # noqa: E402
from pongrl.wire.messages import Mover  # noqa: E402
from tests.support import PATIENCE, ROOT, serving  # noqa: E402
from tests.support.envs import actions_of, lived, local, remote, until_over  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_servers")
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork on POSIX alone")

# ---------------------------------------------------------------------------------------------
# Checkers


@pytest.mark.parametrize("options", [{}, {"points_per_episode": 1}, {"render_mode": "rgb_array"}])
def test_gymnasiums_checker_finds_nothing(options: dict[str, Any]) -> None:
    env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, **options)
    try:
        check_env(env.unwrapped)
    finally:
        env.close()


def test_gymnasiums_checker_finds_nothing_on_a_server_with_a_seed() -> None:
    with serving(lockstep=True, seed=4) as server:
        env = gymnasium.make("pongrl.envs:RemotePong-v0", port=server.address[1])
        check_env(env.unwrapped, skip_render_check=True)  # that check makes a second agent: there is no place
        env.close()


def test_stable_baselines_checker_finds_nothing() -> None:
    checker = pytest.importorskip(
        "stable_baselines3.common.env_checker",
        reason="Stable-Baselines3 is not installed: pip install stable-baselines3",
    )
    with local() as env:
        with pytest.warns(UserWarning, match="unconventional shape"):  # its networks want three dimensions …
            checker.check_env(env)
        checker.check_env(env, warn=False)
    with local() as env:
        checker.check_env(FrameStackObservation(env, 4))  # … which stacked frames have


# ---------------------------------------------------------------------------------------------
# Moves, episodes and seeds


def test_moves_move_the_left_paddle_up_and_down() -> None:
    with local() as env:
        env.reset(seed=1)
        before = env.step(STAY)[0][:, 0].argmax()
        assert env.step(UP)[0][:, 0].argmax() < before  # row 0 is at the top
        env.step(DOWN)
        assert env.step(DOWN)[0][:, 0].argmax() > before


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


def test_without_a_seed_the_environments_generator_draws_one() -> None:
    runs = []
    for generator in (3, 3, 4):
        with local() as env:
            env.np_random = np.random.default_rng(generator)
            runs.append(lived(env, [UP] * 10, None))
    assert data_equivalence(runs[0], runs[1], exact=True)
    assert not data_equivalence(runs[0], runs[2])


def test_a_seed_is_that_of_the_server() -> None:
    actions = actions_of(1, 30)
    with local() as env, serving(lockstep=True, seed=77) as server, remote(server) as there:
        assert data_equivalence(lived(env, actions, 77), lived(there, actions, 1), exact=True)


def test_a_lockstep_server_with_a_seed_begins_again_at_each_seeded_reset() -> None:
    with serving(lockstep=True, seed=3) as server, remote(server) as env:
        actions = actions_of(2, 40)
        assert data_equivalence(lived(env, actions, 1), lived(env, actions, 2), exact=True)


def test_a_reset_before_any_move_changes_nothing() -> None:
    with local() as env:
        first = env.reset(seed=2)
        for seed in (None, 2):
            assert data_equivalence(env.reset(seed=seed), first, exact=True)


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


def test_the_last_observation_of_an_episode_is_the_first_one_of_the_next() -> None:
    with local(points_per_episode=1) as env:
        env.reset(seed=1)
        last, reward, terminated, _, info = until_over(env)[-1]
        assert (reward, terminated, info["points"]) == (-1, True, 1)
        first, info = env.reset()
        np.testing.assert_array_equal(first, last)
        assert not np.shares_memory(first, last)
        nothing = {"points": 0, "ticks": 0, "hits": 0, "move": STAY, "mover": Mover.HELD}
        assert {key: info[key] for key in nothing} == nothing
        assert info["scores"].tolist() == [0, 1]


def test_a_time_limit_ends_episodes_of_games_that_differ() -> None:
    with local(points_per_episode=1) as env:
        limited = TimeLimit(env, 6)
        lives = []
        for episode in range(4):
            lives.append(lived(limited, [DOWN] * 6, 8 if not episode else None))
            assert lives[-1][-1][3]
        assert not all(data_equivalence(lives[0], later) for later in lives[1:])


def test_what_is_returned_may_be_changed() -> None:
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


def test_a_refused_action_plays_nothing() -> None:
    with serving(lockstep=True, seed=1) as server, remote(server) as env:
        env.reset(seed=1)
        expected = env.step(UP)
        env.reset(seed=1)
        with pytest.raises(InvalidAction):
            env.step(3)
        assert data_equivalence(env.step(UP), expected, exact=True)


def test_steps_and_pictures_need_a_reset_first() -> None:
    with local(render_mode="rgb_array") as env:
        for early in (lambda: env.step(0), env.render):
            with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
                early()


@pytest.mark.parametrize(
    "options", [{"level": 2}, {"render_mode": "ansi"}, {"points_per_episode": 0}, {"host": "pi:x"}]
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RemotePong(**options)


# ---------------------------------------------------------------------------------------------
# Time, and a connection that is lost


@pytest.mark.parametrize(("frameskip", "fps"), [(None, 8), (1, 60), (4, 15), (6, 10), (60, 1)])
def test_a_film_has_the_games_pace_from_the_beginning_as_a_whole_number(
    frameskip: int | None, fps: int
) -> None:
    with local(frameskip=frameskip) as env:
        assert env.metadata["render_fps"] == fps
        env.reset()
        assert env.metadata["render_fps"] == fps
        assert isinstance(env.metadata["render_fps"], int)


def test_a_film_of_a_game_on_a_server_has_its_pace_from_the_beginning_too() -> None:
    with serving(frameskip=4) as server, remote(server, render_mode="rgb_array") as env:
        assert env.metadata["render_fps"] == 15
        with remote(server) as player:  # asking took no paddle
            player.reset()
    assert RemotePong(port=1, render_mode="rgb_array").metadata["render_fps"] == 8  # nobody is there to ask


def test_in_real_time_a_step_is_the_next_state() -> None:
    with serving(fps=1000, frameskip=2) as server, remote(server) as env:
        env.reset()
        steps = [env.step(DOWN) for _ in range(5)]
        assert all(step[4]["ticks"] >= 1 for step in steps)
        assert env.metadata["render_fps"] == 500


def test_level_4_moves_are_the_built_in_ais() -> None:
    with serving(lockstep=True, levelodiff=4) as server, remote(server) as env:
        env.reset()
        assert env.step(UP)[4]["mover"] == Mover.BUILTIN


def test_a_connection_lost_and_regained_truncates_the_episode() -> None:
    with serving(lockstep=True, seed=1) as server, remote(server) as env:
        first, _ = env.reset()
        last = env.step(UP)[0]
        port = server.address[1]
        server.close()
        with serving(lockstep=True, seed=1, port=port):
            observation, reward, terminated, truncated, info = env.step(UP)
            assert (reward, terminated, truncated) == (0, False, True)
            assert "said goodbye" in info["lost"]
            np.testing.assert_array_equal(observation, last)
            again, info = env.reset()
            np.testing.assert_array_equal(again, first)
            assert "lost" not in info
            assert env.step(UP)[3] is False


def test_a_server_lost_between_two_episodes_truncates_the_next(own_servers: list[Any]) -> None:
    with local(points_per_episode=1) as env:
        env.reset(seed=1)
        until_over(env)
        own_servers[0].close()
        env.reset()
        assert env.step(UP)[3]


# ---------------------------------------------------------------------------------------------
# Copies


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("is_begun", [False, True])
def test_a_copy_is_a_new_environment_made_with_the_same_arguments(
    again: Callable[[Any], Any], is_begun: bool, own_servers: list[Any]
) -> None:
    made = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, points_per_episode=1, frame_stack=2)
    env = made.unwrapped
    if is_begun:
        env.reset(seed=3)
    other = again(env)
    np.testing.assert_array_equal(other.reset(seed=3)[0], env.reset(seed=3)[0])
    for _ in range(20):
        ours, theirs = env.step(UP), other.step(UP)
        np.testing.assert_array_equal(ours[0], theirs[0])
    assert other.spec == env.spec
    env.close()
    assert other.step(UP)[0].shape == (2, 50, 70)
    other.close()
    assert all(server.has_closed for server in own_servers)


def test_copies_do_not_throw_each_other_out_of_a_server() -> None:
    with serving(lockstep=True) as server, remote(server) as env:
        other = copy.deepcopy(env)
        env.reset()
        with pytest.raises(RefusedError, match="already connected"):
            other.reset()
        env.step(UP)
        other.close()


@contextlib.contextmanager
def forked(act: Callable[[], object]) -> Iterator[None]:
    """Act in a forked copy of this process, which lives until the block ends; it must not fail."""
    goes_on, end = os.pipe()
    has_acted, acted = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child does not use
        child = os.fork()
    if child == 0:
        os.close(end)
        code = 1
        try:
            act()
            code = 0
        finally:
            os.write(acted, b".")
            os.read(goes_on, 1)
            os._exit(code)
    os.close(acted)  # else a child that has died would be waited for
    assert os.read(has_acted, 1) == b"."
    yield
    for each in (goes_on, end, has_acted):
        os.close(each)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@POSIX
@pytest.mark.parametrize("is_begun", [False, True])
def test_an_environment_in_a_forked_copy_of_the_process_is_a_new_one(
    is_begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LocalServer", LocalServer)  # a process of its own
    with local() as env:
        if is_begun:
            env.reset(seed=1)

        def play() -> None:
            with pytest.raises(ResetNeeded):
                env.step(UP)
            lived(env, [UP] * 5, seed=2)
            env.close()
            with pytest.raises(ChildProcessError):  # its server has ended
                os.waitpid(-1, os.WNOHANG)

        with forked(play):
            if is_begun:
                ours = [env.step(UP) for _ in range(20)]
                with local() as other:
                    for mine, theirs in zip(ours, lived(other, [UP] * 20, seed=1)[1:], strict=True):
                        np.testing.assert_array_equal(mine[0], theirs[0])


@POSIX
def test_a_forked_copy_of_the_process_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LocalServer", LocalServer)  # a process of its own
    monkeypatch.setattr("pongrl.agent.local_server.ENDING_SECONDS", PATIENCE)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: pytest.fail("the server did not end in order"))
    with local() as env:
        env.reset()
        with forked(env.close):
            env.step(UP)
            env.close()


# ---------------------------------------------------------------------------------------------
# Wrappers and pictures


def test_stacked_frames_are_those_of_gymnasiums_wrapper() -> None:
    with local(points_per_episode=1, frame_stack=3) as env, local(points_per_episode=1) as plain:
        wrapped = FrameStackObservation(plain, 3)
        assert env.observation_space == wrapped.observation_space
        for seed in (1, None):
            np.testing.assert_array_equal(env.reset(seed=seed)[0], wrapped.reset(seed=seed)[0])
            is_over = False
            while not is_over:
                ours, theirs = env.step(UP), wrapped.step(UP)
                np.testing.assert_array_equal(ours[0], theirs[0])
                is_over = ours[2]


@pytest.mark.parametrize("frames", [0, 17, 2.0])
def test_a_stack_that_cannot_be_is_refused(frames: Any) -> None:
    with pytest.raises(UsageError, match="frame_stack must be a whole number from 1 to 16"):
        RemotePong(frame_stack=frames)


def test_frames_have_the_size_that_is_wished_for() -> None:
    with local(screen_size=(90, 60), frame_stack=2) as env, local() as plain:
        assert env.observation_space.shape == (2, 60, 90)  # (width, height), as for AtariPreprocessing
        for (observation, *_), (frame, *_) in zip(
            lived(env, [UP] * 3, 1), lived(plain, [UP] * 3, 1), strict=True
        ):
            assert observation.dtype == np.uint8
            wanted = opencv().resize(frame, (90, 60), interpolation=opencv().INTER_AREA)
            np.testing.assert_array_equal(observation[-1], wanted)


@pytest.mark.parametrize("size", [(70, 50), [70, 50]])
def test_frames_of_their_own_size_stay_as_they_are(size: Any) -> None:
    with local(screen_size=size) as env, local() as plain:
        assert env.observation_space == plain.observation_space
        np.testing.assert_array_equal(env.reset(seed=1)[0], plain.reset(seed=1)[0])


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "screen_size must be a whole number from 1 to 1,000, not 0"),
        ((84, 2000), "screen_size must be a whole number from 1 to 1,000, not 2000"),
        (84.0, "screen_size must be a whole number from 1 to 1,000, not 84.0"),
        ((84, 84, 1), r"screen_size must be a number of pixels or \(width, height\), not \(84, 84, 1\)"),
    ],
)
def test_a_size_that_cannot_be_is_refused(size: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RemotePong(screen_size=size)


def test_the_keys_for_people_are_moves() -> None:
    with local(render_mode="rgb_array") as env:
        pygame = pygame_quietly()
        keys = env.get_keys_to_action()
        assert keys == {("w",): UP, (pygame.K_UP,): UP, ("s",): DOWN, (pygame.K_DOWN,): DOWN}


HUMAN = """
from pongrl.envs.gymnasium_env import RemotePong
env = RemotePong(local=True, render_mode="human", points_per_episode=1)
env.reset(seed=1)
env.step(1)
env.close()
"""


def test_a_window_on_a_machine_without_a_display_is_drawn_into_memory() -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER")
    without = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-c", HUMAN]
    done = subprocess.run(command, env=without, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_frames_are_stacked() -> None:
    with local() as env:
        first = env.reset(seed=1)[0]
        stacked = FrameStackObservation(env, 4)
        stacked.reset(seed=1)
        for _ in range(3):
            observation = stacked.step(UP)[0]
        assert observation.shape == (4, 50, 70)
        np.testing.assert_array_equal(observation[0], first)
        assert len({frame.tobytes() for frame in observation}) == 4


def test_episodes_are_counted() -> None:
    with local(points_per_episode=1) as env:
        counted = RecordEpisodeStatistics(env)
        counted.reset(seed=1)
        steps = until_over(counted)
        assert steps[-1][4]["episode"]["l"] == len(steps)
        assert steps[-1][4]["episode"]["r"] == steps[-1][1]


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


def test_reset_and_step_show_the_court_in_a_window() -> None:
    pygame = pygame_quietly()

    def shown() -> Any:
        return pygame.surfarray.array3d(SmallWindow.open_windows[-1].surface)

    with local(render_mode="human", frameskip=1) as env:
        env.reset(seed=1)
        first = shown()
        env.step(UP)
        assert env.render() is None
        assert not np.array_equal(shown(), first)
        env.reset(seed=1)
        np.testing.assert_array_equal(shown(), first)
    assert not pygame.display.get_init()


def test_a_picture_is_rendered_after_each_step() -> None:
    with local(render_mode="rgb_array") as env:
        env.reset(seed=1)
        before = env.render()
        assert (before.shape, before.dtype) == ((500, 700, 3), np.uint8)
        for _ in range(4):
            env.step(UP)
        assert not np.array_equal(env.render(), before)


def test_without_a_render_mode_nothing_is_rendered_and_a_warning_says_so() -> None:
    with local() as env:
        env.reset(seed=1)
        with pytest.warns(UserWarning, match="nothing is rendered"):
            assert env.render() is None
