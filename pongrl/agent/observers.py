"""What may watch a run: windows, films, TensorBoard. They are told what happens and never reach into it.

To add a view, subclass Observer, override what it needs, and open it where `PolicyGradient` in mainmodel.py
opens the others.

    Decided, Standing   what observers are told
    Observer            one view
    Audience            all observers of a run
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from pongrl.agent.eyes import Integers
from pongrl.agent.policy import Activations, Policy
from pongrl.agent.progress import Progress
from pongrl.wire.messages import Session, Step


@dataclass(frozen=True)
class Decided:
    """One decision in the games of the first server."""

    session: Session
    step: Step  # the state that was answered
    seen: Activations  # what the policy made of it
    chosen: Integers  # (games,) the moves: columns of the logits


@dataclass(frozen=True)
class Standing:
    """Where the run stands."""

    policy: Policy | None  # None until the first server is there
    progress: Progress
    rows: Path | None  # progress.csv, once it is begun; it then has the rows that were resumed
    is_connected: bool
    is_paused: bool
    status: str  # the console's status line


class Observer:
    """Watches a run. Every method runs in the training thread and does nothing unless it is overridden."""

    look_seconds: float | None = None  # `waited` is called at least this often; None if it need not be

    def decided(self, decided: Decided, standing: Standing) -> None:
        """A decision was made."""

    def waited(self, standing: Standing) -> None:
        """Some time has passed while nothing happened: the run waits, or is paused."""

    def reported(self, standing: Standing) -> None:
        """Another 100 points are over."""

    def ended(self, standing: Standing) -> None:
        """The run is over; give back what you hold. Called once, also after an error."""


class Audience:
    """All observers of a run, which are told one after another. An empty audience is false."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []
        self.viewers: list[Observer] = []  # those that see evaluations too

    def __len__(self) -> int:
        return len(self._observers)

    def add(self, observer: Observer, sees_evaluations: bool = False) -> None:
        """Let an observer watch, the evaluations during training too if it wants to see them."""
        self._observers.append(observer)
        if sees_evaluations:
            self.viewers.append(observer)

    @property
    def look_seconds(self) -> float | None:
        """How long to wait at most before `waited` is due again; None if nobody asks for it."""
        asked = [one.look_seconds for one in self._observers if one.look_seconds is not None]
        return min(asked, default=None)

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Tell all of a decision."""
        for observer in self._observers:
            observer.decided(decided, standing)

    def waited(self, standing: Standing) -> None:
        """Tell all that the run waits."""
        for observer in self._observers:
            observer.waited(standing)

    def reported(self, standing: Standing) -> None:
        """Tell all that another 100 points are over."""
        for observer in self._observers:
            observer.reported(standing)

    def end(self, standing: Standing) -> None:
        """Tell all that the run is over, the last one first, and let them go."""
        with contextlib.ExitStack() as stack:  # all are told, even if one fails
            for observer in self._observers:
                stack.callback(observer.ended, standing)
            self._observers.clear()
            self.viewers.clear()
