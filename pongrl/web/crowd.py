"""Sends a crowd of viewers what there is to see, however many and however slow they are.

A message is made once and written to each viewer as it is. What changes all the time is sent to a viewer
only when all of the last one is gone, so a slow one gets fewer. All viewers together are sent a limited
number a second; those who play come first. A page with several courts has a topic for each, and a viewer is
sent the pictures of the one that it looks at.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Hashable
from typing import Any

from aiohttp import web

from pongrl.wire.allowance import Allowance

SENDS_PER_SECOND = 1500  # to all who look on together
MOST_PER_SECOND = 60  # to each
MOST_WAITING = 1 << 20  # bytes that a viewer has not taken; one with more is given up
MESSAGES_AT_ONCE, MESSAGES_PER_SECOND = 240, 120  # of a viewer
HEARTBEAT_SECONDS = 20.0
LONGEST_MESSAGE = 512  # bytes of a viewer
TEXT, LONG, LONGER = 0x81, 126, 127  # a whole message of text; how its length is written (RFC 6455, 5.2)


def framed(value: Any) -> bytes:
    """Return a value as JSON in a WebSocket frame."""
    data = json.dumps(value, separators=(",", ":")).encode()
    if len(data) < LONG:
        return struct.pack("!BB", TEXT, len(data)) + data
    if len(data) < 1 << 16:
        return struct.pack("!BBH", TEXT, LONG, len(data)) + data
    return struct.pack("!BBQ", TEXT, LONGER, len(data)) + data


class Viewer:
    """A browser that looks on."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        self._socket, self._transport = socket, transport
        self._allowance = Allowance(MESSAGES_AT_ONCE, MESSAGES_PER_SECOND)

    @property
    def is_behind(self) -> bool:
        """Whether it has not taken all that it was sent."""
        return self._transport.get_write_buffer_size() > 0

    def send(self, frame: bytes) -> None:
        """Send a frame, or give the viewer up if too much waits for it."""
        if self._transport.get_write_buffer_size() > MOST_WAITING:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.write(frame)

    def tell(self, value: Any) -> None:
        """Send a message to this viewer alone."""
        self.send(framed(value))

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Give what it says, until it leaves, talks too much, or says what is no object of JSON."""
        async for message in self._socket:
            if not self._allowance.take():
                return
            if message.type is web.WSMsgType.PING:
                await self._socket.pong(message.data)
                continue
            if message.type is web.WSMsgType.PONG:
                continue
            if message.type is not web.WSMsgType.TEXT:
                return
            try:
                said = json.loads(message.data)
            except (ValueError, RecursionError):
                return
            if not isinstance(said, dict):
                return
            yield said


class Crowd:
    """All viewers of a page.

    Args:
        per_second: pictures that each one who looks on is sent at most.
    """

    def __init__(self, per_second: float = MOST_PER_SECOND) -> None:
        self._per_second = per_second
        self._viewers: dict[Viewer, bool] = {}  # and whether it comes first
        self._topics: dict[Viewer, Hashable] = {}  # what each one looks at; None unless it was said
        self._owed: dict[Viewer, dict[str, bytes]] = {}  # messages that wait, by their kinds
        self._latest: dict[Hashable, bytes] = {}  # pictures that those who look on are to be sent
        self._due, self._timer = 0.0, False

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        """Let one more look on."""
        self._viewers[viewer] = False

    def remove(self, viewer: Viewer) -> None:
        """Forget a viewer that has left."""
        self._viewers.pop(viewer, None)
        self._topics.pop(viewer, None)
        self._owed.pop(viewer, None)

    def look_at(self, viewer: Viewer, topic: Hashable) -> None:
        """Let a viewer be sent the pictures of this topic from now on, and no others."""
        if viewer in self._viewers:
            self._topics[viewer] = topic

    def prefer(self, viewer: Viewer, comes_first: bool) -> None:
        """Let a viewer come first, or no longer."""
        if viewer in self._viewers:
            self._viewers[viewer] = comes_first

    def tell_latest(self, kind: str, value: Any) -> None:
        """Send a message that replaces the last of its kind; who is behind gets the newest one later."""
        frame = framed({kind: value})
        for viewer in self._viewers:
            self._owed.setdefault(viewer, {})[kind] = frame
        self.pay()

    def pay(self) -> None:
        """Send what is owed to those who have taken all that they were sent."""
        for viewer, owed in list(self._owed.items()):
            while owed and not viewer.is_behind:
                viewer.send(owed.pop(next(iter(owed))))

    def tell(self, value: Any) -> None:
        """Send a message that all must have."""
        frame = framed(value)
        for viewer in list(self._viewers):
            viewer.send(frame)

    def show(self, frame: bytes, topic: Hashable = None) -> None:
        """Send the latest picture of a topic: those who come first at once, the others when they are due."""
        self._latest[topic] = frame
        for viewer, comes_first in list(self._viewers.items()):
            if comes_first and self._topics.get(viewer) == topic and not viewer.is_behind:
                viewer.send(frame)
        if not self._timer:
            self._timer = True
            delay = max(self._due - time.monotonic(), 0.0)
            asyncio.get_running_loop().call_later(delay, self._show_others)

    def _show_others(self) -> None:
        self._timer = False
        latest, self._latest = self._latest, {}
        others = [
            (viewer, latest[topic])
            for viewer, comes_first in self._viewers.items()
            if not comes_first and (topic := self._topics.get(viewer)) in latest
        ]
        rate = min(SENDS_PER_SECOND / max(len(others), 1), self._per_second)
        self._due = time.monotonic() + 0.9 / rate  # the next picture may come a little early
        for viewer, frame in others:
            if not viewer.is_behind:
                viewer.send(frame)
