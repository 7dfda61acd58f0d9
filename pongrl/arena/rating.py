"""How strong a player is, by all of its matches: a rating and how sure it is.

The model is openskill's Bradley–Terry. Ratings are on the scale of chess: who is 400 above another is
expected to win ten matches for one that it loses.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from pongrl.errors import PongError

MU, SIGMA = 1500.0, 350.0  # of a player that has not played
BETA = 123.0  # 400 / ln 10 / √2: makes a difference of 400 mean ten to one
TAU = 3.0  # is added to each sigma at a match, since agents learn


class Rating(NamedTuple):
    """What is believed of a player's strength: a normal distribution."""

    mu: float = MU
    sigma: float = SIGMA

    @property
    def sure(self) -> float:
        """What the strength surely is at least; players are ranked by it."""
        return self.mu - self.error

    @property
    def error(self) -> float:
        """How far off the rating may be: two standard deviations."""
        return 2 * self.sigma


@functools.cache
def _model() -> Any:
    try:
        from openskill.models import BradleyTerryFull  # takes a tenth of a second
    except ImportError as error:
        raise PongError(
            "ratings need openskill, which is not installed: pip install -r requirements.txt"
        ) from error
    return BradleyTerryFull(mu=MU, sigma=SIGMA, beta=BETA, tau=TAU)


def rated(
    left: Rating, right: Rating, winner: int | None, is_forfeited: bool = False
) -> tuple[Rating, Rating]:
    """Rate two players after a match.

    A forfeit costs the one who forfeits, and brings the other one nothing: it says nothing of how that one
    plays, and names that come only to forfeit would make strong players.

    Args:
        left, right: What was believed of them before it.
        winner: 0 for the left one, 1 for the right one, None for a draw.
        is_forfeited: Whether the match was forfeited.

    Returns:
        What is believed of them now.
    """
    model = _model()
    teams = [[model.rating(mu=mu, sigma=sigma)] for mu, sigma in (left, right)]
    ranks = [0, 0] if winner is None else [winner, 1 - winner]
    (one,), (other,) = model.rate(teams, ranks=ranks)
    after = Rating(one.mu, one.sigma), Rating(other.mu, other.sigma)
    if not is_forfeited:
        return after
    return left if winner in (0, None) else after[0], right if winner in (1, None) else after[1]


def expected(one: Rating, other: Rating) -> float:
    """Return the share of matches that the first player is expected to win, if both ratings are right."""
    return float(1 / (1 + 10 ** ((other.mu - one.mu) / 400)))
