"""The arena's page, at the program's end: it is shown the ladder and the matches, and brings who plays."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pongrl.arena.standings import Bout, Courts, People, Standings
from pongrl.arena.visitors import Act, Come, Leave, Visitors
from pongrl.server.entrance import Entrance
from pongrl.server.guests import Paddle
from pongrl.web.links import secrets_of
from pongrl.web.played_page import PlayedPage
from pongrl.web.site import ArenaFacts, Site
from pongrl.wire.session import DEFAULT_PORT as AGENTS_PORT

DEFAULT_PORT = 8080
SECONDS_BETWEEN = {People: 0.0, Bout: 0.2, Standings: 0.9}  # two values of a kind, at least

Value: TypeAlias = Standings | Bout | Courts | People


class ArenaPage(PlayedPage):
    """What people see of an arena, and where they can play in it.

    `watched` are the numbers of the matches that somebody looks at, `size` is how many look on. People are
    told at once. Another value may be held back for a moment: it goes out at a later call of `show`, so
    while somebody looks on the hall calls it at least once a second.

    Args:
        site: what is served; `about` has ArenaFacts.
        visitors: is told what people on the page ask for.
        say: is told if the page goes by itself.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(self, site: Site, visitors: Visitors, say: Callable[[str], None]) -> None:
        self._visitors = visitors
        self.watched = frozenset[int]()
        self._seats: set[int] = set()  # of those who play
        self._waiting: dict[type[Value], Value] = {}  # the latest of each kind
        self._shown: dict[type[Value], Value] = {}  # what is on the page
        self._due: dict[type[Value], float] = {}  # when the next of a kind may go out
        self._next = 0.0  # when to look again whether something may
        super().__init__("pongrl.web.arena_site", site, "arena", say)

    def show(self, value: Value) -> None:
        """Show a value, if somebody looks on and it is not too soon after the last one; for one thread."""
        waiting = self._waiting
        if isinstance(value, People) and isinstance(before := waiting.get(People), People):
            value = People(before.news | value.news)
        waiting[type(value)] = value
        now = time.monotonic()
        if now < self._next and not isinstance(value, People):
            return
        self._next = now + self._pause
        self._look_after()
        if self.size and self._page.is_free:
            for kind in [kind for kind in waiting if now >= self._due.get(kind, 0.0)]:
                self._send(kind, waiting.pop(kind), now)

    def _send(self, kind: type[Value], value: Value, now: float) -> None:
        self._due[kind] = now + (self._pause if kind is Courts else SECONDS_BETWEEN[kind])
        if kind is Courts or value != self._shown.get(kind):  # who begins to watch has not seen the court yet
            self._shown[kind] = value
            self._page.show(value)

    def _hear(self, said: dict[str, Any]) -> None:
        """Take what the page says; in another thread."""
        match said:
            case {"viewers": int(viewers), "plays": bool(plays), "watched": list(watched)}:
                self.watched = frozenset(watched)
                self._note_viewers(viewers, plays)
            case {"come": [int(seat), str(name), str(key)]}:
                self._seats.add(seat)
                self._visitors.tell(Come(seat, name, bytes.fromhex(key)))
            case {"act": [int(seat), move, to]}:
                self._visitors.tell(Act(seat, Paddle(move, to)))
            case {"leave": int(seat)}:
                self._seats.discard(seat)
                self._visitors.tell(Leave(seat))

    def _part(self) -> None:
        self.watched = frozenset()
        for seat in sorted(self._seats):
            self._visitors.tell(Leave(seat))
        self._seats.clear()


def open_arena_page(
    web: bool | int,
    is_lockstep: bool,
    points_to_win: int,
    entrance: Entrance,
    ledger: Path,
    visitors: Visitors,
    say: Callable[[str], None],
) -> ArenaPage:
    """Open the page of an arena: at the same host, and with the same token and certificate.

    Args:
        web: the port; True for the usual one.
        is_lockstep: agents play as fast as they answer.
        points_to_win: of a match.
        entrance: where agents come in.
        ledger: the arena's file, which is there already.
        visitors: is told what people on the page ask for.
        say: is told if the page goes by itself.

    Raises:
        PongError: it cannot listen there.
    """
    facts = ArenaFacts(str(ledger.resolve()), is_lockstep, points_to_win, _options(entrance))
    port = DEFAULT_PORT if web is True else int(web)
    title = f"Pong arena on {socket.gethostname()}"
    secrets = secrets_of(entrance.token, "arena")
    site = Site(title, entrance.host, port, secrets, entrance.certificate, entrance.key, facts)
    return ArenaPage(site, visitors, say)


def _options(entrance: Entrance) -> str:
    """Return what an agent's command line needs beside the host, to connect."""
    options = []
    if entrance.port not in (0, AGENTS_PORT):  # of any free one nothing is known yet
        options.append(f"--port {entrance.port}")
    if entrance.token:
        options.append("--token-file FILE")
    if entrance.certificate is not None:
        options.append("--ca FILE")
    return " ".join(options)
