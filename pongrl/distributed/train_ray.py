"""Train the agent of mainmodel.py with many workers, on Ray: on this machine, or on a cluster.

    python -m integrations.train_ray --workers 2 --level 2
    python -m integrations.train_ray --workers 2 --host pi1.local --host pi2.local    # one for each worker
    python -m integrations.train_ray --workers 8 --address 192.168.0.10:6379    # after `ray start --head`

    Worker      an actor: plays on its own servers, and works out the gradient of what it has played
    TrainRay    the program, and the driver: adds the gradients, steps, keeps the files

One round, for each worker by itself:

    driver                                 worker
    collect(weights, by the object store) ►  plays until its share of a batch is full
                                          ◄  moments of it, points won and lost
    collect(newest weights)               ►  plays on, and beside that, in a second thread,
    gradient(moments of all)              ►  works out its part of the gradient
                                          ◄  which the driver adds to the others' before it steps

A batch is what has come when it holds `batch_size` points: nobody waits for the slowest, or for the dead.
The advantages' standard deviation and the number of own decisions are of the whole batch; since the workers
are told them, their parts add up to the gradient of the pooled batch, exactly but for rounding
(learner.Moments). A share is batch_size / workers, so each worker plays one share for each update, and its
policy has learned from all batches but the last one or two: as fresh as the plain agent's, which lacks one.
When the driver cannot keep up, batches grow: a worker sends one gradient for an update, of all its shares.
What comes from further back than STALEST updates (a worker was stopped for a while) is not learned from.

A worker that dies takes its unfinished share with it, and another is started in its place. A driver that
dies takes all with it. The checkpoints are mainmodel's: either program goes on with the other's.

On a cluster this folder is needed at the same path on each machine, with requirements.txt and ray installed.
Ray's own network is neither encrypted nor asks for a password: have it on machines that trust each other.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import sys
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any

import numpy as np
from threadpoolctl import threadpool_limits

from mainmodel import CHECKPOINT_SECONDS, FILES, PAUSED, REPORT_POINTS, PolicyGradient, Seat
from pongrl import cli
from pongrl.agent.batch import Batch, Moments
from pongrl.agent.learning import LONGEST_BATCH, Learner
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.policy import Policy, RandomGenerator, Weights
from pongrl.agent.work import finish
from pongrl.checks import LARGEST_SEED, whole
from pongrl.envs.remote import HEIGHT, WIDTH
from pongrl.errors import PongError, UsageError
from pongrl.wire.connection import wait
from pongrl.wire.messages import Column, Step
from pongrl.wire.sockets import address_of
from pongrl.wire.tokens import read_token
from pongrl.wire.waiting import Wake

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what will change there


try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise cli.missing(
        __name__, f"train_ray needs {error.name}: pip install -r integrations/requirements.txt"
    ) from error


ANSWER_SECONDS = 0.5  # after which a worker answers, though its share may not be full
LOOK_SECONDS = 0.1  # until the driver looks at its console again
STALEST = 8  # updates that a share's policy may be behind
DEATHS = 3  # of workers in one place that have not played, one after another, until we give up
CLOSING_SECONDS = 5.0
RAY_PORT = 6379  # of a cluster's head, unless it was told another
STORE_BYTES = 256 << 20  # of shared memory: a copy of the weights takes 4.6 MB, and so does a gradient
SEEDS_APART = 1_000_000  # between two workers' seeds, so that their games differ


@dataclass(frozen=True)
class Share:
    """What a worker has played of a batch, but for the decisions, which stay there."""

    number: int  # by which the worker knows it
    update: int  # the policy that played it had learned so often
    moments: Moments
    frames: int
    won: list[bool]  # each point


@dataclass(frozen=True)
class Answer:
    """What a worker says after a while of playing."""

    said: list[str]  # lines for the console
    playing: bool  # not waiting for a server
    level: int
    share: Share | None
    error: str = ""  # because of which it cannot go on


def share_of(number: int, update: int, batch: Batch) -> Share:
    """Sum up what a batch is for the books."""
    points, rewards = batch.table[:, Column.POINTS], batch.table[:, Column.REWARD]
    won = [
        2 * point < points[row] + rewards[row]
        for row in np.flatnonzero(points)
        for point in range(int(points[row]))
    ]
    frames = int(batch.table[:, Column.TICKS].sum())
    return Share(number, update, batch.moments, frames, [bool(one) for one in won])


class Gatherer(Learner):
    """A Learner that keeps what it would learn from, for somebody else."""

    def __init__(
        self, policy: Policy, batch_size: int, longest: int, gamma: float, rng: RandomGenerator
    ) -> None:
        super().__init__(policy, RMSProp({}, 0, 0), batch_size, gamma, rng, longest)
        self.batch: Batch | None = None

    def learn(self) -> None:
        """Set the batch aside when it is full."""
        if segments := self.take_batch():
            self.batch = Batch(segments, self.gamma)

    def is_between(self) -> bool:
        """Whether nothing of the next batch has been played."""
        return self.batch is None and self.rollouts.is_empty()


class Worker(PolicyGradient):
    """Plays as mainmodel's program does, with all its ways of losing and finding servers, but keeps no books.

    Ray calls `collect` in one thread, and what has to do with gradients in a second.
    """

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(**options)
        self._longest = longest
        self._said: list[str] = []
        self._gatherer: Gatherer | None = None
        self._update = 0  # how often the policy has learned
        self._numbers = itertools.count()
        self._played: dict[int, tuple[Policy, Batch]] = {}  # until its gradient is asked for
        self._stack = contextlib.ExitStack()

    def collect(self, weights: Weights, update: int, paused: bool, words: list[str]) -> Answer:
        """Play until the share is full, or for ANSWER_SECONDS.

        Args:
            weights: the newest, for what has not been begun.
            update: how often they have learned.
            paused: whether to wait instead.
            words: commands of the console.
        """
        error = ""
        try:
            gatherer = self._take_policy(weights, update)
            if self._wake is None:
                self._begin()
            if paused != self._paused:
                self._pause_games(paused)
            self._commands.extend(words)
            until, waits = time.monotonic() + ANSWER_SECONDS, not self._seats
            while gatherer.batch is None and time.monotonic() < until:
                self._turn()
                if waits and self._seats:  # these weights have grown old meanwhile
                    break
        except PongError as problem:
            error = str(problem)
        said, self._said = self._said, []
        return Answer(said, bool(self._seats), self._level, self._take_share(), error)

    def _take_policy(self, weights: Weights, update: int) -> Gatherer:
        """Play with newer weights, unless a share is begun: its decisions are one policy's."""
        if self._gatherer is None:
            policy = Policy(HEIGHT, WIDTH, weights)
            self._gatherer = Gatherer(policy, self.batch_size, self._longest, self.gamma, self._rng)
            self._learner, self._update = self._gatherer, update
        elif update != self._update and self._gatherer.is_between():
            self._gatherer.policy, self._update = Policy(HEIGHT, WIDTH, weights), update
        return self._gatherer

    def _begin(self) -> None:
        self._stack.enter_context(threadpool_limits(1, "blas"))
        self._wake = Wake()
        self._stack.callback(self._wake.close)
        self._open_servers(self._stack)
        self._unsought = deque(self._servers)
        self._seek()

    def _take_share(self) -> Share | None:
        gatherer = self._gatherer
        if gatherer is None or gatherer.batch is None:
            return None
        number, batch = next(self._numbers), gatherer.batch
        self._played[number], gatherer.batch = (gatherer.policy, batch), None
        return share_of(number, self._update, batch)

    def gradient(self, numbers: list[int], together: Moments) -> Weights:
        """Some shares' part of the gradient of a batch with these moments."""
        total: Weights = {}
        for policy, batch in map(self._played.pop, numbers):
            for name, g in finish(batch.gradient(policy, together)).items():
                total[name] = total[name] + g if name in total else g
        return total

    def forget(self, number: int) -> None:
        """Give up a share."""
        del self._played[number]

    def close(self) -> None:
        """Leave the servers, and end those that are our own."""
        self._stack.close()

    def _say(self, line: str) -> None:
        self._said.append(line)

    def _wait(self, due: list[Seat]) -> None:
        assert self._wake is not None
        if due:
            until = time.monotonic() + ANSWER_SECONDS
            wait([seat.client.connection for seat in due], until, self._wake)
        else:
            self._wake.wait(ANSWER_SECONDS)

    # The driver keeps the books.

    def _open_books(self) -> None:
        pass

    def _count(self, step: Step) -> None:
        pass

    def _save(self, name: str) -> Future[bool]:
        nothing: Future[bool] = Future()
        nothing.set_result(True)
        return nothing


@dataclass(eq=False)
class Post:
    """A worker's place, and the one that has it now."""

    number: int
    actor: Any = None
    answer: Any = None  # the reference of the one that is awaited
    words: list[str] = field(default_factory=list)  # for it
    playing: bool = False
    shares: int = 0  # that the present one has played
    deaths: int = 0  # one after another, of workers that had played none

    def __str__(self) -> str:
        return f"worker {self.number}"


@dataclass(eq=False)
class TrainRay(PolicyGradient):
    """Train with many workers on Ray, each with servers of its own; files and console are mainmodel.py's.

    Raises:
        UsageError: an option is out of its range.
    """

    _: KW_ONLY
    workers: Annotated[int, "workers, each a process with a core to itself"] = 2
    address: Annotated[str | None, "Ray cluster to run on, HOST:PORT or auto (default: only here)"] = None
    host: Annotated[
        str | tuple[str, ...] | None,
        "a server, HOST or HOST:PORT; repeat it: they are shared out (default: --local)",
    ] = None
    local: Annotated[bool | int, "let each worker start N (1) servers on its own machine"] = False
    # What mainmodel does beside training is left to it: no flags for these.
    render: bool = False
    play: bool | str = False
    watch: bool = False
    evaluate: bool | str = False
    sample: bool = False
    record: str | None = None
    plot: tuple[str, ...] = ()
    output: str = "curve.png"

    def __post_init__(self) -> None:
        if self.host is None and self.local is False:
            self.local = True
        super().__post_init__()
        whole("--workers", self.workers, 1, 10_000)
        if self.batch_size < self.workers:
            raise UsageError(
                f"--batch-size must be at least --workers, a point from each: {self.workers}, "
                f"not {self.batch_size}"
            )
        self._hosts = () if self.host is None else (self.host,) if isinstance(self.host, str) else self.host
        if self._hosts and len(self._hosts) < self.workers:
            raise UsageError(f"--workers {self.workers} need as many hosts, not {len(self._hosts)}")
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED // 2)
        self._posts: list[Post] = []
        self._hired = 0  # workers so far
        self._pool: list[tuple[Post, Share]] = []  # of the next batch
        self._adding: dict[Any, Post] = {}  # gradients that are awaited
        self._sum: Weights | None = None  # of those that have come
        self._weights: Any = None  # the newest, in the object store
        self._lags: deque[int] = deque(maxlen=1000)  # updates that the shares' policies were behind
        self._stale = 0

    # Ray.

    def _open_servers(self, stack: contextlib.ExitStack) -> None:
        """Start Ray, or join the cluster."""
        where: dict[str, Any] = {"address": self.address}
        if self.address is None:
            where = {"address": "local", "num_cpus": self.workers, "object_store_memory": STORE_BYTES,
                     "include_dashboard": False}  # fmt: skip
        self._say(f"starting Ray, workers: {self.workers}")
        try:
            if self.address not in (None, "auto"):  # Ray itself would try for a minute
                socket.create_connection(address_of(self.address, RAY_PORT), CLOSING_SECONDS).close()
            ray.init(log_to_driver=self.debug, logging_level=logging.CRITICAL, **where)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            reason = getattr(error, "strerror", None) or str(error).strip().split("\n")[0]
            what = f"joined at {self.address}" if self.address else "started"
            raise PongError(f"Ray cannot be {what} ({reason}): see what `ray status` says there") from error
        if not self.debug:  # what it prints by itself of workers that die; there is no option for it
            ray._private.worker._worker_logs_enabled = False
        stack.callback(ray.shutdown)
        stack.callback(self._close_workers)
        # Ray has put its own handler in the place of ours.
        stack.enter_context(cli.stop_signals(lambda: self.command("q")))
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < self.workers:
            raise UsageError(f"the cluster has {cores} cores: it cannot have --workers {self.workers}")

    def _close_workers(self) -> None:
        """Let them leave their servers in order; Ray then ends them."""
        closed = [post.actor.close.options(concurrency_group="play").remote() for post in self._posts]
        if closed:
            ray.wait(closed, num_returns=len(closed), timeout=CLOSING_SECONDS)

    def _hire(self, post: Post) -> None:
        """Start a worker; it is there when it answers."""
        token = self.token if self.token is not None else read_token(self.token_file)
        seed = None if self.seed is None else self.seed + SEEDS_APART * (1 + self._hired)
        self._hired += 1
        hosts = self._hosts[post.number - 1 :: self.workers]
        actor = ray.remote(num_cpus=1, max_restarts=0, concurrency_groups={"play": 1, "gradient": 1})(Worker)
        post.actor = actor.options(scheduling_strategy="SPREAD").remote(
            max(LONGEST_BATCH // self.workers, 1),
            host=hosts or None, port=self.port, local=self.local, level=self.level, games=self.games,
            side=self.side, token=token, ca=self.ca, seed=seed, hiddenUnits=self.hiddenUnits,
            gamma=self.gamma, batch_size=-(-self.batch_size // self.workers), debug=self.debug,
        )  # fmt: skip
        post.playing, post.shares = False, 0
        self._send(post)

    def _send(self, post: Post) -> None:
        """Let it play on."""
        assert self._learner is not None
        words, post.words = post.words, []
        collect = post.actor.collect.options(concurrency_group="play")
        post.answer = collect.remote(self._weights, self._learner.updates, self._paused, words)

    # Training.

    def _train(self) -> None:
        if self._learner is None:
            self._learner = self._make_learner(Policy.random(HEIGHT, WIDTH, self.hiddenUnits, self._rng))
        assert isinstance(self._learner, Learner)
        self._learner.settle()
        self._put_weights(self._learner)
        self._points_before, self._seconds_before = self._progress.points, self._progress.seconds
        self._last = self._saved = time.monotonic()
        self._evaluated = self._progress.points
        for number in range(1, self.workers + 1):
            self._posts.append(Post(number))
            self._hire(self._posts[-1])
        while not self._finished():
            self._take_commands()
            self._gather(self._learner)

    def _put_weights(self, learner: Learner) -> None:
        try:
            self._weights = ray.put(learner.policy.weights)
        except (OSError, RayError) as error:
            raise PongError(f"Ray has ended ({error}): start again with --resume") from error

    def _gather(self, learner: Learner) -> None:
        """Take in one answer or gradient, if one comes."""
        awaited = {post.answer: post for post in self._posts} | self._adding
        ready, _ = ray.wait(list(awaited), timeout=LOOK_SECONDS)
        now = time.monotonic()
        if not self._paused and any(post.playing for post in self._posts):
            self._progress.seconds += now - self._last
        self._last = now
        for reference in ready:
            post = awaited[reference]
            try:
                came = ray.get(reference)
            except RayTaskError:  # a mistake in this program
                raise
            except RayError:
                came = None
            if reference in self._adding:
                self._add(reference, came, learner)
            elif came is None:
                self._replace(post)
            else:
                self._take_answer(post, came, learner)

    def _replace(self, post: Post) -> None:
        """Start another in the place of one that has died."""
        post.deaths = 0 if post.shares else post.deaths + 1
        if post.deaths == DEATHS:
            raise PongError(
                f"{post} has died {DEATHS} times before it could play: --debug shows what it says"
            )
        self._say(f"{post} has died: another takes its place")
        self._pool = [(played, share) for played, share in self._pool if played is not post]
        self._hire(post)

    def _take_answer(self, post: Post, answer: Answer, learner: Learner) -> None:
        for line in "\n".join(answer.said).splitlines():
            self._say(f"{post}: {line}")
        if answer.error:
            self._dismiss_worker(post, answer.error)
            return
        post.playing = answer.playing
        share = answer.share
        if share is not None:
            post.shares += 1
            self._level = answer.level
            self._open_books()
            self._count_share(share)
            self._lags.append(learner.updates - share.update)
            if self._lags[-1] > STALEST:
                self._stale += 1
                post.actor.forget.options(concurrency_group="gradient").remote(share.number)
            else:
                self._pool.append((post, share))
        self._send(post)
        self._ask_for_gradients()

    def _dismiss_worker(self, post: Post, error: str) -> None:
        """Go on without a worker that cannot play; the last one's error ends the run."""
        self._posts.remove(post)
        ray.kill(post.actor)
        self._pool = [(played, share) for played, share in self._pool if played is not post]
        if not self._posts:
            raise PongError(error)
        self._say(f"going on without {post}: {error}")

    def _ask_for_gradients(self) -> None:
        """Ask for the parts of the gradient when the batch is full and the one before is learned from."""
        points = sum(len(share.won) for _, share in self._pool)
        decisions = sum(share.moments.count for _, share in self._pool)
        if self._adding or not self._pool or (points < self.batch_size and decisions < LONGEST_BATCH):
            return
        together = Moments.pool([share.moments for _, share in self._pool])
        numbers: dict[Post, list[int]] = {}
        for post, share in self._pool:
            numbers.setdefault(post, []).append(share.number)
        for post, its in numbers.items():
            gradient = post.actor.gradient.options(concurrency_group="gradient")
            self._adding[gradient.remote(its, together)] = post
        self._pool, self._sum = [], None

    def _add(self, reference: Any, gradient: Weights | None, learner: Learner) -> None:
        """Add a part of the gradient, and step after the last; a dead worker's is None."""
        del self._adding[reference]
        if gradient is not None:
            before = self._sum
            self._sum = {n: g if before is None else before[n] + g for n, g in gradient.items()}
        if not self._adding and self._sum is not None:
            learner.adopt(finish(learner.step(learner.policy, self._sum)))
            self._put_weights(learner)
            self._ask_for_gradients()

    def _count_share(self, share: Share) -> None:
        progress = self._progress
        progress.frames += share.frames
        progress.decisions += share.moments.count
        for won in share.won:
            progress.count_point(won)
            if progress.points % REPORT_POINTS == 0:
                self._report()
        progress.measure_speed()
        if time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            self._saved = time.monotonic()
            self._save(FILES[1])

    # Commands.

    def _take_commands(self) -> None:
        while self._commands:
            word = self._commands.popleft()
            if word == "q":
                self._quitting = True
            elif word == "p":
                self._paused = not self._paused
                self._say(PAUSED if self._paused else "going on")
            elif word == "ping":
                for post in self._posts:
                    post.words.append(word)
            elif word == "stats":
                self._tell()
            elif word == "save":
                self._save_now()

    def _tell(self) -> None:
        super()._tell()
        lags = self._lags or [0]
        playing = sum(post.playing for post in self._posts)
        self._say(
            f"workers      {playing} of {self.workers} are playing; their policies are "
            f"{np.mean(lags):.1f} updates behind on average, {max(lags)} at most; "
            f"shares too old to learn from: {self._stale:,}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(TrainRay, argv)


if __name__ == "__main__":
    from pongrl.distributed import (
        train_ray,  # so that the workers find Worker in this module, not in "__main__"
    )

    sys.exit(train_ray.main())
