"""The arena's page, in a process of its own: python -m pongrl.web.arena_site. See pongrl.web.

Viewers are sent `hello` once, `standings` and `bout` when they have changed, and `court` some thirty times a
second about the match that they watch. Those who play are sent `news` too, and their own court sixty times a
second. What they may say stands in `ArenaSite.hear`; who may only look may say `watch` alone.
GET /replay/NUMBER has the recording of a match, /matches.csv all matches as a table.
"""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from aiohttp import web

from pongrl.arena.export import export
from pongrl.arena.ledger import Ledger
from pongrl.arena.standings import Bout, Courts, People, Standings
from pongrl.errors import PongError
from pongrl.web.crowd import Viewer, framed
from pongrl.web.entrants import Entrants, refuse
from pongrl.web.gate import Right
from pongrl.web.hosting import Hosting
from pongrl.web.paddles import COURT, wished
from pongrl.web.serving import Tell, serve
from pongrl.web.site import ArenaFacts, Site
from pongrl.wire.allowance import Allowance
from pongrl.wire.messages import NOBODY
from pongrl.wire.session import name_of
from pongrl.wire.sockets import Address

CLOCK_SECONDS = 0.5  # between two looks for players that make no move
LOOKERS_PER_SECOND = 30  # pictures, to each who only looks on
VIEWERS, PLAYS, WATCHED = "viewers", "plays", "watched"  # what the program is told
HARMLESS = frozenset({"watch"})
KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
REPLAYS_AT_ONCE, REPLAYS_PER_SECOND = 100, 20  # answers to all visitors together
TABLES_AT_ONCE, TABLES_PER_SECOND = 10, 0.5
MOST_LOADING = 8  # tables on their way; each is a whole one on the disk until it has gone
CHUNK_BYTES = 1 << 16  # of a table, at once
NAMELESS = "give a name of at least one letter"
NOT_KEPT = "this match is not kept any more, or has not been played: choose another"
TOO_MANY = "too many ask for this: wait a few seconds"


class ArenaSite:
    """The arena's page.

    Args:
        site: what is served, and to whom; `about` has ArenaFacts.
        tell: tells the program.
    """

    def __init__(self, site: Site, tell: Tell) -> None:
        self._site, self._tell = site, tell
        self._facts: ArenaFacts = site.about
        routes = {"/replay/{number}": self._send_replay, "/matches.csv": self._send_table}
        self._hosting = Hosting(site, "arena.html", self, routes, HARMLESS, LOOKERS_PER_SECOND)
        self._crowd = self._hosting.crowd
        self._entrants = Entrants(tell, self._turn)
        self._watching: dict[Viewer, int | None] = {}  # the match that each has chosen; all viewers are here
        self._standings: dict[str, Any] = {}
        self._bout: dict[str, Any] = {}
        self._live: frozenset[int] = frozenset()  # numbers of the matches that are played
        self._told: dict[str, Any] = {}  # to the program, of the viewers
        self._replays = Allowance(REPLAYS_AT_ONCE, REPLAYS_PER_SECOND)
        self._tables = Allowance(TABLES_AT_ONCE, TABLES_PER_SECOND)
        self._table = asyncio.Lock()  # one is written at a time
        self._loading = asyncio.Semaphore(MOST_LOADING)

    async def open(self) -> list[Address]:
        """Listen, and return where."""
        addresses = await self._hosting.open()
        self._clock = asyncio.ensure_future(self._look_at_clock())
        return addresses

    def show(self, value: Standings | Bout | Courts | People) -> None:
        """Show what is new."""
        match value:
            case Standings():
                self._standings = standings_of(value)
                self._crowd.tell_latest("standings", self._standings)
            case Bout():
                self._show_bout(value)
            case Courts():
                now = round(1000 * time.monotonic())
                for number, place in value.places.items():
                    self._crowd.show(framed({"court": [number, now, *place]}), number)
            case People():
                self._entrants.take(value.news)

    def _show_bout(self, bout: Bout) -> None:
        """Tell all what is played, and let nobody watch a match that is over."""
        self._bout = bout_of(bout)
        self._live = frozenset(live.number for live in bout.live)
        for viewer, number in list(self._watching.items()):
            if number is not None and number not in self._live:
                self._watching[viewer] = None
                self._point(viewer)
        self._tell_viewers()
        self._crowd.tell_latest("bout", self._bout)

    # The guide of its viewers

    def welcome(self, viewer: Viewer, right: Right) -> None:
        """Tell a viewer whose arena it is, and how things stand."""
        self._watching[viewer] = None
        viewer.tell(
            {
                "hello": COURT
                | {
                    "title": self._site.title,
                    "steers": right is Right.STEER,
                    "lockstep": self._facts.lockstep,
                    "points": self._facts.points_to_win,
                    "options": self._facts.options,
                }
            }
        )
        if self._standings:
            viewer.tell({"standings": self._standings})
        if self._bout:
            viewer.tell({"bout": self._bout})
        self._tell_viewers()

    def hear(self, viewer: Viewer, said: dict[str, Any]) -> None:
        """Do what a viewer asks for; what makes no sense is left out."""
        match said:
            case {"watch": None}:
                self._watch(viewer, None)
            case {"watch": int(number)} if number is not True and number in self._live:
                self._watch(viewer, number)
            case {"come": {"name": str(name), "key": str(key)}} if KEY.fullmatch(key):
                self._come(viewer, name, bytes.fromhex(key))
            case {"hold": _} | {"to": _} if (paddle := wished(said)) is not None:
                self._entrants.act(viewer, paddle)
            case {"leave": True}:
                self._entrants.leave(viewer)

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._entrants.leave(viewer)
        del self._watching[viewer]
        self._tell_viewers()

    async def close(self) -> None:
        """Tell all that the arena is over, and end."""
        self._crowd.tell({"bye": "the arena has ended"})
        self._clock.cancel()
        await self._hosting.close()

    def _come(self, viewer: Viewer, said: str, key: bytes) -> None:
        name = name_of(said.encode(errors="replace"))
        if not name:
            refuse(viewer, NAMELESS)
        elif key != NOBODY:
            self._entrants.come(viewer, name, key)
            self._tell_viewers()

    def _watch(self, viewer: Viewer, number: int | None) -> None:
        self._watching[viewer] = number
        self._turn(viewer)

    def _turn(self, viewer: Viewer) -> None:
        self._point(viewer)
        self._tell_viewers()

    def _point(self, viewer: Viewer) -> None:
        """Let a viewer look at the court of its own match, or else at the one that it has chosen."""
        own = self._entrants.match_of(viewer)
        self._crowd.look_at(viewer, self._watching.get(viewer) if own is None else own)
        self._crowd.prefer(viewer, own is not None)

    def _tell_viewers(self) -> None:
        """Tell the program how many look on, and at which matches."""
        own = {self._entrants.match_of(viewer) for viewer in self._watching} - {None}
        watched = sorted(number for number in own.union(self._watching.values()) if number is not None)
        told = {VIEWERS: len(self._crowd), PLAYS: bool(own), WATCHED: watched}
        if told != self._told:
            self._told = told
            self._tell(told)

    async def _look_at_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            self._entrants.look_at_clock()

    # What else is asked for

    async def _send_replay(self, request: web.Request, _right: Right) -> web.StreamResponse:
        if not self._replays.take():
            raise web.HTTPTooManyRequests(text=TOO_MANY)
        number = request.match_info["number"]
        if not NUMBER.fullmatch(number):
            raise web.HTTPNotFound(text=NOT_KEPT)
        try:
            views = await asyncio.to_thread(recording, self._facts.ledger, int(number))
        except PongError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error
        if views is None:
            raise web.HTTPNotFound(text=NOT_KEPT)
        headers = {"Content-Encoding": "deflate"}  # it was packed by zlib, which is what that word means
        return web.Response(body=views, headers=headers, content_type="application/octet-stream")

    async def _send_table(self, request: web.Request, _right: Right) -> web.StreamResponse:
        if self._loading.locked() or not self._tables.take():
            raise web.HTTPTooManyRequests(text=TOO_MANY)
        async with self._loading:
            with tempfile.TemporaryFile() as file:
                try:
                    async with self._table:
                        length = await asyncio.to_thread(write_table, self._facts.ledger, file)
                except PongError as error:
                    raise web.HTTPServiceUnavailable(text=str(error)) from error
                response = web.StreamResponse(
                    headers={"Content-Disposition": "attachment", "Content-Type": "text/csv; charset=utf-8"}
                )
                response.content_length = length
                await response.prepare(request)
                while data := file.read(CHUNK_BYTES):
                    await response.write(data)
            await response.write_eof()
        return response


def recording(path: str, number: int) -> bytes | None:
    """Return the recording of a match from an arena's file; None if it is not kept.

    Raises:
        PongError: the file cannot be read.
    """
    ledger = Ledger(Path(path), is_new=False)
    try:
        return ledger.recording(number)
    finally:
        ledger.close()


def write_table(path: str, file: IO[bytes]) -> int:
    """Write all matches of an arena's file into another one, as CSV, and go back to its beginning.

    Returns:
        How many bytes that are.

    Raises:
        PongError: the arena's file cannot be read.
    """
    ledger = Ledger(Path(path), is_new=False)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")  # a spreadsheet wants the mark
    try:
        export(ledger, text)
        text.flush()
        length = file.tell()
        file.seek(0)
        return length
    finally:
        text.detach()
        ledger.close()


def standings_of(standings: Standings) -> dict[str, Any]:
    """Return the message that tells the ladder. Each pair is there once, by the places of both."""
    rows, tallies = standings.rows, standings.tallies
    return {
        "rows": [
            {
                "name": row.name,
                "kind": row.kind,
                "rating": round(row.rating.mu),
                "error": round(row.rating.error),
                "tally": row.tally,
                "points": row.points,
                "ms": None if row.answers.mean_ms is None else round(row.answers.mean_ms, 2),
                "asked": row.answers.asked,
                "late": row.answers.late,
                "here": row.is_here,
            }
            for row in rows
        ],
        "pairs": [
            [place, place + 1 + further, *tally, *tallies[other.name, one.name]]
            for place, one in enumerate(rows)
            for further, other in enumerate(rows[place + 1 :])
            if (tally := tallies.get((one.name, other.name))) is not None
        ],
        "season": standings.season,
        "final": standings.is_final,
    }


def bout_of(bout: Bout) -> dict[str, Any]:
    """Return the message that tells what is played, and what was played last."""
    return {
        "live": [
            {
                "number": live.number,
                "names": [live.left, live.right],
                "score": live.score,
                "real_time": live.is_real_time,
            }
            for live in bout.live
        ],
        "last": [
            {
                "number": played.number,
                "names": [played.left, played.right],
                "score": played.score,
                "winner": played.winner,
                "ended": played.ended,
                "recorded": played.is_recorded,
            }
            for played in bout.last
        ],
    }


if __name__ == "__main__":
    serve(ArenaSite)
