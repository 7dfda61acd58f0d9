"""The loop that connects again and again."""

from __future__ import annotations

import pytest

from pongrl.errors import ConnectionLostError, PongError
from pongrl.wire.retry import FIRST_PAUSE, LONGEST_PAUSE, keep_trying


class Server:
    """A server that fails in these ways, one for each attempt, before it is there."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.pauses: list[float] = []
        self.reported: list[str] = []

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
        return keep_trying(self.connect, self.wait, self.report)


def test_a_server_that_is_there_is_not_waited_for() -> None:
    server = Server()
    assert server.keep_trying() == "connected"
    assert (server.pauses, server.reported) == ([], [])


def test_the_pauses_grow_to_the_longest() -> None:
    server = Server(*[ConnectionLostError("no server")] * 8)
    assert server.keep_trying() == "connected"
    assert server.pauses == [FIRST_PAUSE, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_an_error_is_reported_once_until_another_comes() -> None:
    gone, busy = ConnectionLostError("no server"), PongError("busy")
    server = Server(gone, gone, busy, busy, gone)
    assert server.keep_trying() == "connected"
    assert server.reported == ["no server", "busy", "no server"]


def test_it_gives_up_when_the_wait_says_so() -> None:
    server = Server(*[ConnectionLostError("no server")] * 8)
    assert keep_trying(server.connect, lambda seconds: seconds < 2.0, server.report) is None
    assert len(server.failures) == 5


def test_it_gives_up_when_the_report_raises() -> None:
    def refuse(error: PongError) -> None:
        raise error

    server = Server(PongError("the token is wrong"))
    with pytest.raises(PongError, match="the token is wrong"):
        keep_trying(server.connect, server.wait, refuse)


def test_an_error_that_is_no_pong_error_ends_it() -> None:
    server = Server(KeyError("a bug"))
    with pytest.raises(KeyError):
        server.keep_trying()
