"""Connections to a page: those that say nothing, too many of them, and what is no request at all."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from pongrl.web import door
from pongrl.web.agent_site import AgentSite
from pongrl.web.site import AgentFacts
from tests.support import PATIENCE
from tests.support.web import SECRETS, Opened, opened


async def connect(page: Opened) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    assert page.url.host is not None
    return await asyncio.open_connection(page.url.host, page.url.port)


async def ends(reader: asyncio.StreamReader) -> bytes:
    """Wait until the page hangs up, and return what it has said."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_connection_without_a_request_is_ended(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(door, "SWEEP_SECONDS", 0.05)

    async def wait() -> None:
        async with opened() as page:
            reader, writer = await connect(page)
            writer.write(begun)
            await ends(reader)
            writer.close()

    asyncio.run(wait())


def test_one_that_has_had_its_answer_is_ended_and_one_that_looks_on_may_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(door, "SWEEP_SECONDS", 0.05)

    async def wait() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser, browser.talking() as talk:
            reader, writer = await connect(page)
            writer.write(b"GET /static/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await ends(reader)
            writer.close()
            await talk.hear("hello")
            assert not talk.socket.closed

    asyncio.run(wait())


def test_one_that_never_reads_its_answer_counts_until_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(door, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(door, "MOST_OF_ONE_NETWORK", 1)

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(bytes(16 << 20))  # more than the system keeps for a connection
            transport.close()

    async def come() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        page, address = door.Door(Answer, [sock], None), sock.getsockname()
        page.open()
        deaf, first = await asyncio.open_connection(*address)
        async with asyncio.timeout(PATIENCE):
            refused = 0
            while True:
                reader, writer = await asyncio.open_connection(*address)
                is_in = await reader.read(1) != b""
                writer.transport.abort()
                if is_in:
                    break
                refused += 1
        assert refused
        assert len(await ends(deaf)) < 16 << 20  # the rest was thrown away
        first.close()
        await page.close()

    asyncio.run(come())


def test_a_file_may_take_long_to_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(door, "SWEEP_SECONDS", 0.05)
    film = os.urandom(16 << 20)  # more than the system keeps for a connection
    (tmp_path / "film.mp4").write_bytes(film)

    async def load() -> None:
        about = AgentFacts(str(tmp_path), {})
        async with (
            opened(AgentSite, about=about) as page,
            page.browser(SECRETS.steer) as browser,
            browser.loading("/files/film.mp4") as content,
        ):
            begun = await content.readexactly(1 << 16)
            reader, writer = await connect(page)
            await ends(reader)  # it has said nothing, so this takes longer than the time for a request
            writer.close()
            assert begun + await content.read() == film

    asyncio.run(load())


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\nX: " + b"y" * 9000],
)
def test_garbage_is_sent_away_and_is_no_fault_of_ours(garbage: bytes) -> None:
    async def send() -> None:
        async with opened() as page:
            reader, writer = await connect(page)
            writer.write(garbage + b"\r\n\r\n")
            assert b"400 Bad Request" in (await ends(reader)).split(b"\r\n")[0]
            writer.close()
            async with page.browser(SECRETS.look) as browser:
                assert (await browser.get()).status == 200

    asyncio.run(send())


def test_too_many_connections_of_one_network_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_OF_ONE_NETWORK", 3)

    async def come() -> None:
        async with opened() as page:
            connections = [await connect(page) for _ in range(3)]
            reader, writer = await connect(page)
            assert await ends(reader) == b""
            writer.close()
            for _, one in connections:
                one.close()
                await one.wait_closed()

    asyncio.run(come())
