"""The pilot: takes seats only where its policy can play."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pongrl.agent.books import Books
from pongrl.agent.observers import Audience
from pongrl.agent.pilot import Pilot, check_frames, recipe_for
from pongrl.agent.player import Decider
from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.agent.recipe import LEVEL_3, OTHERS, OURS, Recipe
from pongrl.errors import PongError, UsageError
from tests.support.agents import SESSION, Lines, learner_of, options_of


class Log(Books):
    """Books that remember what they are told."""

    def __init__(self) -> None:
        super().__init__(options_of(), Progress(), Audience(), Lines())
        self.levels: list[int] = []
        self.lost = 0

    def open(self, player: Decider, level: int) -> None:
        self.levels.append(level)

    def seat_lost(self) -> None:
        self.lost += 1


def pilot_of(books: Books, **given: Any) -> Pilot:
    return Pilot(options_of(hiddenUnits=2, **given), np.random.default_rng(1), books)


def test_the_first_server_tells_how_large_the_policy_is() -> None:
    pilot = pilot_of(Log())
    assert not pilot.work()  # there is nothing to learn yet
    pilot.board(replace(SESSION, height=10, width=20))
    policy = pilot.player.policy
    assert (policy.height, policy.width, policy.is_our_game) == (10, 20, False)


def test_a_server_with_frames_of_another_size_is_refused() -> None:
    pilot = pilot_of(Log())
    pilot.board(SESSION)
    with pytest.raises(PongError, match=r"frames are 30×20 and the policy's 70×50: .* another game"):
        pilot.board(replace(SESSION, height=20, width=30))


def test_a_policy_without_what_another_game_needs_is_refused_there() -> None:
    policy = Policy.random(10, 20, 2, np.random.default_rng(1))  # with twins, and without the last move
    with pytest.raises(PongError, match="another game"):
        check_frames(policy, replace(SESSION, height=10, width=20))


def test_a_server_with_another_number_of_games_than_asked_for_is_refused() -> None:
    with pytest.raises(UsageError, match="plays 1 games at once, not 4"):
        pilot_of(Log(), games=4).board(SESSION)


def test_a_batch_of_points_is_refused_in_another_game() -> None:
    pilot = pilot_of(Log(), batch_size=20)
    with pytest.raises(UsageError, match="--batch-size counts points of our own game"):
        pilot.board(replace(SESSION, height=10, width=20))
    pilot.board(SESSION)
    assert pilot.player.policy.is_our_game


@pytest.mark.parametrize(
    ("given", "recipe", "share"),
    [
        ({"local": True, "level": 2}, OURS, 1 / 2),
        ({"local": True, "level": 3}, LEVEL_3, 2 / 3),
        ({"local": True, "level": 3, "games": 1}, OURS, 1 / 2),  # which is at level 3 all the time
        ({"host": "pi"}, OURS, 1 / 2),
    ],
)
def test_games_at_two_levels_have_a_recipe_of_their_own(
    given: dict[str, Any], recipe: Recipe, share: float
) -> None:
    learner = learner_of(options_of(hiddenUnits=2, **given))
    assert learner.recipe is recipe
    learner.frames = OURS.halving
    assert learner.rate_share == pytest.approx(share)
    assert LEVEL_3.entropy_bonus > OURS.entropy_bonus


def test_other_games_have_a_recipe_of_their_own() -> None:
    policy = Policy.random(10, 20, 2, np.random.default_rng(1), is_our_game=False)
    assert recipe_for(policy, options_of()) is OTHERS


def test_enormous_frames_are_refused_before_they_take_memory() -> None:
    with pytest.raises(PongError, match=r"frames are 256×256: this agent learns from up to 16,384"):
        pilot_of(Log()).board(replace(SESSION, height=256, width=256))


def test_the_books_are_opened_with_the_level_and_told_of_what_is_lost() -> None:
    books = Log()
    pilot = pilot_of(books)
    rollout = pilot.board(SESSION)
    pilot.board(replace(SESSION, level=4))  # both sides are the AI's; evaluations take level 3
    assert books.levels == [2, 3]
    pilot.leave(rollout)
    assert books.lost == 1
