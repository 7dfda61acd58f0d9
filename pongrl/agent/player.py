"""Players: what answers the states that the servers send."""

from __future__ import annotations

from typing import Protocol

from pongrl.agent.eyes import Observations
from pongrl.agent.policy import Policy, RandomGenerator, choose
from pongrl.agent.rollout import Rollout
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Step


class Decider(Protocol):
    """What a trainer needs of whatever plays: a Learner, or a Player, which learns nothing."""

    @property
    def policy(self) -> Policy:
        """The policy that plays now."""

    @property
    def updates(self) -> int:
        """From how many batches it has learned."""

    def begin(self) -> Rollout:
        """Begin to play on one more server."""

    def drop(self, rollout: Rollout) -> None:
        """Forget what is unfinished on a server that is gone."""

    def decide(self, rollout: Rollout, step: Step, observation: Observations) -> UInt8Array:
        """Answer a state of a server's N games with moves (N,). They are in `rollout.pending` too."""

    def learn(self) -> None:
        """Begin to learn if enough was played."""

    def work(self) -> bool:
        """Do a piece of learning; return False if there was nothing to do."""


class Player:
    """Plays a policy as it is.

    Args:
        policy: What plays.
        rng: Draws the moves; without it the likeliest ones are made.
    """

    updates = 0

    def __init__(self, policy: Policy, rng: RandomGenerator | None = None) -> None:
        self.policy = policy
        self._rng = rng

    def begin(self) -> Rollout:
        """Begin to play on one more server."""
        return Rollout()

    def drop(self, rollout: Rollout) -> None:
        """Leave a server."""

    def decide(self, rollout: Rollout, _step: Step, observation: Observations) -> UInt8Array:
        """Choose the next moves on a server.

        Returns:
            (N,) moves.
        """
        rollout.pending = choose(self.policy, observation, self._rng)
        return rollout.pending.moves

    def learn(self) -> None:
        """Learn nothing."""

    def work(self) -> bool:
        """Have nothing to do."""
        return False
