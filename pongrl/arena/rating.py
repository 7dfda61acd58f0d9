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


def rated(left: Rating, right: Rating, winner: int | None) -> tuple[Rating, Rating]:
    """Rate two players after a match.

    Args:
        left, right: What was believed of them before it.
        winner: 0 for the left one, 1 for the right one, None for a draw.

    Returns:
        What is believed of them now.
    """
    model = _model()
    teams = [[model.rating(mu=mu, sigma=sigma)] for mu, sigma in (left, right)]
    ranks = [0, 0] if winner is None else [winner, 1 - winner]
    (one,), (other,) = model.rate(teams, ranks=ranks)
    return Rating(one.mu, one.sigma), Rating(other.mu, other.sigma)


def expected(one: Rating, other: Rating) -> float:
    """Return the share of matches that the first player is expected to win, if both ratings are right."""
    return float(1 / (1 + 10 ** ((other.mu - one.mu) / 400)))
