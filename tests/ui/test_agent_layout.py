"""Where the panels of the agent's window are."""

from __future__ import annotations

import pytest

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import FEWEST_UNITS, AgentLayout, check_frames, picture_size

pygame = pygame_quietly()
SHAPE = (50, 70)
SIZES = [
    (480, 360), (640, 480), (800, 480), (1120, 700), (1920, 1080), (3840, 2160), (600, 1200), (2400, 500),
    (480, 1200), (800, 1400), (2000, 700), (2560, 1080),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_panels_lie_apart_and_inside_a_window_of_any_size(size: tuple[int, int]) -> None:
    layout = AgentLayout.of(size, SHAPE)
    panels = [layout.frame, layout.value, layout.difference, layout.moves, layout.units, layout.curve,
              layout.status]  # fmt: skip
    for number, panel in enumerate(panels):
        assert pygame.Rect(0, 0, *size).contains(panel)
        assert panel.collidelist(panels[:number]) == -1
        assert panel.height >= (3 * layout.text if panel is not layout.status else layout.text)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_frame_and_difference_have_whole_pixels_for_each_cell(size: tuple[int, int]) -> None:
    layout = AgentLayout.of(size, SHAPE)
    for panel in (layout.frame, layout.difference):
        inside = layout.inside(panel)
        assert (inside.width % 70, inside.height % 50) == (0, 0)
        assert inside.width * 50 == inside.height * 70


@pytest.mark.parametrize(
    ("size", "share"),
    [
        ((576, 360), 0.14), ((1120, 700), 0.28), ((480, 1200), 0.2), ((800, 1400), 0.35), ((2000, 700), 0.25),
        ((2560, 1080), 0.3),
    ],
)  # fmt: skip
def test_the_frame_has_a_large_share_of_a_window_of_any_shape(size: tuple[int, int], share: float) -> None:
    layout = AgentLayout.of(size, SHAPE)
    frame = layout.inside(layout.frame)
    assert frame.width * frame.height >= share * size[0] * size[1]


@pytest.mark.parametrize("shape", [(256, 256), (90, 720), (720, 90), (10, 80), (3, 3)])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_panels_of_other_frames_lie_apart_too(size: tuple[int, int], shape: tuple[int, int]) -> None:
    layout = AgentLayout.of(size, shape)
    panels = [layout.frame, layout.value, layout.difference, layout.moves, layout.units, layout.curve]
    for number, panel in enumerate(panels):
        assert pygame.Rect(0, 0, *size).contains(panel)
        assert panel.collidelist(panels[:number]) == -1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_pictures_of_units_lie_apart_in_their_panel_with_room_for_words(size: tuple[int, int]) -> None:
    layout = AgentLayout.of(size, SHAPE)
    pictures = [picture for pair in layout.unit_pictures(SHAPE) for picture in pair]
    assert len(pictures) >= 2 * FEWEST_UNITS
    for number, picture in enumerate(pictures):
        assert layout.inside(layout.units).contains(picture)
        assert picture.bottom <= layout.units.bottom - layout.text
        assert picture.collidelist(pictures[:number]) == -1


@pytest.mark.parametrize(
    ("window", "size"),
    [
        ((480, 360), (480, 360)),
        ((240, 360), (480, 720)),
        ((400, 90), (1600, 360)),
        ((1, 1), (480, 480)),
        ((1920, 1), (2880, 360)),
        ((1, 1080), (480, 3840)),
    ],
)
def test_a_small_window_has_a_picture_of_its_shape_that_is_large_enough(
    window: tuple[int, int], size: tuple[int, int]
) -> None:
    assert picture_size(window) == size


@pytest.mark.parametrize("shape", [(50, 70), (70, 50), (3, 3), (10, 80), (128, 128)])
def test_frames_of_many_shapes_can_be_shown(shape: tuple[int, int]) -> None:
    check_frames(shape)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 16384), (16384, 1), (10, 81)])
def test_frames_that_no_window_can_show_are_refused_in_a_sentence(shape: tuple[int, int]) -> None:
    with pytest.raises(
        PongError, match=f"of {shape[1]}×{shape[0]} cells cannot be shown .*: leave out --render"
    ):
        check_frames(shape)
