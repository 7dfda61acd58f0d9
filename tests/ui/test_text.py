"""Words in boxes: as large as there is room for, and never cut off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.game_layout import GameLayout
from pongrl.ui.text import SMALLEST_SIZE, Text
from pongrl.ui.theme import ACCENT, DIM
from tests.support.ui import has, pixels

pygame = pygame_quietly()
STATUSES = [
    "waiting for an agent on 127.0.0.1:12345   right paddle: level 2   keys have the left paddle",
    "paused by the agent at [fe80:1234:1234:1234:1234:1234:1234:1]:54321   right paddle: W/S or arrows",
    "W" * 150,
]


@pytest.mark.parametrize("size", [(350, 250), (700, 560), (2560, 1440)], ids=str)
@pytest.mark.parametrize("status", STATUSES)
def test_words_are_made_smaller_rather_than_cut_off(size: tuple[int, int], status: str) -> None:
    layout, text = GameLayout.of(size, False), Text()
    _, _, width, height = layout.header
    font, lines = text.fit(status.split("   "), width, height, layout.text)
    assert " ".join(" ".join(line) for line in lines).split() == status.split()
    assert font <= layout.text
    if " " in status:
        assert font > SMALLEST_SIZE
        assert all(text.width(line, font) <= width for line in lines)
        assert len(lines) * text.line_height(font) <= height


@pytest.mark.parametrize("size", [12, 17, 22, 30])
def test_the_distance_between_letters_is_that_of_a_much_larger_font(size: int) -> None:
    text, larger = Text(), pygame.font.Font(None, 16 * size)
    sentence = STATUSES[0]
    beginnings = [sentence[:end] for end in range(1, len(sentence) + 1) if sentence[end - 1] != " "]
    places = [right_end(text.render(words, size, DIM)) for words in beginnings]
    ideals = [right_end(larger.render(words, True, DIM)) / 16 for words in beginnings]
    np.testing.assert_allclose(np.diff(places), np.diff(ideals), atol=0.75)  # pixels


def right_end(picture: Any) -> float:
    """Return where the last letter of a picture ends, to parts of a pixel."""
    light = pygame.surfarray.array_alpha(picture).max(axis=1) / 255
    last = int(np.flatnonzero(light > 0.02)[-1])
    return last + float(light[last])


def test_words_that_fit_nowhere_have_the_smallest_size() -> None:
    assert Text().fit(["W" * 150], 50, 20, 30)[0] == SMALLEST_SIZE


def test_parts_are_spread_from_the_left_end_to_the_right_one() -> None:
    surface = pygame.Surface((400, 30))
    Text().spread(surface, (0, 0, 400, 30), ["left", "right"], 22, [ACCENT, DIM])
    left, right = (np.flatnonzero(has(pixels(surface), colour).any(axis=0)) for colour in (ACCENT, DIM))
    assert left.min() <= 3
    assert right.max() >= 396
    assert left.max() < right.min()


def test_a_column_has_a_line_for_each_part_if_there_is_room() -> None:
    heights = []
    for height in (100, 25):
        surface = pygame.Surface((400, height))
        Text().column(surface, (0, 0, 400, height), ["one", "two", "three"], 22, DIM)
        rows = has(pixels(surface), DIM).any(axis=1)
        heights.append(int(np.diff(rows.astype(int), prepend=0).clip(0).sum()))  # lines of words
    assert heights[0] > heights[1] == 1


def test_words_in_the_middle_have_as_much_room_on_either_side() -> None:
    surface = pygame.Surface((400, 100))
    Text().centre(surface, (0, 0, 400, 100), ["O"], 40, DIM)
    rows, columns = np.nonzero(has(pixels(surface), DIM))
    assert (columns.min() + columns.max()) / 2 == pytest.approx(200, abs=2)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(50, abs=5)
