"""The door of a page: it takes connections, and sends those away that ask for nothing or are too many.

aiohttp itself waits for a request as long as a stranger likes. So each connection has a few seconds for its
first request, and again after each answer. One that plays, looks on or loads a file may stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pongrl.wire.throttle import network_of

MOST_CONNECTIONS, MOST_OF_ONE_NETWORK = 400, 300  # a class may share one address
IDLE_SECONDS = 10.0  # without a request
LOADING_SECONDS = 600.0  # for a file
SWEEP_SECONDS = 0.5  # between two looks for connections whose time is over
GREETING_SECONDS = 5.0  # for TLS
SEND_BUFFER = 1 << 17  # bytes
DEAF_SECONDS = 1.0  # pause in accepting connections, when this process can open no more files


@dataclass
class _Visit:
    network: str
    deadline: float = field(default_factory=lambda: time.monotonic() + IDLE_SECONDS)


class Door:
    """Takes connections from `open` on.

    Args:
        make_protocol: makes what answers one connection.
        socks: listen.
        tls: the certificate to show, if connections are encrypted.
    """

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        socks: Sequence[socket.socket],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._make_protocol, self._socks, self._tls = make_protocol, socks, tls
        self._visits: dict[asyncio.BaseTransport, _Visit] = {}
        self._greeting: Counter[str] = Counter()  # connections of each network that agree upon TLS
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to take connections."""
        for sock in self._socks:
            self._begin(self._listen(sock))
        self._begin(self._sweep())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop itself would forget it
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Take no more connections, and close those that are here."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._socks:
            sock.close()
        for transport in self._visits:
            assert isinstance(transport, asyncio.WriteTransport)
            if transport.is_closing():  # what it was sent may never be read
                _abort(transport)
            else:
                transport.close()

    async def _listen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(DEAF_SECONDS)
                continue
            network = network_of(address[0])
            if self._is_full(network):
                sock.close()
            else:
                # The system's own buffer would hide for long that somebody is slow.
                with contextlib.suppress(OSError):  # it has left already
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                self._greeting[network] += 1
                self._begin(self._greet(sock, network))

    def _is_full(self, network: str) -> bool:
        self._forget()
        here = [visit.network for visit in self._visits.values()]
        theirs = here.count(network) + self._greeting[network]
        everybody = len(here) + self._greeting.total()
        return theirs >= MOST_OF_ONE_NETWORK or everybody >= MOST_CONNECTIONS

    async def _greet(self, sock: socket.socket, network: str) -> None:
        loop = asyncio.get_running_loop()
        timeout = None if self._tls is None else GREETING_SECONDS
        try:
            with contextlib.suppress(OSError):  # the stranger has left, or speaks no TLS
                transport, _ = await loop.connect_accepted_socket(
                    self._make_protocol, sock, ssl=self._tls, ssl_handshake_timeout=timeout
                )
                self._visits[transport] = _Visit(network)
        finally:
            self._greeting -= Counter({network: 1})

    @contextlib.contextmanager
    def busy(
        self, transport: asyncio.BaseTransport | None, seconds: float = LOADING_SECONDS
    ) -> Iterator[None]:
        """Let a connection stay for a `with` block in which its request is answered."""
        visit = self._visits.get(transport) if transport is not None else None
        if visit is not None:
            visit.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            if visit is not None:
                visit.deadline = time.monotonic() + IDLE_SECONDS

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._forget()
            now = time.monotonic()
            for transport, visit in self._visits.items():
                if now >= visit.deadline:
                    assert isinstance(transport, asyncio.WriteTransport)
                    _abort(transport)

    def _forget(self) -> None:
        """Forget the connections that have ended, and have sent all that they had to."""
        self._visits = {one: visit for one, visit in self._visits.items() if not self._has_ended(one)}

    def _has_ended(self, transport: asyncio.BaseTransport) -> bool:
        assert isinstance(transport, asyncio.WriteTransport)
        # With TLS asyncio itself waits for half a minute at most.
        return transport.is_closing() and (self._tls is not None or not transport.get_write_buffer_size())


def _abort(transport: asyncio.WriteTransport) -> None:
    """Close a connection at once, even one that was closed twice."""
    with contextlib.suppress(AttributeError):  # which Python 3.11.2 raises then, with TLS
        transport.abort()
