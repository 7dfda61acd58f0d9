"""The window of somebody who watches a game from elsewhere: python mainmodel.py --watch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from pongrl.errors import ConnectionLostError, PongError
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import SERVE_X, SERVE_Y
from pongrl.text import printable
from pongrl.ui.film import Recorder
from pongrl.ui.game_window import GameWindow
from pongrl.wire.client import PongWatcher
from pongrl.wire.retry import Retry, beside
from pongrl.wire.sockets import spelled

FRAME_SECONDS = 1 / 60
PATIENCE = 10 * FRAME_SECONDS  # without a view, until the window is looked after again
NOTHING_YET = Snapshot((SERVE_X, SERVE_Y), (200, 200), (0, 0), 0, None, 0, 0, (0, 0, 0), "not connected")


class View(Protocol):
    """What shows the game: a GameWindow, or NoWindow."""

    def poll(self) -> tuple[bool, Keys]:
        """Handle events; return False once a person has closed it, and the keys held."""

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Show a snapshot with a notice on it, and wait for the next frame."""

    def close(self) -> None:
        """Close it."""


class NoWindow:
    """Takes the place of the window where there is no display."""

    def poll(self) -> tuple[bool, Keys]:
        """Stay open: nobody can close it, and no key is held."""
        return True, Keys()

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Wait a little, as a window does; less, so that no view is missed."""
        time.sleep(FRAME_SECONDS / 4)

    def close(self) -> None:
        """Do nothing."""


def watch(
    host: str,
    port: int,
    token: str,
    ca: str | None,
    is_quitting: Callable[[], bool],
    say: Callable[[str], None],
    record: str | None = None,
    listening: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
) -> None:
    """Show the game of a server until the window is closed; connect again whenever the server is lost.

    Args:
        host: where the server is.
        port: its port.
        token: what it asks for; "" for a server without a token.
        ca: a file of certificates, to encrypt the connection with TLS; None not to encrypt it.
        is_quitting: returns True when the program is to end.
        say: is told in sentences what happens.
        record: the file to film the game into; then no display is needed.
        listening: a context in which the program hears that it is to end. Until it is entered a signal ends
            the program at once, since a display may hang.

    Raises:
        UsageError: the file cannot be written.
        PongError: there is no display, or the server refuses us.
    """
    with contextlib.ExitStack() as stack:
        recorder = None if record is None else Recorder(record, say)
        if recorder is not None:
            stack.callback(recorder.close)
        view = open_view(f"Pong at {printable(host)}", recorder, say)
        stack.callback(view.close)
        opened = stack.pop_all()
        stack.enter_context(listening())
        stack.push(opened)  # closed first: a second Ctrl-C must not spoil the film

        def connect() -> PongWatcher:
            watcher = PongWatcher(host, port, token=token, ca=ca)
            try:
                watcher.connect()
            except BaseException:
                watcher.close()
                raise
            say(f"watching the game at {spelled(host, port)}: {watcher.session.against}")
            return watcher

        where = f"looking for a game at {printable(spelled(host, port))}"
        Spectator(view, recorder, is_quitting, say).run(connect, where)


def open_view(title: str, recorder: Recorder | None, say: Callable[[str], None]) -> View:
    """Open the window; a recording does without one where there is no display."""
    try:
        return GameWindow(title, False, "use --record FILE")
    except PongError:
        if recorder is None:
            raise
        say("no window can be opened, so the game is recorded without one; Ctrl-C ends it")
        return NoWindow()


class Spectator:
    """Keeps a view of a game going, from one connection to the next."""

    def __init__(
        self,
        view: View,
        recorder: Recorder | None,
        is_quitting: Callable[[], bool],
        say: Callable[[str], None],
    ) -> None:
        self._view, self._recorder = view, recorder
        self._is_quitting, self._say = is_quitting, say
        self._notice = ""  # why no game is shown
        self._has_met = False  # a server
        self._is_paused = False  # the picture stands still, not the game

    def run(self, connect: Callable[[], PongWatcher], notice: str) -> None:
        """Show the game until the view is closed.

        Args:
            connect: connects to the server once.
            notice: what to write on the empty court until the first attempt has failed.

        Raises:
            PongError: the first server that answered refuses us.
        """
        self._show_empty(notice)
        retry = Retry()

        def attempt() -> PongWatcher | None:
            return beside(connect, self._wait)

        while (watcher := retry.keep_trying(attempt, self._wait, self._report)) is not None:
            self._has_met = True
            with watcher:
                try:
                    self._look(watcher)
                    return
                except PongError as error:
                    self._report(error)

    def _goes_on(self) -> bool:
        is_open, keys = self._view.poll()
        self._is_paused = keys.paused
        return is_open and not self._is_quitting()

    def _look(self, watcher: PongWatcher) -> None:
        """Show and film what comes until the view is closed.

        Raises:
            ConnectionLostError: the server is gone.
        """
        before = time.monotonic()
        shown: Snapshot | None = None
        while self._goes_on():
            view = watcher.watch(time.monotonic() + PATIENCE)
            if view is not None and self._recorder is not None:
                now = time.monotonic()
                self._recorder.add(view.score, view.paddles, view.ball, now - before)
                before = now
            if view is not None and not self._is_paused:
                shown = Snapshot(**vars(view))
            if shown is not None:  # without a new one too: it may be spoilt, or people ask for help
                self._view.show(shown)

    def _report(self, error: PongError) -> None:
        """Say why no game is shown; raise an error that no later attempt can avoid."""
        if not self._has_met and not isinstance(error, ConnectionLostError):
            raise error
        self._say(f"{error}; trying again")
        self._show_empty(f"{error}; trying again")

    def _wait(self, seconds: float) -> bool:
        """Keep the view going for so long; return False once it is closed."""
        end = time.monotonic() + seconds
        while goes_on := self._goes_on():
            if time.monotonic() >= end:
                break
            self._show_empty(self._notice)
        return goes_on

    def _show_empty(self, notice: str) -> None:
        """Show an empty court, and write on it why it is empty."""
        self._notice = notice
        self._view.show(NOTHING_YET, (notice,))
