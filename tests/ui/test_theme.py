"""The palette."""

from __future__ import annotations

import pytest

from pongrl.ui.theme import BACKGROUND, WHITE, Colour, mixed


@pytest.mark.parametrize(
    ("share", "colour"), [(0.0, BACKGROUND), (1.0, WHITE), (0.5, (126, 127, 130)), (0.25, (69, 70, 75))]
)
def test_a_mixed_colour_lies_between_two(share: float, colour: Colour) -> None:
    assert mixed(BACKGROUND, WHITE, share) == colour
