"""What may watch a run: windows, films, TensorBoard. They are told what happens and never reach into it.

To add a view, subclass Observer, override what it needs, and give it to the trainer where `mainmodel.py` opens
the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pongrl.agent.eyes import Booleans
from pongrl.agent.policy import Activations, Policy
from pongrl.agent.progress import Progress
from pongrl.wire.messages import Session, Step


@dataclass(frozen=True)
class Decided:
    """One decision in the games of the first server."""

    session: Session
    step: Step  # the state that was answered
    seen: Activations  # what the policy made of it
    up: Booleans  # (games,) the moves


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
