"""What people see of the first game, in the window of this machine and from elsewhere.

The engine tells `Snapshots` what happens. It makes a Snapshot of it, keeps the latest for the window, and
gives it to its audiences, the gallery and the page. A new figure for people to see gets a field in View, the
message to watchers, and is filled in here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from pongrl.game.people import Keys, Snapshot
from pongrl.server.conversation import Conversation
from pongrl.server.gallery import VIEWS_PER_SECOND
from pongrl.server.playing import Playing
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
        match: the games.
        audiences: the people who watch from elsewhere.
        idle: the status while no agent has the left side.
        has_window: every tick is shown; otherwise no more than the audiences can see.
    """

    def __init__(
        self,
        match: Playing,
        audiences: Sequence[Audience],
        idle: str,
        has_window: bool,
    ) -> None:
        self._match, self._audiences = match, audiences
        self._idle, self._has_window = idle, has_window
        self._talks: Sequence[Conversation] = ()
        self._agents, self._is_paused = (False, False), False  # by an agent
        self._shown = 0.0  # when the audience was left a view
        self.latest: Snapshot | None = None

    def gathered(self, talks: Sequence[Conversation], keys: Keys) -> None:
        """Show which agents are here and which of them pause, also to people who come to watch later."""
        self._talks = talks
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
        frame, words = self._what_was_sent(sent)
        self.latest = replace(
            self._match.snapshot(),
            status=self._match.status(self._talks, self._idle, keys),
            frame=frame,
            sent=words,
            agents=self._agents,
            paused=keys.paused or self._is_paused,
        )
        for audience in self._audiences:
            audience.show(self.latest)

    def _what_was_sent(self, sent: Step | None) -> tuple[UInt8Array | None, str]:
        """Return the frame that the agent was sent last, and the words for it, if people want to see that."""
        if not self._match.options.inset or (sent is None and self.latest is None):
            return None, ""
        if sent is None:
            assert self.latest is not None
            return self.latest.frame, self.latest.sent
        move, mover = self._match.moves[sent.moves[0]], Mover(sent.movers[0]).name.lower()
        return sent.frames[0].copy(), (
            f"STEP {sent.number}   reward {sent.rewards[0]:+d}   move {move} by {mover}"
            f"   states dropped {sent.dropped}"
        )
