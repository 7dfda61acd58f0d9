"""Servers that are found on the network, and what they may say of themselves."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import itertools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("zeroconf", reason="needs pip install zeroconf")

import zeroconf
from zeroconf.asyncio import AsyncZeroconf

from pongrl.errors import PongError
from pongrl.web import nearby, neighbours
from pongrl.web.nearby import Announcement, Neighbour, Search, announced, choose, neighbour_of, search
from pongrl.web.neighbours import Neighbours
from pongrl.web.site import Secrets, Site
from tests.support import PATIENCE

FLAGS_RESPONSE, TYPE_PTR, CLASS_IN = 0x8000, 12, 1  # as DNS has them; see RFC 1035
SAID = {
    "id": b"a1",
    "level": b"2",
    "games": b"16",
    "clock": b"lockstep",
    "tls": b"0",
    "token": b"1",
    "page": b"8080",
}
FIRST = Neighbour("Pong on one", "1", "192.0.2.1", 12345, "level 2", "")
SECOND = Neighbour("Pong on two", "2", "192.0.2.2", 12345, "level 3", "")


class Info:
    """What zeroconf gives of a server, which can say anything."""

    def __init__(self, said: Mapping[str, bytes], port: int = 12345, name: str = "Pong on pi 12345") -> None:
        self.name, self.port = f"{name}.{nearby.SERVICE}", port
        self.properties = {key.encode(): value for key, value in said.items()}

    def parsed_addresses(self) -> list[str]:
        return ["fe80::1", "192.0.2.7"]


def told(info: Info) -> Neighbour | None:
    return neighbour_of(info)  # type: ignore[arg-type]  # in the place of zeroconf's


def test_what_a_server_says_is_put_into_words() -> None:
    found = told(Info(SAID))
    assert found == Neighbour(
        "Pong on pi 12345", "a1", "192.0.2.7", 12345, "level 2, games: 16, lockstep, needs a token",
        "http://192.0.2.7:8080/",
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {}, {"level": b"\x1b[2J", "games": b"9" * 500, "page": b"javascript:alert(1)"}, {"page": b"99999"},
        {"page": b"-1"}, {"level": b"\xff\xfe", "page": b""}, {"games": "٣".encode(), "page": "٣".encode()},
    ],
)  # fmt: skip
def test_nonsense_of_a_server_is_left_out(said: Mapping[str, bytes]) -> None:
    found = told(Info(said))
    assert found is not None
    assert (found.words, found.page) == ("real time", "")


def test_a_name_cannot_write_on_the_terminal_and_a_server_without_a_port_is_none() -> None:
    found = told(Info(SAID, name="\x1b[31mred\n" + "x" * 400))
    assert found is not None
    assert found.name.isprintable()
    assert told(Info(SAID, port=0)) is None


def test_a_server_that_is_announced_is_found_and_one_that_has_gone_is_not() -> None:
    own = Announcement("Pong on test" + "!" * 60, "b2", "127.0.0.1", 54321, 3, 1, False, True, False, 8443)

    async def meet() -> None:
        changed = asyncio.Event()
        around = Search(changed.set)
        await around.open()
        try:
            async with asyncio.timeout(PATIENCE), announced(own):
                while not (found := [one for one in around.neighbours if one.port == 54321]):
                    changed.clear()
                    await changed.wait()
                assert found[0].identity == "b2"
                assert found[0].page == "https://127.0.0.1:8443/"
                assert found[0].words == "level 3, games: 1, real time, TLS"
            async with asyncio.timeout(PATIENCE):
                while any(one.port == 54321 for one in around.neighbours):
                    changed.clear()
                    await changed.wait()
        finally:
            await around.close()

    run(meet())


def test_a_name_that_cannot_be_one_is_passed_over() -> None:
    failed: list[object] = []
    first = Announcement("Pong on test", "d4", "127.0.0.1", 54323, 3, 1, False, True, False, None)
    second = replace(first, name="Another on test", identity="d5", port=54327)

    async def meet() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        changed = asyncio.Event()
        around = Search(changed.set)
        await around.open()
        stranger = AsyncZeroconf()

        async def find(port: int) -> None:
            while not any(one.port == port for one in around.neighbours):
                changed.clear()
                await changed.wait()

        try:
            said = zeroconf.DNSOutgoing(FLAGS_RESPONSE)
            for name in ("\x1b[31mx", ".".join(20 * ["long"])):
                alias = f"{name}.{nearby.SERVICE}"
                pointer = zeroconf.DNSPointer(nearby.SERVICE, TYPE_PTR, CLASS_IN, 4500, alias)
                said.add_answer_at_time(pointer, 0)
            async with asyncio.timeout(PATIENCE), announced(first):
                await find(54323)
                await stranger.zeroconf.async_wait_for_start()
                stranger.zeroconf.async_send(said)
                async with announced(second):
                    await find(54327)
        finally:
            await stranger.async_close()
            await around.close()
        gc.collect()  # a task that has failed, and that nobody has asked, says so then
        assert failed == []

    run(meet())


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_the_program_is_told_of_others_when_they_have_changed_and_not_too_often(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "TELLING_SECONDS", seconds)
    heard: list[set[int]] = []
    server = Announcement("Pong on test", "e5", "127.0.0.1", 54324, 2, 1, False, False, False, None)
    others = [
        replace(server, name=f"{port} on test", identity=str(port), port=port) for port in (54325, 54328)
    ]

    def chatter(number: int) -> zeroconf.ServiceInfo:
        return zeroconf.ServiceInfo(
            nearby.SERVICE, f"Chatty.{nearby.SERVICE}", 54326, server="chatty.local.",
            parsed_addresses=["127.0.0.1"], properties={"nonsense": str(number)},
        )  # fmt: skip

    async def meet() -> None:
        has_heard, changed = asyncio.Event(), asyncio.Event()

        def tell(told: dict[str, Any]) -> None:
            heard.append({one["port"] for one in told["others"]} & {54325, 54326, 54328})
            has_heard.set()

        async def until(event: asyncio.Event, condition: Callable[[], bool]) -> None:
            while not condition():
                event.clear()
                await event.wait()

        around = Search(changed.set)
        await around.open()
        following = Neighbours(Site(server.name, server.host, 1, Secrets("", ""), about=server), tell)
        await following.open()
        chatty = AsyncZeroconf()
        try:
            async with asyncio.timeout(PATIENCE):
                await chatty.async_register_service(chatter(0))
                await until(has_heard, lambda: bool(heard) and 54326 in heard[-1])
                for number in range(1, 6):
                    await chatty.async_update_service(chatter(number))
                async with announced(others[0]), announced(others[1]):
                    await until(changed, lambda: {54325, 54328} <= {one.port for one in around.neighbours})
                    if not seconds:
                        await until(has_heard, lambda: {54325, 54328} <= heard[-1])
        finally:
            await chatty.async_unregister_all_services()
            await chatty.async_close()
            await following.close()
            await around.close()

    run(meet())
    assert heard[:2] == [set(), {54326}]
    assert all(one != other for one, other in itertools.pairwise(heard))
    assert len(heard) == 2 or not seconds


def test_a_server_that_began_without_a_network_is_announced_when_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses: list[ipaddress.IPv4Address] = []
    looked = asyncio.Event()
    looks = itertools.count(1)

    def look() -> list[ipaddress.IPv4Address]:
        if next(looks) > 2:  # the second one is for the announcement
            looked.set()
        return list(addresses)

    for module in (nearby, neighbours):
        monkeypatch.setattr(module, "own_addresses", look)
    monkeypatch.setattr(neighbours, "NETWORK_SECONDS", 0.05)
    own = Announcement("Pong on test", "c3", "0.0.0.0", 54322, 2, 1, False, False, False, None)

    async def meet() -> None:
        changed = asyncio.Event()
        around = Search(changed.set)
        await around.open()
        server = Neighbours(Site(own.name, own.host, own.port, Secrets("", ""), about=own), lambda told: None)
        await server.open()
        try:
            async with asyncio.timeout(PATIENCE):
                await looked.wait()
                addresses.append(ipaddress.IPv4Address("192.0.2.9"))
                while "192.0.2.9" not in [one.host for one in around.neighbours if one.port == 54322]:
                    changed.clear()
                    await changed.wait()
        finally:
            await server.close()
            await around.close()

    run(meet())


def run(meeting: Coroutine[None, None, None]) -> None:
    """Run a meeting on the network, if there is one."""
    try:
        asyncio.run(meeting)
    except TimeoutError:  # an OSError too
        raise
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")


def test_the_only_server_is_taken_and_of_several_the_one_that_is_named() -> None:
    lines: list[str] = []
    assert choose([FIRST], lines.append, None) == FIRST
    assert lines == [" 1   Pong on one   192.0.2.1:12345   level 2"]
    assert choose([FIRST, SECOND], lines.append, lambda _: " 2 ") == SECOND


@pytest.mark.parametrize("answer", ["", "0", "3", "two", "²"])
def test_a_choice_that_is_none_is_refused(answer: str) -> None:
    with pytest.raises(PongError, match="choose one by its number"):
        choose([FIRST, SECOND], lambda _: None, lambda _: answer)


def test_where_nobody_is_there_or_nobody_can_be_asked_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PongError, match="no server was found"):
        choose([], lambda _: None, None)
    with pytest.raises(PongError, match="choose one by its number"):
        choose([FIRST, SECOND], lambda _: None, None)
    monkeypatch.setattr(nearby, "is_installed", lambda: False)
    with pytest.raises(PongError, match="pip install zeroconf"):
        search()
