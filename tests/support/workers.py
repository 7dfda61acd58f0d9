"""What the tests of training on Ray share: workers in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pongrl.distributed.average import Average
from pongrl.distributed.rounds import Model
from pongrl.distributed.worker import Answer, Worker, learner_of
from tests.support import serving
from tests.support.agents import options_of


def model_of(seed: int = 1) -> Model:
    """Make a model of a small policy for the real game."""
    options = options_of(hiddenUnits=20)
    return Average(learner_of(options, 1, np.random.default_rng(seed)), 1).model()


@contextlib.contextmanager
def working(**given: Any) -> Iterator[Worker]:
    """Let a worker play in this process, at a server in this process."""
    with serving(lockstep=True, games=2, seed=1) as server:
        options = {"port": server.address[1], "hiddenUnits": 20, "batch_size": 3, "seed": 1} | given
        with contextlib.closing(Worker(options_of(**options), 1)) as worker:
            yield worker


def collect(
    worker: Worker, model: Model | None = None, paused: bool = False, words: tuple[str, ...] = ()
) -> Answer:
    """Let a worker play once."""
    answer = worker.collect(model, paused, list(words))
    assert not answer.error
    return answer


def answers_of_round(worker: Worker, model: Model) -> list[Answer]:
    """Let a worker play a round to its end; all its answers meanwhile."""
    answers = [collect(worker, model)]
    while answers[-1].change is None:
        answers.append(collect(worker))
    return answers
