"""Gamepads: the keys that they press. SDL's own events stand in for real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.gamepads import Gamepads
from tests.support.ui import press, release

pygame = pygame_quietly()
Event = pygame.event.Event
FIRST, SECOND = 10, 11  # instances


class Pad:
    """Takes the place of pygame's Joystick."""

    def __init__(self, index: int) -> None:
        self.index = index

    def get_instance_id(self) -> int:
        return FIRST + self.index


@pytest.fixture
def pads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gamepads]:
    """Connect two gamepads."""
    gamepads = Gamepads()
    monkeypatch.setattr(pygame.joystick, "Joystick", Pad)
    for index in (0, 1):
        gamepads.translate(Event(pygame.JOYDEVICEADDED, device_index=index, guid=""))
    yield gamepads
    gamepads.close()


def stick(value: float, pad: int = FIRST, axis: int = 1) -> Any:
    return Event(pygame.JOYAXISMOTION, instance_id=pad, axis=axis, value=value)


def hat(y: int, pad: int = FIRST) -> Any:
    return Event(pygame.JOYHATMOTION, instance_id=pad, hat=0, value=(0, y))


def pad_button(number: int, down: bool = True, pad: int = FIRST) -> Any:
    return Event(pygame.JOYBUTTONDOWN if down else pygame.JOYBUTTONUP, instance_id=pad, button=number)


def pressed(pads: Gamepads, *events: Any) -> list[tuple[str, bool]]:
    """Return the keys that these events press and release."""
    keys = [key for event in events for key in pads.translate(event)]
    return [(pygame.key.name(key.key), key.type == pygame.KEYDOWN) for key in keys]


def test_the_first_pad_holds_w_and_s_and_the_second_the_arrows(pads: Gamepads) -> None:
    assert pressed(pads, stick(-1.0), stick(-0.9), stick(0.1)) == [("w", True), ("w", False)]
    assert pressed(pads, stick(0.9), stick(-0.9)) == [("s", True), ("s", False), ("w", True)]
    assert pressed(pads, stick(0.9, SECOND), stick(0.0, SECOND)) == [("down", True), ("down", False)]
    assert pressed(pads, stick(0.3, SECOND)) == []


def test_crosses_work_as_sticks_do(pads: Gamepads) -> None:
    assert pressed(pads, hat(1), hat(0)) == [("w", True), ("w", False)]
    assert pressed(pads, hat(-1, SECOND)) == [("down", True)]
    assert pressed(pads, pad_button(12), pad_button(12, down=False)) == [("s", True), ("s", False)]


def test_a_cross_that_is_held_stays_held_whatever_the_stick_says(pads: Gamepads) -> None:
    assert pressed(pads, hat(1), stick(0.01), stick(-0.02)) == [("w", True)]
    assert pressed(pads, stick(0.9), stick(0.1), hat(0)) == [
        ("w", False), ("s", True), ("s", False), ("w", True), ("w", False),
    ]  # fmt: skip
    assert pressed(pads, stick(-0.9), hat(-1), stick(-0.91), stick(0.0), hat(0)) == [
        ("w", True), ("w", False), ("s", True), ("s", False),
    ]  # fmt: skip
    assert pressed(pads, pad_button(11), pad_button(12), pad_button(11, down=False)) == [
        ("w", True), ("w", False), ("s", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "key"), [(0, "return"), (1, "escape"), (6, "p"), (7, "p")])
def test_buttons_press_keys(pads: Gamepads, number: int, key: str) -> None:
    assert pressed(pads, pad_button(number), pad_button(number, down=False)) == [(key, True), (key, False)]
    assert pressed(pads, pad_button(3)) == []


def test_a_pad_that_is_pulled_out_lets_go_and_the_next_one_is_the_first(pads: Gamepads) -> None:
    gone = Event(pygame.JOYDEVICEREMOVED, instance_id=FIRST)
    assert pressed(pads, stick(1.0), gone) == [("s", True), ("s", False)]
    assert pressed(pads, stick(1.0, SECOND)) == [("s", True)]


def test_other_events_stay_as_they_are(pads: Gamepads) -> None:
    for event in (press(pygame.K_w), release(pygame.K_w), Event(pygame.WINDOWEXPOSED), stick(1.0, axis=0)):
        assert pads.translate(event) == [event]


def test_without_any_support_of_gamepads_the_window_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pygame.error("no such thing")

    monkeypatch.setattr(pygame.joystick, "init", fail)
    Gamepads().close()
