"""The workers, as they come and go: hired, replaced when they die, dismissed when they cannot play."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError

from pongrl.agent.options import RunOptions
from pongrl.distributed.average import Average
from pongrl.distributed.rounds import Change
from pongrl.distributed.worker import Worker, seed_of
from pongrl.errors import PongError
from pongrl.wire.tokens import choose_token

STALEST = 8  # rounds of all workers that a change may be behind
DEATHS = 3  # of workers in a row at one post, none of which ended a round, until we give up
CLOSING_SECONDS = 5.0


@dataclass(eq=False)
class Post:
    """The place of a worker, and the worker that has it now."""

    number: int
    actor: Any = None
    answer: Any = None  # the reference of the answer that is awaited
    words: list[str] = field(default_factory=list)  # commands for it
    is_playing: bool = False
    rounds: int = 0  # that the present worker has ended
    deaths: int = 0  # of workers that had ended no round, one after another

    def __str__(self) -> str:
        return f"worker {self.number}"

    def collect(self, model: Any, paused: bool) -> None:
        """Let the worker play on.

        Args:
            model: the reference of what to begin a round with; None to go on with the round.
            paused: whether to wait instead.
        """
        words, self.words = self.words, []
        self.answer = self.actor.collect.remote(model, paused, words)

    def close(self) -> Any:
        """Let the worker leave its servers in order; return the reference by which to await that."""
        return self.actor.close.remote()


class Workforce:
    """All workers. What they do is asked for without waiting; the answers are awaited by the driver.

    As the games that the console's commands pause and ping (see `commands.Games`).

    Args:
        options: of the run.
        count: how many workers.
        average: of what they learn; rounds begin with it.
        say: takes lines for the console.
    """

    def __init__(self, options: RunOptions, count: int, average: Average, say: Callable[[str], None]) -> None:
        self.posts = [Post(number) for number in range(1, count + 1)]
        self.is_paused = False
        self.is_connected = False  # until something that a worker has played is in the books
        self._options, self._count, self._average, self._say = options, count, average, say
        # Servers of our own make up one each.
        self._token = None if options.has_own_servers else choose_token(options.token, options.token_file)
        self._hired = 0  # workers so far
        self._lags: deque[float] = deque(maxlen=1000)  # rounds of all workers that changes were behind
        self._stale = 0

    @property
    def is_playing(self) -> bool:
        """Whether any worker is."""
        return not self.is_paused and any(post.is_playing for post in self.posts)

    def hire_all(self) -> None:
        """Start the workers."""
        for post in self.posts:
            self._hire(post)

    def begin_round(self, post: Post) -> None:
        """Let a worker begin a round with the newest weights.

        Raises:
            PongError: Ray has ended.
        """
        try:
            model = ray.put(self._average.model())
        except (OSError, RayError) as error:
            raise PongError(f"Ray has ended ({error}): start again with --resume") from error
        post.collect(model, self.is_paused)

    def go_on(self, post: Post) -> None:
        """Let a worker go on with a round that is not over."""
        post.collect(None, self.is_paused)

    def accept(self, post: Post, change: Change) -> bool:
        """Note the end of a round; return False if it began too long ago to add what it changed."""
        post.rounds += 1
        self._lags.append((self._average.version - change.version) / self._count)
        is_fresh = self._lags[-1] <= STALEST
        self._stale += not is_fresh
        return is_fresh

    def replace(self, post: Post) -> None:
        """Start another worker in the place of one that has died.

        Raises:
            PongError: several have died there, and none of them has played.
        """
        post.deaths = 0 if post.rounds else post.deaths + 1
        if post.deaths == DEATHS:
            raise PongError(
                f"{post} has died {DEATHS} times before it had learned: --debug shows what it says"
            )
        self._say(f"{post} has died: another takes its place")
        self._hire(post)

    def dismiss(self, post: Post, error: str) -> None:
        """Go on without a worker that cannot play.

        Raises:
            PongError: the error, since it was the last worker.
        """
        self.posts.remove(post)
        ray.kill(post.actor)
        if not self.posts:
            raise PongError(error)
        self._say(f"going on without {post}: {error}")

    def close(self) -> None:
        """Let the workers leave their servers in order. Ray ends them after that."""
        closed = [post.close() for post in self.posts if post.actor is not None]
        if closed:
            ray.wait(closed, num_returns=len(closed), timeout=CLOSING_SECONDS)

    # Commands.

    def pause(self, paused: bool) -> None:
        """Pause the games, or let them go on, as soon as the workers ask what to do."""
        self.is_paused = paused

    def ping(self) -> None:
        """Let each worker measure its network."""
        for post in self.posts:
            post.words.append("ping")

    def describe(self) -> list[str]:
        """Return a line that says how many workers play, and how old their changes are."""
        playing = sum(post.is_playing for post in self.posts)
        lags = self._lags or [0.0]
        return [
            f"workers      {playing} of {self._count} are playing; their changes are {np.mean(lags):.1f} "
            f"rounds old on average, {max(lags):.1f} at most; too old to be added: {self._stale:,}"
        ]

    def _hire(self, post: Post) -> None:
        """Start a worker. It is there when it answers."""
        kind = ray.remote(num_cpus=1, max_restarts=0)(Worker)
        post.actor = kind.options(scheduling_strategy="SPREAD").remote(self._options_for(post), self._count)
        post.is_playing, post.rounds = False, 0
        self._hired += 1
        self.begin_round(post)

    def _options_for(self, post: Post) -> RunOptions:
        """Return the options of the run as far as a worker is concerned."""
        options = self._options
        hosts = (options.host,) if isinstance(options.host, str) else options.host or ()
        seed = None if options.seed is None else seed_of(options.seed, self._hired)
        return replace(
            options,
            host=hosts[post.number - 1 :: self._count] or None,
            seed=seed,
            token=self._token,
        )
