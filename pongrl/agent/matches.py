"""The scores of the matches that an agent plays, read from one STEP to the next."""

from __future__ import annotations

import numpy as np

from pongrl.agent.eyes import Integers
from pongrl.wire.messages import Step


class Matches:
    """The matches in the N games of a server.

    Args:
        step: Where they stand.
    """

    def __init__(self, step: Step) -> None:
        self._over, self._ahead = step.matches, _ahead(step)

    def ended(self, step: Step) -> list[tuple[int, int]]:
        """Look at the next state.

        Returns:
            For each match that has ended since: the game, and points won less points lost.
        """
        ahead = _ahead(step)
        has_ended, brought = step.matches != self._over, self._ahead + step.rewards - ahead
        self._over, self._ahead = step.matches, ahead
        return [(int(game), int(brought[game])) for game in has_ended.nonzero()[0]]


def _ahead(step: Step) -> Integers:
    """Give by how many points the agent is ahead in the matches that are being played: (N,)."""
    scores = step.scores.astype(np.int64)
    return scores[:, 0] - scores[:, 1]
