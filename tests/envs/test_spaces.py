"""Observations and actions as spaces of Gymnasium."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import InvalidAction  # noqa: E402

from pongrl.envs.spaces import frame_space, move_space, moves_of  # noqa: E402


def test_spaces_are_those_of_pong_from_pixels() -> None:
    assert frame_space() == gymnasium.spaces.Box(0, 255, (50, 70), np.uint8)
    assert move_space() == gymnasium.spaces.Discrete(3)


@pytest.mark.parametrize("action", [1, np.int64(1), np.uint8(1), np.array(1)])
def test_an_action_may_be_any_integer(action: Any) -> None:
    assert moves_of(action, ()) == 1


@pytest.mark.parametrize("action", [3, -1, 0.0, None, [1], True, "1", np.array([1])])
def test_one_action_that_is_none_is_refused(action: Any) -> None:
    with pytest.raises(InvalidAction, match="there must be one action of 0"):
        moves_of(action, ())


@pytest.mark.parametrize("actions", [[1], [0, 3], [[0, 1]], [0.0, 1.0], 1])
def test_several_actions_that_are_none_are_refused(actions: Any) -> None:
    with pytest.raises(InvalidAction, match="there must be 2 actions of 0"):
        moves_of(actions, (2,))
