"""The arena's page at the program's end: what goes to its process, what comes back, and when it is gone."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from yarl import URL

from pongrl.arena.standings import News, People
from pongrl.arena.visitors import Act, Come, Leave
from pongrl.errors import PongError
from pongrl.server.guests import Paddle
from tests.support.arena_page import Hall, fill
from tests.support.web import talking, visiting

KEY = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """See that no test leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "arena.db")


def test_who_looks_on_is_shown_what_the_hall_shows_and_the_hall_is_told_what_is_watched(path: Path) -> None:
    async def look(hall: Hall) -> None:
        async with talking(hall.page.links.look) as talk:
            await talk.hear("standings")
            await talk.hear("bout")
            assert hall.page.size == 1
            await talk.say(watch=14)
            assert (await talk.hear("court"))[0] == 14
            assert hall.page.watched == {14}
            await talk.say(watch=None)

    with Hall(path) as hall:
        asyncio.run(look(hall))


def test_a_person_plays(path: Path) -> None:
    async def play(hall: Hall) -> None:
        async with talking(hall.page.links.steer) as talk:
            await talk.say(come={"name": "Eve", "key": KEY})
            await hall.hears(Come(1, "Eve", bytes.fromhex(KEY)))
            hall.news = People({1: News("play", 20, 0, "Ada", 3)})
            assert (await talk.hear("news", lambda news: news["match"]))["serve_in"] == 3
            assert (await talk.hear("court"))[0] == 20
            await talk.say(hold="down")
            await hall.hears(Act(1, Paddle(2)))
            await talk.say(to=77.5)
            await hall.hears(Act(1, Paddle(None, 77.5)))
        await hall.hears(Leave(1))

    with Hall(path) as hall:
        asyncio.run(play(hall))


def test_news_for_one_is_not_lost_behind_news_for_another(path: Path) -> None:
    async def play(hall: Hall) -> None:
        async with (
            visiting(hall.page.links.steer) as browser,
            browser.talking() as one,
            browser.talking() as two,
        ):
            for seat, talk in ((1, one), (2, two)):
                await talk.say(come={"name": f"Eve {seat}", "key": KEY})
                await hall.hears(Come(seat, f"Eve {seat}", bytes.fromhex(KEY)))
            hall.others = People({1: News("first")})  # is shown before
            hall.news = People({2: News("second")})
            await one.hear("news", lambda news: news["words"] == "first")
            await two.hear("news", lambda news: news["words"] == "second")

    with Hall(path) as hall:
        asyncio.run(play(hall))


def test_recordings_and_the_table_come_from_the_arenas_file(path: Path) -> None:
    async def load(hall: Hall) -> None:
        async with visiting(hall.page.links.look) as browser:
            assert len((await browser.get("/replay/1")).body) % 12 == 0
            assert (await browser.get("/matches.csv")).text.startswith("\ufeffmatch,begun")

    with Hall(path) as hall:
        asyncio.run(load(hall))


def test_the_page_says_its_links_which_do_not_tell_the_token(path: Path) -> None:
    said: list[str] = []
    with Hall(path, token="a token for tests") as hall:
        hall.page.greet(said.append)
    assert said[0].startswith("see the arena in a browser: http://127.0.0.1:")
    assert said[1].startswith("play there: http://127.0.0.1:")
    assert "a token" not in str(said)


def test_the_arena_goes_on_when_its_page_has_gone_and_who_played_there_leaves(
    path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    async def play(hall: Hall) -> None:
        async with talking(hall.page.links.steer) as talk:
            await talk.say(come={"name": "Eve", "key": KEY})
            await hall.hears(Come(1, "Eve", bytes.fromhex(KEY)))
            processes[0].kill()
            await talk.end()
            await hall.hears(Leave(1))

    with Hall(path) as hall:
        asyncio.run(play(hall))
        assert (hall.page.size, hall.page.watched) == (0, frozenset())
    (said,) = hall.said
    assert said.startswith("the page has gone (")
    assert said.endswith("); the arena goes on without it")


def test_who_plays_leaves_when_the_page_is_closed_and_all_are_told(path: Path) -> None:
    async def play(hall: Hall) -> None:
        async with talking(hall.page.links.steer) as talk:
            await talk.say(come={"name": "Eve", "key": KEY})
            await hall.hears(Come(1, "Eve", bytes.fromhex(KEY)))
            closing = asyncio.create_task(asyncio.to_thread(hall.__exit__))
            assert await talk.hear("bye") == "the arena has ended"
            await closing
            assert hall.visitors.take() == [Leave(1)]

    hall = Hall(path).__enter__()
    asyncio.run(play(hall))


def test_a_port_that_is_taken_is_told_in_a_sentence(path: Path) -> None:
    with Hall(path) as hall:
        taken = URL(hall.page.links.look).port
        assert taken is not None
        with pytest.raises(PongError, match=r"cannot listen on .*choose another with --web"):
            Hall(path, port=taken)
