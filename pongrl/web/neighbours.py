"""Announces a server, and follows the others, in a process of its own: python -m pongrl.web.neighbours.

The program is told `others`, the servers around it, when one has come or gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from typing import Any

from pongrl.errors import PongError
from pongrl.web.nearby import Announcement, Search, announced, own_addresses
from pongrl.web.serving import Tell, serve
from pongrl.web.site import Site
from pongrl.wire.sockets import Address

NETWORK_SECONDS = 5.0  # between two looks at this machine's addresses
TELLING_SECONDS = 1.0  # from one time that the program is told to the next: anybody can announce anything


class Neighbours:
    """Announces a server; `about` of the site has the Announcement.

    A network may come and go: a machine that starts by itself often has none yet. So when this machine has
    other addresses than before, the server is announced again.

    Args:
        site: what is announced.
        tell: tells the program.
    """

    def __init__(self, site: Site, tell: Tell) -> None:
        self._own: Announcement = site.about
        self._tell = tell

    async def open(self) -> list[Address]:
        """Begin; no address is listened on."""
        self._task = asyncio.ensure_future(self._follow_networks())
        return []

    def show(self, value: Any) -> None:
        """Do nothing: there is nothing to show."""

    async def _follow_networks(self) -> None:
        import zeroconf

        while True:
            # Without a network there are no others; zeroconf says so by a RuntimeError, too.
            with contextlib.suppress(OSError, RuntimeError, PongError, zeroconf.Error):
                async with contextlib.AsyncExitStack() as stack:
                    addresses = set(own_addresses())
                    await self._meet(stack)
                    while set(own_addresses()) == addresses:
                        await asyncio.sleep(NETWORK_SECONDS)
            await asyncio.sleep(NETWORK_SECONDS)  # a network that has just come is not ready at once

    async def _meet(self, stack: contextlib.AsyncExitStack) -> None:
        """Look for the others, and announce the server, until the stack is closed."""
        self._tell({"others": []})  # those of another network are not there any more
        changed = asyncio.Event()
        search = Search(changed.set)
        await search.open()
        stack.push_async_callback(search.close)
        telling = asyncio.ensure_future(self._tell_others(search, changed))
        stack.callback(telling.cancel)
        await stack.enter_async_context(announced(self._own))

    async def _tell_others(self, search: Search, changed: asyncio.Event) -> None:
        """Tell of the others whenever they are not those that were told last."""
        told: list[dict[str, Any]] = []
        while True:
            await changed.wait()
            changed.clear()
            own = self._own.identity
            others = [asdict(one) for one in search.neighbours if one.identity != own]
            if others != told:
                told = others
                self._tell({"others": others})
                await asyncio.sleep(TELLING_SECONDS)

    async def close(self) -> None:
        """Say goodbye to the network."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


if __name__ == "__main__":
    serve(Neighbours)
