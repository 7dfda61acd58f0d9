"""Fixtures that several tests of the wire share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pongrl.wire.waiting import Wake
from tests.support.wire_peers import Clock, Ends, over


@pytest.fixture
def wake() -> Iterator[Wake]:
    """An event that also wakes a thread which waits for sockets."""
    wake = Wake()
    yield wake
    wake.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test turns it."""
    return Clock()


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection, and its peer's socket."""
    ours, peer = socket.socketpair()
    with ours, peer:
        yield over(ours), peer


@pytest.fixture
def timed(clock: Clock) -> Iterator[Ends]:
    """A connection that goes by the clock of the test, and its peer's socket."""
    ours, peer = socket.socketpair()
    with ours, peer:
        yield over(ours, clock), peer
