"""What the workers have played, until it makes a gradient and the gradient a step."""

from __future__ import annotations

from typing import Any

from pongrl.agent.batch import Moments
from pongrl.agent.learning import Learner
from pongrl.agent.policy import Weights
from pongrl.agent.work import finish
from pongrl.distributed.worker import Share
from pongrl.distributed.workforce import Post


class Pool:
    """Shares that wait until they make a batch, and the parts of the gradient of the batch before.

    Args:
        learner: takes the steps, and knows how much makes a batch.
    """

    def __init__(self, learner: Learner) -> None:
        self.awaited: dict[Any, Post] = {}  # references of the parts that have not come yet
        self._learner = learner
        self._shares: list[tuple[Post, Share]] = []
        self._sum: Weights | None = None  # of the parts that have come

    def take(self, post: Post, share: Share) -> None:
        """Take a share."""
        self._shares.append((post, share))

    def drop(self, post: Post) -> None:
        """Forget the shares of a worker that is gone."""
        self._shares = [(played, share) for played, share in self._shares if played is not post]

    def ask(self) -> None:
        """Ask for the parts of the gradient if the batch is full and the one before is learned from."""
        if self.awaited or not self._is_full():
            return
        whole = Moments.pool([share.moments for _, share in self._shares])
        learner = self._learner
        learner.frames += sum(share.frames for _, share in self._shares)
        learner.deviation.note(whole.variance)
        numbers: dict[Post, list[int]] = {}
        for post, share in self._shares:
            numbers.setdefault(post, []).append(share.number)
        deviation = learner.deviation.value
        self.awaited = {post.ask_gradient(its, whole, deviation): post for post, its in numbers.items()}
        self._shares, self._sum = [], None

    def add(self, reference: Any, part: Weights | None) -> bool:
        """Add a part of the gradient, and take a step after the last one.

        Args:
            reference: by which it was awaited.
            part: None if its worker has died.

        Returns:
            True if there was a step.
        """
        del self.awaited[reference]
        if part is not None:
            before = self._sum
            self._sum = part if before is None else {name: before[name] + g for name, g in part.items()}
        if self.awaited or self._sum is None:
            return False
        learner = self._learner
        learner.adopt(finish(learner.step(learner.policy, self._sum, learner.rate_share)))
        return True

    def _is_full(self) -> bool:
        points = sum(share.points for _, share in self._shares)
        decisions = sum(share.moments.count for _, share in self._shares)
        return self._learner.rollouts.is_enough(points, decisions, self._learner.growth)
