"""The arena's page, in this process: what viewers are shown, and what they may ask for and load."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from pongrl.arena.ledger import Ledger
from pongrl.arena.rating import Rating
from pongrl.arena.recording import unpacked
from pongrl.arena.standings import Answers, Bout, Courts, News, People, Row, Standings
from pongrl.web import arena_site, entrants
from pongrl.web.arena_site import ArenaSite
from pongrl.web.site import ArenaFacts
from tests.support import PATIENCE
from tests.support.arena_page import NAMES, PLACE, RECORDED, bout, fill, live, standings
from tests.support.web import SECRETS, Browser, Opened, Talk, opened

LOOK, STEER = SECRETS.look, SECRETS.steer
KEY, OTHER_KEY = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("arena") / "arena.db")


@contextlib.asynccontextmanager
async def arena(path: Path) -> AsyncIterator[Opened]:
    """Open the page of an arena."""
    async with opened(ArenaSite, about=ArenaFacts(str(path), False, 21)) as page:
        yield page


@contextlib.asynccontextmanager
async def talking(path: Path, secret: str = STEER) -> AsyncIterator[tuple[Opened, Browser, Talk]]:
    """Open the page of an arena, and talk to it."""
    async with arena(path) as page, page.browser(secret) as browser, browser.talking() as talk:
        await talk.hear("hello")
        yield page, browser, talk


async def come(page: Opened, talk: Talk, name: str = "Eve", key: str = KEY) -> int:
    """Let a person come to play, and return the seat."""
    before = len(page.told.of("come"))
    await talk.say(come={"name": name, "key": key})
    await page.told.wait("come", lambda _: len(page.told.of("come")) > before)
    return int(page.told.of("come")[-1][0])


def test_a_viewer_is_shown_the_ladder_the_matches_and_how_they_go_on(ledger: Path) -> None:
    async def look() -> None:
        async with arena(ledger) as page, page.browser(LOOK) as browser:
            page.site.show(standings(ledger))
            page.site.show(bout(ledger, live(13)))
            async with browser.talking() as talk:
                hello = await talk.hear("hello")
                assert (hello["court"], hello["points"], hello["steers"]) == ([700, 500], 21, False)
                ladder = await talk.hear("standings")
                assert {row["name"] for row in ladder["rows"]} == set(NAMES)
                assert [row["rating"] for row in ladder["rows"]] == sorted(
                    (row["rating"] for row in ladder["rows"]), reverse=True
                )
                assert sum(row["kind"] == "house" for row in ladder["rows"]) == 1
                assert sum(sum(pair[2:5]) for pair in ladder["pairs"]) == RECORDED
                shown = await talk.hear("bout")
                assert shown["live"][0]["names"] == list(NAMES[:2])
                assert [match["number"] for match in shown["last"]] == list(range(RECORDED, 0, -1))
                page.site.show(Bout((), ()))
                assert (await talk.hear("bout"))["live"] == []
                await page.site.close()
                assert await talk.hear("bye") == "the arena has ended"

    asyncio.run(look())


def test_each_viewer_is_shown_the_court_of_the_match_that_it_watches_and_the_program_is_told(
    ledger: Path,
) -> None:
    async def look() -> None:
        async with talking(ledger, LOOK) as (page, browser, first), browser.talking() as second:
            page.site.show(bout(ledger, live(13), live(14)))
            await first.say(watch=13)
            await second.say(watch=14)
            await page.told.wait("watched", lambda watched: watched == [13, 14])
            other = (1, 2, 3, 4, 5, 6)
            page.site.show(Courts({13: PLACE, 14: other}))
            shown = await first.hear("court")
            assert (shown[0], *shown[2:]) == (13, *PLACE)
            shown = await second.hear("court")
            assert (shown[0], *shown[2:]) == (14, *other)
            page.site.show(bout(ledger, live(14)))  # the first match is over
            await page.told.wait("watched", lambda watched: watched == [14])
            await second.say(watch=None)
            await page.told.wait("watched", lambda watched: watched == [])
            page.site.show(Courts({14: other}))
            page.site.show(Bout((), ()))
            await second.hear("bout", lambda bout: bout["live"] == [])
            assert not second.has_heard("court")

    asyncio.run(look())


def test_a_person_comes_plays_and_is_told_what_goes_on(ledger: Path) -> None:
    async def play() -> None:
        async with talking(ledger) as (page, browser, talk), browser.talking() as other:
            seat = await come(page, talk, "  Eve \u202e<i>  ")
            assert page.told.of("come") == [[seat, "Eve <i>", KEY]]
            page.site.show(bout(ledger, live(13)))
            await talk.say(watch=13)
            page.site.show(People({seat: News("the next match", 15, 1, "Ada", serve_in=3)}))
            news = await talk.hear("news", lambda news: news["match"] == 15)
            assert (news["side"], news["opponent"], news["serve_in"]) == ("right", "Ada", 3)
            await page.told.wait("watched", lambda watched: watched == [13, 15])
            await page.told.wait("plays", lambda plays: plays)
            for _ in range(3):  # each picture at once
                page.site.show(Courts({15: PLACE}))
            for _ in range(3):
                assert (await talk.hear("court"))[0] == 15
            await talk.say(hold="up")
            await talk.say(hold="up")
            await talk.say(to=123)
            await page.told.wait("act", lambda act: act == [seat, None, 123])
            assert page.told.of("act") == [[seat, 1, None], [seat, None, 123]]
            page.site.show(People({seat: News("the second match", 16, 0, "Ada")}))
            await talk.hear("news", lambda news: news["match"] == 16)
            await talk.say(to=123)  # a finger that lies still says so again and again
            await page.told.wait("act", lambda act: len(page.told.of("act")) == 3)
            page.site.show(People({seat: News("wait for the next match")}))
            await talk.hear("news", lambda news: news["match"] is None)
            await page.told.wait("plays", lambda plays: not plays)
            await talk.say(leave=True)
            assert (await talk.hear("news"))["out"]
            await page.told.wait("leave", lambda left: left == seat)
            assert not other.has_heard("news")

    asyncio.run(play())


def test_who_goes_away_leaves_and_each_who_comes_has_a_new_seat(ledger: Path) -> None:
    async def play() -> None:
        async with talking(ledger) as (page, browser, talk):
            async with browser.talking() as other:
                gone = await come(page, other)
            await page.told.wait("leave", lambda left: left == gone)
            seat = await come(page, talk)
            assert seat != gone
            await talk.say(come={"name": "Another", "key": KEY})  # it has its seat already
            await talk.say(leave=True)
            await page.told.wait("leave", lambda left: left == seat)
            assert len(page.told.of("come")) == 2

    asyncio.run(play())


def test_whom_the_arena_sends_away_is_told_why(ledger: Path) -> None:
    async def play() -> None:
        async with talking(ledger) as (page, _, talk):
            seat = await come(page, talk)
            page.site.show(People({seat: News("the name Eve belongs to another", is_out=True)}))
            news = await talk.hear("news", lambda news: news["out"])
            assert news["words"] == "the name Eve belongs to another"
            await page.told.wait("leave", lambda left: left == seat)
            await talk.say(hold="up")  # has no paddle any more
            assert await come(page, talk) == seat + 1
            assert page.told.of("act") == []

    asyncio.run(play())


def test_who_makes_no_move_in_a_match_leaves_and_who_waits_for_one_need_not(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrants, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(arena_site, "CLOCK_SECONDS", 0.05)

    async def play() -> None:
        async with talking(ledger) as (page, browser, playing), browser.talking() as waiting:
            seat = await come(page, playing)
            await come(page, waiting)
            page.site.show(People({seat: News("play", 13, 0, "Ada")}))
            out = await playing.hear("news", lambda news: news["out"])
            assert out["words"] == entrants.TOO_LONG
            assert page.told.of("leave") == [seat]

    asyncio.run(play())


def test_twenty_play_at_a_time_and_the_next_is_told_so(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrants, "MOST_ENTRANTS", 2)
    monkeypatch.setattr(entrants, "COMES_AT_ONCE", 3)
    monkeypatch.setattr(entrants, "COMES_PER_SECOND", 0.001)

    async def play() -> None:
        async with talking(ledger) as (page, browser, one), browser.talking() as two, browser.talking() as it:
            await come(page, one)
            seat = await come(page, two)
            await it.say(come={"name": "Late", "key": OTHER_KEY})
            assert (await it.hear("news"))["words"] == entrants.FULL
            await two.say(leave=True)
            await page.told.wait("leave", lambda left: left == seat)
            await come(page, it)
            await two.say(come={"name": "Again", "key": OTHER_KEY})
            await two.hear("news", lambda news: news["words"] == entrants.FULL)
            await one.say(leave=True)
            await two.say(come={"name": "Again", "key": OTHER_KEY})
            await two.hear("news", lambda news: news["words"] == entrants.TOO_OFTEN)

    asyncio.run(play())


def test_who_comes_back_is_let_in_though_no_place_is_free(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old connection may be dead; the program lets it go."""
    monkeypatch.setattr(entrants, "MOST_ENTRANTS", 1)

    async def play() -> None:
        async with talking(ledger) as (page, browser, old), browser.talking() as new:
            assert await come(page, old) < await come(page, new)

    asyncio.run(play())


def test_who_may_only_look_may_watch_and_nothing_else(ledger: Path) -> None:
    async def look() -> None:
        async with talking(ledger, LOOK) as (page, _, talk):
            page.site.show(bout(ledger, live(13)))
            await talk.say(come={"name": "Eve", "key": KEY})
            await talk.say(watch=None, come={"name": "Eve", "key": KEY})
            await talk.say(watch=13)
            await page.told.wait("watched", lambda watched: watched == [13])
            assert page.told.of("come") == []
            assert not talk.has_heard("news")

    asyncio.run(look())


@pytest.mark.parametrize(
    "nonsense",
    [
        {"watch": "13"}, {"watch": True}, {"watch": 99}, {"watch": -1}, {"watch": 13.0}, {"watch": [13]},
        {"watch": 10**300}, {"come": "Eve"}, {"come": {}}, {"come": {"name": "Eve"}},
        {"come": {"name": 7, "key": KEY}}, {"come": {"name": "Eve", "key": KEY.upper()}},
        {"come": {"name": "Eve", "key": KEY[:31]}}, {"come": {"name": "Eve", "key": KEY + "\n"}},
        {"come": {"name": "Eve", "key": "٣" * 32}}, {"come": {"name": "Eve", "key": "0" * 32}},
        {"come": {"name": " \t\n", "key": KEY}}, {"hold": "sideways"}, {"hold": ["up"]}, {"to": -1},
        {"to": 1e9}, {"to": True}, {"to": "x"}, {"leave": 1}, {"leave": False}, {"news": {}}, {},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_is_left_out(ledger: Path, nonsense: dict[str, Any]) -> None:
    async def steer() -> None:
        async with talking(ledger) as (page, _, talk):
            page.site.show(bout(ledger, live(13)))
            await talk.say(**nonsense)
            seat = await come(page, talk)
            await talk.say(**nonsense)
            await talk.say(hold="up")
            await page.told.wait("act", lambda act: act == [seat, 1, None])
            assert len(page.told.of("come")) == len(page.told.of("act")) == 1
            assert page.told.of("leave") == []
            assert page.told.of("watched")[-1] == []

    asyncio.run(steer())


@pytest.mark.parametrize(
    ("said", "known"),
    [("漢" * 30, "漢" * 24), ("אבא", "אבא"), ("\ud800", "?"), ("\x1b[2J", "\\x1b[2J"), ("ﬁ", "fi")],
    ids=ascii,
)
def test_a_name_is_cleaned_before_it_goes_anywhere(ledger: Path, said: str, known: str) -> None:
    async def steer() -> None:
        async with talking(ledger) as (page, _, talk):
            await come(page, talk, said)
            assert page.told.of("come")[0][1] == known

    asyncio.run(steer())


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"watch":' + "1" * 600 + "}", "[" * 500])
def test_what_is_no_object_or_too_long_ends_the_talk(ledger: Path, text: str) -> None:
    async def talk() -> None:
        async with talking(ledger, LOOK) as (page, _, talk):
            await talk.socket.send_str(text)
            await talk.end()
            await page.told.wait("viewers", lambda viewers: viewers == 0)

    asyncio.run(talk())


def test_a_recording_is_sent_as_it_was_packed(ledger: Path) -> None:
    async def load() -> None:
        async with arena(ledger) as page, page.browser(LOOK) as browser:
            answer = await browser.get("/replay/3")
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Encoding"] == "deflate"
            file = Ledger(ledger)
            views = file.recording(3)
            file.close()
            assert views is not None
            assert answer.body == unpacked(views).astype("<i2").tobytes()

    asyncio.run(load())


@pytest.mark.parametrize(
    "number",
    ["12", "99", "0", "-1", "x", "1;", "1e3", "٣", "9" * 15, "9" * 400, "1%00", "'or 1=1--"],
)
def test_a_match_that_is_not_kept_is_answered_in_a_sentence(ledger: Path, number: str) -> None:
    async def load() -> None:
        async with arena(ledger) as page, page.browser(LOOK) as browser:
            answer = await browser.get(f"/replay/{number}")
            assert answer.status == 404
            assert arena_site.NOT_KEPT in answer.text

    asyncio.run(load())


def test_all_matches_can_be_loaded_as_a_table(ledger: Path) -> None:
    async def load() -> None:
        async with arena(ledger) as page, page.browser(LOOK) as browser:
            answer = await browser.get("/matches.csv")
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
            assert [int(row["match"]) for row in rows] == list(range(1, RECORDED + 1))
            assert {row["left"] for row in rows} == set(NAMES)

    asyncio.run(load())


@pytest.mark.parametrize("path", ["/replay/1", "/matches.csv"])
def test_only_who_may_look_may_load_and_not_too_often(
    ledger: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arena_site, "REPLAYS_AT_ONCE", 1)
    monkeypatch.setattr(arena_site, "TABLES_AT_ONCE", 1)
    monkeypatch.setattr(arena_site, "REPLAYS_PER_SECOND", 0.001)
    monkeypatch.setattr(arena_site, "TABLES_PER_SECOND", 0.001)

    async def load() -> None:
        async with arena(ledger) as page:
            async with page.browser() as stranger:
                assert (await stranger.get(path)).status == 403
            async with page.browser(LOOK) as browser:
                assert [(await browser.get(path)).status for _ in range(2)] == [200, 429]

    asyncio.run(load())


def test_no_more_tables_are_on_their_way_at_once_than_the_disk_has_room_for(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arena_site, "MOST_LOADING", 1)
    has_begun, may_end = threading.Event(), threading.Event()

    def write(path: str, file: IO[bytes]) -> int:
        has_begun.set()
        may_end.wait(PATIENCE)
        return 0

    monkeypatch.setattr(arena_site, "write_table", write)

    async def load() -> None:
        async with arena(ledger) as page, page.browser(LOOK) as browser, page.browser(LOOK) as other:
            first = asyncio.ensure_future(browser.get("/matches.csv"))
            await asyncio.to_thread(has_begun.wait, PATIENCE)
            assert (await other.get("/matches.csv")).status == 429
            may_end.set()
            assert (await first).status == 200
            assert (await other.get("/matches.csv")).status == 200

    asyncio.run(load())


@pytest.mark.parametrize("path", ["/replay/1", "/matches.csv"])
def test_a_file_that_cannot_be_read_is_answered_in_a_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "other.txt").write_text("no arena\n" * 100)

    async def load() -> None:
        for file in (tmp_path / "nowhere.db", tmp_path / "other.txt"):
            async with arena(file) as page, page.browser(LOOK) as browser:
                answer = await browser.get(path)
                assert answer.status == 503
                assert file.name in answer.text

    asyncio.run(load())


def test_forty_players_are_told_in_a_message_that_a_telephone_can_take(ledger: Path) -> None:
    row = Row("漢" * 24, "agent", Rating(), (9, 9, 9), (999, 999), Answers(10**6, 10**5, 1e3))
    rows = tuple(replace(row, name=f"{row.name[2:]}{number:02}") for number in range(40))
    names = [each.name for each in rows]
    tallies = {(one, other): (100, 0, 100) for one in names for other in names if one != other}

    async def look() -> None:
        async with talking(ledger, LOOK) as (page, _, talk):
            page.site.show(Standings(rows, tallies, "open"))
            shown = await talk.hear("standings")
            assert len(shown["rows"]) == 40
            assert len(shown["pairs"]) == 40 * 39 // 2
            assert all(one < other for one, other, *_ in shown["pairs"])
            assert len(str(shown)) < 40_000

    asyncio.run(look())
