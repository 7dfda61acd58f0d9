"""What an environment holds and must give back: its games and its screen."""

from __future__ import annotations

import os
import threading

from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from pongrl.envs.games import Games
from pongrl.envs.link import Link
from pongrl.envs.screen import Screen, warn_of_nothing_rendered
from pongrl.envs.where import Where
from pongrl.errors import PongError
from pongrl.game.rules import TICKS_PER_SECOND
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Role, Session

USUAL_FRAMESKIP = 8
USUAL_FPS = round(TICKS_PER_SECOND / USUAL_FRAMESKIP)


class Holding:
    """The games and the screen of an environment.

    An environment is often dropped without `close`. It then gives its `let_go` to `weakref.finalize`, so this
    object must not refer to the environment.

    Args:
        where: the server.
        games: the number of games.
        points_per_episode: points of an episode; None means a match.
        render_mode: see `Screen`.
        paddles: the paddles to play.

    Raises:
        UsageError: an argument is out of its range.
    """

    def __init__(
        self,
        where: Where,
        games: int,
        points_per_episode: int | None,
        render_mode: str | None,
        paddles: tuple[Role, ...] = (Role.LEFT,),
    ) -> None:
        self.screen, self._where = Screen(render_mode), where
        self.games = Games(Link(where, games, paddles, self.screen.wait), points_per_episode)
        self._asked = self._ask(where) if render_mode == "rgb_array" else None
        self._closed = False
        self._process = os.getpid()

    def _ask(self, where: Where) -> Session | None:
        """Ask a running server how it plays: films are made at the pace that an environment has when made."""
        if where.local:
            return None
        try:
            return self.games.link.ask()
        except PongError:
            return None  # `reset` will say so

    @property
    def decisions_per_second(self) -> float:
        """Decisions per second of game time."""
        session = self.games.session or self._asked
        if session is not None:
            return session.ticks_per_second / session.frameskip
        return TICKS_PER_SECOND / (self._where.frameskip or USUAL_FRAMESKIP)

    @property
    def render_fps(self) -> int:
        """The same as a whole number, for `metadata`: Gymnasium's tools want one."""
        return max(round(self.decisions_per_second), 1)

    def check(self, begun: bool = True) -> None:
        """Check that the environment is open, and that its games have begun.

        Raises:
            ClosedEnvironmentError: it was closed.
            ResetNeeded: the games have not begun, though `begun` demands it.
        """
        self._leave_to_parent()
        if self._closed:
            raise ClosedEnvironmentError("this environment was closed: make another one")
        if begun and not self.games.steps:
            raise ResetNeeded("nothing was begun yet: call reset() first")

    def show(self) -> None:
        """Show the first game in the window, if there is to be one; in lockstep at the pace of real time."""
        self.screen.show(self.games.step, 1 / self.decisions_per_second if self.games.in_lockstep else 0)

    def render(self) -> tuple[UInt8Array, ...] | None:
        """Draw all games as people see them: (500, 700, 3) each; None unless the mode is "rgb_array".

        Raises:
            ResetNeeded: the games have not begun.
        """
        if self.screen.render_mode is None:
            warn_of_nothing_rendered()
        if self.screen.render_mode != "rgb_array":
            return None
        self.check()
        return self.screen.pictures(self.games.step)

    def close(self) -> None:
        """Give everything back. A second call does nothing."""
        self._leave_to_parent()
        self._closed = True
        self.games.link.close()
        self.screen.close()

    def _leave_to_parent(self) -> None:
        """Be a new environment in a forked copy of the process, as every copy is."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self.games.leave_to_parent()
            self.screen.leave_to_parent()

    def let_go(self) -> None:
        """Close for an environment that was collected, in whichever thread that happened.

        The garbage collector runs in any thread, also in the heartbeat thread of our own connection. That one
        is a daemon, and `close` waits for its end, so another thread must call it.
        """
        if threading.current_thread().daemon:
            threading.Thread(target=self.close, name="close").start()
        else:
            self.close()
