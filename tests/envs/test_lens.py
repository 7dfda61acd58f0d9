"""The camera on other games: what becomes of a picture, and what is found in a frame of Pong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl.envs.lens import Lens, ScreenCamera, commonest, court_of, ranges_of, size_of, spelled
from pongrl.envs.presets import PONG_LENS
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array

BROWN, GREEN, WHITE = 87, 147, 236


def screen(own: int, other: int, ball: tuple[int, int] | None, background: int = BROWN) -> UInt8Array:
    """Draw Atari's Pong in grey: the paddles' first rows, and the ball's first row and column."""
    picture = np.full((210, 160), background, np.uint8)
    picture[:20, 40:60] = GREEN  # the score
    picture[24:34] = picture[194:] = WHITE
    picture[own : own + 16, 140:144] = GREEN
    picture[other : other + 16, 16:20] = 148
    if ball is not None:
        picture[ball[0] : ball[0] + 4, ball[1] : ball[1] + 2] = WHITE
    return picture


def frame_of(picture: UInt8Array, lens: Lens = PONG_LENS) -> UInt8Array:
    frame = np.full((lens.height, lens.width), 9, np.uint8)  # all of it is drawn over
    ScreenCamera(lens).look(picture, frame)
    return frame


@pytest.mark.parametrize("background", [BROWN, 107])  # a game's first frames have another one
def test_ataris_court_is_mirrored_and_alone_with_the_ball_twice_as_bright(background: int) -> None:
    frame = frame_of(screen(100, 60, (80, 136), background))
    assert frame.shape == (80, 30)
    assert np.flatnonzero(frame[:, 0]).tolist() == list(range(33, 41))  # the own paddle, (100 − 34) / 2
    assert np.flatnonzero(frame[:, -1]).tolist() == list(range(13, 21))
    assert set(frame[:, (0, -1)].ravel()) == {0, 255}
    rows, columns = np.nonzero(frame[:, 1:-1])
    assert (rows.tolist(), columns.tolist()) == ([23, 24], [0, 0])  # beside the own paddle
    assert frame[23, 1] == 255  # half of its cell


def test_a_coloured_picture_gives_the_same_as_a_grey_one() -> None:
    grey = screen(100, 60, (80, 70))
    np.testing.assert_array_equal(frame_of(np.repeat(grey[:, :, None], 3, axis=2)), frame_of(grey))
    np.testing.assert_array_equal(frame_of(grey[:, :, None]), frame_of(grey))


def test_colours_are_flat_or_a_distance_or_as_they_are() -> None:
    picture = np.full((8, 8), 100, np.uint8)
    picture[0, 0], picture[0, 1] = 130, 80
    lens = Lens(8, 8, colours="flat")
    assert frame_of(picture, lens)[0, :3].tolist() == [255, 255, 0]
    assert frame_of(picture, replace(lens, colours="distance"))[0, :3].tolist() == [30, 20, 0]
    assert frame_of(picture, replace(lens, colours="grey"))[0, :3].tolist() == [130, 80, 100]
    assert frame_of(picture, replace(lens, colours="distance", gain=2.0))[0, :3].tolist() == [60, 40, 0]
    assert commonest(picture) == 100


def test_paddles_and_ball_are_found_again_in_a_frame() -> None:
    court = court_of(frame_of(screen(34, 178, (112, 83))), (7, 7))
    assert court.paddles == (0, 400)  # at the top and at the bottom
    assert court.ball is not None
    x, y = court.ball
    assert abs(x - 345) < 30
    assert abs(y - 245) < 10
    nothing = np.zeros((80, 30), np.uint8)
    assert court_of(nothing, (120, 130)).paddles == (120, 130)  # a paddle that cannot be seen stays
    assert court_of(nothing, (120, 130)).ball is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rows": (34, 300)}, "--crop 34:300,28:140 is not inside the picture of X, which has 210 rows"),
        ({"paddles": ((16, 20), (150, 170))}, "--paddles 16:20,150:170 are not inside the picture of X"),
        (
            {"height": 129},
            "--size 129x30 does not fit: a frame has up to 128 rows",
        ),
        ({"width": 2}, "--size 80x2 does not fit"),
    ],
)
def test_a_lens_that_does_not_fit_is_refused_in_a_sentence(changes: dict[str, object], sentence: str) -> None:
    PONG_LENS.check("X", 210, 160)
    with pytest.raises(UsageError, match=f"^{sentence}"):
        replace(PONG_LENS, **changes).check("X", 210, 160)  # type: ignore[arg-type]


def test_ranges_and_sizes_are_read_from_options() -> None:
    assert ranges_of("--crop", "34:194,28:140") == ((34, 194), (28, 140))
    assert spelled((34, 194), (28, 140)) == "34:194,28:140"
    assert size_of("80x30") == (80, 30)
    for text in ("", "1:2", "1:2,3", "1:2,3:4,5:6", "a:b,c:d"):
        with pytest.raises(UsageError, match=r"^--crop must be two ranges of pixels"):
            ranges_of("--crop", text)
    for text in ("", "80", "80x", "80x-3", "x"):
        with pytest.raises(UsageError, match=r"^--size must be rows and columns"):
            size_of(text)
