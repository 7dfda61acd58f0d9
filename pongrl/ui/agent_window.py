"""The agent's window: what it sees, what it makes of it, and how far it has come.

    Glance       what the window asks of the agent, each time that it draws
    Tape         decisions on their way to the screen
    AgentWindow  the window

How the panels look is in `agent_panels`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pongrl.agent.eyes import Booleans
from pongrl.agent.policy import Activations, Policy, probability
from pongrl.agent.progress import Progress, read_progress
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.ui.agent_panels import (
    STRIP_DECISIONS,
    Brush,
    Curve,
    Layout,
    Moment,
    Units,
    difference,
    draw_curve,
    draw_difference,
    draw_frame,
    draw_moves,
    draw_status,
    draw_value,
    picture_size,
    pygame,
)
from pongrl.ui.screen import Screen
from pongrl.ui.theme import BACKGROUND
from pongrl.wire.messages import Step

SIZE = (1120, 700)  # of the window at first
FRAMES_PER_SECOND = 15
SLICE = 120  # decisions in a row that are shown of an agent that makes more than a window can show
STUDY_SECONDS = 4.0  # between two looks at the hidden units
STATUS_SECONDS = 0.5
CURVE_STEP = 20  # points between two entries of the curve at first


@dataclass(frozen=True)
class Glance:
    """What the window asks of the agent, each time that it draws."""

    policy: Policy | None  # None until the first server is there
    progress: Progress
    file: Path | None  # progress.csv, once it is begun; it then has the rows that were resumed
    is_connected: bool
    is_paused: bool


class Tape:
    """Decisions on their way to the screen.

    In real time each is shown as it comes. An agent that trains makes hundreds in a second, of which every
    fortieth would show nothing but flicker: then so many in a row are kept, and shown one after another.
    """

    def __init__(self) -> None:
        self._kept: deque[Moment] = deque()
        self.is_recording = True
        self.is_live = True  # whether what is shown has only just happened

    def record(self, moment: Moment) -> None:
        """Keep a decision; only while recording."""
        self._kept.append(moment)
        if len(self._kept) == SLICE:
            self.is_recording = self.is_live = False

    def next(self) -> Moment | None:
        """Give the next one to show, if there is one."""
        if not self._kept:
            self.is_live = True
            return None
        moment = self._kept.popleft()
        self.is_recording = self.is_recording or not self._kept
        return moment


class AgentWindow:
    """Draws at its own pace, however fast the agent learns. For the main thread.

    Args:
        glance: tells how the agent is; asked each time that the window draws.
        status: gives the console's status line.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, glance: Callable[[], Glance], status: Callable[[], str]) -> None:
        self._glance, self._status = glance, status
        self._screen = Screen("Pong, as the agent sees it", SIZE, "leave out --render")
        pygame.font.init()
        self._tape, self._curve, self._units = Tape(), Curve(), Units()
        self._moments: deque[Moment] = deque(maxlen=STRIP_DECISIONS)  # shown, the latest last
        self._change = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.int16)  # to the frame that is shown
        self._caption = ("", "")  # note and notice of the frame
        self._has_read = False  # the rows that were resumed
        self._brush: Brush | None = None
        self._larger: Any = None  # what is drawn on for a window in which the panels have no room
        self._due = self._study_due = self._status_due = 0.0

    def show(self, step: Step, seen: Activations, up: Booleans) -> None:
        """Take note of a decision: the state, what the policy made of it, and the moves (games,)."""
        if self._tape.is_recording:
            self._tape.record(moment_of(step, seen, up))

    def poll(self) -> bool:
        """Handle what came in and draw, unless both were just now; False once the window was closed."""
        now = time.monotonic()
        if now < self._due:
            return True
        self._due = now + 1 / FRAMES_PER_SECOND
        for event in self._screen.poll():
            if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
                return False
        if self._screen.is_closed:
            return False
        self._draw(now, self._glance())
        return True

    def _draw(self, now: float, glance: Glance) -> None:
        """Draw what has changed."""
        moves_on = self._advance(glance)
        brush, whole = self._fit()
        layout, moments = brush.layout, self._moments
        latest = moments[-1] if moments else None
        drawn = []
        if moves_on or whole:
            draw_difference(brush, self._change)
            draw_moves(brush, latest)
            draw_value(brush, moments)
            drawn += [layout.difference, layout.moves, layout.value]
        if moves_on | self._has_caption(glance) | whole:
            draw_frame(brush, latest, *self._caption)
            drawn.append(layout.frame)
        if moves_on | self._study(now, glance.policy) | whole:
            places = layout.unit_pictures(self._change.shape)
            self._units.draw(brush, places, None if latest is None else latest.hidden)
            drawn.append(layout.units)
        if self._follow(glance) | whole:
            draw_curve(brush, self._curve)
            drawn.append(layout.curve)
        if now >= self._status_due or whole:
            self._status_due = now + STATUS_SECONDS
            draw_status(brush, self._status())
            drawn.append(layout.status)
        window = self._screen.surface
        if brush.surface is not window:
            pygame.transform.smoothscale(brush.surface, window.get_size(), window)
            whole = True
        self._screen.update([window.get_rect()] if whole else drawn)

    def _advance(self, glance: Glance) -> bool:
        """Go on to the next decision; whether there is one. While nothing is played the picture stands."""
        stands = glance.is_paused or not glance.is_connected
        if stands or (moment := self._tape.next()) is None:
            return False
        self._change = difference(self._moments[-1] if self._moments else None, moment)
        self._moments.append(moment)
        return True

    def _fit(self) -> tuple[Brush, bool]:
        """Lay the panels out if the window has another size than before, and say if all is to be drawn."""
        window, whole = self._screen.surface, self._screen.is_stale
        size, surface = picture_size(window.get_size()), window
        if size != window.get_size():
            if self._larger is None or self._larger.get_size() != size:
                self._larger = pygame.Surface(size, 0, window)
            surface = self._larger
        brush = self._brush
        if brush is None or brush.size != size or brush.surface is not surface:
            whole = True
            self._brush = brush = Brush(surface, Layout.of(size, self._change.shape))
        if whole:
            surface.set_clip(None)
            surface.fill(BACKGROUND)
        return brush, whole

    def _has_caption(self, glance: Glance) -> bool:
        """Find what to say of the frame; whether it is something new."""
        notice = "" if glance.is_connected else "waiting for a server"
        if glance.is_paused:
            notice = "paused: p in the console goes on"
        before, self._caption = self._caption, ("live" if self._tape.is_live else "slow motion", notice)
        return self._caption != before

    def _study(self, now: float, policy: Policy | None) -> bool:
        """Look at the hidden units, a little at a time; whether there are new pictures."""
        if policy is not None and now >= self._study_due:
            self._study_due = math.inf  # until this study is over, however many units there are
            self._units.study(policy)
        if not self._units.go_on():
            return False
        self._study_due = now + STUDY_SECONDS
        return True

    def _follow(self, glance: Glance) -> bool:
        """Lengthen the curve; whether there was something to add."""
        added = False
        if glance.file is not None and not self._has_read:
            self._has_read = added = True
            self._curve = Curve()  # without what was resumed, of which the file may know the way there
            with contextlib.suppress(PongError):  # a run that begins has no rows
                run = read_progress(glance.file)
                for points, share in zip(run["points"], run["win_rate"], strict=True):
                    self._curve.add(int(points), share, CURVE_STEP)
        progress = glance.progress
        return self._curve.add(progress.points, progress.win_rate, CURVE_STEP) or added

    def close(self) -> None:
        """Close the window."""
        self._screen.close()
        pygame.font.quit()


def moment_of(step: Step, seen: Activations, up: Booleans) -> Moment:
    """Copy what is shown of a decision, the first game's part alone."""
    return Moment(
        step.number, step.frames[0].copy(), int(step.points[0]), int(step.rewards[0]), int(step.ticks[0]),
        float(probability(seen.logit[:1])[0]), float(seen.value[0]), bool(up[0]),
        seen.hidden[0, : seen.hidden.shape[1] // 2].copy(),
    )  # fmt: skip
