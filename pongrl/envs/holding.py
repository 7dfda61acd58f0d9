"""What an environment holds and must give back: its games and its screen."""

from __future__ import annotations

import os
import threading

from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from pongrl.envs.games import Games
from pongrl.envs.link import Link
from pongrl.envs.screen import Screen, warn_of_nothing_rendered
from pongrl.envs.where import Where
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Role

DECISIONS_PER_SECOND = 60 / 8  # of game time, with the usual 8 ticks of 1/60 s


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
        self.screen = Screen(render_mode)
        self.games = Games(Link(where, games, paddles, self.screen.wait), points_per_episode)
        self._closed = False
        self._process = os.getpid()

    @property
    def decisions_per_second(self) -> float:
        """Decisions per second of game time."""
        session = self.games.session
        return DECISIONS_PER_SECOND if session is None else session.ticks_per_second / session.frameskip

    def check(self, begun: bool = True) -> None:
        """Check that the environment is open, and that its games have begun.

        Raises:
            ClosedEnvironmentError: it was closed.
            ResetNeeded: the games have not begun, though `begun` demands it.
        """
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
        """Give everything back. A second call does nothing, and so does a call in a forked copy."""
        if os.getpid() != self._process:
            return  # the connection belongs to the parent process
        self._closed = True
        self.games.link.close()
        self.screen.close()

    def let_go(self) -> None:
        """Close for an environment that was collected, in whichever thread that happened.

        The garbage collector runs in any thread, also in the heartbeat thread of our own connection. That one
        is a daemon, and `close` waits for its end, so another thread must call it.
        """
        if threading.current_thread().daemon:
            threading.Thread(target=self.close, name="close").start()
        else:
            self.close()
