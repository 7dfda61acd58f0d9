"""The court in a window of a fixed size, or as an array: for environments."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pongrl.game.drawing import pygame_quietly
from pongrl.game.places import places
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.ui.court import Scene, draw_court
from pongrl.ui.screen import SmallWindow
from pongrl.ui.text import Text
from pongrl.wire.arrays import Int32Array, UInt8Array

POLL_SECONDS = 0.02  # while waiting; a window that answers later than this feels stuck


def paint(surface: Any, frame: UInt8Array, scores: Int32Array) -> None:
    """Draw a frame (50, 70) and the scores (2,) as people see them on a 700×500 surface."""
    found = places(frame)
    # A new Text each time: closing any window ends the fonts that were made before.
    draw_court(surface, Text(), Scene((int(scores[0]), int(scores[1])), found.paddles, found.ball))


def picture(frame: UInt8Array, scores: Int32Array) -> UInt8Array:
    """Draw a frame (50, 70) and the scores (2,) without a display.

    Returns:
        The picture, (500, 700, 3): red, green, blue.
    """
    pygame = pygame_quietly()
    surface = pygame.Surface((COURT_WIDTH, COURT_HEIGHT), depth=32)
    paint(surface, frame, scores)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


class CourtWindow:
    """The court in a window, until a person closes it. Only the main thread may use it.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str) -> None:
        self._pygame = pygame_quietly()
        instead = 'leave out render_mode="human", or set SDL_VIDEODRIVER=dummy,'
        self._window = SmallWindow(title, (COURT_WIDTH, COURT_HEIGHT), instead)
        self._due = time.monotonic()
        self.is_open = True

    @property
    def surface(self) -> Any:
        """The pygame surface that is drawn on."""
        return self._window.surface

    def show(self, frame: UInt8Array, scores: Int32Array) -> None:
        """Draw a frame (50, 70) and the scores (2,)."""
        self.poll()
        if self.is_open:
            paint(self._window.surface, frame, scores)
            self._window.flip()

    def poll(self) -> None:
        """Handle the events; close the window if a person asks for it."""
        pygame = self._pygame
        if self.is_open and any(
            event.type in (pygame.QUIT, pygame.WINDOWCLOSE)
            or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
            for event in self._window.events()
        ):
            self.close()

    def wait(self, seconds: float) -> None:
        """Wait, and handle the events that come meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.poll()
            time.sleep(min(left, POLL_SECONDS if self.is_open else left))

    def pace(self, seconds: float) -> None:
        """Wait until `seconds` have passed since the last call; do not wait if they have."""
        if self.is_open:
            self.wait(self._due - time.monotonic())
        self._due = max(self._due, time.monotonic()) + seconds

    def close(self) -> None:
        """Close the window."""
        if self.is_open:
            self.is_open = False
            self._window.close()
