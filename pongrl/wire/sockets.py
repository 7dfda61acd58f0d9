"""Sockets and addresses."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Any, TypeAlias

from pongrl.errors import PongError, UsageError
from pongrl.wire.messages import printable

Address: TypeAlias = tuple[str, int]


# A socket that does not wait says so: nothing is there now, or nothing fits now.
AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def reason_of(error: OSError) -> str:
    """Say in a few words what went wrong."""
    return error.strerror or str(error) or type(error).__name__


def resolve(host: str, port: int, passive: bool) -> list[tuple[Any, ...]]:
    """Find a host's addresses, as `getaddrinfo` does.

    Raises:
        PongError: there are none, or the port is none.
    """
    if not 0 <= port <= 65535:
        raise PongError(f"port {port} is out of range: give one from 1 to 65535")
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE if passive else 0
        )
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the host {printable(host)!r} cannot be found: check its spelling and the network"
        ) from error


def tuned(sock: socket.socket) -> socket.socket:
    """Make a socket fit for the game: small messages at once, and no call that waits."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or every step waits 40 ms
    sock.setblocking(False)
    return sock


def is_loopback(host: str) -> bool:
    """Whether everybody who can reach this host is on this machine."""
    addresses = resolve(host, 0, passive=True)
    return all(ipaddress.ip_address(address[4][0].split("%")[0]).is_loopback for address in addresses)


def address_of(text: str, port: int) -> tuple[str, int]:
    """Split "host", "host:port" or "[IPv6 address]:port"; `port` is for those that name none.

    Raises:
        UsageError: the port is none.
    """
    host, colon, number = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), port
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 1 << 16):
        raise UsageError(f"--host {text}: behind the colon there must be a port from 1 to 65535")
    return host.strip("[]"), int(number)
