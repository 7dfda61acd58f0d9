"""The games and their hands: what is played, whose move it is, what the next STEP says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.people import Keys
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server.hand import Hand
from pongrl.server.match import Board, Match
from pongrl.wire.messages import Column, Mover, Role, Step
from tests.support.engines import game_options
from tests.support.games import place

NO_KEYS = Keys()


def test_a_hand_tells_the_move_that_was_made_for_most_of_the_ticks() -> None:
    hand = Hand()
    hand.make(UP, Mover.AGENT, 3)
    hand.make(STAY, Mover.HELD, 4)
    hand.make(UP, Mover.AGENT, 2)
    hand.note(9, -1, 2)
    told = dict(zip(Column, hand.row(3, 4, 1), strict=True))
    assert (told[Column.MOVE], told[Column.MOVER]) == (UP, Mover.AGENT)
    assert (told[Column.REWARD], told[Column.POINTS], told[Column.TICKS], told[Column.HITS]) == (-1, 1, 9, 2)
    assert (told[Column.LEFT], told[Column.RIGHT], told[Column.MATCHES]) == (3, 4, 1)


def test_a_hand_that_has_forgotten_tells_the_move_in_force() -> None:
    hand = Hand()
    hand.move, hand.mover = DOWN, Mover.AGENT
    hand.make(UP, Mover.AGENT, 3)
    hand.forget()
    assert hand.row(0, 0, 0)[Column.MOVE] == DOWN
    hand.rest()
    assert hand.row(0, 0, 0)[Column.MOVE :][:2] == (STAY, Mover.HELD)


def test_an_agent_that_comes_does_not_go_on_with_the_move_of_a_person() -> None:
    board = Board(Game(1), np.zeros((50, 70), np.uint8), built_in(2))
    board.let_person_move(UP)
    assert board.seat(Role.RIGHT).row(0, 0, 0)[Column.MOVE] == STAY


def test_a_board_plays_until_a_point_ends_the_decision() -> None:
    board, game = Board(Game(1), np.zeros((50, 70), np.uint8), built_in(2)), Game(1)
    board.hands[LEFT].move = UP
    ticks = 0
    while not game.step(-5, built_in(2)(game, RIGHT)):
        ticks += 1
    assert not board.play(ticks)
    assert board.play(100)
    assert board.hands[LEFT].ticks == ticks + 1
    assert place(board.game) == place(game)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_decision_of_lockstep_is_so_many_ticks_of_real_time(level: int) -> None:
    options = game_options(seed=2, games=2, level=level, points_to_win=2)
    real, lockstep = Match(options), Match(options)
    for match in (real, lockstep):
        match.seat(Role.LEFT)
    for number in range(300):
        for match in (real, lockstep):
            for board in match.boards:
                board.hands[LEFT].move = (UP, DOWN, STAY)[number % 3]
        lockstep.decide(NO_KEYS)
        while not real.tick(NO_KEYS):
            pass
        ours, theirs = (match.observe(Role.LEFT, number, 0) for match in (real, lockstep))
        np.testing.assert_array_equal(ours.table, theirs.table)
        np.testing.assert_array_equal(ours.frames, theirs.frames)


def test_every_second_game_may_be_played_at_another_level() -> None:
    mixed = Match(game_options(seed=2, games=4, level=3, second_level=2))
    alone = {level: Match(game_options(seed=2, games=4, level=level)) for level in (2, 3)}
    for match in (mixed, *alone.values()):
        for _ in range(100):
            match.decide(NO_KEYS)
    for number, board in enumerate(mixed.boards):
        its_level, other = (2, 3) if number % 2 else (3, 2)
        assert place(board.game) == place(alone[its_level].boards[number].game)
        assert place(board.game) != place(alone[other].boards[number].game)


def test_what_each_side_is_told_is_counted_for_itself() -> None:
    match = Match(game_options(seed=1))
    for side in (Role.LEFT, Role.RIGHT):
        match.seat(side)
    match.decide(NO_KEYS)
    assert match.observe(Role.LEFT, 0, 0).ticks == [8]
    match.decide(NO_KEYS)
    assert match.observe(Role.LEFT, 1, 0).ticks == [8]
    assert match.observe(Role.RIGHT, 0, 0).ticks == [16]


def test_the_same_seed_begins_the_same_games_and_nobody_is_seated_at_them() -> None:
    match = Match(game_options(seed=1, games=2))
    first = [place(board.game) for board in match.boards]
    match.seat(Role.RIGHT)[0].move = DOWN
    match.decide(NO_KEYS)
    match.begin()
    assert [place(board.game) for board in match.boards] == first
    assert first[0] != first[1]
    match.decide(NO_KEYS)
    game = Game(1)
    for _ in range(8):
        game.step(0, built_in(2)(game, RIGHT))
    assert place(match.first) == place(game)


@pytest.mark.parametrize(
    ("changes", "keys", "moved"),
    [
        ({}, Keys(letters=UP, either=UP), (-5, None)),
        ({}, Keys(), (0, None)),
        ({"opponent": "human"}, Keys(letters=UP, either=UP), (0, -5)),
        ({"opponent": "human", "serves": False}, Keys(UP, DOWN, UP), (-5, 5)),
        ({"serves": False}, Keys(arrows=DOWN, either=DOWN), (5, None)),
    ],
)
def test_keys_move_the_paddles_of_people(changes: dict[str, Any], keys: Keys, moved: tuple[int, Any]) -> None:
    match = Match(game_options(seed=1, games=1, **changes))
    match.tick(keys)
    left, right = (y - 200 for y in match.first.paddles)
    assert (left, right if moved[1] is not None else None) == moved


class Film:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.scenes: list[tuple[Any, ...]] = []

    def add(self, *scene: Any) -> None:
        self.scenes.append(scene)


def test_every_tick_of_the_first_game_is_filmed_and_the_film_changes_nothing() -> None:
    film, options = Film(), game_options(seed=1, games=2, fps=50)
    filmed, unfilmed = Match(options, film), Match(options)
    steps: list[Step] = []
    for _ in range(200):
        for match in (filmed, unfilmed):
            match.decide(NO_KEYS)
            steps.append(match.observe(Role.LEFT, 0, 0))
    for ours, theirs in zip(steps[::2], steps[1::2], strict=True):
        np.testing.assert_array_equal(ours.table, theirs.table)
    ticks = sum(int(step.ticks[0]) for step in steps[::2])
    points = sum(int(step.points[0]) for step in steps[::2])
    assert len(film.scenes) == ticks
    assert sum(serves for *_, serves in film.scenes) == points > 0
    score, paddles, ball, seconds, _ = film.scenes[-1]
    game = filmed.first
    assert (score, paddles, ball) == (tuple(game.score), tuple(game.paddles), (game.ball_x, game.ball_y))
    assert seconds == 1 / 50


def test_what_no_state_can_hold_stays_at_the_most() -> None:
    hand = Hand()
    hand.note(1 << 40, -(1 << 33), 1 << 32)
    told = dict(zip(Column, hand.row(1 << 31, 5, (1 << 31) + 3), strict=True))
    most = (1 << 31) - 1
    assert (told[Column.REWARD], told[Column.POINTS]) == (-most, most)
    assert (told[Column.LEFT], told[Column.RIGHT], told[Column.MATCHES]) == (most, 5, 3)
    assert (told[Column.TICKS], told[Column.HITS]) == (most, most)
