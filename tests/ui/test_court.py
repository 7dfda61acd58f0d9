"""The court as people see it, and a frame as a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.court import Scene, draw_court, frame_picture, scaled
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, DIM, FAINT_COURT, LINE, PLAIN_COURT, WHITE, CourtColours
from tests.support.ui import has, pixels

pygame = pygame_quietly()


def drawn(scene: Scene, colours: CourtColours = PLAIN_COURT) -> npt.NDArray[np.uint8]:
    surface = pygame.Surface((700, 500))
    draw_court(surface, Text(), scene, colours=colours)
    return pixels(surface)


@pytest.mark.parametrize(
    ("ball", "paddles"), [((345, 245), (200, 200)), ((0, 0), (0, 400)), ((690, 490), (400, 0))]
)
def test_ball_and_paddles_are_where_the_scene_says(ball: tuple[int, int], paddles: tuple[int, int]) -> None:
    picture = drawn(Scene((0, 0), paddles, ball))
    ball_places, paddle_places = np.zeros((2, 500, 700), bool)
    ball_places[ball[1] : ball[1] + 10, ball[0] : ball[0] + 10] = True
    paddle_places[paddles[0] : paddles[0] + 100, :10] = True
    paddle_places[paddles[1] : paddles[1] + 100, 690:] = True
    np.testing.assert_array_equal(has(picture, ACCENT), ball_places)
    np.testing.assert_array_equal(has(picture, WHITE), paddle_places & ~ball_places)


def test_a_ball_that_cannot_be_seen_is_not_drawn() -> None:
    assert not has(drawn(Scene((0, 0), (200, 200), None)), ACCENT).any()


def test_each_score_is_drawn_over_its_own_half_and_a_line_between() -> None:
    picture = drawn(Scene((8, 21), (200, 200), (345, 245)))
    assert has(picture[:, 348:352], LINE).any()
    for side in (0, 350):
        rows, columns = np.nonzero(has(picture[:, side : side + 348], DIM))
        assert rows.max() < 100
        assert (columns.min() + columns.max()) / 2 == pytest.approx(175, abs=8)
    changed = (picture != drawn(Scene((8, 9), (200, 200), (345, 245)))).any(axis=(0, 2))
    assert changed[350:].any()
    assert not changed[:350].any()


def test_the_colours_are_those_asked_for() -> None:
    picture = drawn(Scene((1, 1), (200, 200), (345, 245)), FAINT_COURT)
    assert all(has(picture, colour).any() for colour in FAINT_COURT)
    assert not any(has(picture, colour).any() for colour in PLAIN_COURT)


def test_a_court_in_a_box_is_drawn_in_its_own_proportions() -> None:
    surface = pygame.Surface((1500, 1100))
    court = (100, 50, 1400, 1000)
    draw_court(surface, Text(), Scene((0, 0), (200, 200), (345, 245)), court)
    x, y, width, height = scaled(court, 345, 245, 10, 10)
    assert (x, y, width, height) == (790, 540, 20, 20)
    found = has(pixels(surface), ACCENT)
    assert found[y : y + height, x : x + width].all()
    assert found.sum() == width * height
    assert not pixels(surface)[:50].any()  # nothing strays from the box


LARGEST = (1 << 31) - 1  # that a VIEW may say


@given(
    st.tuples(
        *[st.sampled_from((-LARGEST, LARGEST, LARGEST - 8, -5, 695)) | st.integers(-LARGEST, LARGEST)] * 6
    )
)
@settings(deadline=None, max_examples=100)
def test_whatever_a_peer_says_nothing_is_drawn_off_the_court(numbers: tuple[int, ...]) -> None:
    surface, court = pygame.Surface((300, 200)), (50, 20, 140, 100)
    left, right, x, y, *score = numbers
    draw_court(surface, Text(), Scene((score[0], score[1]), (left, right), (x, y)), court)
    picture = pixels(surface)
    assert (picture[20:120, 50:190] != 0).any()
    picture[20:120, 50:190] = 0
    assert not picture.any()


def test_what_is_partly_off_the_court_is_cut_off_at_its_edge() -> None:
    picture = drawn(Scene((0, 0), (-60, 460), (695, -4)))
    places = np.zeros((500, 700), bool)
    places[:40, :10] = places[460:, 690:] = True
    ball = np.zeros((500, 700), bool)
    ball[:6, 695:] = True
    np.testing.assert_array_equal(has(picture, WHITE), places)
    np.testing.assert_array_equal(has(picture, ACCENT), ball)


def test_a_score_of_many_digits_stays_in_its_own_half() -> None:
    picture = drawn(Scene((LARGEST, -LARGEST), (200, 200), None))
    assert not has(picture, DIM)[:, 340:360].any()


def test_nothing_on_the_court_is_smaller_than_a_pixel() -> None:
    assert scaled((0, 0, 35, 25), 345, 245, 10, 10) == (17, 12, 1, 1)


def test_a_frame_becomes_grey_squares() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (5, 7), np.uint8)
    expected = frame.repeat(3, 0).repeat(3, 1)[:, :, None].repeat(3, 2)
    np.testing.assert_array_equal(pixels(frame_picture(frame, 3)), expected)
