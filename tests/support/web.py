"""Pages for tests: one in this process, with browsers that are no more than an HTTP client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
from yarl import URL

from pongrl.web.game_site import GameSite
from pongrl.web.serving import Faults, Served, Tell
from pongrl.web.site import FAULT, GameFacts, Secrets, Site
from tests.support import PATIENCE

SECRETS = Secrets(look="look-secret", steer="steer-secret")
FACTS = GameFacts(level=2, lockstep=False, second_level=False, right_is_window=False)


@dataclass(frozen=True)
class Answer:
    """What a page answers."""

    status: int
    headers: Mapping[str, str]
    cookies: SimpleCookie
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as a value."""
        return json.loads(self.body)


class Browser:
    """A visitor of a page, with a cookie of its own.

    Args:
        url: where the page is.
        client: of aiohttp.
    """

    def __init__(self, url: URL, client: aiohttp.ClientSession) -> None:
        self.url, self._client = url, client
        self.origin = str(url.origin())

    async def get(self, path: str = "/", **headers: str) -> Answer:
        """Ask for a path, and follow no redirection."""
        request = self._client.get(self.url.join(URL(path)), headers=headers, allow_redirects=False)
        async with request as response:
            return Answer(response.status, response.headers, response.cookies, await response.read())

    async def enter(self, secret: str) -> None:
        """Open a link with this secret."""
        answer = await self.get(f"/?token={secret}")
        assert answer.status == 303

    @contextlib.asynccontextmanager
    async def loading(self, path: str) -> AsyncIterator[aiohttp.StreamReader]:
        """Load what a path has, piece by piece."""
        async with self._client.get(self.url.join(URL(path))) as response:
            yield response.content

    @contextlib.asynccontextmanager
    async def talking(self, origin: str | None = "") -> AsyncIterator[Talk]:
        """Talk to the page over its WebSocket; the origin is the page's own unless it is given."""
        headers = {} if origin is None else {"Origin": origin or self.origin}
        async with self._client.ws_connect(self.url.join(URL("/live")), headers=headers) as socket:
            yield Talk(socket)


class Talk:
    """What a browser and the page say to each other."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._heard: dict[str, deque[Any]] = defaultdict(deque)  # of each kind, what nobody has asked for yet

    async def say(self, **message: Any) -> None:
        """Say one message."""
        await self.socket.send_json(message)

    async def hear(self, kind: str, is_meant: Callable[[Any], bool] = lambda _: True) -> Any:
        """Hear messages until one of this kind that is meant, and return its content; others are kept."""
        heard = self._heard[kind]
        async with asyncio.timeout(PATIENCE):
            while True:
                while heard:
                    if is_meant(content := heard.popleft()):
                        return content
                ((name, content),) = (await self.socket.receive_json()).items()
                self._heard[name].append(content)

    def has_heard(self, kind: str) -> bool:
        """Return whether there was a message of this kind that nobody has asked for."""
        return bool(self._heard[kind])

    async def end(self) -> None:
        """Wait until the page hangs up."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self.socket:
                pass


class Opened:
    """A page in this process."""

    def __init__(self, site: Served, url: URL, told: Told) -> None:
        self.site, self.url, self.told = site, url, told

    @contextlib.asynccontextmanager
    async def browser(self, secret: str = "") -> AsyncIterator[Browser]:
        """A visitor; with a secret it has opened that link."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of addresses too
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            browser = Browser(self.url, client)
            if secret:
                await browser.enter(secret)
            yield browser


class Told:
    """What the program was told; a test can wait for it."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    def __call__(self, value: dict[str, Any]) -> None:
        self.all.append(json.loads(json.dumps(value)))  # as it crosses the pipe
        self._news.set()

    def of(self, kind: str) -> list[Any]:
        """What was told of one kind."""
        return [value[kind] for value in self.all if kind in value]

    async def wait(self, kind: str, is_meant: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait until the latest of a kind is meant, and return it."""
        async with asyncio.timeout(PATIENCE):
            while not (found := self.of(kind)) or not is_meant(found[-1]):
                self._news.clear()
                await self._news.wait()
        return found[-1]


@contextlib.asynccontextmanager
async def opened(
    make: Callable[[Site, Tell], Served] = GameSite,
    secrets: Secrets = SECRETS,
    about: object = FACTS,
    **changes: Any,
) -> AsyncIterator[Opened]:
    """Open a page on a free port of this machine; see that it has no fault."""
    told = Told()
    faults = Faults(told)
    logging.getLogger().addHandler(faults)
    page = make(Site("Pong on test", "127.0.0.1", 0, secrets, about=about, **changes), told)
    (host, port), *_ = await page.open()
    scheme = "https" if "certificate" in changes else "http"
    try:
        yield Opened(page, URL(f"{scheme}://{host}:{port}/"), told)
    finally:
        await page.close()
        logging.getLogger().removeHandler(faults)
    assert told.of(FAULT) == []


@contextlib.asynccontextmanager
async def visiting(link: str) -> AsyncIterator[Browser]:
    """A browser that has opened a link."""
    url = URL(link)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        browser = Browser(url.origin(), client)
        if "token" in url.query:
            await browser.enter(url.query["token"])
        yield browser


@contextlib.asynccontextmanager
async def talking(link: str) -> AsyncIterator[Talk]:
    """A browser that has opened a link, and talks to the page."""
    async with visiting(link) as browser, browser.talking() as talk:
        yield talk
