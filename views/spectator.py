"""The window of somebody who watches a game from elsewhere: python mainmodel.py --watch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from netproto import ConnectionLostError, PongError, PongWatcher
from pong import Snapshot
from views.game_window import GameWindow

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries to connect
FRAME_SECONDS = 1 / 60


def watch(
    host: str,
    port: int,
    token: str,
    ca: str | None,
    is_quitting: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Show the game as it is played there until the window is closed; come back when the server does.

    Raises:
        PongError: there is no display, or the server refuses us.
    """
    window = GameWindow(f"Pong at {host}", inset=False)
    with contextlib.closing(window):
        pause, said, met = FIRST_PAUSE, "", False
        show(window, f"looking for a game at {host}:{port}")
        while window.poll()[0] and not is_quitting():
            with PongWatcher(host, port, token=token, ca=ca) as watcher:
                try:
                    watcher.connect()
                    say(f"watching the game at {host}:{port}: level {watcher.session.level}")
                    pause, said, met = FIRST_PAUSE, "", True
                    look(watcher, window, is_quitting)
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


def show(window: GameWindow, status: str) -> None:
    """Show an empty court and why it is empty."""
    window.show(
        Snapshot((345, 245), (200, 200), (0, 0), 0, None, 0, 0, (0, 0, 0), "not connected"), (status,)
    )


def look(watcher: PongWatcher, window: GameWindow, is_quitting: Callable[[], bool]) -> None:
    """Show what comes until the window is closed.

    Raises:
        ConnectionLostError: the server is gone.
    """
    while window.poll()[0] and not is_quitting():
        view = watcher.watch(time.monotonic() + 10 * FRAME_SECONDS)
        if view is not None:
            window.show(Snapshot(**vars(view)))
