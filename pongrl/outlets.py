"""Standard output and standard error: lines that never hold up the thread that says them.

A pipe whose reader does not read fills up, and then writing waits: for ever, if need be. A terminal waits
too, after Ctrl-S or when the line to it is dead. So what goes into one of these is written by a thread of its
own. If that cannot follow, lines are left out, and their number is said once it can again.

    writing    names the error of a pipe that nobody reads any more
    Outlet     one pipe or terminal
    outlet_of  the outlet of a stream, if it is one of these
    start_log  sends the log to standard error
    drain      wait a moment for what was said last
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import logging
import os
import queue
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

from pongrl.text import printable

WAITING_LINES = 1000  # for a reader; more are left out
LINES_AT_ONCE = 100  # in one write
LAST_SECONDS = 0.5  # that the end of a program waits for a reader
ALIKE_LINES, ALIKE_SECONDS = 20, 10.0  # of one kind in the log, before the rest is only counted


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Raise a BrokenPipeError if nobody reads a pipe any more; Windows speaks of an invalid argument."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        raise


class Outlet:
    """Writes lines into a pipe or to a terminal, in a thread of its own.

    Args:
        stream: Where they go. Its buffers are passed by: their lock would be held while Python shuts down.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._raw, self._encoding = getattr(stream.buffer, "raw", stream.buffer), stream.encoding
        self._lines: queue.Queue[str] = queue.Queue(WAITING_LINES)
        self._left_out = 0
        self._error: OSError | None = None
        self._is_ending = False
        threading.Thread(target=self._run, name="outlet", daemon=True).start()

    def put(self, line: str) -> None:
        """Let a line be written, or leave it out if too many wait.

        Raises:
            OSError: An earlier line could not be written; a BrokenPipeError if the reader has gone.
        """
        if self._error is not None:
            raise self._error
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def end(self) -> None:
        """Let the thread end, once it has written what waits; another stream has taken this one's place."""
        self.drain(time.monotonic() + LAST_SECONDS)
        self._is_ending = True
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait("")

    def drain(self, until: float) -> None:
        """Wait until all is written, or until a time (time.monotonic)."""
        with self._lines.all_tasks_done:
            while self._lines.unfinished_tasks and self._error is None and time.monotonic() < until:
                self._lines.all_tasks_done.wait(max(until - time.monotonic(), 0))

    def _run(self) -> None:
        while self._error is None:
            lines = [self._lines.get()]
            if self._is_ending:
                return
            while len(lines) < LINES_AT_ONCE and not self._lines.empty():
                lines.append(self._lines.get())
            taken = len(lines)
            left_out, self._left_out = self._left_out, 0
            if left_out:
                lines.append(f"({left_out:,} lines were left out here, since nobody read them)")
            try:
                self._write("".join(line + os.linesep for line in lines))
            except OSError as error:
                self._error = error
            except ValueError as error:  # the stream was closed
                self._error = BrokenPipeError(errno.EPIPE, str(error))
            for _ in range(taken):
                self._lines.task_done()

    def _write(self, text: str) -> None:
        view = memoryview(text.encode(self._encoding, "backslashreplace"))
        while view:
            with writing():
                written = self._raw.write(view)
            if written is None:  # another program has set the file not to wait
                select.select([], [self._raw], [])
            else:
                view = view[written:]


_outlets: dict[int, Outlet] = {}  # by file number
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_outlets.clear)  # their threads stay behind


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream leads to a terminal. NUL of Windows says that it does."""
    if not getattr(stream, "isatty", bool)():  # a program may have put something else in its place
        return False
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return sys.platform != "win32" or type(raw).__name__ == "_WindowsConsoleIO"


def outlet_of(stream: TextIO | None) -> Outlet | None:
    """Give the outlet of a stream; None if nobody has to read it, so that it can be written to directly."""
    if not isinstance(stream, io.TextIOWrapper):  # a test or a terminal's prompt has taken its place
        return None
    try:
        number = stream.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
        return None
    with _lock:
        before = _outlets.get(number)
        if before is None or before.stream is not stream:  # another may have the number now
            if before is not None:
                before.end()
            stream.flush()
            if not _outlets:
                atexit.register(drain)
            _outlets[number] = Outlet(stream)
        return _outlets[number]


def drain() -> None:
    """Wait a moment for what was said last, at the end of a program."""
    until = time.monotonic() + LAST_SECONDS
    for outlet in _outlets.values():
        outlet.drain(until)


# The log


def start_log(debug: bool) -> None:
    """Log to standard error, one plain line per event, with its time."""
    handler = _Handler()
    handler.setFormatter(_OneLine("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.addFilter(_Sparing(handler))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("pong").setLevel(logging.DEBUG if debug else logging.INFO)  # ours, not the libraries'


class _Handler(logging.StreamHandler[TextIO]):
    def __init__(self) -> None:
        super().__init__()
        self._is_shown = is_terminal(self.stream)

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_shown:
            self.stream = sys.stderr  # a prompt may have taken the terminal
        outlet = outlet_of(self.stream)
        if outlet is None:
            super().emit(record)
            return
        try:
            outlet.put(self.format(record))
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave a line out that cannot be written; a traceback would find no room either, or only in part."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _OneLine(logging.Formatter):
    """Escapes what came from outside; only a traceback of ours has several lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


class _Kind:
    """Events of one kind lately."""

    def __init__(self, first: logging.LogRecord) -> None:
        self.first, self.begin, self.count = first, time.monotonic(), 0


class _Sparing(logging.Filter):
    """Lets only so many events of one kind through in a time, and counts the rest; --debug shows all.

    What strangers do is logged, and there may be thousands of them. Events of one kind have one format. How
    many were left out is said before the next line of any kind.
    """

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.INFO or logging.getLogger("pong").level < logging.INFO:
            return True
        with self._lock:
            over = self._take_over(time.monotonic())
            kind = self._kinds.setdefault(str(record.msg), _Kind(record))
            kind.count += 1
        for each in over:
            words = f"{each.count - ALIKE_LINES:,} more lines like this: {each.first.getMessage()}"
            self._handler.emit(logging.makeLogRecord({"msg": words, "levelno": each.first.levelno}))
        return kind.count <= ALIKE_LINES

    def _take_over(self, now: float) -> list[_Kind]:
        """Forget the kinds whose time is over; return those of which events were left out."""
        over = [name for name, kind in self._kinds.items() if now - kind.begin >= ALIKE_SECONDS]
        forgotten = [self._kinds.pop(name) for name in over]
        return [kind for kind in forgotten if kind.count > ALIKE_LINES]
