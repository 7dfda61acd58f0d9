"""Evaluations of the policy while it trains: with --evaluate-every, or when a person asks for one."""

from __future__ import annotations

from collections.abc import Callable

from pongrl.agent.evaluation import Examiner
from pongrl.agent.observers import Standing
from pongrl.agent.policy import Policy
from pongrl.errors import PongError


class Examinations:
    """Evaluates the policy on a server of its own.

    Args:
        every: after how many points that is due; None if only when it is asked for.
        points: that have been played before.
        examiner: evaluates.
        say: takes lines for the console.
    """

    def __init__(
        self, every: int | None, points: int, examiner: Examiner, say: Callable[[str], None]
    ) -> None:
        self._every, self._points, self._examiner, self._say = every, points, examiner, say

    def evaluate(
        self, policy: Policy, points: int, level: int, standing: Standing, is_asked: bool = False
    ) -> float | None:
        """Evaluate a policy if that is due, or asked for.

        Args:
            policy: that trains.
            points: that have been played.
            level: of the built-in AI.
            standing: where the run stands, for those who watch.
            is_asked: a person wants it now.

        Returns:
            The share of points that it won; None if no evaluation was due, or it was stopped, or failed.
        """
        if not is_asked and (self._every is None or points - self._points < self._every):
            return None
        self._points = points
        try:
            result = self._examiner.examine(policy, level, standing)
        except PongError as error:
            self._say(f"the evaluation failed, training goes on: {error}")
            self._examiner.close()
            return None
        if result is None:
            return None
        self._say(f"evaluation: {result}")
        return result.share

    def close(self) -> None:
        """End the server."""
        self._examiner.close()
