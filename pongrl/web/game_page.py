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
from pongrl.web.links import secrets_of
from pongrl.web.played_page import PlayedPage
from pongrl.web.site import GameFacts, Others, Site

DEFAULT_PORT = 8080


class GamePage(PlayedPage):
    """An audience of the game, whose guests may play.

    Args:
        site: what is served; `about` has GameFacts.
        guests: are told what people on the page ask for.
        say: is told if the page goes by itself.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(self, site: Site, guests: Guests, say: Callable[[str], None]) -> None:
        self._guests = guests
        self._latest: Snapshot | None = None
        self._due = 0.0  # when the next picture is
        self._shown: tuple[object, ...] = ()  # who plays and who pauses in the latest picture
        super().__init__("pongrl.web.game_site", site, "game", say)

    def show(self, snapshot: Snapshot) -> None:
        """Show how the game stands, if somebody looks on and the last picture is gone; for one thread."""
        self._latest = snapshot
        now, who = time.monotonic(), (snapshot.paused, snapshot.agents, snapshot.status)
        is_news = who != self._shown  # a game that is paused then shows nothing more
        if now < self._due and not is_news:
            return
        self._due = now + self._pause
        self._look_after()
        if self.size and (self._page.is_free or is_news):
            self._shown = who
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
                self._note_viewers(viewers, plays)
                if self._latest is not None:
                    self._send(self._latest)
            case {"wish": [left, right, bool(paused), level, int(restarts)]}:
                self._guests.wish_for(Wish(_paddle(left), _paddle(right), paused, level, restarts))

    def _part(self) -> None:
        self._guests.leave()


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
