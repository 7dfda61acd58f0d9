"""Announces a server, and follows the others, in a process of its own: python -m pongrl.web.neighbours.

The program is told `others`, the servers around it, when one has come or gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from typing import Any

from pongrl.web.nearby import Announcement, Search, announced
from pongrl.web.serving import Tell, serve
from pongrl.web.site import Site
from pongrl.wire.sockets import Address


class Neighbours:
    """Announces a server; `about` of the site has the Announcement.

    Args:
        site: what is announced.
        tell: tells the program.
    """

    def __init__(self, site: Site, tell: Tell) -> None:
        self._own: Announcement = site.about
        self._tell = tell
        self._search = Search(self._tell_others)
        self._stack = contextlib.AsyncExitStack()

    async def open(self) -> list[Address]:
        """Begin; no address is listened on."""
        with contextlib.suppress(OSError):  # without a network there are no others
            await self._search.open()
            self._stack.push_async_callback(self._search.close)
            self._begun = asyncio.ensure_future(self._stack.enter_async_context(announced(self._own)))
        return []

    def show(self, value: Any) -> None:
        """Do nothing: there is nothing to show."""

    def _tell_others(self) -> None:
        own = self._own.identity
        others = [asdict(one) for one in self._search.neighbours if one.identity != own]
        self._tell({"others": others})

    async def close(self) -> None:
        """Say goodbye to the network."""
        await self._stack.aclose()


if __name__ == "__main__":
    serve(Neighbours)
