"""What the agent's window has to show: single decisions in order, and the learning curve."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pongrl.agent.eyes import Floats
from pongrl.agent.observers import Decided
from pongrl.agent.policy import probabilities
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import number_after

FADING = np.float32(0.995)  # per decision, of the activity that counts as a unit's strongest
SLICE = 120  # decisions in a row that are shown if the agent is faster than the window
CURVE_POINTS = 500  # entries of a curve; when it has more, every second one is dropped


@dataclass(frozen=True)
class Moment:
    """One decision in the first game, with what the window shows of it."""

    number: int  # of the STEP
    frame: UInt8Array  # (height, width)
    points: int  # that ended since the decision before
    reward: int  # for them
    ticks: int  # since the decision before
    probabilities: Floats  # (M,) of the moves, in the order of the policy's logits
    chosen: int  # the move made, its place in that order
    value: float
    hidden: Floats  # (units,) without their mirrored twins

    @classmethod
    def of(cls, decided: Decided) -> Moment:
        """Copy the first game's part of a decision."""
        step, seen, sides = decided.step, decided.seen, 2 if decided.session.is_our_game else 1
        return cls(
            step.number, step.frames[0].copy(), int(step.points[0]), int(step.rewards[0]), int(step.ticks[0]),
            probabilities(seen.logits[:1])[0], int(decided.chosen[0]), float(seen.value[0]),
            seen.hidden[0, : seen.hidden.shape[1] // sides].copy(),
        )  # fmt: skip


def difference(before: Moment | None, now: Moment) -> npt.NDArray[np.int16]:
    """Return what the agent sees change, (height, width); zeros in the first frame of a point."""
    if before is None or now.points or now.number != number_after(before.number):
        return np.zeros(now.frame.shape, np.int16)
    return now.frame.astype(np.int16) - before.frame


class Activity:
    """How active hidden units are, compared with the most that they were lately."""

    def __init__(self) -> None:
        self._strongest: Floats = np.zeros(0, np.float32)

    def share(self, hidden: Floats) -> Floats:
        """Return the share (units,) of each unit's strongest activity, from 0 to 1."""
        if len(self._strongest) != len(hidden):
            self._strongest = np.full(len(hidden), 1e-9, np.float32)
        self._strongest = np.maximum(self._strongest * FADING, hidden)
        share: Floats = hidden / self._strongest
        return share


class Tape:
    """Decisions on their way to the window.

    In real time each decision is shown as it comes. An agent that trains makes hundreds in a second, and
    every fortieth of them would only flicker. So SLICE decisions in a row are kept, and shown one by one.
    """

    def __init__(self) -> None:
        self._kept: deque[Moment] = deque()
        self.is_recording = True
        self.is_live = True  # what is shown has only just happened

    def record(self, moment: Moment) -> None:
        """Keep a decision; only while recording."""
        self._kept.append(moment)
        if len(self._kept) == SLICE:
            self.is_recording = self.is_live = False

    def next(self) -> Moment | None:
        """Return the next decision to show, if there is one."""
        if not self._kept:
            self.is_live = True
            return None
        moment = self._kept.popleft()
        self.is_recording = self.is_recording or not self._kept
        return moment


class Curve:
    """How well the run has gone so far, with a limited number of entries however long it is.

    Args:
        of_scores: the values are mean scores of matches, and not shares of points won.
    """

    def __init__(self, of_scores: bool = False) -> None:
        self.of_scores = of_scores
        self.points: list[int] = []
        self.values: list[float] = []
        self._step = 0  # points between two entries

    def add(self, points: int, value: float, step: int) -> bool:
        """Add an entry unless it is less than `step` points behind the last; return True if it was added."""
        self._step = max(self._step, step)
        if points < (self.points[-1] if self.points else 0) + self._step:
            return False
        self.points.append(points)
        self.values.append(value)
        if len(self.points) > CURVE_POINTS:
            del self.points[::2], self.values[::2]
            self._step *= 2
        return True
