"""What a person looks at while an agent plays, in the agent's process: a window's or a page's program end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.policy import Policy
from pongrl.ui.agent_look import Look, UnitPictures
from pongrl.ui.agent_study import Study
from pongrl.ui.agent_tape import Moment, Tape

FRAMES_PER_SECOND = 15
LOOK_SECONDS = 0.1  # between two looks while nothing is played
STUDY_SECONDS = 4.0  # between two looks at the hidden units


class Screen(Protocol):
    """Where looks are shown: a process."""

    @property
    def is_open(self) -> bool:
        """False once a person has closed it, or it has gone for another reason."""

    @property
    def is_free(self) -> bool:
        """True if nothing waits to be shown."""

    @property
    def is_watched(self) -> bool:
        """False while nobody looks."""

    def show(self, value: Any) -> None:
        """Let a value be shown as soon as the process is ready."""

    def asked(self) -> Iterable[str]:
        """Give what people have asked for since the last call: commands of the console."""

    def close(self) -> str:
        """Close it; return why it had ended before, unless a person had closed it."""


class AgentView(Observer):
    """Lets a screen show the run at its own pace, however fast the agent learns.

    Once the screen has gone, nothing is done any more, and `look_seconds` is None. While nobody looks, only
    what people ask for is heard.

    Args:
        screen: where it is shown.
        name: of the screen, for the console.
        say: is told if the screen goes by itself.
        command: takes what people ask for, a command of the console.
    """

    def __init__(
        self,
        screen: Screen,
        name: str,
        say: Callable[[str], None],
        command: Callable[[str], object],
    ) -> None:
        self._screen, self._name, self._say, self._command = screen, name, say, command
        self.look_seconds = LOOK_SECONDS
        self._tape, self._study = Tape(), Study()
        self._pictures: UnitPictures | None = None  # that were not sent yet
        self._due = self._study_due = 0.0
        self._is_watched = screen.is_watched  # when it was looked after last

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Take note of a decision, and show something if it is time to."""
        if self.look_seconds is not None:
            if self._is_watched and self._tape.is_recording:
                self._tape.record(Moment.of(decided))
            self._look(standing)

    def waited(self, standing: Standing) -> None:
        """Show something if it is time to."""
        if self.look_seconds is not None:
            self._look(standing)

    def ended(self, standing: Standing) -> None:
        """Close the screen."""
        if self.look_seconds is not None:
            self.look_seconds = None
            if why := self._screen.close():
                self._say(f"the {self._name} has gone ({why}); the run goes on without it")

    def _look(self, standing: Standing) -> None:
        """See what people want, and send what there is to see, unless both were done just now."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 1 / FRAMES_PER_SECOND
        if not self._screen.is_open:
            self.ended(standing)
            return
        for word in self._screen.asked():
            self._command(word)
        was_watched, self._is_watched = self._is_watched, self._screen.is_watched
        if not self._is_watched:
            return
        if not was_watched:
            self._tape, self._study_due = Tape(), 0.0  # who has come wants to see what happens now
        self._study_units(now, standing.policy)
        if self._screen.is_free:
            self._screen.show(self._next(standing))

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
            progress.points, progress.win_rate, progress.match_score, progress.frames,
            progress.decisions_per_second, standing.is_connected, standing.is_paused, standing.status,
        )  # fmt: skip
