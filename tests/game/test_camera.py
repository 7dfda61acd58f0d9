"""The camera: what an agent is sent."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.errors import PongError
from pongrl.game.camera import Camera
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.wire.arrays import UInt8Array
from tests.support.games import court, courts, mirrored


def drawing(game: Game) -> UInt8Array:
    """What the agent is to see, without pygame."""
    pixels = np.zeros((500, 700), np.uint8)
    places = ((0, game.paddles[LEFT]), (690, game.paddles[RIGHT]), (game.ball_x, game.ball_y))
    for (x, y), height in zip(places, (100, 100, 10), strict=True):
        pixels[y : y + height, x : x + 10] = 255
    return cv2.resize(pixels, (70, 50), interpolation=cv2.INTER_AREA).astype(np.uint8)


@given(courts)
@settings(deadline=None)
def test_the_full_drawing_is_the_white_things_of_the_court_resized(game: Game) -> None:
    np.testing.assert_array_equal(Camera.full(game), drawing(game))


@given(st.lists(courts, min_size=1, max_size=8))
@settings(deadline=None)
def test_a_look_equals_the_full_drawing_whatever_was_looked_at_before(games: list[Game]) -> None:
    camera = Camera()
    for game in games:
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_look_equals_the_full_drawing_all_through_a_game() -> None:
    game, camera = Game(3), Camera()
    for _ in range(1500):
        game.step(built_in(3)(game, LEFT), built_in(3)(game, RIGHT))
        np.testing.assert_array_equal(camera.look(game), Camera.full(game))


def test_a_camera_without_opencv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(PongError, match=r"requirements\.txt"):
        Camera.full(Game())


def test_a_camera_whose_opencv_lacks_libraries_of_the_system_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = "libxcb.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({words!r})")  # as on a bare Debian
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    with pytest.raises(
        PongError, match=r"libxcb\.so\.1.*apt install libgl1 libglib2\.0-0.*opencv-python-headless"
    ):
        Camera.full(Game())


def test_the_agent_sees_neither_score_nor_centre_line() -> None:
    frame = Camera().look(court(score=[12, 20], rally=3, ball_vx=8))
    expected = np.zeros((50, 70), np.uint8)
    expected[20:30, [0, -1]] = 255  # the paddles
    expected[24:26, 34:36] = 64  # the ball, a quarter of each
    np.testing.assert_array_equal(frame, expected, strict=True)


@given(courts)
@settings(deadline=None)
def test_a_frame_from_right_to_left_is_the_frame_of_the_mirrored_court(game: Game) -> None:
    np.testing.assert_array_equal(Camera.full(mirrored(game)), Camera.full(game)[:, ::-1])
