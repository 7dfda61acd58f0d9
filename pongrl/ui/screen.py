"""Windows: opened or told in one sentence why not; resized, full screen, at the display's own resolution.

How many pixels a window has differs from system to system. X11, and Windows once the program says that
it is aware of density, count in pixels. macOS and Wayland count in points and enlarge what is drawn, which
blurs it, unless the window asks for their pixels; of pygame's windows only pygame-ce's Window can.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.quiet import quiet_libraries
from pongrl.ui.theme import Box

COUNT_IN_POINTS = ("cocoa", "wayland")
SMALLEST = (350, 250)
SHARE_OF_DESKTOP = 0.96  # that a new window may take; the rest is its frame's and the task bar's


@contextlib.contextmanager
def _display(instead: str) -> Iterator[Any]:
    """Give pygame with its display begun; what fails becomes the sentence."""
    pygame = pygame_quietly()
    os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
    # Through a graphics card each update, however small, would carry the whole window.
    os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    try:
        with quiet_libraries():
            pygame.display.init()
        # Without a screen SDL may choose a driver that draws into memory, where nobody would see it.
        chosen = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
        if pygame.display.get_driver() in ("offscreen", "dummy", "evdev") and not chosen:
            raise pygame.error("no screen was found")
        if pygame.display.get_driver() == "x11":  # where OpenGL takes three times as long to show a picture
            os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
        yield pygame
    except pygame.error as error:
        pygame.display.quit()
        raise PongError(
            f"no window can be opened ({error}): {instead} on a machine without a display"
        ) from error


def open_display(title: str, size: tuple[int, int], instead: str = "use --headless") -> Any:
    """Open a window of a fixed size, or say in one sentence why there is none, and what to do `instead`.

    Raises:
        PongError: there is no display.
    """
    with _display(instead) as pygame:
        pygame.display.set_caption(title)
        return pygame.display.set_mode(size)


def first_size(wished: tuple[int, int], desktop: tuple[int, int]) -> tuple[int, int]:
    """Enlarge a window's size by the largest whole factor that the desktop has room for, or shrink it."""
    room = min(SHARE_OF_DESKTOP * have / want for want, have in zip(wished, desktop, strict=True))
    factor = int(room) if room >= 1 else room
    return round(wished[0] * factor), round(wished[1] * factor)


class Screen:
    """A window that people resize, and that F lets fill the screen. For the main thread.

    Args:
        size: (width, height) on a desktop of ordinary size; it is larger on a large one.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str, size: tuple[int, int], instead: str = "use --headless") -> None:
        self.is_full = self.is_closed = False
        self.is_stale = True  # nothing that was drawn can be relied on
        self._window: Any = None
        self._place: tuple[int, int] | None = None  # before full screen
        with _display(instead) as pygame:
            self._pygame = pygame
            self._size = first_size(size, pygame.display.get_desktop_sizes()[0])
            if pygame.display.get_driver() in COUNT_IN_POINTS and hasattr(pygame, "Window"):
                self._window = pygame.Window(title, self._size, resizable=True, allow_high_dpi=True)
                self._window.minimum_size = SMALLEST
                self._window.get_surface()
            else:
                pygame.display.set_caption(title)
                self._set_mode(self._size, pygame.RESIZABLE)

    @property
    def surface(self) -> Any:
        """What to draw on, as large as the window is now."""
        return self._pygame.display.get_surface() if self._window is None else self._window.get_surface()

    @property
    def density(self) -> float:
        """Pixels in one point, the unit of the mouse's position."""
        return 1.0 if self._window is None else self.surface.get_width() / max(self._window.size[0], 1)

    @property
    def title(self) -> str:
        """What stands on the window's frame."""
        title: str = self._pygame.display.get_caption()[0] if self._window is None else self._window.title
        return title

    @title.setter
    def title(self, title: str) -> None:
        if self._window is None:
            self._pygame.display.set_caption(title)
        else:
            self._window.title = title

    def poll(self) -> list[Any]:
        """Handle what concerns the window itself, and give the other events that came in.

        F goes to full screen and back. Escape leaves full screen, and only otherwise is handed on.
        """
        pygame, others = self._pygame, []
        redrawn = (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN)
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                self.is_closed = True
            elif event.type == pygame.KEYDOWN and (
                event.key == pygame.K_f or (event.key == pygame.K_ESCAPE and self.is_full)
            ):
                self.toggle_full()
            else:
                self.is_stale = self.is_stale or event.type in redrawn
                others.append(event)
        return others

    def toggle_full(self) -> None:
        """Fill the screen, or go back to the size before."""
        pygame = self._pygame
        self.is_full, self.is_stale = not self.is_full, True
        if self._window is not None:
            if self.is_full:
                self._window.set_fullscreen(desktop=True)
            else:
                self._window.set_windowed()
        elif self.is_full:
            self._size, self._place = self.surface.get_size(), self._move((0, 0))
            self._set_mode((0, 0), pygame.FULLSCREEN)
        else:
            self._set_mode(self._size, pygame.RESIZABLE)
            if self.surface.get_size() != self._size:  # it left full screen only: now it can be resized
                self._set_mode(self._size, pygame.RESIZABLE)
            self._move(self._place)

    def _move(self, place: tuple[int, int] | None) -> tuple[int, int] | None:
        """Move the window where X11 may have no window manager to do it; where it was, if it was moved."""
        display = self._pygame.display
        alone = display.get_driver() == "x11" and display.get_num_displays() == 1
        if place is None or not alone or not hasattr(display, "set_window_position"):
            return None
        before: tuple[int, int] = display.get_window_position()
        display.set_window_position(place)
        return before

    def _set_mode(self, size: tuple[int, int], flags: int) -> None:
        with warnings.catch_warnings():
            # A window manager has the last word, and what is drawn fits any size.
            warnings.filterwarnings("ignore", "Requested window was forcibly resized", RuntimeWarning)
            self._pygame.display.set_mode(size, flags)

    def show_pointer(self, wanted: bool) -> None:
        """Show the mouse's pointer; it is hidden in full screen where it has nothing to point at."""
        self._pygame.mouse.set_visible(wanted or not self.is_full)

    def update(self, boxes: list[Box]) -> None:
        """Bring onto the screen what was drawn in these boxes."""
        self.is_stale = False
        if self._window is not None:
            self._window.flip()
        elif boxes:
            self._pygame.display.update(boxes)

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.destroy()
        self._pygame.display.quit()
