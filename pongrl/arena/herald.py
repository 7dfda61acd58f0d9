"""Tells people how the arena stands: those on the page, and those who watch over the wire."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from pongrl.arena.ledger import Ledger
from pongrl.arena.standings import Bout, Courts, People, Played
from pongrl.arena.table import Table
from pongrl.game.rules import LEFT, RIGHT
from pongrl.server.gallery import VIEWS_PER_SECOND, Gallery
from pongrl.wire.messages import View

LAST_MATCHES = 30  # that people see on the list
STANDINGS_SECONDS, BOUT_SECONDS = 1.0, 0.25  # between two


class Audience(Protocol):
    """People on the page."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def watched(self) -> Collection[int]:
        """The numbers of the matches that they look at."""

    def show(self, value: Any) -> None:
        """Show them Standings, a Bout, Courts or People."""


class Herald:
    """Tells people what is new, as often as they can take it. For the hall's thread.

    Args:
        ledger: Has the ladder.
        gallery: Those who watch over the wire.
    """

    def __init__(self, ledger: Ledger, gallery: Gallery) -> None:
        self._ledger, self._gallery = ledger, gallery
        self.audience: Audience | None = None  # those on the page; None if there is none
        self._here: frozenset[int] = frozenset()
        self._is_news = True  # somebody came or left, or a match has ended
        self._size = 0
        self._last: tuple[Played, ...] | None = None  # matches; None if the ledger is to be asked
        self._due = dict.fromkeys(("standings", "bout", "view", "places"), 0.0)

    def note(self, here: frozenset[int]) -> None:
        """Note that the ladder has changed, or who is here now."""
        self._here, self._is_news, self._last = here, True, None

    def tell(self, tables: Sequence[Table], people: People | None) -> None:
        """Tell all what is new."""
        now = time.monotonic()
        if self._gallery.size and tables and self._is_due("view", 1 / VIEWS_PER_SECOND, now):
            self._gallery.show(_view(tables[0]))
        if self.audience is not None:
            self._tell_page(self.audience, tables, people, now)

    def _tell_page(
        self, audience: Audience, tables: Sequence[Table], people: People | None, now: float
    ) -> None:
        if audience.size > self._size:  # somebody has come, and has seen nothing yet
            self._is_news = True
        self._size = audience.size
        if people is not None:
            audience.show(people)
        if not self._size:
            return
        if self._is_news and self._is_due("standings", STANDINGS_SECONDS, now):
            self._is_news = False
            audience.show(self._ledger.standings(self._here))
        if self._is_due("bout", BOUT_SECONDS, now):
            if self._last is None:
                self._last = tuple(self._ledger.last(LAST_MATCHES))
            audience.show(Bout(tuple(table.live() for table in tables), self._last))
        if self._is_due("places", 1 / VIEWS_PER_SECOND, now):
            watched = {table.number: table.place() for table in tables if table.number in audience.watched}
            if watched:
                audience.show(Courts(watched))

    def _is_due(self, what: str, seconds: float, now: float) -> bool:
        if now < self._due[what]:
            return False
        self._due[what] = now + seconds
        return True


def _view(table: Table) -> View:
    """Return what those see who watch over the wire: one match."""
    game, (left, right) = table.game, table.sides
    points = sum(table.score)
    return View(
        ball=(game.ball_x, game.ball_y),
        paddles=(game.paddles[LEFT], game.paddles[RIGHT]),
        score=table.score,
        matches=0,
        last_match=None,
        rally=game.rally,
        last_rally=game.last_rally,
        sounds=(game.hits, game.bounces, points),
        status=f"{left.player.name} – {right.player.name}   table {table.number}",
    )
