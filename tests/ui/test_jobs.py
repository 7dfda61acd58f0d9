"""The console as a job of a real shell: in the background, stopped with Ctrl-Z, and brought back."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import PATIENCE, ROOT

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="needs a shell with job control"
)

CTRL_Z = "\x1a"
BASH = """
import fcntl, os, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
"""
PROMPT = "[?2004h"  # what the console's prompt begins with: it asks how text is pasted


class Heard:
    """Keeps what comes out of a file, and waits for words in it."""

    def __init__(self, file: int) -> None:
        self._file, self._text, self._news = file, "", threading.Condition()
        self._read = 0  # characters that were waited for
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(self._file, 4096):
                with self._news:
                    self._text += data.decode(errors="replace")
                    self._news.notify_all()

    def wait_for(self, words: str) -> None:
        """Wait for words behind those that were waited for last."""
        with self._news:
            assert self._news.wait_for(lambda: words in self._text[self._read :], PATIENCE), self._text
            self._read = self._text.index(words, self._read) + len(words)

    def skip(self) -> None:
        """Pass over what has come until now."""
        with self._news:
            self._read = len(self._text)


class Shell(Heard):
    """A shell on a terminal of its own."""

    def __init__(self) -> None:
        import termios

        self.terminal, its_end = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", BASH], stdin=its_end, stdout=its_end, stderr=its_end,
            env=os.environ | {"PS1": "ready> ", "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            start_new_session=True,
        )  # fmt: skip
        os.close(its_end)
        termios.tcsetwinsize(self.terminal, (24, 80))
        super().__init__(self.terminal)
        self.wait_for("ready> ")

    def type(self, text: str) -> None:
        """Type into the terminal."""
        self.skip()
        os.write(self.terminal, text.encode())

    def close(self) -> None:
        """Hang up, which ends all jobs; then the listener ends, before another file gets its number."""
        self._process.send_signal(signal.SIGHUP)
        self._process.wait(PATIENCE)
        self.listener.join(PATIENCE)
        os.close(self.terminal)


@pytest.fixture
def shell() -> Iterator[Shell]:
    with contextlib.closing(Shell()) as shell:
        yield shell


def agent(directory: Path) -> str:
    command = [sys.executable, str(ROOT / "mainmodel.py"), "--local", "--games", "4", "--hidden-units", "20"]
    return shlex.join([*command, "--directory", str(directory)])


def bring_back_and_quit(shell: Shell) -> None:
    """Bring a job that runs in the background to the foreground, where its console ends it."""
    shell.type("jobs\r")
    shell.wait_for("Running")
    shell.type("fg\r")
    shell.wait_for(PROMPT)
    shell.type("q\r")
    shell.wait_for("saved interrupt.p")


def test_a_job_trains_in_the_background_and_its_console_comes_back(shell: Shell, tmp_path: Path) -> None:
    shell.type(f"{agent(tmp_path)} &\r")
    shell.wait_for("200 points")
    shell.type("echo it is $((1 + 1))\r")
    shell.wait_for("it is 2")
    shell.type("fg\r")
    shell.wait_for(PROMPT)
    shell.type("stats\r")
    shell.wait_for("network")
    shell.type(CTRL_Z)
    shell.wait_for("Stopped")
    shell.wait_for("ready> ")
    shell.type("bg\r")
    shell.wait_for("00 points")
    bring_back_and_quit(shell)
    shell.type("echo its code was $?\r")
    shell.wait_for("its code was 0")


def test_a_job_with_its_output_in_a_file_trains_too(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    log = Heard(os.open(tmp_path / "log", os.O_RDWR))
    shell.type(f"{agent(tmp_path)} > {tmp_path}/log 2>&1 &\r")
    log.wait_for("200 points")
    shell.type("fg\r")
    shell.wait_for("mainmodel.py")
    shell.type("stats\r")
    log.wait_for("network")
    shell.type(CTRL_Z)
    shell.wait_for("Stopped")
    shell.type("bg\r")
    shell.wait_for("ready> ")
    log.skip()
    log.wait_for("00 points")
    shell.type("no command of ours\r")
    shell.wait_for("not found")
    shell.type("fg\r")
    shell.wait_for("mainmodel.py")
    shell.type("q\r")
    log.wait_for("saved interrupt.p")


def test_a_job_that_another_process_stopped_goes_on_in_the_background(shell: Shell, tmp_path: Path) -> None:
    shell.type(f"{agent(tmp_path)}\r")
    shell.wait_for("100 points")
    shell.wait_for(PROMPT)
    group = os.tcgetpgrp(shell.terminal)
    os.killpg(group, signal.SIGSTOP)
    shell.wait_for("Stopped")
    shell.type("bg\r")
    shell.wait_for("00 points")
    shell.wait_for("00 points")
    bring_back_and_quit(shell)
