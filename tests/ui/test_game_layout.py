"""Where the parts of the game's window are."""

from __future__ import annotations

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.game_layout import GameLayout, largest_court, window_size

pygame = pygame_quietly()
SIZES = [(350, 250), (350, 500), (700, 560), (800, 480), (1920, 1080), (2560, 1440), (300, 2000)]


@pytest.mark.parametrize("inset", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_at_every_size_the_parts_lie_side_by_side_and_the_court_keeps_its_proportions(
    size: tuple[int, int], inset: bool
) -> None:
    layout = GameLayout.of(size, inset)
    boxes = [box for box in (layout.header, layout.court, layout.footer, layout.inset) if box is not None]
    assert len(boxes) == 3 + inset
    rects = [pygame.Rect(box) for box in boxes]
    for number, rect in enumerate(rects):
        assert pygame.Rect((0, 0), size).contains(rect)
        assert rect.collidelist(rects[number + 1 :]) == -1
    width, height = rects[1].size
    assert width / height == pytest.approx(700 / 500, rel=0.02)
    assert layout.text >= 17


@pytest.mark.parametrize("inset", [False, True])
def test_a_window_of_one_pixel_has_a_layout(inset: bool) -> None:
    assert min(GameLayout.of((1, 1), inset).court[2:]) >= 1


def test_the_inset_lies_below_the_court_in_a_tall_window_and_beside_it_in_a_wide_one() -> None:
    for size, is_below in ((window_size(inset=True), True), ((1920, 1080), False)):
        layout = GameLayout.of(size, True)
        assert layout.inset is not None
        assert (layout.inset[1] >= layout.court[1] + layout.court[3]) == is_below


def test_text_grows_with_the_window_and_with_the_density_of_its_pixels() -> None:
    sizes = [GameLayout.of(size, False).text for size in ((350, 250), (700, 560), (1920, 1080), (2560, 1440))]
    assert sizes == sorted(set(sizes))
    doubled = GameLayout.of((700, 500), False, density=2)
    assert doubled.text == 2 * GameLayout.of((350, 250), False).text


@pytest.mark.parametrize(
    ("room", "size"), [((700, 900), (700, 500)), ((1000, 250), (350, 250)), ((0, 0), (1, 1))]
)
def test_the_largest_court_fills_the_room_one_way(room: tuple[int, int], size: tuple[int, int]) -> None:
    assert largest_court(*room) == size
