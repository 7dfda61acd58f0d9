"""The pilot takes the seats at the servers, with a learner that it makes when the first one connects."""

from __future__ import annotations

import math

from pongrl.agent.books import Books
from pongrl.agent.checkpoints import LARGEST_CHECKPOINT
from pongrl.agent.learning import Learner
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.options import RunOptions
from pongrl.agent.player import Decider
from pongrl.agent.policy import MAX_CELLS, Policy, RandomGenerator
from pongrl.agent.recipe import LEVEL_3, OTHERS, OURS, Recipe
from pongrl.agent.rollout import Rollout
from pongrl.agent.schedule import Schedule
from pongrl.errors import PongError, UsageError
from pongrl.wire.messages import Session


class Pilot:
    """Plays on the servers of a fleet, as its crew (see `fleet.Crew`).

    Args:
        options: of the run.
        rng: draws the weights of a new policy, and then the moves.
        books: are opened with the first server.
        player: plays; None to begin to learn from nothing.
    """

    def __init__(
        self, options: RunOptions, rng: RandomGenerator, books: Books, player: Decider | None = None
    ) -> None:
        self._options, self._rng, self._books = options, rng, books
        self._player = player

    @property
    def player(self) -> Decider:
        """What plays; it exists from the first server on."""
        assert self._player is not None
        return self._player

    def board(self, session: Session) -> Rollout:
        """Check that the games are as they should be, and begin to play.

        Raises:
            UsageError: an option does not fit the server's games.
            PongError: its frames are too large, or not of the policy's size; a file cannot be written.
        """
        if self._options.games not in (None, session.games):
            raise UsageError(
                f"the server plays {session.games} games at once, not {self._options.games}: "
                "start it with --games"
            )
        if not session.is_our_game and "batch_size" in self._options.given:
            raise UsageError(
                "--batch-size counts points of our own game: in others a batch is full when it has enough "
                "decisions, so leave it out"
            )
        if session.height * session.width > MAX_CELLS:
            raise PongError(
                f"the server's frames are {session.width}×{session.height}: this agent learns from up to "
                f"{MAX_CELLS:,} cells, or a policy would take too much memory"
            )
        if checkpoint_bytes(session.height, session.width, self._options.hiddenUnits) > LARGEST_CHECKPOINT:
            raise UsageError(
                f"--hidden-units {self._options.hiddenUnits} make checkpoints of more than "
                f"{LARGEST_CHECKPOINT >> 20} MB, which would not be read again: choose fewer"
            )
        if self._player is None:
            policy = Policy.random(
                session.height, session.width, self._options.hiddenUnits, self._rng, self._options.moves,
                is_our_game=session.is_our_game,
            )  # fmt: skip
            self._player = make_learner(policy, self._options, self._rng)
        check_frames(self._player.policy, session)
        self._books.open(self._player, min(session.level, 3))
        self._books.restart_clock()
        return self._player.begin()

    def work(self) -> bool:
        """Learn a little; return False if there is nothing to learn."""
        return self._player is not None and self._player.work()

    def leave(self, rollout: Rollout) -> None:
        """Drop the unfinished batch, and keep what was learned."""
        self.player.drop(rollout)
        self._books.seat_lost()


def checkpoint_bytes(height: int, width: int, hidden_units: int) -> int:
    """Return about how large the checkpoints of a learner are: two policies, and RMSProp's cache."""
    return 3 * 4 * sum(map(math.prod, Policy.shapes(height, width, hidden_units).values()))


def make_learner(policy: Policy, options: RunOptions, rng: RandomGenerator) -> Learner:
    """Make a learner that goes on from a policy; `rng` draws its moves."""
    optimiser = RMSProp(policy.weights, options.learningRate, options.decayRate)
    recipe = recipe_for(policy, options)
    schedule = Schedule(recipe.halving, cooling=recipe.cooling)
    return Learner(
        policy, optimiser, options.batch_size, options.gamma, rng, schedule=schedule, recipe=recipe
    )


def recipe_for(policy: Policy, options: RunOptions) -> Recipe:
    """Choose how batches teach, by the game that a policy is for and the levels that are played."""
    if not policy.is_our_game:
        return OTHERS
    return OURS if options.second_level is None else LEVEL_3


def check_frames(policy: Policy, session: Session) -> None:
    """Check that a policy can see the frames of a server.

    Raises:
        PongError: they are of another size, or of another kind of game.
    """
    seen = policy.height, policy.width, policy.is_our_game
    if seen != (session.height, session.width, session.is_our_game):
        raise PongError(
            f"the server's frames are {session.width}×{session.height} and the policy's "
            f"{policy.width}×{policy.height}: it was trained on another game"
        )
