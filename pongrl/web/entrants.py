"""Who on the arena's page plays. Each has a seat, a running number by which the program knows it.

A person who goes away, or makes no move for thirty seconds of a match, plays no more.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pongrl.arena.standings import News
from pongrl.server.guests import Paddle
from pongrl.web.crowd import Viewer
from pongrl.web.paddles import NAMES
from pongrl.web.serving import Tell
from pongrl.wire.allowance import Allowance

MOST_ENTRANTS = 20
IDLE_SECONDS = 30.0  # of a match, without a move
COMES_AT_ONCE, COMES_PER_SECOND = 30, 2  # of all together; each writes into the arena's file
COME, ACT, LEAVE = "come", "act", "leave"  # what the program is told
FULL = f"{MOST_ENTRANTS} people play here already: try again when one has left"
TOO_OFTEN = "too many come at once: try again in a few seconds"
TOO_LONG = f"you made no move for {IDLE_SECONDS:g} seconds"
WAIT = News("you are let in")
NOTHING = Paddle()


@dataclass
class _Entrant:
    seat: int
    key: bytes  # the secret of its browser
    heard: float  # when it has made a move last
    paddle: Paddle = NOTHING
    news: News = WAIT


class Entrants:
    """The people who play.

    Args:
        tell: tells the program of who comes, acts and leaves.
        changed: is called when a viewer begins or ends a match.
        clock: gives the time in seconds.
    """

    def __init__(
        self, tell: Tell, changed: Callable[[Viewer], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._changed, self._clock = tell, changed, clock
        self._numbers = itertools.count(1)
        self._here: dict[Viewer, _Entrant] = {}
        self._allowance = Allowance(COMES_AT_ONCE, COMES_PER_SECOND, clock)

    def __len__(self) -> int:
        return len(self._here)

    def match_of(self, viewer: Viewer) -> int | None:
        """Return the number of the match that a viewer plays now; None if there is none."""
        return self._here[viewer].news.match if viewer in self._here else None

    def come(self, viewer: Viewer, name: str, key: bytes) -> None:
        """Let a viewer play, if there is room; one who plays already goes on.

        Args:
            viewer: who comes.
            name: one line, not empty, ready to print.
            key: the secret of the viewer's browser.
        """
        if viewer in self._here:
            return
        comes_back = key in {entrant.key for entrant in self._here.values()}  # its old connection may be dead
        if len(self._here) >= MOST_ENTRANTS and not comes_back:
            refuse(viewer, FULL)
        elif not self._allowance.take():
            refuse(viewer, TOO_OFTEN)
        else:
            entrant = self._here[viewer] = _Entrant(next(self._numbers), key, self._clock())
            self._tell({COME: [entrant.seat, name, key.hex()]})
            viewer.tell(told(WAIT))

    def act(self, viewer: Viewer, paddle: Paddle) -> None:
        """Let a viewer do something with its paddle; nothing if it has none."""
        entrant = self._here.get(viewer)
        if entrant is None:
            return
        if paddle != NOTHING:  # to let go is no move
            entrant.heard = self._clock()
        if paddle != entrant.paddle:
            entrant.paddle = paddle
            self._tell({ACT: [entrant.seat, *paddle]})

    def leave(self, viewer: Viewer, why: str = "") -> None:
        """Let a viewer play no more."""
        entrant = self._here.pop(viewer, None)
        if entrant is not None:
            self._tell({LEAVE: entrant.seat})
            refuse(viewer, why)
            self._changed(viewer)

    def take(self, news: Mapping[int, News]) -> None:
        """Tell people what is new, by their seats."""
        for viewer, entrant in list(self._here.items()):
            latest = news.get(entrant.seat, entrant.news)
            if latest.is_out:
                self.leave(viewer, latest.words)
            elif latest != entrant.news:
                before, entrant.news = entrant.news, latest
                if latest.match != before.match:
                    entrant.heard, entrant.paddle = self._clock(), NOTHING  # the program has let it go too
                    self._changed(viewer)
                viewer.tell(told(latest))

    def look_at_clock(self) -> None:
        """Let those leave who have made no move for long; between two matches nobody need."""
        now = self._clock()
        for viewer, entrant in list(self._here.items()):
            if entrant.news.match is None:
                entrant.heard = now
            elif now - entrant.heard >= IDLE_SECONDS:
                self.leave(viewer, TOO_LONG)


def refuse(viewer: Viewer, why: str) -> None:
    """Tell a viewer that it does not play, and why."""
    viewer.tell(told(News(why, is_out=True)))


def told(news: News) -> dict[str, Any]:
    """Return the message that tells a person what goes on."""
    return {
        "news": {
            "words": news.words,
            "match": news.match,
            "side": None if news.side is None else NAMES[news.side],
            "opponent": news.opponent,
            "serve_in": news.serve_in,
            "out": news.is_out,
        }
    }
