"""Notices on the court: pauses, and the end of a match."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pongrl.game.people import People
from pongrl.game.rules import LEFT, RIGHT
from pongrl.ui.notices import AGAIN_SECONDS, SECONDS, Notices, keys_of
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


WATCHING, SERVING = People(), People((LEFT,), serve=True)
ALONE, TWO, AGAINST_AGENT = (
    People((LEFT,), play=True, choose_level=True), People((LEFT, RIGHT), play=True),
    People((RIGHT,), play=True, serve=True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("people", "score", "words"),
    [
        (ALONE, (21, 3), "You win 21–3"), (ALONE, (3, 21), "You lose 3–21"),
        (AGAINST_AGENT, (3, 21), "You win 21–3"), (AGAINST_AGENT, (21, 3), "You lose 3–21"),
        (TWO, (3, 21), "Right wins 3–21"), (SERVING, (21, 3), "Left wins 21–3"),
        (WATCHING, (21, 3), "Left wins 21–3"),
    ],
)  # fmt: skip
def test_the_end_of_a_match_is_told_and_people_who_play_are_waited_for(
    people: People, score: tuple[int, int], words: str
) -> None:
    clock = Clock()
    notices = Notices(people, clock)
    notices.follow(SNAPSHOT)
    assert notices.words() == ()
    after_match(notices, 1, score)
    waits = ("Enter begins the next match",) if people.play else ()
    assert (notices.words(), notices.is_paused) == ((words, *waits), people.play)
    clock.now += SECONDS + 1
    after_match(notices, 1, score)
    assert notices.words() == ((words, *waits) if people.play else ())
    notices.go_on()
    assert (notices.words(), notices.is_paused) == ((), False)


@pytest.mark.parametrize("people", [ALONE, WATCHING], ids=str)
def test_the_board_keeps_a_matchs_score_as_long_as_its_end_is_told(people: People) -> None:
    notices = Notices(people, Clock())
    ended = replace(SNAPSHOT, matches=1, last_match=(3, 21))
    notices.follow(SNAPSHOT)
    assert notices.score(SNAPSHOT) == (0, 0)
    notices.follow(ended)
    assert notices.score(ended) == (3, 21)
    assert notices.score(replace(ended, score=(1, 0))) == (1, 0)  # the next match goes on meanwhile
    notices.toggle_pause()
    assert notices.score(ended) == (0, 0)


@pytest.mark.parametrize("people", [ALONE, TWO, AGAINST_AGENT, SERVING])
def test_people_pause_and_go_on(people: People) -> None:
    notices = Notices(people)
    for is_paused in (True, False, True):
        notices.toggle_pause()
        assert (notices.is_paused, notices.words()) == (is_paused, PAUSED if is_paused else ())


def test_who_only_watches_is_told_that_the_game_has_not_stopped() -> None:
    notices = Notices(WATCHING)
    notices.toggle_pause()
    assert (notices.is_paused, notices.words()) == (True, ("paused", "P goes on; the game has not stopped"))


@pytest.mark.parametrize(
    ("people", "question"),
    [
        (ALONE, "Leave the game?"), (TWO, "Leave the game?"), (WATCHING, "Stop watching?"),
        (SERVING, "End the game and its server?"), (AGAINST_AGENT, "End the game and its server?"),
    ],
)  # fmt: skip
def test_leaving_is_asked_once_and_people_who_play_have_time_to_answer(people: People, question: str) -> None:
    notices = Notices(people)
    assert not notices.leave()
    assert (notices.words(("other",))[0], notices.is_paused) == (question, people.play)
    assert notices.dismiss()
    assert (notices.words(("other",)), notices.is_paused) == (("other",), False)
    assert not notices.dismiss()
    assert not notices.leave()  # it is asked again
    assert notices.leave()


def test_the_keys_are_shown_and_hidden_and_leaving_hides_them_first() -> None:
    notices = Notices(ALONE)
    assert notices.keys == ()
    notices.toggle_help()
    assert (notices.keys, notices.is_paused) == (keys_of(ALONE), True)
    assert not notices.leave()
    assert (notices.keys, notices.is_paused, notices.words()) == ((), False, ())
    notices.toggle_help()
    assert notices.dismiss()
    assert notices.keys == ()


def test_people_are_told_of_the_keys_that_they_have() -> None:
    keys = {people: {key for key, _ in keys_of(people)} for people in (ALONE, TWO, SERVING, WATCHING)}
    assert keys[WATCHING] == {"P, space bar", "M", "F", "H, F1", "Escape"}
    assert keys[SERVING] == keys[WATCHING] | {"W  S, arrow keys", "mouse, touch", "gamepad"}
    assert keys[ALONE] == keys[SERVING] | {"R", "1  2  3"}
    assert keys[TWO] == keys[WATCHING] | {"W  S", "arrow keys", "mouse, touch", "gamepad", "R"}


def test_matches_that_end_many_times_a_second_are_not_told_each() -> None:
    clock = Clock()
    notices = Notices(WATCHING, clock)
    told = set()
    for matches in range(5):
        after_match(notices, matches, (21, matches))
        told.add(notices.words())
    assert told == {(), ("Left wins 21–1",)}
    clock.now += AGAIN_SECONDS + 1
    after_match(notices, 6, (4, 21))
    assert notices.words() == ("Right wins 4–21",)


def test_what_ended_before_a_game_is_seen_is_not_told() -> None:
    notices = Notices(WATCHING, Clock())
    after_match(notices, 0, (0, 0))
    notices.forget()  # another game comes
    after_match(notices, 3, (21, 3))
    assert notices.words() == ()


def test_games_that_begin_again_are_no_end_of_a_match() -> None:
    notices = Notices(WATCHING, Clock())
    after_match(notices, 3, (21, 3))
    after_match(notices, 0, (21, 3))
    assert notices.words() == ()
