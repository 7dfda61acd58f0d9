"""The panel of the strongest hidden units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout
from pongrl.ui.agent_look import UnitPictures
from pongrl.ui.agent_study import Study
from pongrl.ui.agent_tape import FADING, Activity
from pongrl.ui.agent_units import Units
from pongrl.ui.brush import Brush
from pongrl.ui.theme import ACCENT, BLUE, LINE, WHITE
from tests.support.ui import POLICY, colours_in, has, part, pixels

pygame = pygame_quietly()
SIZE = (1120, 700)
LAYOUT = AgentLayout.of(SIZE, (50, 70))
PLACES = LAYOUT.unit_pictures((50, 70))
STRENGTH = np.abs(POLICY.weights["w"]) * POLICY.court_images().std(axis=(1, 2, 3))


@pytest.fixture
def brush() -> Brush:
    pygame.font.init()
    return Brush(pygame.Surface(SIZE), LAYOUT)


def studied() -> tuple[UnitPictures, int]:
    """Study the policy to the end; return the pictures, and how many pieces of work they took."""
    study, pieces = Study(), 1
    study.begin(POLICY)
    while (made := study.go_on()) is None:
        pieces += 1
    assert study.go_on() is None  # there is nothing left to do
    return made, pieces


@pytest.fixture(scope="module")
def made() -> UnitPictures:
    return studied()[0]


@pytest.fixture
def units(made: UnitPictures) -> Units:
    units = Units()
    units.take(made)
    return units


def test_the_strongest_units_are_chosen_a_few_at_a_time() -> None:
    made, pieces = studied()
    assert pieces > len(made.chosen)
    assert made.chosen == np.argsort(-STRENGTH)[: len(made.chosen)].tolist()


def test_a_picture_of_a_unit_shows_its_effects_in_full_contrast(made: UnitPictures) -> None:
    images = POLICY.court_images()[made.chosen]
    for effects, exact in zip(made.effects, images, strict=True):
        for effect, image in zip(effects, exact, strict=True):
            inner = np.abs(image[:, 1:-1]).max()
            np.testing.assert_allclose(effect / 127, (image / inner).clip(-1, 1), atol=0.01)


def test_each_unit_has_its_pictures_and_its_weight(units: Units, made: UnitPictures, brush: Brush) -> None:
    units.draw(brush, PLACES, None)
    picture = pixels(brush.surface)
    for (above, below), unit in zip(PLACES, made.chosen, strict=False):
        assert colours_in(part(picture, above)) > 20
        assert colours_in(part(picture, below)) > 20
        colour = ACCENT if POLICY.weights["w"][unit] > 0 else BLUE
        words = pygame.Rect(below.x, below.bottom + LAYOUT.text // 3, below.width, LAYOUT.text)
        assert has(part(picture, words), colour).any()


def edge(brush: Brush) -> Any:
    """Return the colour of the first picture's frame."""
    first = PLACES[0][0]
    return [int(light) for light in pixels(brush.surface)[first.top, first.left + 3]]


def test_a_unit_shines_when_it_is_active(units: Units, brush: Brush) -> None:
    for hidden, share in ((2.0, 1.0), (0.0, 0.0), (1.0, 0.5)):
        units.draw(brush, PLACES, np.full(20, hidden, np.float32))
        assert edge(brush) == pytest.approx(np.array(LINE) + share * np.subtract(WHITE, LINE), abs=2)


def test_activity_is_compared_with_the_most_of_late() -> None:
    activity, one, two = Activity(), np.array([1, 0], np.float32), np.array([2, 0], np.float32)
    assert activity.share(two).tolist() == [1, 0]
    assert activity.share(one)[0] == pytest.approx(0.5 / FADING)
    for _ in range(2000):
        share = activity.share(one)[0]
    assert share == 1  # what was long ago is forgotten
