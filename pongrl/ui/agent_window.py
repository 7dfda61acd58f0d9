"""The agent's window: what it sees, what it makes of it, and how far it has come.

In the program, which is not held up by its window:

    AgentWindow    an observer of the run
    agent_tape     the decisions that are shown
    agent_study    the pictures of hidden units
    agent_look     what is sent to the window

In the window's process (see window_process):

    agent_display  the window
    agent_layout   where the panels are
    brush          what they are drawn with
    agent_panels   how they are drawn
    agent_units    the panel of the hidden units
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.policy import Policy
from pongrl.ui.agent_layout import check_frames
from pongrl.ui.agent_look import Look, UnitPictures
from pongrl.ui.agent_study import Study
from pongrl.ui.agent_tape import Moment, Tape
from pongrl.ui.window_process import WindowProcess

FRAMES_PER_SECOND = 15
LOOK_SECONDS = 0.1  # between two looks while nothing is played
STUDY_SECONDS = 4.0  # between two looks at the hidden units


class AgentWindow(Observer):
    """Lets a window show the run at its own pace, however fast the agent learns.

    Once a person has closed it, or it has gone for another reason, nothing is done any more, and
    `look_seconds` is None.

    Args:
        say: is told if the window goes by itself.
        command: takes what people ask for in the window, a command of the console.
        is_quitting: returns True if the run is to end, and the window need not open any more.

    Raises:
        PongError: there is no display.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        command: Callable[[str], object],
        is_quitting: Callable[[], bool],
    ) -> None:
        self._say, self._command = say, command
        self._window = WindowProcess("pongrl.ui.agent_display", is_quitting)
        self.look_seconds = LOOK_SECONDS
        self._tape, self._study = Tape(), Study()
        self._pictures: UnitPictures | None = None  # that were not sent yet
        self._due = self._study_due = 0.0

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Take note of a decision, and show something if it is time to.

        Raises:
            PongError: such frames cannot be shown.
        """
        if self.look_seconds is not None:
            if decided.step.number == 0:
                check_frames((decided.session.height, decided.session.width))
            if self._tape.is_recording:
                self._tape.record(Moment.of(decided))
            self._look(standing)

    def waited(self, standing: Standing) -> None:
        """Show something if it is time to."""
        if self.look_seconds is not None:
            self._look(standing)

    def ended(self, standing: Standing) -> None:
        """Close the window."""
        if self.look_seconds is not None:
            self.look_seconds = None
            if why := self._window.close():
                self._say(f"the window has gone ({why}); the run goes on without it")

    def _look(self, standing: Standing) -> None:
        """See what people want, and send what there is to see, unless both were done just now."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 1 / FRAMES_PER_SECOND
        if not self._window.is_open:
            self.ended(standing)
            return
        for word in self._window.asked():
            self._command(word)
        self._study_units(now, standing.policy)
        if self._window.is_free:
            self._window.show(self._next(standing))

    def _study_units(self, now: float, policy: Policy | None) -> None:
        """Look at the hidden units for a moment."""
        if policy is not None and now >= self._study_due:
            self._study_due = math.inf  # until this study is over, however many units there are
            self._study.begin(policy)
        made = self._study.go_on()
        if made is not None:
            self._pictures, self._study_due = made, now + STUDY_SECONDS

    def _next(self, standing: Standing) -> Look:
        """Return what there is to see now, and go on to the next decision if something is played."""
        notice: tuple[str, ...] = () if standing.is_connected else ("waiting for a server",)
        if standing.is_paused:
            notice = "paused", "P goes on"
        moment = None if notice else self._tape.next()
        pictures, self._pictures = self._pictures, None
        rows, progress = standing.rows, standing.progress
        return Look(
            moment, self._tape.is_live, notice, pictures, None if rows is None else rows.absolute(),
            progress.points, progress.win_rate, standing.status,
        )  # fmt: skip
