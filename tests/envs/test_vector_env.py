"""RemotePongVector: several games, as Gymnasium's SyncVectorEnv would make them of single ones."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import InvalidAction, ResetNeeded  # noqa: E402
from gymnasium.utils.env_checker import data_equivalence  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402
from gymnasium.wrappers import vector as vector_wrappers  # noqa: E402

from pongrl.envs.games import Games  # noqa: E402
from pongrl.envs.gymnasium_env import RemotePong  # noqa: E402
from pongrl.envs.vector_env import RemotePongVector  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.game.drawing import pygame_quietly  # noqa: E402
from pongrl.game.moves import DOWN, STAY, UP  # noqa: E402
from pongrl.ui.screen import SmallWindow  # noqa: E402
from tests.support import serving  # noqa: E402
from tests.support.envs import actions_of, several, until_one_is_over  # noqa: E402

pytestmark = pytest.mark.usefixtures("own_servers")


class BeginsStandingStill(gymnasium.Wrapper):  # type: ignore[misc]
    """RemotePong as one of several games: a decision begins its next episode, and it stands still in it."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        first = self.env.reset(seed=seed, options=options)
        if seed is not None:
            return first
        frame, _, _, _, info = self.env.step(STAY)
        nothing = {"move": 0, "mover": 1, "points": 0, "ticks": 0, "hits": 0}
        return frame, info | nothing


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


def test_the_mode_of_one_environment_is_not_that_of_the_class() -> None:
    with several(2, autoreset_mode="SameStep") as envs:
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        assert RemotePongVector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_at_next_step_the_action_is_ignored_and_there_is_no_reward() -> None:
    lives = []
    for action in (UP, DOWN):
        with several(2, points_per_episode=1) as envs:
            envs.reset(seed=1)
            ended = until_one_is_over(envs)[2]
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
        begun = envs.step([UP])
        np.testing.assert_array_equal(begun[0], step[0])  # else the ball had moved
        assert (begun[1].tolist(), begun[2].tolist(), begun[3].tolist()) == ([0], [False], [False])


def test_at_same_step_the_last_observation_and_info_are_kept() -> None:
    with several(2, points_per_episode=1, autoreset_mode="SameStep") as envs:
        envs.reset(seed=1)
        assert "final_obs" not in envs.step([UP, DOWN])[4]
        step = until_one_is_over(envs)
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
        step = until_one_is_over(envs)
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


def test_a_mask_needs_games_that_have_begun() -> None:
    with several(2) as envs, pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
        envs.reset(options={"reset_mask": np.ones(2, bool)})


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
def test_a_lost_connection_truncates_all_games(mode: AutoresetMode, own_servers: list[Any]) -> None:
    with several(3, autoreset_mode=mode) as envs:
        first, _ = envs.reset(seed=1)
        last = envs.step([UP] * 3)[0]
        own_servers[0].close()
        observations, rewards, terminated, truncated, infos = envs.step([UP] * 3)
        is_next = mode is AutoresetMode.SAME_STEP  # every game begins with the same picture
        np.testing.assert_array_equal(observations, first if is_next else last)
        assert (rewards.any(), terminated.any(), truncated.all()) == (False, False, True)
        lost = infos["final_info"]["lost"] if mode is AutoresetMode.SAME_STEP else infos["lost"]
        assert len(set(lost)) == 1
        if mode is AutoresetMode.SAME_STEP:
            np.testing.assert_array_equal(np.stack(infos["final_obs"]), last)
        if mode is AutoresetMode.DISABLED:
            envs.reset(options={"reset_mask": truncated})
        if mode is AutoresetMode.NEXT_STEP:
            np.testing.assert_array_equal(envs.step([UP] * 3)[0], first)
        assert not envs.step([UP] * 3)[3].any()


def test_in_real_time_nobody_gets_what_was_before_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(fps=1000, frameskip=2, games=2) as server, several(2, port=server.address[1]) as envs:
        envs.reset()
        envs.step([UP, DOWN])
        played, play = [], Games.play

        def counted(games: Games, moves: Any, draw: Any) -> str:
            played.append([move.tolist() for move in moves])
            return play(games, moves, draw)

        monkeypatch.setattr(Games, "play", counted)
        envs.reset()
        assert played == [[[0, 0]]]  # one decision, standing still


def test_a_connection_lost_while_a_game_begins_does_not_truncate_that_one(own_servers: list[Any]) -> None:
    with several(2, points_per_episode=1) as envs:
        envs.reset(seed=1)
        ended = until_one_is_over(envs)[2]
        own_servers[0].close()
        assert envs.step([UP, DOWN])[3].tolist() == (~ended).tolist()


def test_refused_actions_play_nothing() -> None:
    with serving(lockstep=True, games=2, seed=1) as server, several(2, port=server.address[1]) as envs:
        with pytest.raises(ResetNeeded):
            envs.step([0, 0])
        envs.reset(seed=1)
        expected = envs.step([UP, DOWN])
        envs.reset(seed=1)
        with pytest.raises(InvalidAction, match="2 actions of 0"):
            envs.step([0, 3])
        assert data_equivalence(envs.step([UP, DOWN]), expected, exact=True)


@pytest.mark.parametrize("games", [0, 129, 1.0])
def test_a_number_of_games_that_cannot_be_is_refused(games: Any) -> None:
    with pytest.raises(UsageError, match="num_envs must be a whole number from 1 to 128"):
        RemotePongVector(games)


@pytest.mark.parametrize("mode", ["nextstep", 7, None])
def test_an_autoreset_that_there_is_not_is_refused(mode: Any) -> None:
    with pytest.raises(UsageError, match="must be one of NextStep, SameStep, Disabled"):
        RemotePongVector(2, autoreset_mode=mode)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_episodes_of_several_games_are_counted_by_gymnasiums_wrapper(mode: AutoresetMode) -> None:
    with several(2, points_per_episode=1, autoreset_mode=mode) as envs:
        counted = vector_wrappers.RecordEpisodeStatistics(envs)
        counted.reset(seed=1)
        played = np.zeros(2, int)
        begins = np.zeros(2, bool)
        for _ in range(60):
            step = counted.step([UP, DOWN])
            played += ~begins  # the decision that begins an episode does not count
            over = step[2] | step[3]
            if over.any():
                assert step[4]["episode"]["l"][over].tolist() == played[over].tolist()
                assert (np.abs(step[4]["episode"]["r"][over]) == 1).all()
                played[over] = 0
                if mode is AutoresetMode.DISABLED:
                    counted.reset(options={"reset_mask": over})
            begins = over & (mode is AutoresetMode.NEXT_STEP)
        assert counted.episode_count > 5


def test_pictures_are_of_all_games_and_a_window_shows_the_first() -> None:
    with several(3, render_mode="rgb_array") as envs:
        envs.reset(seed=1)
        envs.step([STAY, UP, DOWN])
        pictures = envs.render()
        assert [picture.shape for picture in pictures] == [(500, 700, 3)] * 3
        assert len({picture[:, :10].tobytes() for picture in pictures}) == 3
    pygame = pygame_quietly()
    with several(3, render_mode="human") as envs:
        envs.reset(seed=1)
        envs.step([STAY, UP, DOWN])
        assert envs.render() is None
        shown = pygame.surfarray.array3d(SmallWindow.open_windows[-1].surface).swapaxes(0, 1)
        np.testing.assert_array_equal(shown, pictures[0])
    assert not pygame.display.get_init()


def test_an_episode_may_be_cut_after_some_decisions() -> None:
    envs = gymnasium.make_vec("pongrl.envs:RemotePong-v0", num_envs=2, local=True, max_episode_steps=3)
    envs.reset(seed=1)
    cut = [envs.step([UP, UP])[3].tolist() for _ in range(8)]
    assert cut == [[number % 4 == 2] * 2 for number in range(8)]  # the step after the cut begins the next
    envs.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_stacks_are_as_gymnasium_makes_them_of_single_ones(mode: AutoresetMode) -> None:
    options: dict[str, Any] = {"points_per_episode": 1, "frame_stack": 3, "screen_size": 84}

    def single() -> Any:
        env = RemotePong(local=True, **options)
        return BeginsStandingStill(env) if mode is AutoresetMode.NEXT_STEP else env

    theirs = SyncVectorEnv([single] * 2, autoreset_mode=mode)
    with several(2, autoreset_mode=mode, **options) as ours:
        assert ours.autoreset_mode is mode
        assert ours.observation_space == theirs.observation_space
        np.testing.assert_array_equal(ours.reset(seed=4)[0], theirs.reset(seed=4)[0])
        for _ in range(60):
            mine, other = ours.step([UP, DOWN]), theirs.step([UP, DOWN])
            if mode is not AutoresetMode.NEXT_STEP:  # there a stack begins a decision later than a single one
                np.testing.assert_array_equal(mine[0], other[0])
            ended = mine[2]
            if mode is AutoresetMode.SAME_STEP and ended.any():
                (game, *_) = np.flatnonzero(ended)
                np.testing.assert_array_equal(mine[4]["final_obs"][game], other[4]["final_obs"][game])
            if mode is AutoresetMode.DISABLED and ended.any():
                first = [each.reset(options={"reset_mask": ended}) for each in (ours, theirs)]
                np.testing.assert_array_equal(first[0][0], first[1][0])
    theirs.close()


def test_a_step_may_be_made_in_two_halves() -> None:
    with several(2) as ours, several(2) as theirs:
        for each in (ours, theirs):
            each.reset(seed=1)
        ours.step_async([UP, DOWN])
        np.testing.assert_array_equal(ours.step_wait()[0], theirs.step([UP, DOWN])[0])
        with pytest.raises(ResetNeeded, match="without a step_async"):
            ours.step_wait()


def test_a_copy_of_several_games_is_a_new_environment() -> None:
    with several(2, frame_stack=2, autoreset_mode="SameStep") as envs:
        envs.reset(seed=1)
        other = copy.deepcopy(envs)
        assert other.autoreset_mode is AutoresetMode.SAME_STEP
        np.testing.assert_array_equal(other.reset(seed=5)[0], envs.reset(seed=5)[0])
        other.close()
