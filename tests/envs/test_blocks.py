"""BlockObservation: sums over blocks of cells, and when an observation's change is that of a new episode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from pongrl.envs.blocks import FEATURES, BlockObservation, blocks_of
from pongrl.errors import UsageError
from pongrl.game.moves import DOWN, UP
from tests.support.envs import several

pytestmark = pytest.mark.usefixtures("own_servers")
MOVES = [UP, DOWN]


def test_blocks_are_sums_of_their_cells_and_of_their_changes() -> None:
    now, before = np.zeros((2, 1, 50, 70), np.uint8)
    now[0, 2:4, 6:8] = 255  # one block of 2×2, in the second row and the fourth column
    before[0, 49, 69] = 51
    (seen,) = blocks_of(now, before)
    small, large = seen[:1750].reshape(2, 25, 35), seen[1750:].reshape(2, 5, 7)
    assert FEATURES == len(seen) == small.size + large.size
    for sums, place in ((small, (1, 3)), (large, (0, 0))):
        assert sums[0][place] == sums[1][place] == pytest.approx(4)
        assert sums[0].sum() == pytest.approx(4)
        assert sums[1][-1, -1] == pytest.approx(-0.2)
        assert sums[1].sum() == pytest.approx(3.8)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_change_is_nothing_where_an_episode_begins(mode: AutoresetMode) -> None:
    options: dict[str, Any] = {"points_per_episode": 1, "autoreset_mode": mode}
    with several(2, **options) as plain, several(2, **options) as games:
        seen = BlockObservation(games)
        frames, before, ended, begun = plain.reset(seed=3)[0], None, np.zeros(2, bool), 0
        observations = seen.reset(seed=3)[0]
        np.testing.assert_array_equal(observations, blocks_of(frames, frames))
        for _ in range(60):
            before, last_ended = frames, ended
            frames, rewards, ended, _, infos = plain.step(MOVES)
            observations, its_rewards, its_ended, _, its_infos = seen.step(MOVES)
            np.testing.assert_array_equal(rewards, its_rewards)
            np.testing.assert_array_equal(ended, its_ended)
            if mode is AutoresetMode.SAME_STEP:
                begins = ended
                for game in np.flatnonzero(ended):
                    last = blocks_of(infos["final_obs"][game][None], before[game][None])[0]
                    np.testing.assert_array_equal(its_infos["final_obs"][game], last)
            else:
                begins = last_ended & (mode is AutoresetMode.NEXT_STEP)
            before = np.where(begins[:, None, None], frames, before)
            np.testing.assert_array_equal(observations, blocks_of(frames, before))
            if mode is AutoresetMode.DISABLED and ended.any():
                before = np.where(ended[:, None, None], frames, before)
                plain.reset(options={"reset_mask": ended})
                observations, _ = seen.reset(options={"reset_mask": ended})
                np.testing.assert_array_equal(observations, blocks_of(frames, before))
            begun += int(ended.sum())
        assert begun > 2


def test_a_mask_that_a_wrapper_inside_takes_out_begins_the_same_games() -> None:
    with several(2, autoreset_mode="Disabled") as games:
        seen = BlockObservation(RecordEpisodeStatistics(games))
        seen.reset(seed=3)
        observations = [seen.step(MOVES)[0] for _ in range(3)]
        again = seen.reset(options={"reset_mask": np.array([True, False])})[0]
        np.testing.assert_array_equal(again[1], observations[-1][1])  # it plays on, and so does its motion
        assert (again[0] != observations[-1][0]).any()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_where_a_connection_is_lost_the_last_observation_comes_again(
    mode: AutoresetMode, own_servers: list[Any]
) -> None:
    with several(2, autoreset_mode=mode) as games:
        seen = BlockObservation(games)
        seen.reset(seed=3)
        for _ in range(3):
            last = seen.step(MOVES)[0]
        own_servers[0].close()
        observations, *_, infos = seen.step(MOVES)
        again = np.stack(infos["final_obs"]) if mode is AutoresetMode.SAME_STEP else observations
        np.testing.assert_array_equal(again, last)


def test_its_spaces_hold_its_observations() -> None:
    with several(2) as games:
        seen = BlockObservation(games)
        observations, _ = seen.reset(seed=1)
        assert seen.observation_space.contains(observations)
        assert seen.single_observation_space.contains(observations[0])
        assert seen.num_envs == 2


@pytest.mark.parametrize("option", [{"frame_stack": 2}, {"screen_size": 84}])
def test_stacked_and_resized_frames_are_refused(option: dict[str, Any]) -> None:
    words = "leave out frame_stack and screen_size"
    with several(2, **option) as games, pytest.raises(UsageError, match=words):
        BlockObservation(games)
