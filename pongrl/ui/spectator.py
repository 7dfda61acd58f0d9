"""The window of somebody who watches a game from elsewhere: python mainmodel.py --watch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from pongrl.errors import ConnectionLostError, PongError
from pongrl.game.people import Keys, Snapshot
from pongrl.ui.film import Recorder
from pongrl.ui.game_window import GameWindow
from pongrl.wire.client import PongWatcher

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries to connect
FRAME_SECONDS = 1 / 60


def watch(
    host: str,
    port: int,
    token: str,
    ca: str | None,
    is_quitting: Callable[[], bool],
    say: Callable[[str], None],
    record: str | None = None,
) -> None:
    """Show the game as it is played there until the window is closed; come back when the server does.

    What is to be seen is filmed into the file `record`, if that is given; then it does without a display.

    Raises:
        UsageError: the file cannot be written.
        PongError: there is no display, or the server refuses us.
    """
    with contextlib.ExitStack() as stack:
        recorder = Recorder(record, say) if record is not None else None
        if recorder is not None:
            stack.callback(recorder.close)
        window = open_window(f"Pong at {host}", recorder, say)
        stack.callback(window.close)
        pause, said, met = FIRST_PAUSE, "", False
        show(window, f"looking for a game at {host}:{port}")
        while window.poll()[0] and not is_quitting():
            with PongWatcher(host, port, token=token, ca=ca) as watcher:
                try:
                    watcher.connect()
                    say(f"watching the game at {host}:{port}: level {watcher.session.level}")
                    pause, said, met = FIRST_PAUSE, "", True
                    look(watcher, window, recorder, is_quitting)
                    return
                except ConnectionLostError as error:
                    words = f"{error}; trying again"
                except PongError as error:
                    if not met:
                        raise
                    words = f"{error}; trying again"
            if words != said:
                said = words
                say(said)
                show(window, said)
            again = time.monotonic() + pause
            pause = min(2 * pause, LONGEST_PAUSE)
            while time.monotonic() < again and window.poll()[0] and not is_quitting():
                show(window, said)


class NoWindow:
    """Takes the place of a window where there is no display."""

    def poll(self) -> tuple[bool, Keys]:
        """Nobody closes it, and no key is held."""
        return True, Keys()

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Wait a little, as a window does; less, so that no view is missed."""
        time.sleep(FRAME_SECONDS / 4)

    def close(self) -> None:
        """There is nothing to close."""


def open_window(title: str, recorder: Recorder | None, say: Callable[[str], None]) -> GameWindow | NoWindow:
    """Open the window; for a recording it may be missing."""
    try:
        return GameWindow(title, inset=False)
    except PongError:
        if recorder is None:
            raise
        say("no window can be opened, so the game is recorded without one; Ctrl-C ends it")
        return NoWindow()


def show(window: GameWindow | NoWindow, status: str) -> None:
    """Show an empty court and why it is empty."""
    window.show(
        Snapshot((345, 245), (200, 200), (0, 0), 0, None, 0, 0, (0, 0, 0), "not connected"), (status,)
    )


def look(
    watcher: PongWatcher,
    window: GameWindow | NoWindow,
    recorder: Recorder | None,
    is_quitting: Callable[[], bool],
) -> None:
    """Show what comes until the window is closed, and film it.

    Raises:
        ConnectionLostError: the server is gone.
    """
    before = time.monotonic()
    while window.poll()[0] and not is_quitting():
        view = watcher.watch(time.monotonic() + 10 * FRAME_SECONDS)
        if view is not None:
            if recorder is not None:
                now = time.monotonic()
                recorder.add(view.score, view.paddles, view.ball, now - before)
                before = now
            window.show(Snapshot(**vars(view)))
