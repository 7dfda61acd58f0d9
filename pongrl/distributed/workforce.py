"""The workers, as they come and go: hired, replaced when they die, dismissed when they cannot play."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError

from pongrl.agent.batch import Moments
from pongrl.agent.learning import LONGEST_BATCH, Learner
from pongrl.agent.options import RunOptions
from pongrl.distributed.worker import Share, Worker
from pongrl.errors import PongError
from pongrl.wire.tokens import choose_token

STALEST = 8  # updates that the policy of a share may be behind
DEATHS = 3  # of workers in a row at one post, none of which played a share, until we give up
CLOSING_SECONDS = 5.0
SEEDS_APART = 1_000_000  # between the seeds of two workers, so that their games differ


@dataclass(eq=False)
class Post:
    """The place of a worker, and the worker that has it now."""

    number: int
    actor: Any = None
    answer: Any = None  # the reference of the answer that is awaited
    words: list[str] = field(default_factory=list)  # commands for it
    is_playing: bool = False
    shares: int = 0  # that the present worker has played
    deaths: int = 0  # of workers that had played no share, one after another

    def __str__(self) -> str:
        return f"worker {self.number}"

    def collect(self, weights: Any, update: int, paused: bool) -> None:
        """Let the worker play on."""
        words, self.words = self.words, []
        self.answer = self._in_group("collect", "play").remote(weights, update, paused, words)

    def ask_gradient(self, numbers: list[int], whole: Moments, deviation: float) -> Any:
        """Ask for the gradient of shares; return the reference by which to await it."""
        return self._in_group("gradient", "gradient").remote(numbers, whole, deviation)

    def forget(self, number: int) -> None:
        """Let the worker forget a share."""
        self._in_group("forget", "gradient").remote(number)

    def close(self) -> Any:
        """Let the worker leave its servers in order; return the reference by which to await that."""
        return self._in_group("close", "play").remote()

    def _in_group(self, method: str, group: str) -> Any:
        """Give a method of the worker that runs in one of its two threads."""
        return getattr(self.actor, method).options(concurrency_group=group)


class Workforce:
    """All workers. What they do is asked for without waiting; the answers are awaited by the driver.

    As the games that the console's commands pause and ping (see `commands.Games`).

    Args:
        options: of the run.
        count: how many workers.
        say: takes lines for the console.
    """

    def __init__(self, options: RunOptions, count: int, say: Callable[[str], None]) -> None:
        self.posts = [Post(number) for number in range(1, count + 1)]
        self.is_paused = False
        self._options, self._count, self._say = options, count, say
        self._token = choose_token(options.token, options.token_file)
        self._hired = 0  # workers so far
        self._weights: Any = None  # the newest, in the object store
        self._update = 0
        self._lags: deque[int] = deque(maxlen=1000)  # updates that the policies of shares were behind
        self._stale = 0

    @property
    def is_connected(self) -> bool:
        """Whether any worker has played."""
        return bool(self._lags)

    @property
    def is_playing(self) -> bool:
        """Whether any worker is."""
        return not self.is_paused and any(post.is_playing for post in self.posts)

    def publish(self, learner: Learner) -> None:
        """Let the workers play with the learner's policy from now on.

        Raises:
            PongError: Ray has ended.
        """
        try:
            self._weights, self._update = ray.put(learner.policy.weights), learner.updates
        except (OSError, RayError) as error:
            raise PongError(f"Ray has ended ({error}): start again with --resume") from error

    def hire_all(self) -> None:
        """Start the workers."""
        for post in self.posts:
            self._hire(post)

    def go_on(self, post: Post) -> None:
        """Let a worker play on."""
        post.collect(self._weights, self._update, self.is_paused)

    def accept(self, post: Post, share: Share) -> bool:
        """Note a share; return False if its policy is too old to learn from, and the worker forgets it."""
        post.shares += 1
        self._lags.append(self._update - share.update)
        if self._lags[-1] <= STALEST:
            return True
        self._stale += 1
        post.forget(share.number)
        return False

    def replace(self, post: Post) -> None:
        """Start another worker in the place of one that has died.

        Raises:
            PongError: several have died there, and none of them has played.
        """
        post.deaths = 0 if post.shares else post.deaths + 1
        if post.deaths == DEATHS:
            raise PongError(
                f"{post} has died {DEATHS} times before it could play: --debug shows what it says"
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
        """Return a line that says how many workers play, and how old their policies are."""
        playing = sum(post.is_playing for post in self.posts)
        lags = self._lags or [0]
        return [
            f"workers      {playing} of {self._count} are playing; their policies are "
            f"{np.mean(lags):.1f} updates behind on average, {max(lags)} at most; "
            f"shares too old to learn from: {self._stale:,}"
        ]

    def _hire(self, post: Post) -> None:
        """Start a worker. It is there when it answers."""
        kind = ray.remote(num_cpus=1, max_restarts=0, concurrency_groups={"play": 1, "gradient": 1})(Worker)
        longest = max(LONGEST_BATCH // self._count, 1)
        post.actor = kind.options(scheduling_strategy="SPREAD").remote(self._options_for(post), longest)
        post.is_playing, post.shares = False, 0
        self._hired += 1
        self.go_on(post)

    def _options_for(self, post: Post) -> RunOptions:
        """Return the options of the run as far as a worker is concerned."""
        options = self._options
        hosts = (options.host,) if isinstance(options.host, str) else options.host or ()
        seed = None if options.seed is None else options.seed + SEEDS_APART * (1 + self._hired)
        return replace(
            options,
            host=hosts[post.number - 1 :: self._count] or None,
            batch_size=-(-options.batch_size // self._count),
            seed=seed,
            token=self._token,
        )
