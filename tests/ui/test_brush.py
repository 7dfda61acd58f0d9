"""What the panels of the agent's window are drawn with."""

from __future__ import annotations

import numpy as np
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout
from pongrl.ui.brush import Brush, two_coloured
from pongrl.ui.theme import ACCENT, BACKGROUND, BLUE, LINE, PANEL, WHITE
from tests.support.ui import has, part, pixels

pygame = pygame_quietly()
SIZE = (1120, 700)


@pytest.fixture
def brush() -> Brush:
    pygame.font.init()
    return Brush(pygame.Surface(SIZE), AgentLayout.of(SIZE, (50, 70)))


def test_a_panel_is_cleared_and_nothing_strays_from_it(brush: Brush) -> None:
    panel = brush.layout.curve
    below = brush.begin(panel, "title", "note", WHITE)
    brush.write("W" * 500, ACCENT, topleft=below.topleft)
    picture = pixels(brush.surface)
    assert has(part(picture, panel), BACKGROUND).any()
    assert has(part(picture, panel), WHITE).any()
    outside = np.ones(picture.shape[:2], bool)
    part(outside, panel)[:] = False
    assert not picture[outside].any()


def test_a_note_without_room_is_left_out(brush: Brush) -> None:
    brush.begin(brush.layout.moves, "title", "W" * 200, WHITE)
    assert not has(pixels(brush.surface), WHITE).any()


def test_axes_have_a_line_and_a_label_for_each_mark(brush: Brush) -> None:
    plot = brush.axes(brush.layout.curve, "title", "", (("top", 0.0), ("middle", 0.5), ("bottom", 1.0)))
    lines = has(part(pixels(brush.surface), plot), LINE).all(axis=1)
    assert np.flatnonzero(lines).tolist() == [0, round(0.5 * (plot.height - 1)), plot.height - 1]
    assert plot.left > brush.layout.curve.left  # where the labels are


def test_numbers_become_two_colours() -> None:
    values = np.array([[0, 128, -128], [1000, -1000, 64]])
    picture = pixels(two_coloured(values, 128))
    assert tuple(map(tuple, picture[0].tolist())) == (PANEL, ACCENT, BLUE)
    assert tuple(map(tuple, picture[1, :2].tolist())) == (ACCENT, BLUE)
    assert picture[1, 2].tolist() == pytest.approx(np.add(PANEL, ACCENT) / 2, abs=1)
