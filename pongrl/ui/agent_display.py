"""The agent's window, in a process of its own: python -m pongrl.ui.agent_display. See agent_window."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pongrl.agent.progress import read_progress
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout, picture_size
from pongrl.ui.agent_look import Look
from pongrl.ui.agent_panels import (
    STRIP_DECISIONS,
    draw_curve,
    draw_difference,
    draw_frame,
    draw_moves,
    draw_status,
    draw_value,
)
from pongrl.ui.agent_tape import Curve, Moment, difference
from pongrl.ui.agent_units import Units
from pongrl.ui.brush import Brush
from pongrl.ui.keyboard import meant
from pongrl.ui.notices import KeyTable, Requests
from pongrl.ui.screen import Screen
from pongrl.ui.theme import BACKGROUND
from pongrl.ui.window_process import serve

SIZE = (1120, 700)  # of the window at first
STATUS_SECONDS = 0.5
CURVE_STEP = 20  # points between two entries of the curve at first
NOTHING = Look(None, True, (), None, None, 0, 0.0, None, 0, 0.0, True, False, "")
KEYS: KeyTable = (
    ("P, space bar", "pause, or go on"),
    ("F", "fill the screen, or go back"),
    ("H, F1", "show or hide these keys"),
    ("Escape", "close this window"),
)
QUESTION = "Close this window?", "Escape closes it, and the run goes on; any other key keeps it"
DECISION, FRAME, UNITS, CURVE, STATUS = PARTS = ("decision", "frame", "units", "curve", "status")

pygame = pygame_quietly()


class AgentDisplay:
    """Draws what it is sent. Only for the main thread.

    Raises:
        PongError: there is no display.
    """

    def __init__(self) -> None:
        self._screen = Screen("Pong, as the agent sees it", SIZE, "leave out --render")
        pygame.font.init()
        self._canvas = Canvas(self._screen)
        self._curve, self._units = Curve(), Units()
        self._moments: deque[Moment] = deque(maxlen=STRIP_DECISIONS)  # shown, the latest last
        self._change = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.int16)  # to the frame that is shown
        self._look = NOTHING
        self._rows: Path | None = None  # that were read
        self._requests = Requests()
        self._status_due = 0.0

    def show(self, look: Look) -> None:
        """Draw what has changed."""
        before, self._look = self._look, look
        parts = []
        if look.moment is not None:
            self._change = difference(self._latest(), look.moment)
            self._moments.append(look.moment)
            parts += [DECISION, FRAME, UNITS]
        if (look.is_live, look.notice) != (before.is_live, before.notice):
            parts.append(FRAME)
        if look.pictures is not None:
            self._units.take(look.pictures)
            parts.append(UNITS)
        if self._follow(look):
            parts.append(CURVE)
        if time.monotonic() >= self._status_due:
            parts.append(STATUS)
        self._draw(parts)

    def poll(self) -> list[str] | None:
        """Handle the events, and draw what they have spoilt.

        Returns:
            Commands of the console; None once a person has closed the window.
        """
        asked, parts = [], []
        for event in self._screen.poll():
            if event.type == pygame.KEYDOWN:
                asked += self._press(meant(event))
                parts = [FRAME]
            elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.FINGERDOWN) and self._requests.dismiss():
                parts = [FRAME]
        if self._screen.is_closed:
            self.close()
            return None
        self._draw(parts)
        return asked

    def _press(self, key: int) -> list[str]:
        """Do what a key asks for; return what the program is asked for."""
        requests = self._requests
        if key == pygame.K_ESCAPE:
            self._screen.is_closed |= requests.leave()  # the button may have closed it already
        elif not requests.dismiss():
            if key in (pygame.K_h, pygame.K_F1):
                requests.toggle_help()
            elif key in (pygame.K_p, pygame.K_SPACE):
                return ["p"]
        return []

    def close(self) -> None:
        """Close the window."""
        self._screen.close()

    def _draw(self, parts: Iterable[str]) -> None:
        """Draw these parts, or all if nothing that was drawn before can be relied on."""
        whole = self._canvas.fit(self._change.shape)
        drawn: list[Any] = []
        for part in PARTS if whole else dict.fromkeys(parts):
            drawn += self._draw_part(part)
        if drawn:
            self._canvas.show(drawn, whole)

    def _draw_part(self, part: str) -> list[Any]:
        """Draw a part; return the areas that were drawn on."""
        brush, look, latest = self._canvas.brush, self._look, self._latest()
        layout = brush.layout
        if part == DECISION:
            draw_difference(brush, self._change)
            draw_moves(brush, latest)
            draw_value(brush, self._moments)
            return [layout.difference, layout.moves, layout.value]
        if part == FRAME:
            note, requests = "live" if look.is_live else "slow motion", self._requests
            notice = QUESTION if requests.asks else look.notice
            draw_frame(brush, latest, note, notice, KEYS if requests.helps else ())
            return [layout.frame]
        if part == UNITS:
            places = layout.unit_pictures(self._change.shape)
            self._units.draw(brush, places, None if latest is None else latest.hidden)
            return [layout.units]
        if part == CURVE:
            draw_curve(brush, self._curve)
            return [layout.curve]
        self._status_due = time.monotonic() + STATUS_SECONDS
        draw_status(brush, look.status)
        return [layout.status]

    def _latest(self) -> Moment | None:
        return self._moments[-1] if self._moments else None

    def _follow(self, look: Look) -> bool:
        """Lengthen the curve; return True if there was something to add."""
        added, of_scores = False, look.match_score is not None
        if of_scores != self._curve.of_scores:
            self._curve, added = Curve(of_scores), True
        if look.rows is not None and self._rows is None:
            self._rows, added = look.rows, True
            self._curve = Curve(of_scores)  # without the entry of what was resumed: the rows lead to it
            with contextlib.suppress(PongError):  # a run that begins has no rows
                run = read_progress(look.rows)
                column = run["match_score" if of_scores else "win_rate"]
                for points, value in zip(run["points"], column, strict=True):
                    if not math.isnan(value):
                        self._curve.add(int(points), value, CURVE_STEP)
        value = look.win_rate if look.match_score is None else look.match_score
        return self._curve.add(look.points, value, CURVE_STEP) or added


class Canvas:
    """What the panels are drawn on: the window, or a larger surface for a window without room for them."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._larger: Any = None
        self._brush: Brush | None = None
        self._shape: tuple[int, ...] = ()  # of the frames that the panels are laid out for

    @property
    def brush(self) -> Brush:
        """The brush for the size of the window now; `fit` comes first."""
        assert self._brush is not None
        return self._brush

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Lay the panels out if the window or the frames have another size than before.

        Args:
            shape: (height, width) of the frames.

        Returns:
            True if everything has to be drawn.
        """
        surface, whole = self._surface(), self._screen.is_stale
        brush = self._brush
        fits = brush is not None and brush.size == surface.get_size() and brush.surface is surface
        if not fits or self._shape != shape:
            whole, self._shape = True, shape
            self._brush = Brush(surface, AgentLayout.of(surface.get_size(), shape))
        if whole:
            surface.set_clip(None)
            surface.fill(BACKGROUND)
        return whole

    def _surface(self) -> Any:
        window = self._screen.surface
        size = picture_size(window.get_size())
        if size == window.get_size():
            return window
        if self._larger is None or self._larger.get_size() != size:
            self._larger = pygame.Surface(size, 0, window)
        return self._larger

    def show(self, drawn: list[Any], whole: bool) -> None:
        """Bring onto the screen what was drawn in these rects, or everything."""
        window = self._screen.surface
        if self.brush.surface is not window:
            pygame.transform.smoothscale(self.brush.surface, window.get_size(), window)
            whole = True
        self._screen.update([window.get_rect()] if whole else drawn)


if __name__ == "__main__":
    serve(AgentDisplay)
