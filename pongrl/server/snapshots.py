"""What people see of the first game, in the window of this machine and from elsewhere.

The engine tells `Snapshots` what happens. It makes a Snapshot of it, keeps the latest for the window, and
gives it to the gallery. A new figure for people to see gets a field in View, the message to watchers, and is
filled in here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from pongrl.game.moves import MOVE_NAMES
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import LEFT, RIGHT
from pongrl.server.conversation import Conversation
from pongrl.server.gallery import VIEWS_PER_SECOND
from pongrl.server.match import Match
from pongrl.server.options import GameOptions
from pongrl.server.status import serve_waits, status
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Mover, Role, Step


class Audience(Protocol):
    """People who watch from elsewhere: the gallery, or the page."""

    @property
    def size(self) -> int:
        """How many there are."""

    def show(self, snapshot: Snapshot) -> None:
        """Show them a snapshot when they are due."""


class Snapshots:
    """Makes snapshots, as an observer of the engine. Other threads may read `latest`.

    Args:
        options: what is played.
        match: the games.
        audiences: the people who watch from elsewhere.
        idle: the status while no agent has the left side.
        has_window: every tick is shown; otherwise no more than the audiences can see.
    """

    def __init__(
        self,
        options: GameOptions,
        match: Match,
        audiences: Sequence[Audience],
        idle: str,
        has_window: bool,
    ) -> None:
        self._options, self._match, self._audiences = options, match, audiences
        self._idle, self._has_window = idle, has_window
        self._talks: Sequence[Conversation] = ()
        self._status, self._has_guest = "", False  # the status of now; a guest has the right paddle in it
        self._agents, self._is_paused = (False, False), False  # by an agent
        self._shown = 0.0  # when the audience was left a view
        self.latest: Snapshot | None = None

    def gathered(self, talks: Sequence[Conversation], keys: Keys) -> None:
        """Show which agents are here and which of them pause, also to people who come to watch later."""
        self._talks = talks
        self._renew_status(keys)
        sides = {talk.side for talk in talks}
        self._agents = Role.LEFT in sides, Role.RIGHT in sides
        self._is_paused = any(talk.paused for talk in talks)
        self._shown = time.monotonic()
        self._show(keys, None)

    def played(self, keys: Keys, sent: Step | None) -> None:
        """Show the games after a tick, or after a state was sent."""
        if not self._has_window:
            if not any(audience.size for audience in self._audiences):
                return
            # Lockstep sends thousands of states a second, and people see sixty.
            now = time.monotonic()
            if sent is not None and now - self._shown < 1 / VIEWS_PER_SECOND:
                return
            self._shown = now
        self._show(keys, sent)

    def _show(self, keys: Keys, sent: Step | None) -> None:
        game, umpire = self._match.first, self._match.umpire
        frame, words = self._what_was_sent(sent)
        points = game.matches * 2 * game.points_to_win + sum(game.score)  # grows with every point
        self.latest = Snapshot(
            ball=(game.ball_x, game.ball_y),
            paddles=(game.paddles[LEFT], game.paddles[RIGHT]),
            score=(game.score[LEFT], game.score[RIGHT]),
            matches=game.matches,
            last_match=game.last_match,
            rally=game.rally,
            last_rally=game.last_rally,
            sounds=(game.hits, game.bounces, points),
            status=self._status_with(keys),
            frame=frame,
            sent=words,
            serve_in=umpire.count,
            notice=serve_waits(self._options) if umpire.is_waiting else (),
            level=self._match.options.level,
            agents=self._agents,
            paused=keys.paused or self._is_paused,
        )
        for audience in self._audiences:
            audience.show(self.latest)

    def _what_was_sent(self, sent: Step | None) -> tuple[UInt8Array | None, str]:
        """Return the frame that the agent was sent last, and the words for it, if people want to see that."""
        if not self._options.inset or (sent is None and self.latest is None):
            return None, ""
        if sent is None:
            assert self.latest is not None
            return self.latest.frame, self.latest.sent
        move, mover = MOVE_NAMES[sent.moves[0]], Mover(sent.movers[0]).name.lower()
        return sent.frames[0].copy(), (
            f"STEP {sent.number}   reward {sent.rewards[0]:+d}   move {move} by {mover}"
            f"   states dropped {sent.dropped}"
        )

    def _renew_status(self, keys: Keys) -> None:
        self._has_guest = keys.has_right
        self._status = status(self._match.options, self._talks, self._idle, self._has_guest)

    def _status_with(self, keys: Keys) -> str:
        if keys.has_right != self._has_guest:
            self._renew_status(keys)
        if not self._options.serves:
            return self._status
        if keys.paused:
            return f"paused at the server   {self._status}"
        if self._match.person_on_the_left(keys) is not None:
            who = "a person on the page has" if keys.has_left else "keys have"
            return f"{self._status}   {who} the left paddle"
        return self._status
