"""What the agent's tests share: options, states, lines that are said, servers that are not there."""

from __future__ import annotations

import threading
from typing import Any, cast

import numpy as np

from mainmodel import PolicyGradient
from pongrl.agent.books import TrainingBooks
from pongrl.agent.evaluation import Examiner
from pongrl.agent.examinations import Examinations
from pongrl.agent.learning import Learner
from pongrl.agent.observers import Audience, Observer
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import make_learner
from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.wire.messages import IDENTITY_BYTES, Session, Step
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, learning

SESSION = Session(1, 50, 70, 2, 8, 60, 21, True)  # one game, level 2, lockstep


def options_of(**given: Any) -> RunOptions:
    """Make the options of a program that is given these."""
    return RunOptions.of(PolicyGradient(**given))


def state(games: int = 1, **columns: list[int]) -> Step:
    """Make a STEP of dark frames with these columns of its table."""
    return learning.state(np.zeros((games, 50, 70), np.uint8), **columns)


def learner_of(options: RunOptions) -> Learner:
    """Make a learner that knows nothing, for frames of the real game."""
    rng = np.random.default_rng(options.seed)
    return make_learner(Policy.random(50, 70, options.hiddenUnits, rng, options.moves), options, rng)


class Lines:
    """Takes lines for the console; any thread may say one."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._news = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._news:
            self.said.append(line)
            self._news.notify_all()

    def wait_for(self, words: str) -> str:
        """Wait until a line has these words, and return it."""

        def found() -> str | None:
            return next((line for line in self.said if words in line), None)

        with self._news:
            line = self._news.wait_for(found, PATIENCE)
        assert line is not None, f"nobody said {words!r}: {self.said}"
        return line


def training_books(
    options: RunOptions,
    say: Lines,
    progress: Progress | None = None,
    observers: tuple[Observer, ...] = (),
    examinations: Any = None,
    **others: Any,
) -> TrainingBooks:
    """Make books for a directory; the caller closes them."""
    if examinations is None:
        examiner = Examiner(None, False, lambda: False, cast(Wake, None))
        examinations = Examinations(None, 0, examiner, say)
    audience = Audience()
    for observer in observers:
        audience.add(observer)
    identity = bytes(IDENTITY_BYTES)
    return TrainingBooks(options, progress or Progress(), audience, say, identity, examinations, **others)
