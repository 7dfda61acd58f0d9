"""Run the programs of this checkout as processes.

Both the tools and the tests use this module.

    ROOT, PATIENCE   the folder of the checkout; the longest wait, in seconds
    ASKING           signals by which a program is asked to end
    Program          a process, its lines as they come, its signals and its end
    run_program      run one to its end
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # far longer than any wait should take
DEVELOPMENT = ("-X", "dev", "-W", "error")  # report leaks, and let every warning fail
# How a program is asked to end. Windows sends nothing to a process, and Ctrl-Break to a group.
ASKING: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
NEW_GROUP = 0
if sys.platform == "win32":
    ASKING, NEW_GROUP = (signal.CTRL_BREAK_EVENT,), subprocess.CREATE_NEW_PROCESS_GROUP
# Programs start without a token, a screen or a choice of screen, unless they are given one.
HIDDEN = ("PONG_TOKEN", "DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_AUDIODRIVER")


@dataclass(frozen=True)
class Line:
    """A line of a program's output.

    Attributes:
        text: the line with its newline.
        time: when it came, by `time.monotonic`.
    """

    text: str
    time: float


class Program:
    """A Python program as a process, whose output can be waited for.

    The process is killed at the end of a `with` block if it still runs.

    Args:
        arguments: the command line after `python`. A script is found in the checkout. After `-m` the program
            runs in the folder of the checkout.
        stdin: text to type before the end of input; with None, standard input stays open for `type`.
        cwd: working directory; the current one by default.
        within: a command to run the program with, such as `nsenter`; it must not fork.
        python: the Python that runs it; this one by default.
        development: run Python with its development mode and with warnings as errors. A benchmark does not.
        env: further environment variables.
    """

    def __init__(
        self,
        *arguments: str,
        stdin: str | None = "",
        cwd: Path | None = None,
        within: tuple[str, ...] = (),
        python: str = sys.executable,
        development: bool = True,
        **env: str,
    ) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [*within, python, *(DEVELOPMENT if development else ()), *located(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            cwd=ROOT if arguments[0] == "-m" else cwd,
            env={name: value for name, value in os.environ.items() if name not in HIDDEN} | env,
            creationflags=NEW_GROUP,
        )
        self.seen: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._name = " ".join(arguments)
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()  # None: a stream has ended
        self._streams_open = 2
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self.seen]
        for reader in self._readers:
            reader.start()
        if stdin is not None:
            self.type(stdin)
            assert self.process.stdin is not None
            self.process.stdin.close()

    def _read(self, name: str) -> None:
        with getattr(self.process, name) as stream:  # closed here: another thread would wait for this one
            for text in stream:
                self.seen[name].append(text)
                self._lines.put(Line(text, time.monotonic()))
        self._lines.put(None)

    def type(self, text: str) -> None:
        """Type into standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """Wait for a line of output with these words in it, and return it.

        Raises:
            RuntimeError: the program ended first, or said nothing of the kind for a minute.
        """
        return self.find(re.escape(words)).text

    def find(self, pattern: str, seconds: float = PATIENCE) -> Line:
        """Wait for a line in which a regular expression matches.

        Raises:
            RuntimeError: the program ended first, or it takes too long.
        """
        deadline = time.monotonic() + seconds
        while self._streams_open:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.0))
            except queue.Empty:
                raise self._failure(f"has not said {pattern!r} for {seconds:g} seconds") from None
            if line is None:
                self._streams_open -= 1
            elif re.search(pattern, line.text):
                return line
        raise self._failure(f"ended without {pattern!r}")

    def _failure(self, what: str) -> RuntimeError:
        return RuntimeError(f"{self._name} {what}; its output:\n{self.output}")

    def wait_for_port(self) -> int:
        """Wait until the program listens, and return its port."""
        return int(self.find(r"listening on \S*:\d+").text.split()[2].rpartition(":")[2])

    @property
    def output(self) -> str:
        """Everything it has written so far, standard error last."""
        return "".join(self.seen["stdout"]) + "".join(self.seen["stderr"])

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for its end and return its exit code.

        Raises:
            RuntimeError: it does not end.
        """
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"has not ended after {seconds:g} seconds") from None
        self._join()
        return code

    def end(self) -> int:
        """Ask it to end, with SIGTERM or Ctrl-Break, and return its exit code.

        Raises:
            RuntimeError: it does not end.
        """
        self.process.send_signal(ASKING[-1])
        return self.ended()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE)
            if reader.is_alive():
                raise self._failure("has left a process behind that holds its output open")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill it if it still runs, and close its streams.

        Raises:
            RuntimeError: a process that it has started goes on and holds them open.
        """
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self._join()


def located(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments with a script's path made absolute; options of Python stay as they are."""
    script, *others = arguments
    return arguments if script.startswith("-") else (str(ROOT / script), *others)


def run_program(
    *arguments: str,
    stdin: str | None = "",
    cwd: Path | None = None,
    within: tuple[str, ...] = (),
    python: str = sys.executable,
    development: bool = True,
    **env: str,
) -> tuple[int, Program]:
    """Run a program to its end; the arguments are those of `Program`.

    Returns:
        its exit code, and the program with its output.
    """
    with Program(
        *arguments, stdin=stdin, cwd=cwd, within=within, python=python, development=development, **env
    ) as program:
        return program.ended(), program
