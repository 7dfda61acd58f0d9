"""The game's window: court, score, sounds, the keys held, and an inset of what the agent is sent."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from netproto import PongError, UInt8Array
from pong import (
    BALL,
    COURT_HEIGHT,
    COURT_WIDTH,
    DOWN,
    LEFT_X,
    PADDLE_HEIGHT,
    PADDLE_WIDTH,
    RIGHT_X,
    UP,
    Keys,
    Snapshot,
    pygame_quietly,
)
from views.quiet import quiet_libraries
from views.sound import Sounds

BACKGROUND, LINE, WHITE, DIM, ACCENT = (
    (12, 14, 20),
    (60, 64, 76),
    (240, 240, 240),
    (140, 146, 160),
    (255, 196, 60),
)
DIGITS = 90  # size of the score
STATUS_HEIGHT = 32
INSET_SCALE = 3
INSET_HEIGHT = 190
FRAMES_PER_SECOND = 60


def open_display(title: str, size: tuple[int, int], instead: str = "use --headless") -> Any:
    """Open a window, or say in one sentence why there is none, and what to do `instead`.

    Raises:
        PongError: there is no display.
    """
    pygame = pygame_quietly()
    try:
        with quiet_libraries():
            pygame.display.init()
        # Without a screen SDL may choose a driver that draws into memory, where nobody would see it.
        chosen = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
        if pygame.display.get_driver() in ("offscreen", "dummy", "evdev") and not chosen:
            raise pygame.error("no screen was found")
        pygame.display.set_caption(title)
        return pygame.display.set_mode(size)
    except pygame.error as error:
        pygame.display.quit()
        raise PongError(
            f"no window can be opened ({error}): {instead} on a machine without a display"
        ) from error


def draw_court(
    surface: Any,
    digits: Any,
    score: tuple[int, int],
    paddles: tuple[int, int],
    ball: tuple[int, int] | None,
) -> None:
    """Draw the court as people see it on a surface's upper 700×500 pixels; `digits` is the score's font."""
    surface.fill(BACKGROUND)
    for y in range(10, COURT_HEIGHT - 10, 30):
        surface.fill(LINE, (COURT_WIDTH // 2 - 2, y, 4, 15))
    for side, points in enumerate(score):
        text = digits.render(str(points), True, DIM)
        surface.blit(text, text.get_rect(midtop=(COURT_WIDTH // 4 * (1 + 2 * side), 20)))
    for x, y in zip((LEFT_X, RIGHT_X), paddles, strict=True):
        surface.fill(WHITE, (x, y, PADDLE_WIDTH, PADDLE_HEIGHT))
    if ball is not None:
        surface.fill(ACCENT, (*ball, BALL, BALL))


class GameWindow:
    """Shows snapshots of the first board, and tells which move a person holds. For the main thread.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str, inset: bool) -> None:
        self._pygame = pygame = pygame_quietly()
        self._inset = inset
        height = COURT_HEIGHT + STATUS_HEIGHT + (INSET_HEIGHT if inset else 0)
        self._screen = open_display(title, (COURT_WIDTH, height))
        pygame.font.init()
        self._digits = pygame.font.Font(None, DIGITS)
        self._words = pygame.font.Font(None, 22)
        self._clock = pygame.time.Clock()
        self._sounds = Sounds()
        self._letters = {pygame.K_w: UP, pygame.K_s: DOWN}
        self._arrows = {pygame.K_UP: UP, pygame.K_DOWN: DOWN}
        self._held: list[int] = []  # of those keys, the latest last

    def poll(self) -> tuple[bool, Keys]:
        """Handle what came in: whether the window is still wanted, and the moves of the keys held."""
        pygame, either = self._pygame, self._letters | self._arrows
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                return False, Keys()
            if event.type == pygame.KEYDOWN and event.key in either:
                self._held.append(event.key)
            elif event.type == pygame.KEYUP and event.key in self._held:
                self._held.remove(event.key)
            elif event.type == pygame.WINDOWFOCUSLOST:
                self._held.clear()  # the key's release goes to another window
        return True, Keys(*(self._latest(keys) for keys in (self._letters, self._arrows, either)))

    def _latest(self, moves: dict[int, int]) -> int | None:
        """Give the move of that of these keys that was pressed last and is still held."""
        return next((moves[key] for key in reversed(self._held) if key in moves), None)

    def show(self, snapshot: Snapshot) -> None:
        """Draw one frame, play its sounds, and wait until the next is due."""
        self._sounds.play(snapshot.sounds)
        draw_court(self._screen, self._digits, snapshot.score, snapshot.paddles, snapshot.ball)
        self._draw_status(snapshot)
        if self._inset:
            self._draw_inset(snapshot.frame, snapshot.sent)
        self._pygame.display.flip()
        self._clock.tick(FRAMES_PER_SECOND)

    def _draw_status(self, snapshot: Snapshot) -> None:
        right = f"rally {snapshot.rally}"
        if snapshot.last_match is not None:
            right = "last match {}–{}   ".format(*snapshot.last_match) + right
        y = COURT_HEIGHT
        self._screen.fill(LINE, (0, y, COURT_WIDTH, 1))
        self._write(snapshot.status, (10, y + 9))
        text = self._words.render(right, True, DIM)
        self._screen.blit(text, text.get_rect(topright=(COURT_WIDTH - 10, y + 9)))

    def _draw_inset(self, frame: UInt8Array | None, words: str) -> None:
        top = COURT_HEIGHT + STATUS_HEIGHT
        if frame is None:
            self._write("Nothing has been sent to an agent yet.", (10, top + 10))
            return
        picture = frame_picture(frame, INSET_SCALE)
        self._screen.blit(picture, (10, top + 10))
        self._pygame.draw.rect(self._screen, LINE, picture.get_rect(topleft=(10, top + 10)).inflate(2, 2), 1)
        self._write(f"What the agent is sent: {frame.shape[1]} × {frame.shape[0]} cells", (240, top + 14))
        for line, part in enumerate(words.split("   ")):
            self._write(part, (240, top + 44 + 24 * line))

    def _write(self, words: str, place: tuple[int, int]) -> None:
        self._screen.blit(self._words.render(words, True, DIM), place)

    def close(self) -> None:
        """Close window and sound device."""
        self._sounds.close()
        self._pygame.display.quit()
        self._pygame.font.quit()


def frame_picture(frame: UInt8Array, scale: int) -> Any:
    """Make a grey pygame surface of a frame (height, width), each cell `scale` pixels wide and high."""
    pygame = pygame_quietly()
    grey = np.repeat(frame.T[:, :, None], 3, axis=2)
    return pygame.transform.scale_by(pygame.surfarray.make_surface(grey), scale)
