"""How the panels of the agent's window are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout
from pongrl.ui.agent_panels import (
    STRIP_DECISIONS,
    draw_curve,
    draw_difference,
    draw_frame,
    draw_moves,
    draw_status,
    draw_value,
)
from pongrl.ui.agent_tape import Curve, Moment
from pongrl.ui.brush import Brush
from pongrl.ui.theme import ACCENT, BAR, BLUE, DIM, GAINS, LOSSES, PANEL, WHITE
from tests.support.ui import decided_of, has, part, pixels, step_of

pygame = pygame_quietly()
SIZE = (1120, 700)
LAYOUT = AgentLayout.of(SIZE, (50, 70))


@pytest.fixture
def brush() -> Brush:
    return new_brush()


def new_brush() -> Brush:
    pygame.font.init()
    return Brush(pygame.Surface(SIZE), LAYOUT)


def moment(number: int = 0, reward: int = 0, **decision: Any) -> Moment:
    return Moment.of(decided_of(step_of(number, {(20, 30): 200}, reward), **decision))


def cell(picture: npt.NDArray[np.uint8], row: int, column: int) -> tuple[int, ...]:
    """Return the colour in the middle of a cell of a picture of a frame."""
    height, width = picture.shape[:2]
    found = picture[int((row + 0.5) * height / 50), int((column + 0.5) * width / 70)]
    return tuple(int(light) for light in found)


def test_the_frame_is_shown_cell_by_cell(brush: Brush) -> None:
    draw_frame(brush, moment(), "live", ())
    area = LAYOUT.inside(LAYOUT.frame)
    picture = part(pixels(brush.surface), area)
    assert cell(picture, 20, 30) == (200, 200, 200)
    assert cell(picture, 20, 31) == (0, 0, 0)
    assert picture.any(axis=2).sum() == (area.width // 70) ** 2


def test_a_notice_lies_across_the_frame(brush: Brush) -> None:
    draw_frame(brush, moment(), "live", ("paused", "P goes on"))
    picture = part(pixels(brush.surface), LAYOUT.inside(LAYOUT.frame))
    middle = picture[len(picture) // 2]
    assert has(middle[None], BAR).any()
    assert has(picture, DIM).any()
    assert has(picture, WHITE).any()


def test_a_frame_that_has_not_come_is_an_empty_panel(brush: Brush) -> None:
    draw_frame(brush, None, "live", ())
    assert has(part(pixels(brush.surface), LAYOUT.inside(LAYOUT.frame)), PANEL).all()


def test_what_has_come_and_what_has_gone_have_two_colours(brush: Brush) -> None:
    change = np.zeros((50, 70), np.int16)
    change[20, 31], change[20, 30] = 255, -255
    draw_difference(brush, change)
    picture = part(pixels(brush.surface), LAYOUT.inside(LAYOUT.difference))
    assert [cell(picture, 20, column) for column in (30, 31, 32)] == [BLUE, ACCENT, PANEL]


@pytest.mark.parametrize(
    ("chances", "chosen"),
    [((0.75, 0.25), 0), ((0.75, 0.25), 1), ((0.1, 0.6, 0.3), 0), ((0.1, 0.6, 0.3), 1), ((0.1, 0.6, 0.3), 2)],
)
def test_the_probabilities_are_bars_and_the_move_made_is_bright(
    brush: Brush, chances: tuple[float, ...], chosen: int
) -> None:
    draw_moves(brush, moment(chances=chances, chosen=chosen))
    area, moves = LAYOUT.inside(LAYOUT.moves), len(chances)
    parts = np.array_split(part(pixels(brush.surface), area), moves)
    order = [0, 1] if moves == 2 else [0, 2, 1]  # stay lies between up and down
    for its_part, move in zip(parts, order, strict=True):
        colour = (ACCENT, BLUE, DIM)[move]
        assert has(its_part, colour).sum(axis=1).max() == pytest.approx(chances[move] * area.width, abs=1)
        assert has(its_part, WHITE).any() == (move == chosen)


def test_the_strip_shows_values_and_the_points_won_and_lost(brush: Brush) -> None:
    played = [(0.5, 0), (0.5, 1), (-0.5, 0), (-0.5, -1), (-2.0, 0)]
    draw_value(brush, [moment(number, reward, value=value) for number, (value, reward) in enumerate(played)])
    picture = pixels(brush.surface)
    strip = part(picture, LAYOUT.inside(LAYOUT.value))
    strip = strip[:, int(has(strip, PANEL).any(axis=0).argmax()) :]  # without the labels
    height, width = strip.shape[:2]
    columns = [int(width - (5 - place) * width / STRIP_DECISIONS) for place in range(5)]
    assert has(strip, GAINS)[: height // 2, columns[0] : columns[2]].any()
    assert has(strip, LOSSES)[height // 2 :, columns[2] :].any()
    assert not has(strip, GAINS)[height // 2 + 1 :, : columns[1] - 1].any()
    top, bottom = strip[: height // 6], strip[-height // 6 :]
    assert abs(np.flatnonzero(has(top, ACCENT).any(axis=0)).mean() - columns[1]) <= 2
    assert abs(np.flatnonzero(has(bottom, BLUE).any(axis=0)).mean() - columns[3]) <= 2
    assert not has(top, BLUE).any()
    assert not has(bottom, ACCENT).any()
    assert has(part(picture, LAYOUT.value)[: LAYOUT.title], WHITE).any()  # the value in numbers


def test_play_that_was_not_shown_parts_the_line(brush: Brush, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int] = []
    monkeypatch.setattr(Brush, "line", lambda _, places, _colour: lines.append(len(places)))
    draw_value(brush, [moment(number) for number in (0, 1, 2, 8, 9)])
    assert lines == [3, 2]


def test_a_strip_without_decisions_is_empty(brush: Brush) -> None:
    draw_value(brush, [])
    assert not has(part(pixels(brush.surface), LAYOUT.inside(LAYOUT.value)), WHITE).any()


def test_the_curve_is_drawn_over_its_points(brush: Brush) -> None:
    curve = Curve()
    for points in range(100, 1100, 100):
        curve.add(points, 0.3 if points < 800 else 1.0, 20)
    draw_curve(brush, curve)
    area = LAYOUT.inside(LAYOUT.curve)
    height = area.height - LAYOUT.title
    rows, columns = np.nonzero(part(pixels(brush.surface), area)[:height, :, 0] > 90)  # where it is yellow
    left = rows[(columns > area.width / 3) & (columns < area.width / 2)]
    assert left.mean() == pytest.approx(0.7 * height, abs=2)
    assert rows[columns > area.width - 3].mean() == pytest.approx(0, abs=2)


def test_a_curve_of_scores_is_as_high_as_they_are(brush: Brush) -> None:
    curve = Curve(of_scores=True)
    for points in range(100, 1100, 100):
        curve.add(points, -20.0 if points < 500 else 10.0, 20)
    draw_curve(brush, curve)
    area = LAYOUT.inside(LAYOUT.curve)
    height = area.height - LAYOUT.title
    rows, columns = np.nonzero(part(pixels(brush.surface), area)[:height, :, 0] > 90)
    assert rows[columns > area.width - 3].mean() == pytest.approx(0, abs=2)
    assert rows.max() == pytest.approx(height, abs=3)


def test_a_curve_of_one_point_says_that_it_begins_later(brush: Brush) -> None:
    curve = Curve()
    curve.add(100, 0.5, 20)
    draw_curve(brush, curve)
    assert not has(part(pixels(brush.surface), LAYOUT.inside(LAYOUT.curve)), ACCENT).any()


def test_the_status_has_no_arrows_that_the_font_lacks() -> None:
    pictures = []
    for status in ("paused   → [##..] 50 %   ↑ 7 points", "paused   [##..] 50 %   7 points"):
        brush = new_brush()
        draw_status(brush, status)
        pictures.append(pixels(brush.surface))
    assert pictures[0].any()
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_a_status_without_room_loses_its_last_parts() -> None:
    pictures = []
    for status in ("7 points   " + "W" * 500, "7 points"):
        brush = new_brush()
        draw_status(brush, status)
        pictures.append(pixels(brush.surface))
    np.testing.assert_array_equal(pictures[0], pictures[1])
