"""The agent's window: what it sees, what it makes of it, and how far it has come.

agent_tape     the decisions that are shown, and the learning curve
agent_layout   where the panels are
brush          what they are drawn with
agent_panels   how they are drawn
agent_units    the panel of the hidden units
AgentWindow    the window: an observer of the run
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from typing import Any

import numpy as np

from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.policy import Policy
from pongrl.agent.progress import read_progress
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.drawing import pygame_quietly
from pongrl.ui.agent_layout import AgentLayout, check_frames, picture_size
from pongrl.ui.agent_panels import (
    STRIP_DECISIONS,
    draw_curve,
    draw_difference,
    draw_frame,
    draw_moves,
    draw_status,
    draw_value,
)
from pongrl.ui.agent_tape import Curve, Moment, Tape, difference
from pongrl.ui.agent_units import Units
from pongrl.ui.brush import Brush
from pongrl.ui.screen import Screen
from pongrl.ui.theme import BACKGROUND

SIZE = (1120, 700)  # of the window at first
FRAMES_PER_SECOND = 15
LOOK_SECONDS = 0.1  # between two looks at the window's events while nothing is played
STUDY_SECONDS = 4.0  # between two looks at the hidden units
STATUS_SECONDS = 0.5
CURVE_STEP = 20  # points between two entries of the curve at first

pygame = pygame_quietly()


class AgentWindow(Observer):
    """Draws at its own pace, however fast the agent learns. Only for the main thread.

    Once a person has closed it, it does nothing any more, and `look_seconds` is None.

    Raises:
        PongError: there is no display.
    """

    def __init__(self) -> None:
        self._screen = Screen("Pong, as the agent sees it", SIZE, "leave out --render")
        pygame.font.init()
        self.look_seconds = LOOK_SECONDS
        self._is_open = True
        self._canvas = Canvas(self._screen)
        self._tape, self._curve, self._units = Tape(), Curve(), Units()
        self._moments: deque[Moment] = deque(maxlen=STRIP_DECISIONS)  # shown, the latest last
        self._change = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.int16)  # to the frame that is shown
        self._caption = ("", "")  # note and notice of the frame
        self._has_read = False  # the rows that were resumed
        self._due = self._study_due = self._status_due = 0.0

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Take note of a decision, and draw if it is time to.

        Raises:
            PongError: such frames cannot be shown.
        """
        if decided.step.number == 0:
            check_frames((decided.session.height, decided.session.width))
        if self._is_open:
            if self._tape.is_recording:
                self._tape.record(Moment.of(decided))
            self._look(standing)

    def waited(self, standing: Standing) -> None:
        """Draw if it is time to."""
        if self._is_open:
            self._look(standing)

    def ended(self, standing: Standing) -> None:
        """Close the window."""
        if self._is_open:
            self._is_open, self.look_seconds = False, None
            self._screen.close()

    def _look(self, standing: Standing) -> None:
        """Handle events and draw, unless both were done just now."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 1 / FRAMES_PER_SECOND
        events = self._screen.poll()
        if self._screen.is_closed or any(
            event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE for event in events
        ):
            self.ended(standing)
        else:
            self._draw(now, standing)

    def _draw(self, now: float, standing: Standing) -> None:
        """Draw what has changed."""
        moves_on = self._advance(standing)
        whole = self._canvas.fit(self._change.shape)
        drawn: list[Any] = []
        if moves_on or whole:
            drawn += self._draw_decision()
        if self._has_caption(standing) | moves_on | whole:
            drawn += self._draw_frame()
        if self._study(now, standing.policy) | moves_on | whole:
            drawn += self._draw_units()
        if self._follow(standing) | whole:
            drawn += self._draw_curve()
        if now >= self._status_due or whole:
            self._status_due = now + STATUS_SECONDS
            drawn += self._draw_status(standing.status)
        self._canvas.show(drawn, whole)

    def _draw_decision(self) -> list[Any]:
        brush = self._canvas.brush
        draw_difference(brush, self._change)
        draw_moves(brush, self._latest())
        draw_value(brush, self._moments)
        return [brush.layout.difference, brush.layout.moves, brush.layout.value]

    def _draw_frame(self) -> list[Any]:
        brush = self._canvas.brush
        draw_frame(brush, self._latest(), *self._caption)
        return [brush.layout.frame]

    def _draw_units(self) -> list[Any]:
        brush, latest = self._canvas.brush, self._latest()
        places = brush.layout.unit_pictures(self._change.shape)
        self._units.draw(brush, places, None if latest is None else latest.hidden)
        return [brush.layout.units]

    def _draw_curve(self) -> list[Any]:
        draw_curve(self._canvas.brush, self._curve)
        return [self._canvas.brush.layout.curve]

    def _draw_status(self, status: str) -> list[Any]:
        draw_status(self._canvas.brush, status)
        return [self._canvas.brush.layout.status]

    def _latest(self) -> Moment | None:
        return self._moments[-1] if self._moments else None

    def _advance(self, standing: Standing) -> bool:
        """Go on to the next decision; return False if there is none, or while nothing is played."""
        stands = standing.is_paused or not standing.is_connected
        if stands or (moment := self._tape.next()) is None:
            return False
        self._change = difference(self._latest(), moment)
        self._moments.append(moment)
        return True

    def _has_caption(self, standing: Standing) -> bool:
        """Find what to say about the frame; return True if it is something new."""
        notice = "" if standing.is_connected else "waiting for a server"
        if standing.is_paused:
            notice = "paused: p in the console goes on"
        before, self._caption = self._caption, ("live" if self._tape.is_live else "slow motion", notice)
        return self._caption != before

    def _study(self, now: float, policy: Policy | None) -> bool:
        """Look at the hidden units for a moment; return True when there are new pictures."""
        if policy is not None and now >= self._study_due:
            self._study_due = math.inf  # until this study is over, however many units there are
            self._units.study(policy)
        if not self._units.go_on():
            return False
        self._study_due = now + STUDY_SECONDS
        return True

    def _follow(self, standing: Standing) -> bool:
        """Lengthen the curve; return True if there was something to add."""
        added = False
        if standing.rows is not None and not self._has_read:
            self._has_read = added = True
            self._curve = Curve()  # without the entry of what was resumed: the rows lead to it
            with contextlib.suppress(PongError):  # a run that begins has no rows
                run = read_progress(standing.rows)
                for points, share in zip(run["points"], run["win_rate"], strict=True):
                    self._curve.add(int(points), share, CURVE_STEP)
        progress = standing.progress
        return self._curve.add(progress.points, progress.win_rate, CURVE_STEP) or added


class Canvas:
    """What the panels are drawn on: the window, or a larger surface for a window without room for them."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._larger: Any = None
        self._brush: Brush | None = None

    @property
    def brush(self) -> Brush:
        """The brush for the size of the window now; `fit` comes first."""
        assert self._brush is not None
        return self._brush

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Lay the panels out if the window has another size than before.

        Args:
            shape: (height, width) of the frames.

        Returns:
            True if everything has to be drawn.
        """
        surface, whole = self._surface(), self._screen.is_stale
        brush = self._brush
        if brush is None or brush.size != surface.get_size() or brush.surface is not surface:
            whole = True
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
