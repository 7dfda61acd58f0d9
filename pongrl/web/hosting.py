"""What all pages' processes do: listen, answer with the page and its parts, and talk to each viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Set
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from pongrl.web.crowd import HEARTBEAT_SECONDS, LONGEST_MESSAGE, MOST_PER_SECOND, Crowd, Viewer
from pongrl.web.door import Door
from pongrl.web.gate import Gate, Handler, Right
from pongrl.web.site import Site
from pongrl.wire.listening import certificate_context, listening_sockets
from pongrl.wire.sockets import Address

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
LONGEST_LINE = 4096  # of a request, in bytes
KEEP_ALIVE_SECONDS = 4.0  # more than the agent's page waits between two questions
BEAT_SECONDS = 5.0


Route = Callable[[web.Request, Right], Awaitable[web.StreamResponse]]


class Guide(Protocol):
    """What a page does with its viewers."""

    def welcome(self, viewer: Viewer, right: Right) -> None:
        """Tell a viewer that has come what it needs to know."""

    def hear(self, viewer: Viewer, said: dict[str, Any]) -> None:
        """Do what a viewer asks for: one with the right to steer, unless anybody may ask for it."""

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer that has left."""


class Hosting:
    """Answers browsers.

    Args:
        site: what is served, where and to whom.
        index: the name of the page itself, a file of `static`.
        guide: talks to the viewers.
        routes: further paths, and what answers each.
        harmless: names of the messages that viewers without the right to steer may say too.
        per_second: pictures that each viewer who looks on is sent at most.
    """

    def __init__(
        self,
        site: Site,
        index: str,
        guide: Guide,
        routes: Mapping[str, Route] | None = None,
        harmless: Set[str] = frozenset(),
        per_second: float = MOST_PER_SECOND,
    ) -> None:
        self._site, self._guide, self._routes, self._harmless = site, guide, routes or {}, harmless
        self.crowd = Crowd(per_second)
        self._parts = {path.name: _answer(path) for path in STATIC.iterdir() if path.suffix in KINDS}
        self._index = index

    async def open(self) -> list[Address]:
        """Listen, and return where.

        Raises:
            PongError: it cannot listen there, or the certificate cannot be used.
        """
        site = self._site
        tls = None if site.certificate is None else certificate_context(site.certificate, site.key)
        socks = listening_sockets(site.host, site.port, "--web")
        addresses: list[Address] = [sock.getsockname()[:2] for sock in socks]
        runner: web.AppRunner
        door = Door(lambda: runner.server(), socks, tls)  # type: ignore[misc]
        self._gate = Gate(site, addresses[0][1], door)
        runner = web.AppRunner(
            self._application(), access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE, auto_decompress=False,
        )  # fmt: skip
        await runner.setup()
        door.open()
        self._door, self._runner = door, runner
        self._clock = asyncio.ensure_future(self._beat())
        return addresses

    async def _beat(self) -> None:
        """Let all viewers know that we are there: a page cannot see the pings of its WebSocket."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.crowd.pay()
            self.crowd.tell({"beat": 1})

    async def close(self) -> None:
        """End all connections, and listen no more."""
        self._clock.cancel()
        await self._door.close()
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._gate.guard(request, handler)

        app = web.Application(middlewares=[guard], client_max_size=LONGEST_LINE)

        async def finish(request: web.Request, response: web.StreamResponse) -> None:
            self._gate.finish(request, response)

        app.on_response_prepare.append(finish)
        app.router.add_get("/", self._answer_with(self._index))
        app.router.add_get("/favicon.ico", self._answer_with("icon.svg"))
        for name in self._parts:
            app.router.add_get(f"/static/{name}", self._answer_with(name))
        app.router.add_get("/live", self._talk)
        for path, handler in self._routes.items():
            app.router.add_get(path, self._with_right(handler))
        return app

    def _answer_with(self, name: str) -> Handler:
        async def answer(_request: web.Request) -> web.StreamResponse:
            text, kind = self._parts[name]
            return web.Response(text=text, content_type=kind)

        return answer

    def _with_right(self, handler: Route) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await handler(request, self._gate.right(request))

        return answer

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        """Talk to a viewer until it leaves."""
        if not self._gate.is_own_origin(request):
            raise web.HTTPForbidden(text="another page may not use this one")
        right = self._gate.right(request)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, autoping=False, compress=False, max_msg_size=LONGEST_MESSAGE
        )
        with self._gate.staying(request):
            try:
                await socket.prepare(request)
            except ValueError as error:  # of a key that is none
                raise web.HTTPBadRequest(text="this is no WebSocket") from error
            assert request.transport is not None
            viewer = Viewer(socket, request.transport)
            self.crowd.add(viewer)
            try:
                self._guide.welcome(viewer, right)
                async for said in viewer.messages():
                    if right is Right.STEER or said.keys() <= self._harmless:
                        self._guide.hear(viewer, said)
            finally:
                self.crowd.remove(viewer)
                self._guide.part(viewer)
        return socket


def _answer(path: Path) -> tuple[str, str]:
    return path.read_text("utf-8"), KINDS[path.suffix]
