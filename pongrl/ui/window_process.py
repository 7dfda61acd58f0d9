"""A window in a process of its own: whatever becomes of it, the program that is shown goes on.

When the X server goes, Xlib ends the process, without Python's `finally`. A screen that does not answer holds
up whoever draws. So a window that only shows what it is given is a process.

       the program                                    the window
    WindowProcess.show    values, pickled ───►    serve: Served.show
    is_open, asked        ◄─── lines of text      READY when it is open and after each value; else what
                                                  people ask for

The window ends when its standard input does, so it never outlives the program.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

from pongrl.errors import PongError
from pongrl.processes import DETACHED, Tail, environment

READY = "ready"  # to take a value
OPENING_SECONDS = 20.0  # for a display that does not answer; a slow machine needs a few seconds
LOOK_SECONDS = 0.02  # between two looks at the window's events; one that answers later feels stuck


class WindowProcess:
    """The program's end of a window. Any thread may `show`; one uses the rest.

    Args:
        module: what the process runs; it calls `serve`.
        is_quitting: returns True if the program is to end, and the window need not open any more.
        hear: is given what people ask for as soon as they do, in another thread; without it `asked` gives it.
        slow: what to say if it does not open in time.

    Raises:
        PongError: no window can be opened.
    """

    def __init__(
        self,
        module: str,
        is_quitting: Callable[[], bool],
        hear: Callable[[str], object] | None = None,
        slow: str = "no window can be opened: the display does not answer",
    ) -> None:
        self._slow = slow
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(),
            **DETACHED,
        )  # fmt: skip
        assert self._process.stderr is not None
        self._errors = Tail(self._process.stderr)
        self._values: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked: deque[str] = deque()
        self._hear = self._asked.append if hear is None else hear
        self._has_opened = threading.Event()
        self._is_closing = False
        # Only threads may wait for the window, which may never be ready.
        self._turns = threading.Semaphore(0)  # values that it is ready to take
        self._listener = threading.Thread(target=self._listen, name="window", daemon=True)
        self._feeder = threading.Thread(target=self._feed, name="window", daemon=True)
        self._listener.start()
        self._feeder.start()
        self._wait_for_opening(is_quitting)

    def _wait_for_opening(self, is_quitting: Callable[[], bool]) -> None:
        deadline = time.monotonic() + OPENING_SECONDS
        while not self._has_opened.wait(LOOK_SECONDS) and not is_quitting():
            if not self.is_open or time.monotonic() > deadline:
                raise PongError(self.close() or self._slow)

    @property
    def is_open(self) -> bool:
        """False once a person has closed the window, or the process has ended for another reason."""
        return self._process.poll() is None

    @property
    def is_watched(self) -> bool:
        """True: who has opened a window looks at it."""
        return True

    @property
    def is_free(self) -> bool:
        """True if nothing waits to be shown."""
        return self._values.empty()

    def show(self, value: Any) -> None:
        """Let a value be shown as soon as the window is ready."""
        self._values.put(value)

    def asked(self) -> Iterator[str]:
        """Give what people have asked for in the window since the last call."""
        while self._asked:
            yield self._asked.popleft()

    def close(self, patience: float = 0.0) -> str:
        """Close the window.

        Args:
            patience: seconds in which it may end by itself, since it is told nothing more.

        Returns:
            Why it had ended before, unless a person had closed it; else nothing.
        """
        code = self._process.poll()
        self._is_closing = True
        self._values.put(None)
        self._turns.release()
        if patience:
            self._let_end(patience)
        self._process.kill()  # it has nothing to lose, and its display may not answer
        self._process.wait()
        self._listener.join()
        self._feeder.join()
        last_line = self._errors.last_line()
        why = (last_line or f"its process ended with {code}") if code else ""
        for file in (self._process.stdin, self._process.stdout):
            assert file is not None
            with contextlib.suppress(OSError):  # what nobody took is still in its buffer
                file.close()
        return why

    def _let_end(self, patience: float) -> None:
        """Let the process notice that it is told nothing more, and wait for its end."""
        self._feeder.join(patience)
        if not self._feeder.is_alive():
            assert self._process.stdin is not None
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._process.stdin.close()
                self._process.wait(patience)

    def _listen(self) -> None:
        """Hear the window until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word = line.decode().strip()
            if word == READY:
                self._has_opened.set()
                self._turns.release()
            else:
                self._hear(word)

    def _feed(self) -> None:
        """Give the window a value whenever it is ready."""
        stdin = self._process.stdin
        assert stdin is not None
        while self._turns.acquire() and not self._is_closing:
            value = self._values.get()
            with contextlib.suppress(OSError):  # it has gone
                pickle.dump(value, stdin)
                stdin.flush()


# In the window's process.


class Served(Protocol):
    """A window that is shown by `serve`."""

    def show(self, value: Any) -> None:
        """Show a value."""

    def poll(self) -> list[str] | None:
        """Handle the events, and draw what they have spoilt.

        Returns:
            What people ask for; None once they have closed the window.
        """


def serve(open_window: Callable[[], Served]) -> NoReturn:
    """Show what comes from the program until a person closes the window; then end this process."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        window = open_window()
    except PongError as error:
        sys.exit(str(error))
    values: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(values,), daemon=True).start()
    words: list[str] | None = [READY]
    while words is not None:
        for word in words:
            print(word, file=output, flush=True)
        answers = []
        with contextlib.suppress(queue.Empty):
            window.show(values.get(timeout=LOOK_SECONDS))
            answers = [READY]
        asked = window.poll()
        words = None if asked is None else answers + asked
    os._exit(0)


def _receive(values: queue.SimpleQueue[Any]) -> None:
    with open(0, "rb", closefd=False) as pipe:
        while True:
            try:
                values.put(pickle.load(pipe))
            except (EOFError, OSError, pickle.UnpicklingError):
                os._exit(0)  # the program has ended, and a display that does not answer must not matter
