"""The loop that connects again and again."""

from __future__ import annotations

import threading

import pytest

from pongrl.errors import ConnectionLostError, PongError
from pongrl.wire.retry import FIRST_PAUSE, LASTING_SECONDS, LONGEST_PAUSE, Retry, beside
from tests.support import PATIENCE


class Server:
    """A server that fails in these ways, one for each attempt, before it is there."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.pauses: list[float] = []
        self.reported: list[str] = []
        self.now = 100.0
        self.retry = Retry(lambda: self.now)

    def connect(self) -> str:
        """Make one attempt."""
        if self.failures:
            raise self.failures.pop(0)
        return "connected"

    def wait(self, seconds: float) -> bool:
        """Let time pass at once."""
        self.pauses.append(seconds)
        return True

    def report(self, error: PongError) -> None:
        """Note what people are told."""
        self.reported.append(str(error))

    def keep_trying(self) -> str | None:
        """Try until it is there."""
        return self.retry.keep_trying(self.connect, self.wait, self.report)


def test_a_server_that_is_there_is_not_waited_for() -> None:
    server = Server()
    assert server.keep_trying() == "connected"
    assert (server.pauses, server.reported) == ([], [])


def test_the_pauses_grow_to_the_longest() -> None:
    server = Server(*[ConnectionLostError("no server")] * 8)
    assert server.keep_trying() == "connected"
    assert server.pauses == [FIRST_PAUSE, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_the_pauses_grow_as_long_as_connections_do_not_last() -> None:
    server = Server()
    for _ in range(8):
        server.keep_trying()
        server.now += LASTING_SECONDS - 0.1
    assert server.pauses == [FIRST_PAUSE, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE]
    server.now += 0.1
    server.keep_trying()
    assert len(server.pauses) == 7
    server.keep_trying()
    assert server.pauses[7:] == [FIRST_PAUSE]


def test_an_error_is_reported_once_until_another_comes() -> None:
    gone, busy = ConnectionLostError("no server"), PongError("busy")
    server = Server(gone, gone, busy, busy, gone)
    assert server.keep_trying() == "connected"
    assert server.reported == ["no server", "busy", "no server"]


def test_it_gives_up_when_the_wait_says_so() -> None:
    server = Server(*[ConnectionLostError("no server")] * 8)
    assert server.retry.keep_trying(server.connect, lambda seconds: seconds < 2.0, server.report) is None
    assert len(server.failures) == 5


def test_it_gives_up_when_the_report_raises() -> None:
    def refuse(error: PongError) -> None:
        raise error

    server = Server(PongError("the token is wrong"))
    with pytest.raises(PongError, match="the token is wrong"):
        server.retry.keep_trying(server.connect, server.wait, refuse)


def test_an_error_that_is_no_pong_error_ends_it() -> None:
    server = Server(KeyError("a bug"))
    with pytest.raises(KeyError):
        server.keep_trying()


class Connection:
    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def test_what_connects_beside_is_waited_for() -> None:
    connection, may_come = Connection(), threading.Event()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        may_come.set()
        return True

    def connect() -> Connection:
        assert may_come.wait(PATIENCE)
        return connection

    assert beside(connect, wait) is connection
    assert waits
    assert not connection.closed.is_set()


def test_what_connects_too_late_is_closed() -> None:
    connection, is_late = Connection(), threading.Event()

    def connect() -> Connection:
        assert is_late.wait(PATIENCE)
        return connection

    assert beside(connect, lambda _: False) is None
    is_late.set()
    assert connection.closed.wait(PATIENCE)


def test_an_error_beside_is_raised_here() -> None:
    def fail() -> Connection:
        raise ConnectionLostError("nobody listens")

    with pytest.raises(ConnectionLostError, match="nobody listens"):
        beside(fail, lambda _: True)
