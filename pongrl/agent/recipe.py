"""What is learned from a batch, and how often: in our own game, at level 3, and in others.

Our own game costs next to nothing to play, so every batch teaches once, and the next one is better for having
been played by a better policy. A frame of another game may cost more than all that is learned from it: an
emulator needs some 300 µs for a decision, our game 10. There every batch teaches several times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pongrl.agent.schedule import COOLING, HALVING_FRAMES


@dataclass(frozen=True)
class Recipe:
    """How a batch teaches."""

    passes: int = 1  # times that it does
    by_points: bool = True  # it is full when it has enough points, too, and not by decisions alone
    shortest: int = 8  # decisions for each game, before points make it full; see `Rollouts`
    gae_lambda: float = 0.95  # per decision; see `batch.advantages`
    entropy_bonus: float = 0.02  # in the objective: a move that is never made is never learned
    counts_won: bool = False  # a point won is a reward of 1, as a point lost is one of −1
    crosses_matches: bool = True  # the return goes on after the end of a match
    halving: int = HALVING_FRAMES  # of the rate; see `schedule`
    cooling: float = COOLING  # of a run whose length is known; see `schedule`


OURS = Recipe()
# Half of the frames are of another level, so the rate falls half as fast. In the long rallies of level 3 a
# few paths of the slowest balls are missed again and again. A wrong move that is nearly certain is hardly
# unlearned, so the bonus is larger. Few seeds were tried (see docs/learning.md).
LEVEL_3 = replace(OURS, halving=2 * HALVING_FRAMES, entropy_bonus=0.04)
# Where the angle and the speed of the ball depend on how we hit it, moves of ours win points. An episode of
# another game may end because all is lost, so nothing may be expected from after it. Long runs got no better
# until the rate fell, so it falls from the beginning on.
OTHERS = Recipe(
    passes=6, by_points=False, gae_lambda=0.975, entropy_bonus=0.01, counts_won=True, crosses_matches=False,
    cooling=1.0,
)  # fmt: skip
