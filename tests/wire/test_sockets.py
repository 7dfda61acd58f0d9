"""Hosts and addresses."""

from __future__ import annotations

import itertools
import socket

import pytest

from pongrl.errors import PongError, UsageError
from pongrl.wire.sockets import address_of, is_loopback, resolve, tuned


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
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a port from 1 to 65535"):
        address_of(text, 12345)


@pytest.mark.parametrize("passive", [True, False])
def test_a_host_is_resolved_to_listen_or_to_connect(passive: bool) -> None:
    family, kind, _, _, address = resolve("127.0.0.1", 80, passive)[0]
    assert (family, kind, address) == (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 80))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_no_machine_has_is_named(port: int) -> None:
    with pytest.raises(PongError, match=f"port {port} is out of range"):
        resolve("127.0.0.1", port, passive=True)


def test_a_tuned_socket_sends_small_messages_at_once_and_never_waits() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        assert tuned(sock) is sock
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with pytest.raises(BlockingIOError):
            sock.recv(1)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *itertools.product(["127.0.0.1", "127.1.2.3", "::1", "localhost"], [True]),
        *itertools.product(["0.0.0.0", "::", "192.0.2.1"], [False]),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_host_with_an_address_beyond_this_machine_is_not_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(*range(4), (address, 0)) for address in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert not is_loopback("raspberrypi")
