"""Gamepads press keys: the first one W and S, the others the arrow keys, so that they work on every screen.

Numbers of buttons differ from pad to pad. These are right for most: the lower button (A, cross) presses
Enter, the right one (B, circle) Escape, and those in the middle (Select, Start) P.
"""

from __future__ import annotations

import contextlib
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.quiet import quiet_libraries

UPRIGHT = 1  # the axis of the left stick that goes up and down
PUSHED = 0.5  # of the way that a stick can be pushed

pygame = pygame_quietly()

BUTTONS = {
    0: pygame.K_RETURN, 1: pygame.K_ESCAPE, 6: pygame.K_p, 7: pygame.K_p,
}  # fmt: skip
CROSS = {11: -1, 12: 1}  # buttons of a cross that is no hat: up and down


class Gamepads:
    """Turns the events of gamepads into those of keys."""

    def __init__(self) -> None:
        self._pads: dict[int, Any] = {}  # kept open, in the order in which they came
        self._ways: dict[int, dict[Any, int]] = {}  # of each pad: where its stick, hat and buttons are pushed
        self._pushed: dict[int, int] = {}  # the key that each pad holds
        with quiet_libraries(), contextlib.suppress(pygame.error):  # without them, people have keys
            pygame.joystick.init()

    def translate(self, event: Any) -> list[Any]:
        """Return the events of keys that an event means; any other event is returned as it is."""
        if event.type == pygame.JOYDEVICEADDED:
            with contextlib.suppress(pygame.error):  # it is gone already
                pad = pygame.joystick.Joystick(event.device_index)
                self._pads[pad.get_instance_id()] = pad
        elif event.type == pygame.JOYDEVICEREMOVED:
            self._pads.pop(event.instance_id, None)
            self._ways.pop(event.instance_id, None)
            return self._hold(event.instance_id, 0)
        elif event.type == pygame.JOYAXISMOTION and event.axis == UPRIGHT:
            way = (event.value > PUSHED) - (event.value < -PUSHED)
            return self._push(event.instance_id, "stick", way)
        elif event.type == pygame.JOYHATMOTION:
            return self._push(event.instance_id, "hat", -event.value[1])
        elif event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            return self._button(event, event.type == pygame.JOYBUTTONDOWN)
        return [event]

    def _button(self, event: Any, is_down: bool) -> list[Any]:
        if event.button in CROSS:
            return self._push(event.instance_id, event.button, CROSS[event.button] if is_down else 0)
        return [_key(BUTTONS[event.button], is_down)] if event.button in BUTTONS else []

    def _push(self, pad: int, part: Any, way: int) -> list[Any]:
        """Note where a part of a pad is pushed: −1 is up, 1 down, 0 nowhere. The one that was last counts."""
        ways = self._ways.setdefault(pad, {})
        if way == ways.get(part, 0):
            return []
        ways.pop(part, None)
        if way:
            ways[part] = way
        return self._hold(pad, next(reversed(ways.values()), 0))

    def _hold(self, pad: int, way: int) -> list[Any]:
        """Hold the key for a way, and let the one before go."""
        is_first = pad == next(iter(self._pads), pad)
        up, down = (pygame.K_w, pygame.K_s) if is_first else (pygame.K_UP, pygame.K_DOWN)
        before, now = self._pushed.pop(pad, None), {-1: up, 1: down}.get(way)
        if now is not None:
            self._pushed[pad] = now
        if now == before:
            return []
        released = [] if before is None else [_key(before, False)]
        return released if now is None else [*released, _key(now, True)]

    def close(self) -> None:
        """Give the gamepads back."""
        self._pads.clear()
        pygame.joystick.quit()


def _key(key: int, is_down: bool) -> Any:
    return pygame.event.Event(pygame.KEYDOWN if is_down else pygame.KEYUP, key=key, scancode=0)
