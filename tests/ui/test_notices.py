"""Notices on the court: pauses, and the end of a match."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pongrl.ui.notices import AGAIN_SECONDS, SECONDS, Notices
from tests.support.ui import SNAPSHOT

PAUSED = ("paused", "P goes on")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def after_match(notices: Notices, matches: int, score: tuple[int, int]) -> None:
    notices.follow(replace(SNAPSHOT, matches=matches, last_match=score))


@pytest.mark.parametrize(
    ("people", "score", "words"),
    [
        (1, (21, 3), "You win 21–3"), (1, (3, 21), "You lose 3–21"), (2, (3, 21), "Right wins 3–21"),
        (0, (21, 3), "Left wins 21–3"), (None, (21, 3), "Left wins 21–3"),
    ],
)  # fmt: skip
def test_the_end_of_a_match_is_told_and_people_are_waited_for(
    people: int | None, score: tuple[int, int], words: str
) -> None:
    clock = Clock()
    notices = Notices(people, clock)
    notices.follow(SNAPSHOT)
    assert notices.words == ()
    after_match(notices, 1, score)
    waits = ("Enter begins the next match",) if people else ()
    assert (notices.words, notices.is_paused) == ((words, *waits), bool(people))
    clock.now += SECONDS + 1
    after_match(notices, 1, score)
    assert notices.words == ((words, *waits) if people else ())
    notices.toggle_pause()
    assert not notices.is_paused or not people
    assert notices.words == (() if people else notices.words)


def test_people_pause_and_go_on() -> None:
    notices = Notices(1)
    for is_paused in (True, False, True):
        notices.toggle_pause()
        assert (notices.is_paused, notices.words) == (is_paused, PAUSED if is_paused else ())


def test_where_a_server_leads_nobody_pauses() -> None:
    notices = Notices(None)
    notices.toggle_pause()
    assert (notices.is_paused, notices.words) == (False, ())


def test_matches_that_end_many_times_a_second_are_not_told_each() -> None:
    clock = Clock()
    notices = Notices(None, clock)
    told = set()
    for matches in range(5):
        after_match(notices, matches, (21, matches))
        told.add(notices.words)
    assert told == {(), ("Left wins 21–1",)}
    clock.now += AGAIN_SECONDS + 1
    after_match(notices, 6, (4, 21))
    assert notices.words == ("Right wins 4–21",)


def test_games_that_begin_again_are_no_end_of_a_match() -> None:
    notices = Notices(None, Clock())
    after_match(notices, 3, (21, 3))
    after_match(notices, 0, (21, 3))
    assert notices.words == ()
