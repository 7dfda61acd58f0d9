"""The agent's window: the frame as it sees it, and the probability of each move."""

from __future__ import annotations

import time
from collections.abc import Callable

from netproto import UInt8Array
from pong import pygame_quietly
from views.game_window import ACCENT, BACKGROUND, DIM, LINE, frame_picture, open_display

SCALE = 10  # pixels of the window per cell
TEXT_HEIGHT = 110
FRAMES_PER_SECOND = 15


class AgentWindow:
    """Draws at its own pace, however fast the agent learns. For the main thread.

    Raises:
        PongError: there is no display.
    """

    def __init__(self) -> None:
        self._pygame = pygame = pygame_quietly()
        self._screen = open_display(
            "Pong, as the agent sees it", (700, 500 + TEXT_HEIGHT), "leave out --render"
        )
        pygame.font.init()
        self._words = pygame.font.Font(None, 24)
        self._due = 0.0

    def show(self, frame: UInt8Array, p_up: float, status: Callable[[], str]) -> None:
        """Draw a frame (height, width) and what the agent makes of it, unless the last was just now."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 1 / FRAMES_PER_SECOND
        height, width = frame.shape
        size = (max(width * SCALE, 500), height * SCALE + TEXT_HEIGHT)
        if self._screen.get_size() != size:
            self._screen = self._pygame.display.set_mode(size)
        self._screen.fill(BACKGROUND)
        self._screen.blit(frame_picture(frame, SCALE), (0, 0))
        top = height * SCALE
        self._screen.fill(LINE, (0, top, size[0], 1))
        for line, (name, probability) in enumerate((("up", p_up), ("down", 1 - p_up))):
            y = top + 12 + 28 * line
            self._write(f"{name:5}{100 * probability:4.0f} %", (10, y))
            self._screen.fill(LINE, (120, y, size[0] - 130, 16))
            self._screen.fill(ACCENT, (120, y, round((size[0] - 130) * probability), 16))
        self._write("   ".join(status().split("   ")[:3]), (10, top + 76))
        self._pygame.display.flip()

    def poll(self) -> bool:
        """Handle what came in; False once the window was closed."""
        pygame = self._pygame
        return not any(
            event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
            for event in pygame.event.get()
        )

    def _write(self, words: str, place: tuple[int, int]) -> None:
        self._screen.blit(self._words.render(words, True, DIM), place)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
        self._pygame.font.quit()
