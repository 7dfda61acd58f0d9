"""Windows: open them or say in one sentence why not; resize them, fill the screen, use every pixel.

How many pixels a window has differs from system to system. X11, and Windows once the program says that it
is aware of density, count in pixels. macOS and Wayland count in points and enlarge what is drawn, which
blurs it, unless the window asks for their pixels; in pygame only pygame-ce's Window can do that.

    Screen          the window of a program, on any system
    DisplayWindow   how it is opened where sizes are pixels
    DenseWindow     how it is opened where sizes are points
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.icon import icon
from pongrl.ui.keyboard import meant
from pongrl.ui.quiet import quiet_libraries
from pongrl.ui.theme import Box

COUNT_IN_POINTS = ("cocoa", "wayland")  # SDL's drivers for macOS and Wayland
WITHOUT_SCREEN = ("offscreen", "dummy", "evdev")  # drivers that draw into memory, where nobody sees it
SMALLEST = (350, 250)
FRAME = (16, 80)  # pixels of the desktop that a new window's frame and the task bar may need


_open = 0  # windows of this process; the last one that closes ends pygame's video, and no other


def _opened() -> None:
    global _open
    _open += 1


def _closed() -> None:
    """Count a window that has closed."""
    global _open
    _open -= 1
    if _open == 0:
        pygame_quietly().display.quit()


@contextlib.contextmanager
def _display(instead: str, needs_screen: bool = True) -> Iterator[Any]:
    """Begin pygame's display and give pygame; turn pygame.error into one sentence."""
    global _open
    pygame = pygame_quietly()
    if not pygame.display.get_init():
        _open = 0  # somebody has ended all windows
    os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
    try:
        with quiet_libraries():
            pygame.display.init()
        # Wayland, macOS and a bare console are reached through the graphics card alone.
        if pygame.display.get_driver() == "x11":
            # Through a graphics card each update, however small, would carry the whole window.
            os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
        chosen = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
        if needs_screen and pygame.display.get_driver() in WITHOUT_SCREEN and not chosen:
            raise pygame.error("no screen was found")
        pygame.display.set_icon(icon())
        yield pygame
        _opened()
    except pygame.error as error:
        if _open == 0:
            pygame.display.quit()
        raise PongError(
            f"no window can be opened ({error}): {instead} on a machine without a display"
        ) from error


class SmallWindow:
    """A window of a fixed size. With pygame-ce several of them can be open, each with its own events.

    On a machine without a screen it is drawn into memory.

    Args:
        title: stands on the window's frame.
        size: (width, height) in pixels.
        instead: what to do on a machine without a display, for the error's sentence.

    Raises:
        PongError: there is no display.
    """

    open_windows: ClassVar[list[SmallWindow]] = []  # of this process, the latest last

    def __init__(self, title: str, size: tuple[int, int], instead: str) -> None:
        self._events: list[Any] = []
        self._window: Any = None
        with _display(instead, needs_screen=False) as pygame:
            self._pygame = pygame
            if hasattr(pygame, "Window"):
                self._window = pygame.Window(title, size)
                self.surface = self._window.get_surface()
            else:  # there can be only one
                pygame.display.set_caption(title)
                self.surface = pygame.display.set_mode(size)
        self.open_windows.append(self)

    def flip(self) -> None:
        """Bring onto the screen what was drawn on `surface`."""
        if self._window is None:
            self._pygame.display.flip()
        else:
            self._window.flip()

    def events(self) -> list[Any]:
        """Return what has come for this window, or for all, since the last call."""
        for event in self._pygame.event.get():
            target = getattr(event, "window", None)
            for each in self.open_windows:
                each.offer(event, target)
        events, self._events = self._events, []
        return events

    def offer(self, event: Any, target: Any) -> None:
        """Keep an event unless it is for another window; `target` is the one that it is for, or None."""
        if target is None or self._window is None or target == self._window:
            self._events.append(event)

    def close(self) -> None:
        """Close the window; others stay open."""
        self.open_windows.remove(self)
        if self._window is not None:
            self._window.destroy()
        _closed()


def first_size(wished: tuple[int, int], desktop: tuple[int, int]) -> tuple[int, int]:
    """Enlarge a size by the largest whole factor that the desktop has room for, or shrink it to fit."""
    width, height = (max(have - frame, 1) for have, frame in zip(desktop, FRAME, strict=True))
    room = min(width / wished[0], height / wished[1])
    factor = int(room) if room >= 1 else room
    return max(int(wished[0] * factor), 1), max(int(wished[1] * factor), 1)


class Window(Protocol):
    """What Screen needs of a window, whichever part of pygame opens it."""

    title: str

    @property
    def surface(self) -> Any:
        """The pygame surface to draw on, as large as the window is now."""

    @property
    def density(self) -> float:
        """Pixels in one point, the unit of the mouse's position."""

    def fill_screen(self) -> None:
        """Fill the screen."""

    def leave_full(self) -> None:
        """Go back from full screen to the size and the place before."""

    def update(self, boxes: list[Box]) -> None:
        """Bring onto the screen what was drawn in these boxes."""

    def close(self) -> None:
        """Close the window."""


class DisplayWindow:
    """The window of pygame.display: its size is in pixels."""

    density = 1.0

    def __init__(self, title: str, size: tuple[int, int]) -> None:
        self._pygame = pygame = pygame_quietly()
        self._size = size  # before full screen
        self._place: tuple[int, int] | None = None  # before full screen
        self.title = title
        self._set_mode(size, pygame.RESIZABLE)

    @property
    def title(self) -> str:
        """What stands on the window's frame."""
        title: str = self._pygame.display.get_caption()[0]
        return title

    @title.setter
    def title(self, title: str) -> None:
        self._pygame.display.set_caption(title)

    @property
    def surface(self) -> Any:
        """See Window."""
        return self._pygame.display.get_surface()

    def fill_screen(self) -> None:
        """See Window."""
        self._size, self._place = self.surface.get_size(), self._move((0, 0))
        self._set_mode((0, 0), self._pygame.FULLSCREEN)

    def leave_full(self) -> None:
        """See Window."""
        self._set_mode(self._size, self._pygame.RESIZABLE)
        if self.surface.get_size() != self._size:  # the first call only left full screen
            self._set_mode(self._size, self._pygame.RESIZABLE)
        self._move(self._place)

    def _move(self, place: tuple[int, int] | None) -> tuple[int, int] | None:
        """Move the window where X11 may have no window manager to do it.

        Returns:
            Where the window was, or None if it was not moved.
        """
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

    def update(self, boxes: list[Box]) -> None:
        """See Window."""
        if boxes:
            self._pygame.display.update(boxes)

    def close(self) -> None:
        """See Window."""
        _closed()


class DenseWindow:
    """pygame-ce's Window: its size is in points, each of one or more pixels."""

    def __init__(self, title: str, size: tuple[int, int]) -> None:
        self._pygame = pygame = pygame_quietly()
        self._window = pygame.Window(title, size, resizable=True, allow_high_dpi=True)
        self._window.set_icon(icon())
        self._window.minimum_size = SMALLEST
        self._window.get_surface()

    @property
    def title(self) -> str:
        """What stands on the window's frame."""
        title: str = self._window.title
        return title

    @title.setter
    def title(self, title: str) -> None:
        self._window.title = title

    @property
    def surface(self) -> Any:
        """See Window."""
        return self._window.get_surface()

    @property
    def density(self) -> float:
        """See Window."""
        density: float = self.surface.get_width() / max(self._window.size[0], 1)
        return density

    def fill_screen(self) -> None:
        """See Window."""
        self._window.set_fullscreen(desktop=True)

    def leave_full(self) -> None:
        """See Window."""
        self._window.set_windowed()

    def update(self, boxes: list[Box]) -> None:
        """Bring the whole window onto the screen: it can do no less."""
        self._window.flip()

    def close(self) -> None:
        """See Window."""
        self._window.destroy()
        _closed()


class Screen:
    """A window that people resize, and that fills the screen when they press F. Only for the main thread.

    Args:
        title: stands on the window's frame.
        size: (width, height) on a desktop of ordinary size; the window is larger on a large desktop.
        instead: what to do on a machine without a display, for the error's sentence.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str, size: tuple[int, int], instead: str = "use --headless") -> None:
        self.is_full = self.is_closed = False
        self.is_stale = True  # nothing that was drawn before can be relied on
        with _display(instead) as pygame:
            self._pygame = pygame
            widths, heights = zip(*pygame.display.get_desktop_sizes(), strict=True)
            size = first_size(size, (min(widths), min(heights)))  # it may open on any of the screens
            is_dense = pygame.display.get_driver() in COUNT_IN_POINTS and hasattr(pygame, "Window")
            self._window: Window = (DenseWindow if is_dense else DisplayWindow)(title, size)
            pygame.key.stop_text_input()  # which would give keys to the system's input of Chinese, say

    @property
    def surface(self) -> Any:
        """The pygame surface to draw on, as large as the window is now."""
        return self._window.surface

    @property
    def density(self) -> float:
        """Pixels in one point, the unit of the mouse's position."""
        return self._window.density

    @property
    def title(self) -> str:
        """What stands on the window's frame."""
        return self._window.title

    @title.setter
    def title(self, title: str) -> None:
        self._window.title = title

    def poll(self) -> list[Any]:
        """Handle the events that concern the window itself.

        F goes to full screen and back. Escape leaves full screen.

        Returns:
            The other events that came in; Escape is one of them unless it left full screen.
        """
        pygame, others = self._pygame, []
        redrawn = (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED, pygame.WINDOWRESTORED, pygame.WINDOWSHOWN)
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                self.is_closed = True
            elif event.type == pygame.KEYDOWN and (
                meant(event) == pygame.K_f or (event.key == pygame.K_ESCAPE and self.is_full)
            ):
                self.toggle_full()
            else:
                self.is_stale = self.is_stale or event.type in redrawn
                others.append(event)
        return others

    def toggle_full(self) -> None:
        """Fill the screen, or go back to the size before."""
        self.is_full, self.is_stale = not self.is_full, True
        if self.is_full:
            self._window.fill_screen()
        else:
            self._window.leave_full()

    def show_pointer(self, wanted: bool) -> None:
        """Show the mouse's pointer, or hide it in full screen if it is not wanted."""
        self._pygame.mouse.set_visible(wanted or not self.is_full)

    def update(self, boxes: list[Box]) -> None:
        """Bring onto the screen what was drawn in these boxes."""
        self.is_stale = False
        self._window.update(boxes)

    def close(self) -> None:
        """Close the window."""
        self._window.close()
