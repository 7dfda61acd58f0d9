"""Where the agent's games come from: addresses, and connecting until a server is there."""

from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Iterator

import pytest

from mainmodel import PolicyGradient
from pongrl.agent import fleet
from pongrl.agent.fleet import Server
from pongrl.errors import ConnectionLostError, PongError, ProtocolError, RefusedError, UsageError
from pongrl.wire.sockets import address_of
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, serving

Arrivals = queue.SimpleQueue[tuple[Server, PongError | None]]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pi", ("pi", 12345)), ("pi.local:80", ("pi.local", 80)), ("10.0.0.7:65535", ("10.0.0.7", 65535)),
        ("::1", ("::1", 12345)), ("[::1]", ("::1", 12345)), ("[fe80::1%eth0]:7", ("fe80::1%eth0", 7)),
    ],
)  # fmt: skip
def test_an_address_is_split(text: str, address: tuple[str, int]) -> None:
    assert address_of(text, 12345) == address


@pytest.mark.parametrize("text", ["pi:", "pi:0", "pi:65536", "pi:-1", "pi:port", "pi:1 2", "pi:²", "[::1]:x"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a port from 1 to 65535"):
        address_of(text, 12345)


def test_hosts_are_given_once_or_several_times() -> None:
    assert PolicyGradient(host="a", port=7)._addresses == [("a", 7)]
    assert PolicyGradient(host=("a", "b:9"), port=7)._addresses == [("a", 7), ("b", 9)]
    assert PolicyGradient()._addresses == [("127.0.0.1", 12345)]


@contextlib.contextmanager
def seeking(port: int, token: str = "") -> Iterator[tuple[Server, Arrivals, Wake]]:
    """A server that is being sought on this machine, and what comes of it."""
    arrivals: Arrivals = queue.SimpleQueue()
    wake = Wake()
    with (
        contextlib.closing(wake),
        contextlib.closing(Server("127.0.0.1", port, token, arrivals, wake)) as one,
    ):
        one.seek()
        with contextlib.closing(one):
            yield one, arrivals, wake


def test_a_server_that_is_there_arrives_and_wakes() -> None:
    with serving(lockstep=True) as there, seeking(there.address[1]) as (server, arrivals, wake):
        assert wake.wait(PATIENCE)
        assert arrivals.get() == (server, None)
        client, step = server.connected
        assert step.number == 0
        assert client.session.lockstep


def test_it_is_sought_until_it_is_there_and_each_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet, "FIRST_PAUSE", 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: nobody is there
        port = taken.getsockname()[1]
        with seeking(port) as (server, arrivals, _):
            assert isinstance(arrivals.get(timeout=PATIENCE)[1], ConnectionLostError)
            taken.close()
            with serving(port=port):
                assert arrivals.get(timeout=PATIENCE) == (server, None)
                assert arrivals.empty()


def test_another_reason_is_told_too() -> None:
    with serving(token="secret") as there, seeking(there.address[1], "wrong") as (_, arrivals, _wake):
        assert isinstance(arrivals.get(timeout=PATIENCE)[1], RefusedError)
    with (
        socket.create_server(("127.0.0.1", 0)) as strange,
        seeking(strange.getsockname()[1]) as (_, told, _w),
    ):
        peer, _ = strange.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            assert isinstance(told.get(timeout=PATIENCE)[1], ProtocolError)
