"""Who may see and do what on a page, and what strangers and pages of others can do: nothing."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import pytest
from yarl import URL

from pongrl.web import gate
from pongrl.web.gate import Right, names_of, right_of
from pongrl.web.site import Secrets
from tests.support import ROOT
from tests.support.web import SECRETS, Opened, opened

PEM = str(ROOT / "tests" / "localhost.pem")
OPEN = Secrets(look="", steer="steer-secret")


def test_a_visitor_without_a_link_is_told_to_open_it() -> None:
    async def visit() -> None:
        async with opened() as page, page.browser() as browser:
            answer = await browser.get()
            assert answer.status == 403
            assert "open that one, token and all" in answer.text
            assert "on test" not in answer.text  # the name of the machine, in the page's title
            assert answer.headers["Connection"] == "close"  # who floods must connect again each time
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with browser.talking():
                    pass
            assert (await browser.get("/static/style.css")).status == 200

    asyncio.run(visit())


def test_a_link_becomes_a_cookie_that_scripts_cannot_read_and_leaves_the_address_bar() -> None:
    async def visit() -> None:
        async with opened() as page, page.browser() as browser:
            answer = await browser.get(f"/?token={SECRETS.look}")
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            (cookie,) = answer.cookies.values()
            assert cookie.value == SECRETS.look
            assert cookie["httponly"]
            assert cookie["samesite"] == "Lax"
            assert str(page.url.port) in cookie.key  # the ports of a host share their cookies
            assert (await browser.get()).status == 200

    asyncio.run(visit())


@pytest.mark.parametrize("secrets", [SECRETS, OPEN], ids=["with a token", "open to all"])
def test_a_wrong_token_is_refused_and_guessing_takes_time(secrets: Secrets) -> None:
    async def visit() -> None:
        async with opened(secrets=secrets) as page, page.browser() as browser:
            for _ in range(5):
                answer = await browser.get("/?token=guess")
                assert answer.status == 403
                assert "wrong or an old one" in answer.text
                assert not answer.cookies
            assert (await browser.get("/?token=guess")).status == 429
            assert (await browser.get(f"/?token={secrets.steer}")).status == 303  # the right one is no guess

    asyncio.run(visit())


@pytest.mark.parametrize("path", ["//evil.example/", "/a%0d%0aX: y", "/\\\\evil.example"])
def test_a_link_leads_to_this_page_and_nowhere_else(path: str) -> None:
    async def visit() -> None:
        async with opened() as page, page.browser() as browser:
            answer = await browser.get(f"http://{page.url.authority}{path}?token={SECRETS.look}")
            assert (answer.status, answer.headers["Location"]) == (303, "/")

    asyncio.run(visit())


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": "ü"},
        {"Sec-WebSocket-Version": "99"},
        {"Content-Encoding": "gzip", "Content-Length": "4"},
    ],
)
def test_a_request_that_makes_no_sense_is_no_fault_of_ours(headers: dict[str, str]) -> None:
    async def visit() -> None:
        async with opened(secrets=OPEN) as page:
            reader, writer = await asyncio.open_connection(page.url.host, page.url.port)
            usual = {
                "Host": "localhost", "Origin": "http://localhost",
                "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            }  # fmt: skip
            lines = [f"{name}: {value}" for name, value in (usual | headers).items()]
            writer.write(("\r\n".join(["GET /live HTTP/1.1", *lines, "", "body"])).encode())
            status = (await reader.readline()).split()[1:2]  # none where aiohttp, before 3.11, just hangs up
            assert status in ([], [b"400"], [b"426"], [b"101"])
            writer.close()

    asyncio.run(visit())


def test_where_everybody_may_look_only_the_link_lets_people_steer() -> None:
    async def visit() -> None:
        async with opened(secrets=OPEN) as page, page.browser() as browser:
            assert (await browser.get()).status == 200
            async with browser.talking() as talk:
                assert not (await talk.hear("hello"))["steers"]
            await browser.enter(OPEN.steer)
            async with browser.talking() as talk:
                assert (await talk.hear("hello"))["steers"]

    asyncio.run(visit())


def test_who_steers_still_does_after_opening_the_link_for_looking() -> None:
    async def visit() -> None:
        async with opened() as page, page.browser(SECRETS.steer) as browser:
            await browser.enter(SECRETS.look)
            async with browser.talking() as talk:
                assert (await talk.hear("hello"))["steers"]

    asyncio.run(visit())


def test_who_may_only_look_is_not_obeyed() -> None:
    async def visit() -> None:
        async with opened() as page, page.browser(SECRETS.look) as browser, browser.talking() as talk:
            await talk.hear("hello")
            await talk.say(pause=True)
            await talk.say(sit="right")
            await talk.socket.close()
            await page.told.wait("viewers", lambda viewers: viewers == 0)
            assert page.told.of("wish") == []

    asyncio.run(visit())


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "http://127.0.0.1:1"])
def test_another_page_cannot_talk_in_a_visitors_name(origin: str | None) -> None:
    async def visit() -> None:
        async with opened() as page, page.browser(SECRETS.steer) as browser:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                async with browser.talking(origin):
                    pass

    asyncio.run(visit())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421), ("evil.example:80", 421),
        ("[fe80::1%; script-src *]", 421), ("127.0.0.1.evil.example", 421), ("", 421),
        ("localhost", 200), ("LOCALHOST.:1234", 200), ("10.1.2.3", 200), ("[::1]:8080", 200),
    ],
)  # fmt: skip
def test_a_foreign_name_that_was_made_to_point_here_is_refused(host: str, status: int) -> None:
    async def visit() -> None:
        async with opened(secrets=OPEN) as page, page.browser() as browser:
            assert (await browser.get(Host=host)).status == status

    asyncio.run(visit())


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/style.css", "/static/nothing.js", "/live"])
def test_every_answer_has_the_headers_that_keep_other_pages_out(path: str) -> None:
    async def visit() -> None:
        for secrets in (SECRETS, OPEN):
            async with opened(secrets=secrets) as page, page.browser() as browser:
                answer = await browser.get(path)
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert f"ws://127.0.0.1:{page.url.port}" in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"

    asyncio.run(visit())


def test_what_a_stranger_sends_is_escaped_in_the_answer() -> None:
    async def visit() -> None:
        async with opened() as page, page.browser() as browser:
            text = (await browser.get(Host="<script>alert(1)</script>")).text
            assert "<script>" not in text
            assert "&lt;script&gt;" in text

    asyncio.run(visit())


def test_too_many_requests_of_one_address_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REQUESTS_AT_ONCE", 3)
    monkeypatch.setattr(gate, "REQUESTS_PER_SECOND", 0.001)

    async def visit() -> None:
        async with opened() as page, page.browser() as browser:
            answers = [(await browser.get("/static/style.css")).status for _ in range(4)]
            assert answers == [200, 200, 200, 429]

    asyncio.run(visit())


async def statuses(page: Opened, *paths: str) -> list[int]:
    """What these paths answer, written as they are."""
    async with page.browser(SECRETS.steer) as browser:
        return [(await browser.get(path)).status for path in paths]


def test_nothing_else_is_served() -> None:
    paths = "/static/../site.py", "/static/%2e%2e/site.py", "/static/", "/static/..%2fsite.py", "/pong.py"

    async def visit() -> None:
        async with opened() as page:
            assert set(await statuses(page, *paths)) == {404}
            async with page.browser(SECRETS.steer) as browser, aiohttp.ClientSession() as client:
                answer = await client.post(page.url, data="a=b")
                assert answer.status in (403, 405)
                assert browser.url == page.url

    asyncio.run(visit())


def test_with_a_certificate_all_is_encrypted() -> None:
    async def visit() -> None:
        async with opened(certificate=PEM) as page:
            context = ssl.create_default_context(cafile=PEM)
            context.check_hostname = False
            jar = aiohttp.CookieJar(unsafe=True)
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as client:
                link = page.url.with_query(token=SECRETS.look)
                async with client.get(link, allow_redirects=False) as answer:
                    (cookie,) = answer.cookies.values()
                    assert cookie["secure"]
                headers = {"Origin": str(page.url.origin())}
                async with client.ws_connect(page.url.join(URL("/live")), headers=headers) as socket:
                    assert "hello" in await socket.receive_json()

    asyncio.run(visit())


def test_a_secret_gives_its_right_and_no_other() -> None:
    assert right_of("steer-secret", SECRETS) is Right.STEER
    assert right_of("look-secret", SECRETS) is Right.LOOK
    assert right_of("", SECRETS) is Right.NONE
    assert right_of("ö\udcff", SECRETS) is Right.NONE
    assert right_of("", OPEN) is Right.LOOK
    assert right_of("", OPEN, is_given=True) is Right.NONE


def test_a_page_has_the_names_of_its_machine() -> None:
    assert "localhost" in names_of("0.0.0.0")
    assert "0.0.0.0" not in names_of("0.0.0.0")
    assert "pi.example" in names_of("pi.example")
