"""The program's end of a page, which is served by a process of its own."""

from __future__ import annotations

import importlib.util
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pongrl.errors import PongError
from pongrl.ui.window_process import OPENING_SECONDS, WindowProcess
from pongrl.web.site import ADDRESSES, FAULT, Site
from pongrl.wire.sockets import Address

CLOSING_SECONDS = 1.0  # for the process to say goodbye to its viewers
SLOW = f"the page does not open in {OPENING_SECONDS:g} seconds: try again, or leave out --web"
MISSING = "the page needs aiohttp, which is not installed: pip install -r requirements.txt"
LOOK_SECONDS = 0.02  # between two looks whether it listens yet

log = logging.getLogger("pong.page")


class Page:
    """A page that is served. One thread opens and closes it; any may `show`.

    Args:
        module: what the process runs.
        site: what it is to serve.
        hear: is given what people ask for, in another thread.
        is_quitting: returns True if the program is to end, and nobody needs the page any more.

    Raises:
        PongError: it cannot listen there, or aiohttp is not installed.
    """

    def __init__(
        self,
        module: str,
        site: Site,
        hear: Callable[[dict[str, Any]], None],
        is_quitting: Callable[[], bool],
    ) -> None:
        if importlib.util.find_spec("aiohttp") is None:
            raise PongError(MISSING)
        self._hear = hear
        self.addresses: list[Address] = []
        self._listens = threading.Event()
        self._process = WindowProcess(module, is_quitting, self._take, SLOW)
        self._process.show(site)
        self._await_addresses(is_quitting)

    def _await_addresses(self, is_quitting: Callable[[], bool]) -> None:
        deadline = time.monotonic() + OPENING_SECONDS
        while not self._listens.wait(LOOK_SECONDS) and not is_quitting():
            if not self._process.is_open or time.monotonic() > deadline:
                raise PongError(self._process.close() or SLOW)

    def _take(self, line: str) -> None:
        """Take a line that the process has said; in the thread that hears it."""
        said = json.loads(line)
        if ADDRESSES in said:
            self.addresses = [(host, port) for host, port in said[ADDRESSES]]
            self._listens.set()
        elif FAULT in said:
            log.error("the page has a fault: %s", said[FAULT])
        else:
            self._hear(said)

    @property
    def is_open(self) -> bool:
        """False once the process has ended."""
        return self._process.is_open

    @property
    def is_free(self) -> bool:
        """True if nothing waits to be shown."""
        return self._process.is_free

    def show(self, value: Any) -> None:
        """Let a value be shown as soon as the process is ready."""
        self._process.show(value)

    def close(self) -> str:
        """Close the page.

        Returns:
            Why it had ended before; else nothing.
        """
        return self._process.close(CLOSING_SECONDS)
