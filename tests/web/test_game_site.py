"""The game's page, in this process: what viewers are shown, and what they may ask for."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from pongrl.game.people import Snapshot
from pongrl.web import hosting, paddles
from tests.support.web import FACTS, SECRETS, Opened, opened

STEER = SECRETS.steer
SNAPSHOT = Snapshot(
    ball=(345, 245), paddles=(200, 130), score=(3, 4), matches=1, last_match=(21, 12), rally=7, last_rally=5,
    sounds=(1, 2, 3), status="agent connected from 10.0.0.7:5", level=2, agents=(True, False),
)  # fmt: skip
IDLE, STAND = [None, None], None


async def wished(page: Opened, left: Any, right: Any) -> None:
    """Wait until the program was told this of both paddles."""
    await page.told.wait("wish", lambda wish: wish[:2] == [left, right])


def test_a_viewer_is_shown_the_game_as_it_is_and_as_it_goes_on() -> None:
    async def look() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser:
            page.site.show(SNAPSHOT)
            async with browser.talking() as talk:
                assert (await talk.hear("hello"))["court"] == [700, 500]
                state = await talk.hear("state")
                assert (state["score"], state["level"], state["people"]) == ([3, 4], 2, [False, False])
                assert (await talk.hear("view"))[1:] == [345, 245, 200, 130, 1, 2, 3]
                page.site.show(replace(SNAPSHOT, ball=(350, 250)))
                assert (await talk.hear("view"))[1:3] == [350, 250]
                page.site.show(replace(SNAPSHOT, score=(3, 5)))
                assert (await talk.hear("state"))["score"] == [3, 5]
                await page.site.close()
                assert await talk.hear("bye") == "the game has ended"

    asyncio.run(look())


def test_what_changes_all_the_time_is_told_now_and_then_and_what_is_urgent_at_once() -> None:
    async def look() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser, browser.talking() as talk:
            await talk.hear("hello")
            for points in range(1, 1001):  # as in lockstep
                page.site.show(replace(SNAPSHOT, score=(3, points)))
            told = [await talk.hear("state")]
            while told[-1]["score"] != [3, 1000]:
                told.append(await talk.hear("state"))
            assert len(told) < 100
            page.site.show(replace(SNAPSHOT, score=(3, 1001)))
            page.site.show(replace(SNAPSHOT, score=(3, 1002), paused=True))
            state = await talk.hear("state", lambda state: state["paused"])
            assert state["score"] == [3, 1002]

    asyncio.run(look())


def test_a_pause_of_others_is_told_apart_from_one_of_the_page() -> None:
    async def play() -> None:
        async with opened() as page, page.browser(STEER) as browser, browser.talking() as talk:
            page.site.show(replace(SNAPSHOT, paused=True))  # by an agent
            assert not (await talk.hear("state"))["pausing"]
            await talk.say(pause=True)
            assert (await talk.hear("state"))["pausing"]

    asyncio.run(play())


def test_the_person_at_the_window_is_told_and_plays_without_a_level() -> None:
    async def look() -> None:
        facts = replace(FACTS, right_is_window=True)
        async with opened(about=facts) as page, page.browser(STEER) as browser, browser.talking() as talk:
            assert not (await talk.hear("hello"))["levels"]
            page.site.show(SNAPSHOT)
            assert (await talk.hear("state"))["people"] == [False, True]

    asyncio.run(look())


def test_viewers_hear_from_a_page_on_which_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "BEAT_SECONDS", 0.05)

    async def listen() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser, browser.talking() as talk:
            for _ in range(3):
                await talk.hear("beat")

    asyncio.run(listen())


def test_one_has_the_paddle_and_the_next_waits_and_is_told() -> None:
    async def play() -> None:
        async with (
            opened() as page,
            page.browser(STEER) as browser,
            browser.talking() as first,
            browser.talking() as second,
        ):
            await first.say(sit="right")
            assert await first.hear("seat") == {"side": "right", "place": 0, "words": ""}
            await second.say(sit="right")
            assert (await second.hear("seat"))["place"] == 1
            await second.say(hold="up")  # is not its turn
            await first.say(hold="down")
            await wished(page, STAND, [2, None])
            await first.socket.close()
            assert (await second.hear("seat"))["place"] == 0
            await wished(page, STAND, IDLE)
            await second.say(to=123)
            await wished(page, STAND, [None, 123])
            await second.say(sit=None)
            assert (await second.hear("seat"))["side"] is None
            await wished(page, STAND, STAND)

    asyncio.run(play())


def test_who_makes_no_move_loses_the_paddle_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paddles, "IDLE_SECONDS", 0.3)

    async def play() -> None:
        async with (
            opened() as page,
            page.browser(STEER) as browser,
            browser.talking() as first,
            browser.talking() as second,
        ):
            await first.say(sit="left")
            await first.hear("seat")
            await second.say(sit="left")
            assert (await second.hear("seat"))["place"] == 1
            lost = await first.hear("seat", lambda seat: seat["side"] is None)
            assert lost == {"side": None, "words": paddles.TOO_LONG}
            assert (await second.hear("seat"))["place"] == 0

    asyncio.run(play())


def test_to_let_go_is_no_move_and_a_move_that_hangs_is_one_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paddles, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(paddles, "STUCK_SECONDS", 1.0)

    async def play() -> None:
        async with (
            opened() as page,
            page.browser(STEER) as browser,
            browser.talking() as first,
            browser.talking() as second,
        ):
            for talk, message, why in (
                (first, {"hold": None}, paddles.TOO_LONG), (second, {"hold": "up"}, paddles.STUCK),
            ):  # fmt: skip
                await talk.say(sit="left")
                other = second if talk is first else first
                await talk.hear("seat", lambda seat: seat.get("place") == 0)
                await other.say(sit="left")
                await talk.say(**message)
                lost = asyncio.ensure_future(talk.hear("seat", lambda seat: seat["side"] is None))
                while not lost.done():
                    await talk.say(**message)
                    await asyncio.wait([lost], timeout=0.1)
                assert lost.result()["words"] == why
                await other.say(sit=None)
                await other.hear("seat", lambda seat: seat["side"] is None)

    asyncio.run(play())


def test_an_agent_that_comes_to_the_right_paddle_takes_it_from_people() -> None:
    async def play() -> None:
        async with opened() as page, page.browser(STEER) as browser, browser.talking() as talk:
            page.site.show(SNAPSHOT)
            await talk.say(sit="right")
            await talk.hear("seat", lambda seat: seat["side"] == "right")
            page.site.show(replace(SNAPSHOT, agents=(True, True)))
            assert "an agent" in (await talk.hear("seat"))["words"]
            await talk.say(sit="right")
            assert "an agent" in (await talk.hear("seat"))["words"]
            await talk.say(sit="left")  # is borrowed
            assert (await talk.hear("seat"))["place"] == 0

    asyncio.run(play())


@pytest.mark.parametrize(
    ("changes", "side", "words"),
    [
        ({"lockstep": True}, "right", "too fast for people"),
        ({"level": 4}, "left", "level 4 plays both"),
        ({"right_is_window": True}, "right", "at the game's own window"),
    ],
)
def test_where_no_paddle_is_to_be_had_that_is_said(changes: dict[str, Any], side: str, words: str) -> None:
    async def play() -> None:
        about = replace(FACTS, **changes)
        async with (
            opened(about=about) as page,
            page.browser(STEER) as browser,
            browser.talking() as talk,
        ):
            page.site.show(SNAPSHOT)
            closed = (await talk.hear("state"))["closed"]
            assert words in closed[0 if side == "left" else 1]
            await talk.say(sit=side)
            assert words in (await talk.hear("seat"))["words"]

    asyncio.run(play())


def test_people_pause_choose_the_level_and_begin_again() -> None:
    async def steer() -> None:
        async with opened() as page, page.browser(STEER) as browser:
            async with browser.talking() as talk:
                await talk.say(pause=True)
                await talk.say(level=3)
                await talk.say(restart=True)
                await page.told.wait("wish", lambda wish: wish == [None, None, True, 3, 1])
            # Nobody is there any more to let the game go on.
            await page.told.wait("wish", lambda wish: wish == [None, None, False, 3, 1])

    asyncio.run(steer())


@pytest.mark.parametrize(
    "nonsense",
    [
        {"level": 4}, {"level": True}, {"level": "2"}, {"pause": 1}, {"sit": "top"}, {"hold": "sideways"},
        {"to": -1}, {"to": 1e9}, {"to": "x"}, {"to": True}, {"restart": 2}, {},
        {"hold": ["up"]}, {"wish": [1, 2, 3]},
    ],
)  # fmt: skip
def test_nonsense_is_left_out(nonsense: dict[str, Any]) -> None:
    async def steer() -> None:
        async with opened() as page, page.browser(STEER) as browser, browser.talking() as talk:
            await talk.say(sit="left")
            await wished(page, IDLE, STAND)
            await talk.say(**nonsense)
            await talk.say(hold="up")
            await wished(page, [1, None], STAND)
            assert len(page.told.of("wish")) == 2

    asyncio.run(steer())


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", "1" * 600, "[" * 500, '{"to": NaN'])
def test_what_is_no_object_ends_the_talk(text: str) -> None:
    async def talk() -> None:
        async with opened() as page, page.browser(STEER) as browser, browser.talking() as talk:
            await talk.socket.send_str(text)
            await talk.end()
            assert page.told.of("wish") == []

    asyncio.run(talk())


def test_bytes_end_the_talk() -> None:
    async def talk() -> None:
        async with opened() as page, page.browser(STEER) as browser, browser.talking() as talk:
            await talk.socket.send_bytes(b"{}")
            await talk.end()

    asyncio.run(talk())


@pytest.mark.parametrize("send", ["ping", "pong"])
def test_a_flood_of_empty_frames_ends_the_talk_too(send: str) -> None:
    async def flood() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser, browser.talking() as talk:
            with contextlib.suppress(aiohttp.ClientError):
                for _ in range(1000):
                    await getattr(talk.socket, send)()
            await talk.end()
            assert page.told.of("wish") == []

    asyncio.run(flood())


def test_a_flood_ends_the_talk_and_others_are_shown_the_game() -> None:
    async def flood() -> None:
        async with (
            opened() as page,
            page.browser(STEER) as browser,
            browser.talking() as flooding,
            browser.talking() as other,
        ):
            with contextlib.suppress(aiohttp.ClientError):  # it is cut off before it has said all
                for _ in range(1000):
                    await flooding.say(hold=None)
            await flooding.end()
            page.site.show(SNAPSHOT)
            await other.hear("view")

    asyncio.run(flood())
