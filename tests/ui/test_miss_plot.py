"""The picture of the balls that an evaluated agent has missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pongrl.agent.misses import Miss, Misses
from pongrl.errors import PongError
from pongrl.ui.miss_plot import draw_misses

pytest.importorskip("matplotlib")


def test_misses_are_drawn_even_if_there_are_none(tmp_path: Path) -> None:
    some = Misses()
    for number in range(100):
        some.count(number % 2 == 0, 4 + number % 5, is_missed=number % 7 == 0)
    some.places = [Miss(8, True, 480.0, 400.0), Miss(4, False, 20.0, 110.0)]
    sizes = []
    for misses in (Misses(), some):
        draw_misses(misses, tmp_path / "misses.png")
        data = (tmp_path / "misses.png").read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        sizes.append(len(data))
    assert sizes[0] < sizes[1]


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PongError, match=r"misses.txt cannot be written"):
        draw_misses(Misses(), tmp_path / "misses.txt")
