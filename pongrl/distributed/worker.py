"""A worker: plays on its own servers with the driver's policies, and computes the gradients."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from pongrl.agent.batch import Batch, Moments
from pongrl.agent.books import Books, points_of
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.eyes import Observations
from pongrl.agent.fleet import Fleet
from pongrl.agent.observers import Audience
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import Pilot
from pongrl.agent.player import Decider
from pongrl.agent.policy import Policy, RandomGenerator, Weights
from pongrl.agent.progress import Progress
from pongrl.agent.rollout import Rollout, Rollouts
from pongrl.agent.servers import Arrivals, open_servers
from pongrl.agent.trainer import Trainer
from pongrl.agent.work import finish
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import IDENTITY_BYTES, Column, Step

ANSWER_SECONDS = 0.5  # after which a worker answers even if its share is not full


@dataclass(frozen=True)
class Share:
    """What a worker has played of a batch. The decisions themselves stay with the worker."""

    number: int  # by which the worker knows it
    update: int  # how many updates the policy that played it had
    moments: Moments
    frames: int
    points: int  # in all games
    won: list[bool]  # each point of the run's level


@dataclass(frozen=True)
class Answer:
    """What a worker says after a while of playing."""

    said: list[str]  # lines for the console
    is_playing: bool  # False while it waits for its servers
    level: int  # of their built-in AI
    share: Share | None
    error: str = ""  # why it cannot go on


def share_of(number: int, update: int, batch: Batch, options: RunOptions) -> Share:
    """Sum up what the books need to know of a batch."""
    won: list[bool] = []
    for decision in batch.decisions:
        for wins, losses in points_of(decision.table, options):
            won += [True] * wins + [False] * losses
    frames, points = (int(batch.table[:, column].sum()) for column in (Column.TICKS, Column.POINTS))
    return Share(number, update, batch.moments, frames, points, won)


class Gatherer:
    """Plays as a Learner does, but gathers batches for the driver instead of learning from them.

    Args:
        weights: of the policy that plays first.
        update: how many updates they had.
        options: of the worker.
        longest: decisions after which a batch is full even with fewer points.
        rng: draws the moves.
    """

    def __init__(
        self, weights: Weights, update: int, options: RunOptions, longest: int, rng: RandomGenerator
    ) -> None:
        self.policy, self.updates = Policy(FRAME_HEIGHT, FRAME_WIDTH, weights), update
        self._rng, self._gamma = rng, options.gamma
        self._rollouts = Rollouts(options.batch_size, longest)
        self.batch: Batch | None = None  # full, until it is taken

    def offer(self, weights: Weights, update: int) -> None:
        """Play with newer weights from now on, unless a batch is begun: one policy plays all of it."""
        if update != self.updates and self.batch is None and self._rollouts.is_empty():
            self.policy, self.updates = Policy(FRAME_HEIGHT, FRAME_WIDTH, weights), update

    def take(self) -> Batch | None:
        """Give the batch if it is full, and forget it."""
        batch, self.batch = self.batch, None
        return batch

    # As a Decider.

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        return self._rollouts.begin()

    def drop(self, rollout: Rollout) -> None:
        """Forget what is unfinished on a server that is gone."""
        self._rollouts.drop(rollout)

    def decide(self, rollout: Rollout, step: Step, observation: Observations) -> UInt8Array:
        """Record what came of a server's last moves, and draw the next ones: (N,)."""
        return rollout.decide(self.policy, step, observation, self._rng)

    def learn(self) -> None:
        """Set the batch aside if it is full."""
        if segments := self._rollouts.take_batch():
            self.batch = Batch(segments, self._gamma)

    def work(self) -> bool:
        """Have nothing to do."""
        return False


class NoBooks(Books):
    """Counts nothing, since the driver keeps the books."""

    level = 0  # of the server that was met last

    def open(self, player: Decider, level: int) -> None:
        """Remember the level."""
        self.level = level

    def count(self, step: Step, with_points: bool = True) -> None:
        """Count nothing."""


class Worker:
    """Plays as mainmodel.py does, with all its ways of losing and finding servers, but keeps no files.

    Ray calls `collect` in one thread, `gradient` and `forget` in a second one.

    Args:
        options: of the run, as far as this worker is concerned.
        longest: decisions after which its share is full even with fewer points.
    """

    def __init__(self, options: RunOptions, longest: int) -> None:
        self.played: dict[int, tuple[Policy, Batch]] = {}  # shares, until their gradient is asked for
        self._options, self._longest = options, longest
        self._said: list[str] = []
        self._commands = Commands(self._said.append)
        self._books = NoBooks(options, Progress(), Audience(), self._said.append)
        self._rng = np.random.default_rng(options.seed)
        self._numbers = itertools.count()
        self._stack = contextlib.ExitStack()
        self._gatherer: Gatherer | None = None
        self._table: tuple[Fleet, Trainer] | None = None  # once it plays

    def collect(self, weights: Weights, update: int, paused: bool, words: list[str]) -> Answer:
        """Play until the share is full, or for ANSWER_SECONDS.

        Args:
            weights: the newest; they play as soon as no share is begun.
            update: how many updates they had.
            paused: whether to wait instead.
            words: commands of the console.
        """
        gatherer, error = self._gather_with(weights, update), ""
        try:
            self._play(gatherer, paused, words)
        except PongError as problem:
            error = str(problem)
        said = list(self._said)
        self._said.clear()
        is_playing = self._table is not None and self._table[0].is_connected
        return Answer(said, is_playing, self._books.level, self._take_share(gatherer), error)

    def gradient(self, numbers: list[int], whole: Moments, deviation: float) -> Weights:
        """Compute some shares' part of the gradient of a batch with these moments; see `Batch.gradient`."""
        total: Weights = {}
        for policy, batch in map(self.played.pop, numbers):
            for name, g in finish(batch.gradient(policy, whole, deviation)).items():
                total[name] = total[name] + g if name in total else g
        return total

    def forget(self, number: int) -> None:
        """Give up a share."""
        del self.played[number]

    def close(self) -> None:
        """Leave the servers, and end our own."""
        self._stack.close()

    def _gather_with(self, weights: Weights, update: int) -> Gatherer:
        """Give the gatherer, which is made with the first weights that come."""
        if self._gatherer is None:
            self._gatherer = Gatherer(weights, update, self._options, self._longest, self._rng)
        else:
            self._gatherer.offer(weights, update)
        return self._gatherer

    def _play(self, gatherer: Gatherer, paused: bool, words: list[str]) -> None:
        fleet, trainer = self._table or self._begin(gatherer)
        if paused != fleet.is_paused:
            fleet.pause(paused)
        for word in words:
            self._commands.enter(word)
        until, was_connected = time.monotonic() + ANSWER_SECONDS, fleet.is_connected
        while gatherer.batch is None and time.monotonic() < until:
            trainer.turn(patience=ANSWER_SECONDS)
            if fleet.is_connected and not was_connected:  # these weights have grown old meanwhile
                break

    def _begin(self, gatherer: Gatherer) -> tuple[Fleet, Trainer]:
        """Begin to seek the servers."""
        self._stack.enter_context(threadpool_limits(1, "blas"))
        arrivals = Arrivals(self._stack.enter_context(self._commands.listening()))
        options, say, identity = self._options, self._said.append, secrets.token_bytes(IDENTITY_BYTES)
        servers = open_servers(options, identity, arrivals, say)
        pilot = Pilot(options, self._rng, self._books, gatherer)
        fleet = Fleet(servers, arrivals, pilot, options, say, lambda: self._commands.is_quitting)
        self._stack.callback(fleet.close)
        controls = Controls(fleet, self._books, say)
        trainer = Trainer(fleet, pilot, self._books, self._commands, controls, Audience())
        fleet.seek()
        self._table = fleet, trainer
        return self._table

    def _take_share(self, gatherer: Gatherer) -> Share | None:
        if (batch := gatherer.take()) is None:
            return None
        number = next(self._numbers)
        self.played[number] = gatherer.policy, batch
        return share_of(number, gatherer.updates, batch, self._options)
