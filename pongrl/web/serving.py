"""How a page's process runs: python -m pongrl.web.game_site, agent_site or arena_site.

The program sends a `Site` first, and then what there is to see. The process answers with the addresses that
it listens on, and then with lines of JSON: what people ask for. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TextIO

from aiohttp.http_exceptions import HttpProcessingError

from pongrl.errors import PongError
from pongrl.ui.window_process import READY
from pongrl.web.site import ADDRESSES, FAULT, Site
from pongrl.wire.allowance import Allowance
from pongrl.wire.sockets import Address

CLOSING_SECONDS = 0.5  # for the last messages to leave
FAULTS_AT_ONCE, FAULTS_PER_SECOND = 5, 0.1  # that the program is told


class Served(Protocol):
    """A page, in the page's process."""

    async def open(self) -> list[Address]:
        """Listen, and return where.

        Raises:
            PongError: it cannot listen there.
        """

    def show(self, value: Any) -> None:
        """Show what the program has sent."""

    async def close(self) -> None:
        """Tell the viewers that the program ends, and listen no more."""


Tell = Callable[[Any], None]
"""Tells the program what people ask for: any value that JSON can say."""


class Faults(logging.Handler):
    """Tells the program of faults of ours. Strangers who send garbage or break off are none."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.ERROR)
        self._tell, self._allowance = tell, Allowance(FAULTS_AT_ONCE, FAULTS_PER_SECOND)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a fault."""
        error = record.exc_info[1] if record.exc_info else None
        is_strangers = isinstance(error, OSError | HttpProcessingError)
        if error is not None and not is_strangers and self._allowance.take():
            self._tell({FAULT: "".join(traceback.format_exception(error))})


def serve(make: Callable[[Site, Tell], Served]) -> NoReturn:
    """Serve a page until the program ends or closes it; then end this process."""
    output = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints is no answer
    print(READY, file=output, flush=True)
    try:
        asyncio.run(_serve(make, output))
    except PongError as error:
        sys.exit(str(error))
    os._exit(0)


async def _serve(make: Callable[[Site, Tell], Served], output: TextIO) -> None:
    loop, values = asyncio.get_running_loop(), asyncio.Queue[Any]()
    threading.Thread(target=_receive, args=(loop, values), daemon=True).start()

    def tell(value: Any) -> None:
        print(json.dumps(value), file=output, flush=True)

    logging.getLogger().addHandler(Faults(tell))
    page = make(await values.get(), tell)
    tell({ADDRESSES: await page.open()})
    while True:
        print(READY, file=output, flush=True)
        value = await values.get()
        if value is None:
            with contextlib.suppress(TimeoutError):  # somebody does not take the last message
                await asyncio.wait_for(page.close(), CLOSING_SECONDS)
            return
        page.show(value)


def _receive(loop: asyncio.AbstractEventLoop, values: asyncio.Queue[Any]) -> None:
    with open(0, "rb", closefd=False) as pipe:
        value: Any = pipe
        while value is not None:
            try:
                value = pickle.load(pipe)
            except Exception:
                value = None  # the program has ended, or closed the page
            loop.call_soon_threadsafe(values.put_nowait, value)
