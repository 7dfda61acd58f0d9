"""A worker: plays on its own servers, and learns alone for a round at a time."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from threadpoolctl import threadpool_limits

from pongrl.agent.books import Books, points_of
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.fleet import Fleet
from pongrl.agent.learning import Learner
from pongrl.agent.observers import Audience
from pongrl.agent.options import EVALUATION_SEED, RunOptions
from pongrl.agent.pilot import Pilot, make_learner
from pongrl.agent.player import Decider
from pongrl.agent.policy import Policy, RandomGenerator
from pongrl.agent.progress import Progress
from pongrl.agent.servers import Arrivals, open_servers
from pongrl.agent.trainer import Trainer
from pongrl.distributed.rounds import Change, Model, Round
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.wire.messages import IDENTITY_BYTES, Step

ANSWER_SECONDS = 0.5  # after which a worker answers even if its round is not over


@dataclass(frozen=True)
class Tally:
    """What a worker has played since its last answer."""

    decisions: int = 0
    frames: int = 0
    points: list[tuple[int, int]] = field(default_factory=list)  # won and lost at the run's level, in turn


@dataclass(frozen=True)
class Answer:
    """What a worker says after a while of playing."""

    said: list[str]  # lines for the console
    is_playing: bool  # False while it waits for its servers
    level: int  # of their built-in AI
    tally: Tally
    change: Change | None  # if its round is over
    error: str = ""  # why it cannot go on


class Counter(Books):
    """Counts for the driver, which keeps the books."""

    level = 0  # of the server that was met last

    def __init__(self, options: RunOptions, say: Callable[[str], None]) -> None:
        super().__init__(options, Progress(), Audience(), say)
        self._decisions = self._frames = 0
        self._points: list[tuple[int, int]] = []

    def open(self, player: Decider, level: int) -> None:
        """Remember the level."""
        self.level = level

    def count(self, step: Step, with_points: bool = True, scores: Sequence[int] = ()) -> None:
        """Count what came of a decision in each game of a server; no scores, since workers play our game."""
        self._decisions += len(step.table)
        self._frames += sum(step.ticks.tolist())  # faster than numpy's sum
        if with_points and np.count_nonzero(step.points):
            self._points += points_of(step.table, self._options)

    def take(self) -> Tally:
        """Give what was counted since it was taken last."""
        tally = Tally(self._decisions, self._frames, self._points)
        self._decisions, self._frames, self._points = 0, 0, []
        return tally


def learner_of(options: RunOptions, workers: int, rng: RandomGenerator) -> Learner:
    """Make a learner that knows nothing, for one of so many workers; `rng` draws its weights and moves."""
    policy = Policy.random(FRAME_HEIGHT, FRAME_WIDTH, options.hiddenUnits, rng, options.moves)
    learner = make_learner(policy, options, rng)
    learner.schedule = replace(learner.schedule, workers=workers)
    return learner


def check_game(policy: Policy) -> None:
    """Check that a policy plays our Pong, as all workers do.

    Raises:
        PongError: it plays another game.
    """
    if not policy.is_our_game or (policy.height, policy.width) != (FRAME_HEIGHT, FRAME_WIDTH):
        raise PongError("this checkpoint plays another game than our Pong: go on with it by mainmodel.py")


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a worker; the run's own games, and those of its evaluations, have others.

    Args:
        seed: of the run.
        number: how many workers were there before it.
    """
    return seed + EVALUATION_SEED * (2 + number)


class Worker:
    """Plays and learns as mainmodel.py does, and finds servers as it does, but keeps no files.

    Args:
        options: of the run, as far as this worker is concerned.
        workers: how many there are.
    """

    def __init__(self, options: RunOptions, workers: int) -> None:
        self._options = options
        self._said: list[str] = []
        self._commands = Commands(self._said.append)
        self._counter = Counter(options, self._said.append)
        self._rng = np.random.default_rng(options.seed)
        self._learner = learner_of(options, workers, self._rng)
        self._stack = contextlib.ExitStack()
        self._round: Round | None = None  # until it is over
        self._table: tuple[Fleet, Trainer] | None = None  # once it plays

    def collect(self, model: Model | None, paused: bool, words: list[str]) -> Answer:
        """Play and learn until the round is over, or for ANSWER_SECONDS.

        Args:
            model: to begin the next round with; None to go on with a round that is not over.
            paused: whether to wait instead.
            words: commands of the console.
        """
        change, error = None, ""
        try:
            if self._table is None:
                self._table = self._begin()
            if model is not None:
                self._round = Round(self._learner, model)
            assert self._round is not None
            if self._play(self._round, paused, words):
                change, self._round = self._round.end(), None
        except (PongError, OSError) as problem:  # this machine may have no room, say
            error = str(problem)
        said = list(self._said)
        self._said.clear()
        is_playing = self._table is not None and self._table[0].is_connected
        return Answer(said, is_playing, self._counter.level, self._counter.take(), change, error)

    def close(self) -> None:
        """Leave the servers, and end our own."""
        self._stack.close()

    def _play(self, round_: Round, paused: bool, words: list[str]) -> bool:
        """Play for a while; return whether the round is over."""
        assert self._table is not None
        fleet, trainer = self._table
        if paused != fleet.is_paused:
            fleet.pause(paused)
        for word in words:
            self._commands.enter(word)
        until = time.monotonic() + ANSWER_SECONDS
        while not round_.is_over and time.monotonic() < until:
            trainer.turn(patience=ANSWER_SECONDS)
        return round_.is_over

    def _begin(self) -> tuple[Fleet, Trainer]:
        """Begin to seek the servers."""
        self._stack.enter_context(threadpool_limits(1, "blas"))
        arrivals = Arrivals(self._stack.enter_context(self._commands.listening()))
        options, say, identity = self._options, self._said.append, secrets.token_bytes(IDENTITY_BYTES)
        servers = open_servers(options, identity, arrivals, say)
        pilot = Pilot(options, self._rng, self._counter, self._learner)
        fleet = Fleet(servers, arrivals, pilot, options, say, lambda: self._commands.is_quitting)
        self._stack.callback(fleet.close)
        controls = Controls(fleet, self._counter, say)
        trainer = Trainer(fleet, pilot, self._counter, self._commands, controls, Audience())
        fleet.seek()
        return fleet, trainer
