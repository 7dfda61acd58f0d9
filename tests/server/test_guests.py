"""People who play from elsewhere: how what they ask for joins what people at the window do."""

from __future__ import annotations

import pytest

from pongrl.game.moves import DOWN, STAY, UP
from pongrl.game.people import Keys
from pongrl.server.guests import NOTHING, Guests, Paddle, Wish
from tests.support.engines import world

PADDLES = (200, 200)


def joined(wish: Wish, keys: Keys = Keys()) -> Keys:  # noqa: B008  # it is immutable
    guests = Guests()
    guests.wish_for(wish)
    return guests.join(keys, PADDLES)


def test_without_guests_the_windows_keys_are_all() -> None:
    keys = Keys(letters=UP, paused=True, restarts=2)
    assert joined(NOTHING, keys) is keys


@pytest.mark.parametrize(
    ("paddle", "move"),
    [
        (Paddle(), None), (Paddle(move=UP), UP), (Paddle(to=0), UP), (Paddle(to=500), DOWN),
        (Paddle(to=255), STAY),
    ],
)  # fmt: skip
def test_who_points_is_steered_there_and_who_holds_a_move_makes_it(paddle: Paddle, move: int | None) -> None:
    keys = joined(Wish(left=paddle))
    assert (keys.has_left, keys.left) == (True, move)
    assert not keys.has_right
    assert joined(Wish(right=paddle)).right == move


def test_wishes_of_both_are_granted() -> None:
    keys = joined(Wish(paused=True, level=3, restarts=1), Keys(level=1, restarts=2))
    assert keys.paused
    assert keys.level == 3
    assert keys.restarts == 3
    assert joined(Wish(restarts=1), Keys(paused=True, level=1)).level == 1


def test_a_guest_has_the_right_paddle_until_it_leaves() -> None:
    with world(level=3, has_window=True) as made:
        made.guests.wish_for(Wish(left=Paddle(), right=Paddle(to=0)))
        for _ in range(60):
            made.tick()
        assert made.game.paddles[1] == 0
        assert "a person on the page" in made.snapshot.status
        made.guests.wish_for(NOTHING)
        made.tick()
        assert "right paddle: level 3" in made.snapshot.status


def test_a_guest_alone_waits_for_somebody_at_the_left_and_then_gets_a_countdown() -> None:
    with world(has_window=True) as made:
        made.guests.wish_for(Wish(right=Paddle()))
        made.tick()
        assert made.snapshot.notice
        made.guests.wish_for(Wish(left=Paddle(), right=Paddle()))
        made.tick()
        assert (made.snapshot.notice, made.snapshot.serve_in) == ((), 3)


def test_a_level_that_guests_choose_is_told_to_agents_that_come() -> None:
    with world(level=1, has_window=True) as made:
        made.guests.wish_for(Wish(level=3))
        made.tick()
        assert made.snapshot.level == 3
        assert made.seats.options.level == 3
