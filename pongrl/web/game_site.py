"""The game's page, in a process of its own: python -m pongrl.web.game_site. See pongrl.web.

Viewers are sent `hello` once, `state` when something has changed (the score at most ten times a second),
`view` up to sixty times a second, and `seat` about the paddle that they have or wait for. What those with the
right to steer may say stands in `GameSite.hear`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields
from typing import Any

from pongrl.game.people import Snapshot
from pongrl.game.rules import LEFT, RIGHT
from pongrl.web.crowd import Viewer, framed
from pongrl.web.gate import Right
from pongrl.web.hosting import Hosting
from pongrl.web.paddles import COURT, SIDES, Paddles, wished
from pongrl.web.serving import Tell, serve
from pongrl.web.site import GameFacts, Others, Site
from pongrl.wire.sockets import Address

CLOCK_SECONDS = 0.5  # between two looks for players that make no move
STATE_SECONDS = 0.1  # between two times that the score is told, say, which in lockstep changes all the time
URGENT = ("paused", "pausing", "people", "closed", "agents", "level", "notice", "status")
LEVELS = (1, 2, 3)
VIEWERS, WISH = "viewers", "wish"  # what the program is told
FAST = "this server plays in lockstep, for training, too fast for people"
BOTH_TAKEN = "level 4 plays both paddles"
GAME_HAS_RIGHT = "the game has the right paddle itself"
WINDOW_HAS_RIGHT = "the person at the game's own window has the right paddle"
AGENT_HAS_RIGHT = "an agent has the right paddle"


class GameSite:
    """The game's page.

    Args:
        site: what is served, and to whom; `about` has GameFacts.
        tell: tells the program.
    """

    def __init__(self, site: Site, tell: Tell) -> None:
        self._site, self._tell = site, tell
        self._facts: GameFacts = site.about
        self._hosting = Hosting(site, "game.html", self)
        self._crowd = self._hosting.crowd
        self._paddles = Paddles(self._wish, self._crowd.prefer)
        self._steering: set[Viewer] = set()
        self._snapshot: Snapshot | None = None
        self._state: dict[str, Any] = {}
        self._state_due = 0.0
        self._view = b""
        self._others: list[dict[str, str]] = []
        self._paused, self._restarts = False, 0
        self._level: int | None = None  # that was chosen
        self._agents = (False, False)

    async def open(self) -> list[Address]:
        """Listen, and return where."""
        addresses = await self._hosting.open()
        self._clock = asyncio.ensure_future(self._look_at_clock())
        return addresses

    def show(self, value: Snapshot | Others) -> None:
        """Show the game as it is now, or which others there are."""
        if isinstance(value, Others):
            self._others = value.games
            self._crowd.tell({"others": self._others})
            return
        if value.agents[1] and not self._agents[1]:
            self._paddles.clear(RIGHT, AGENT_HAS_RIGHT)
        self._agents = value.agents
        self._snapshot = value
        self._show_state()
        moving = (*value.ball, *value.paddles, *value.sounds)
        self._view = framed({"view": [round(1000 * time.monotonic()), *moving]})
        self._crowd.show(self._view)

    def _show_state(self) -> None:
        """Tell all what has changed other than the places on the court; what is not urgent may wait."""
        if self._snapshot is None:
            return
        people = [self._paddles.held(side) is not None for side in (LEFT, RIGHT)]
        people[RIGHT] |= self._facts.right_is_window
        closed = [self._why_not(side) for side in (LEFT, RIGHT)]
        mine = {"people": people, "closed": closed, "pausing": self._paused}
        state, before, now = state_of(self._snapshot) | mine, self._state, time.monotonic()
        is_urgent = any(state[name] != before.get(name) for name in URGENT)
        if is_urgent or (state != before and now >= self._state_due):
            self._state, self._state_due = state, now + STATE_SECONDS
            self._crowd.tell({"state": state})

    # The guide of its viewers

    def welcome(self, viewer: Viewer, right: Right) -> None:
        """Tell a viewer what the game is, and how it stands."""
        facts = self._facts
        if right is Right.STEER:
            self._steering.add(viewer)
        viewer.tell(
            {
                "hello": COURT
                | {
                    "title": self._site.title,
                    "steers": right is Right.STEER,
                    "lockstep": facts.lockstep,
                    "levels": self._may_choose_level,
                    "restarts": self._may_restart,
                }
            }
        )
        if self._others:
            viewer.tell({"others": self._others})
        if self._state:
            viewer.tell({"state": self._state})
            viewer.send(self._view)
        self._tell_viewers()

    def hear(self, viewer: Viewer, said: dict[str, Any]) -> None:
        """Do what a viewer asks for; what makes no sense is left out."""
        match said:
            case {"sit": "left" | "right" as name}:
                self._seat(viewer, SIDES[name])
            case {"sit": None}:
                self._paddles.leave(viewer)
            case {"hold": _} | {"to": _} if (paddle := wished(said)) is not None:
                self._paddles.act(viewer, paddle)
            case {"pause": bool(paused)}:
                self._paused = paused
                self._wish()
            case {"level": int(level)} if level is not True and level in LEVELS and self._may_choose_level:
                self._level = level
                self._wish()
            case {"restart": True} if self._may_restart:
                self._restarts += 1
                self._wish()

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer. When the last one who steers is gone, the game goes on."""
        self._paddles.leave(viewer)
        self._steering.discard(viewer)
        if self._paused and not self._steering:
            self._paused = False
            self._wish()
        self._tell_viewers()

    def _tell_viewers(self) -> None:
        plays = any(self._paddles.held(side) is not None for side in (LEFT, RIGHT))
        self._tell({VIEWERS: len(self._crowd), "plays": plays})

    async def close(self) -> None:
        """Tell all that the game is over, and end."""
        self._crowd.tell({"bye": "the game has ended"})
        self._clock.cancel()
        await self._hosting.close()

    @property
    def _may_choose_level(self) -> bool:
        facts = self._facts
        others = facts.lockstep or facts.second_level or facts.right_is_window
        return facts.level in LEVELS and not others

    @property
    def _may_restart(self) -> bool:
        return not (self._facts.lockstep or self._facts.right_is_game)

    def _why_not(self, side: int) -> str:
        """Say why nobody on the page can have a paddle; "" if somebody can."""
        if self._facts.lockstep:
            return FAST
        if self._facts.right_is_game:
            return GAME_HAS_RIGHT if side == RIGHT else ""
        if self._facts.level not in LEVELS:
            return BOTH_TAKEN
        if side == RIGHT and self._facts.right_is_window:
            return WINDOW_HAS_RIGHT
        return AGENT_HAS_RIGHT if side == RIGHT and self._agents[1] else ""

    def _seat(self, viewer: Viewer, side: int) -> None:
        if why := self._why_not(side):
            viewer.tell({"seat": {"side": None, "words": why}})
        else:
            self._paddles.ask(viewer, side)

    def _wish(self) -> None:
        """Tell the program what all guests together ask for."""
        left, right = self._paddles.held(LEFT), self._paddles.held(RIGHT)
        self._tell({WISH: [left, right, self._paused, self._level, self._restarts]})
        self._tell_viewers()
        self._show_state()

    async def _look_at_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            self._show_state()  # what was not urgent, if nothing came after it
            self._paddles.look_at_clock(self._state.get("paused", False))


_MOVING = ("ball", "paddles", "sounds", "frame", "sent")  # not part of the state


def state_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return what changes only now and then."""
    return {
        field.name: getattr(snapshot, field.name) for field in fields(snapshot) if field.name not in _MOVING
    }


if __name__ == "__main__":
    serve(GameSite)
