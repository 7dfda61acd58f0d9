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

    def is_due(self, points: int) -> bool:
        """Tell whether it is time for the next one, after so many points have been played."""
        return self._every is not None and points - self._points >= self._every

    def evaluate(self, policy: Policy, points: int, level: int, standing: Standing) -> float | None:
        """Evaluate a policy. The next time that is due is counted from here.

        Args:
            policy: that trains.
            points: that have been played.
            level: of the built-in AI.
            standing: where the run stands, for those who watch.

        Returns:
            The share of points that it won; None if it was stopped, or failed.
        """
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
