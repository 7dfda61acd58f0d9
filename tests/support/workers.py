"""What the tests of training on Ray share: workers in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pongrl.agent.policy import Policy, Weights
from pongrl.distributed.worker import Answer, Share, Worker
from tests.support import serving
from tests.support.agents import options_of


def weights_of(seed: int = 1) -> Weights:
    """Make weights of a small policy for the real game."""
    return Policy.random(50, 70, 20, np.random.default_rng(seed)).weights


@contextlib.contextmanager
def working(longest: int = 1000, **given: Any) -> Iterator[Worker]:
    """Let a worker play in this process, at a server in this process."""
    with serving(lockstep=True, games=2, seed=1) as server:
        options = {"port": server.address[1], "hiddenUnits": 20, "batch_size": 3, "seed": 1} | given
        with contextlib.closing(Worker(options_of(**options), longest)) as worker:
            yield worker


def collect(worker: Worker, update: int = 0, paused: bool = False, words: tuple[str, ...] = ()) -> Answer:
    """Let a worker play once; the weights are always the same."""
    answer = worker.collect(weights_of(), update, paused, list(words))
    assert not answer.error
    return answer


def next_share(worker: Worker, update: int = 0) -> Share:
    """Let a worker play until it has a share."""
    while (share := collect(worker, update).share) is None:
        pass
    return share
