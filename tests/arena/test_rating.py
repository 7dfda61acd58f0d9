"""Ratings: who wins rises, and what is believed gets surer."""

from __future__ import annotations

import random

import pytest

from pongrl.arena.rating import Rating, expected, rated


def test_who_wins_rises_and_who_loses_falls() -> None:
    one, other = rated(Rating(), Rating(), 0)
    assert one.mu > Rating().mu > other.mu
    assert rated(Rating(), Rating(), 1) == (other, one)


def test_a_draw_of_equals_says_only_that_they_are_equal() -> None:
    one, other = rated(Rating(), Rating(), None)
    assert one.mu == pytest.approx(other.mu) == pytest.approx(Rating().mu)
    assert one.sigma < Rating().sigma


def test_a_surprise_moves_ratings_more() -> None:
    strong, weak = Rating(1900, 100), Rating(1500, 100)
    lost, _ = rated(strong, weak, 1)
    won, _ = rated(strong, weak, 0)
    assert strong.mu - lost.mu > 5 * (won.mu - strong.mu)


@pytest.mark.parametrize("winner", [0, 1, None])
def test_a_forfeit_costs_one_and_brings_the_other_nothing(winner: int | None) -> None:
    played = rated(Rating(), Rating(), winner)
    forfeited = rated(Rating(), Rating(), winner, is_forfeited=True)
    for side in (0, 1):
        assert forfeited[side] == (played[side] if winner == 1 - side else Rating())


def test_a_difference_of_400_is_ten_to_one() -> None:
    assert expected(Rating(1900), Rating(1500)) == pytest.approx(10 / 11)
    assert expected(Rating(1500), Rating(1500)) == 0.5


def test_ratings_find_the_strengths_that_made_the_matches() -> None:
    rng, strengths = random.Random(5), [1000, 1300, 1500, 1700, 2000]
    ratings = [Rating()] * len(strengths)
    for _ in range(2000):
        one, other = rng.sample(range(len(strengths)), 2)
        share = expected(Rating(strengths[one]), Rating(strengths[other]))
        winner = 0 if rng.random() < share else 1
        ratings[one], ratings[other] = rated(ratings[one], ratings[other], winner)
    off = sum(rating.mu for rating in ratings) / len(ratings) - 1500
    for rating, strength in zip(ratings, strengths, strict=True):
        assert abs(rating.mu - off - strength) < 2 * rating.error
