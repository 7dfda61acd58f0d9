"""The game's page, at the program's end: it is shown the game, and brings what guests ask for."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pongrl.game.people import Snapshot
from pongrl.server.entrance import Entrance
from pongrl.server.guests import Guests, Paddle, Wish
from pongrl.server.options import GameOptions
from pongrl.web.links import greeting, links_of, secrets_of
from pongrl.web.page import Page
from pongrl.web.site import GameFacts, Others, Site

DEFAULT_PORT = 8080
PLAYERS_PER_SECOND, VIEWS_PER_SECOND = 60, 30  # pictures where people play, and where they only look on


class GamePage:
    """An audience of the game, whose guests may play.

    Args:
        site: what is served; `about` has GameFacts.
        guests: are told what people on the page ask for.
        say: is told if the page goes by itself.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(self, site: Site, guests: Guests, say: Callable[[str], None]) -> None:
        self._guests, self._say = guests, say
        self.size = 0  # viewers
        self._latest: Snapshot | None = None
        self._due = 0.0  # when the next picture is
        self._pause = 1 / VIEWS_PER_SECOND  # between two pictures
        self._has_gone = False
        self._page = Page("pongrl.web.game_site", site, self._hear, lambda: False)
        self.links = links_of(site, self._page.addresses[0][1])

    def greet(self, say: Callable[[str], None]) -> None:
        """Say by which links the page is opened."""
        for line in greeting(self.links, "the game", "play"):
            say(line)

    def show(self, snapshot: Snapshot) -> None:
        """Show how the game stands, if somebody looks on and the last picture is gone; for one thread."""
        self._latest = snapshot
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + self._pause
        self._look_after()
        if self.size and self._page.is_free:
            self._send(snapshot)

    def show_others(self, others: list[dict[str, Any]]) -> None:
        """Show the other servers on this network that have a page; any thread may call it."""
        games = [{"name": one["name"], "url": one["page"]} for one in others if one["page"]]
        self._page.show(Others(games))

    def _send(self, snapshot: Snapshot) -> None:
        self._page.show(snapshot if snapshot.frame is None else replace(snapshot, frame=None))

    def _hear(self, said: dict[str, Any]) -> None:
        """Take what the page says; in another thread."""
        match said:
            case {"viewers": int(viewers), "plays": bool(plays)}:
                self.size, self._pause = viewers, 0.9 / (PLAYERS_PER_SECOND if plays else VIEWS_PER_SECOND)
                if self._latest is not None:
                    self._send(self._latest)
            case {"wish": [left, right, bool(paused), level, int(restarts)]}:
                self._guests.wish_for(Wish(_paddle(left), _paddle(right), paused, level, restarts))

    def _look_after(self) -> None:
        """Go on without the page if its process has gone."""
        if not self._page.is_open and not self._has_gone:
            self._has_gone = True
            why = self._page.close()  # first: what it has said last is heard until then
            self._guests.leave()
            self.size = 0
            self._say(f"the page has gone ({why}); the game goes on without it")

    def close(self) -> None:
        """End the page."""
        if not self._has_gone:
            self._has_gone, self.size = True, 0
            self._page.close()


def _paddle(said: list[Any] | None) -> Paddle | None:
    return None if said is None else Paddle(*said)


def facts_of(options: GameOptions, has_window: bool) -> GameFacts:
    """Return what the page has to know of a game of Pong; `has_window` if people play at its window too."""
    return GameFacts(
        options.level, options.lockstep, options.second_level is not None,
        has_window and options.opponent == "human",
    )  # fmt: skip


def open_game_page(
    web: bool | int,
    facts: GameFacts,
    entrance: Entrance,
    guests: Guests,
    say: Callable[[str], None],
    game: str = "Pong",
) -> GamePage:
    """Open the page of a game: at the same host, and with the same token and certificate.

    Args:
        web: the port; True for the usual one.
        facts: what the page has to know of the game.
        entrance: where agents come in.
        guests: are told what people on the page ask for.
        say: is told if the page goes by itself.
        game: the name of what is played.

    Raises:
        PongError: it cannot listen there.
    """
    port = DEFAULT_PORT if web is True else int(web)
    title = f"{game} on {socket.gethostname()}"
    secrets = secrets_of(entrance.token, "game")
    site = Site(title, entrance.host, port, secrets, entrance.certificate, entrance.key, facts)
    return GamePage(site, guests, say)
