"""Peers over real sockets, for tests: listeners, agents, strangers, and what they leave behind.

listening, talking      a listener that delivers agents; an agent with the server's end of its connection
stranger, is_sent_away  a peer that only connects; whether the listener hangs up on it
over, Clock             a connection over one end of a pair of sockets; a clock that tests turn
line_of, cut            the socket of a connection, to look at; the end of one without a goodbye
open_files, our_threads what this process has open, and what of the wire is running
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from pongrl.server.listener import Listener
from pongrl.wire.client import PongClient
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Parser
from pongrl.wire.handshake import Admission, Admit
from pongrl.wire.limits import server_limits
from tests.support import PATIENCE, connected
from tests.support.wire import SESSION, admit, state

Delivered: TypeAlias = queue.SimpleQueue[Connection]
Ends: TypeAlias = tuple[Connection, socket.socket]  # a connection, and its peer's socket

UNRESOLVABLE = ["", "\x1b[2J" + "a" * 64]  # hosts that no name server is asked for


class Clock:
    """A clock that stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def over(sock: socket.socket, clock: Callable[[], float] = time.monotonic) -> Connection:
    """Return a connection over this socket, which takes what an agent of SESSION may send."""
    sock.setblocking(False)
    return Connection(sock, Parser(server_limits(SESSION)), "the peer", clock=clock)


def line_of(connection: Connection) -> socket.socket:
    """Return the socket of a connection once more: look at it, read from it, and close it."""
    return socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)


def cut(connection: Connection) -> None:
    """Let the network fail: both ends find the connection closed, and nobody has said goodbye."""
    with line_of(connection) as line:
        line.shutdown(socket.SHUT_RDWR)


def open_files() -> set[str]:
    """Return what this process has open, where the system tells."""
    gc.collect()
    return set(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else set()


def our_threads() -> set[str]:
    """Return the threads of listeners and clients that are running."""
    return {thread.name for thread in threading.enumerate()} & {"listener", "heartbeat"}


@contextlib.contextmanager
def listening(
    token: str = "", opening: bytes | None = None, admit: Admit = admit
) -> Iterator[tuple[Listener, Delivered]]:
    """Run a listener that sends each agent an opening (STEP 0), and give the connections it delivers."""
    delivered: Delivered = queue.SimpleQueue()

    with contextlib.ExitStack() as stack:

        def deliver(connection: Connection, _: Admission) -> None:
            stack.callback(connection.close)
            connection.send(state().serialize() if opening is None else opening)
            delivered.put(connection)

        listener = Listener("127.0.0.1", 0, token, admit, deliver)
        listener.start()
        stack.callback(listener.close)
        yield listener, delivered


@contextlib.contextmanager
def talking() -> Iterator[tuple[PongClient, Connection]]:
    """Connect an agent, which is sent STEP 0, and give the server's end of its connection too."""
    with listening() as (listener, delivered), connected(listener) as client:
        yield client, delivered.get(timeout=PATIENCE)


def stranger(listener: Listener, words: bytes = b"") -> socket.socket:
    """Connect, say this much and wait."""
    sock = socket.create_connection(listener.address, PATIENCE)
    with contextlib.suppress(ConnectionError):  # sent away already
        sock.sendall(words)
    return sock


def is_sent_away(sock: socket.socket) -> bool:
    """Wait for the listener's answer; return whether it hangs up."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:  # with something unread
        return True
