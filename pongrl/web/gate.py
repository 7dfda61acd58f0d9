"""Who may see and do what on a page: each request passes here first.

A link has a secret; see `links`. It is taken into a cookie that scripts cannot read, and out of the address
bar. The rest keeps pages of others from using that cookie in the name of whoever has it:

    Host      must be an address or a name of this machine: else a foreign name was made to point here
    Origin    of a WebSocket must be this page's own
    headers   no foreign script, style, picture or frame; no sniffing, no referrer, no cache
"""

from __future__ import annotations

import contextlib
import hmac
import html
import ipaddress
import math
import socket
import time
from collections.abc import Awaitable, Callable
from enum import IntEnum

from aiohttp import web

from pongrl.text import printable
from pongrl.web.door import Door
from pongrl.web.links import WILDCARDS
from pongrl.web.site import Secrets, Site
from pongrl.wire.allowance import Allowance
from pongrl.wire.throttle import Attempts, network_of

COOKIE_DAYS = 30
REQUESTS_AT_ONCE, REQUESTS_PER_SECOND = 600, 100  # of one network; a class may share one address
NETWORKS = 1024  # whose requests are counted
FREE_PATHS = "/static/"  # anybody who can connect may load these: they tell nothing
LONGEST_SECRET = 200  # characters
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REFUSED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pong</title>
<link rel="stylesheet" href="/static/style.css">
<main class="refused panel"><h1>Pong</h1><p>{sentence}</p></main>
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Right(IntEnum):
    """What a visitor may do; each right has those before it."""

    NONE = 0
    LOOK = 1
    STEER = 2


class Gate:
    """Lets requests pass, or refuses them with a sentence.

    Args:
        site: what is served.
        port: that it listens on.
        door: keeps a connection open while its request is answered.
    """

    def __init__(self, site: Site, port: int, door: Door) -> None:
        self._secrets, self._door = site.secrets, door
        self._is_encrypted = site.certificate is not None
        self._scheme = "https" if self._is_encrypted else "http"
        self._cookie = f"pong_{port}"  # cookies are shared by all ports of a host
        self._names = names_of(site.host)
        self._attempts = Attempts()
        self._requests: dict[str, Allowance] = {}  # of each network, the one heard last comes last

    def right(self, request: web.Request) -> Right:
        """Return what the sender of a request may do."""
        return right_of(request.cookies.get(self._cookie, ""), self._secrets)

    def is_own_origin(self, request: web.Request) -> bool:
        """Return whether a request comes from a page of ours."""
        return request.headers.get("Origin") == f"{self._scheme}://{request.host}"

    def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer has."""
        response.headers.update(HEADERS)
        socket_scheme = "wss" if self._is_encrypted else "ws"
        own = f"{socket_scheme}://{request.host}" if self._is_ours(request.host) else ""
        response.headers["Content-Security-Policy"] = POLICY.format(socket=own).replace(" ;", ";")

    def staying(self, request: web.Request) -> contextlib.AbstractContextManager[None]:
        """Let a viewer stay as long as it likes, for a `with` block."""
        return self._door.busy(request.transport, math.inf)

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request pass to what answers it, or refuse it: aiohttp's middleware."""
        with self._door.busy(request.transport):
            try:
                return await self._pass(request, handler)
            except web.HTTPException as error:
                return self._refused(error.status, error.text or error.reason)

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        network = network_of(request.remote or "0.0.0.0")
        if not self._may_ask(network):
            raise web.HTTPTooManyRequests(text="too many requests from your address: wait a second")
        if not self._is_ours(request.host):
            raise web.HTTPMisdirectedRequest(
                text=f"this page has no name {printable(request.host, 80)}: use the address in its link"
            )
        if request.path.startswith(FREE_PATHS):
            return await handler(request)
        if (token := request.query.get("token")) is not None:
            return self._enter(request, network, token[:LONGEST_SECRET])
        if self.right(request) is Right.NONE:
            raise web.HTTPForbidden(
                text="this page needs the link that the program has printed where it was started: "
                "open that one, token and all"
            )
        return await handler(request)

    def _enter(self, request: web.Request, network: str, token: str) -> web.StreamResponse:
        """Take the secret of a link into a cookie, and out of the address bar."""
        right = right_of(token, self._secrets, is_given=True)
        if right is Right.NONE:
            raise self._wrong(network)
        response = web.Response(status=303, headers={"Location": "/"})
        if right > self.right(request) or not self._secrets.look:  # or who steers would steer no more
            response.set_cookie(
                self._cookie, token, max_age=COOKIE_DAYS * 86400, httponly=True, samesite="Lax",
                secure=self._is_encrypted,
            )  # fmt: skip
        return response

    def _wrong(self, network: str) -> web.HTTPException:
        """Return what answers a wrong token, and count it."""
        now = time.monotonic()
        if self._attempts.wait(network, now) > 0:
            return web.HTTPTooManyRequests(text="too many wrong tokens from your address: wait a second")
        self._attempts.count(network, now)
        return web.HTTPForbidden(
            text="the token in this link is wrong or an old one: "
            "open the link that the program has printed when it was started last"
        )

    def _may_ask(self, network: str) -> bool:
        allowance = self._requests.pop(network, None)
        if allowance is None:
            allowance = Allowance(REQUESTS_AT_ONCE, REQUESTS_PER_SECOND)
        self._requests[network] = allowance
        if len(self._requests) > NETWORKS:
            del self._requests[next(iter(self._requests))]
        return allowance.take()

    def _is_ours(self, host: str) -> bool:
        """Return whether a request's Host names this machine; its port does not matter."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower().rstrip(".")
        if name in self._names:
            return True
        if "%" in name:  # behind it anything may stand
            return False
        try:
            ipaddress.ip_address(name)  # nobody can make an address point elsewhere
        except ValueError:
            return False
        return True

    def _refused(self, status: int, sentence: str) -> web.Response:
        text = REFUSED.format(sentence=html.escape(sentence))  # a stranger learns no name of this machine
        response = web.Response(status=status, text=text, content_type="text/html")
        response.force_close()  # who floods must connect again for each answer
        return response


def right_of(secret: str, secrets: Secrets, is_given: bool = False) -> Right:
    """Return the right that a secret gives.

    Args:
        secret: from a link or a cookie; "" if there is none.
        secrets: those of the page.
        is_given: it must be one of them, even where everybody may look.
    """
    given = secret.encode(errors="replace")  # bytes that are no text come as surrogates
    if hmac.compare_digest(given, secrets.steer.encode()):
        return Right.STEER
    if secrets.look:
        return Right.LOOK if hmac.compare_digest(given, secrets.look.encode()) else Right.NONE
    return Right.NONE if is_given else Right.LOOK


def names_of(host: str) -> set[str]:
    """Return the names by which a page that listens on this host may be called."""
    own = socket.gethostname().lower()
    short = own.split(".")[0]
    names = {"localhost", own, short, f"{short}.local", host.lower()}
    return names - {"", *WILDCARDS}
