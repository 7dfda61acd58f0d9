"""Hosts, addresses and sockets: what both ends do before a byte of the protocol crosses."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from typing import TypeAlias

from pongrl.checks import is_whole
from pongrl.errors import PongError, UsageError
from pongrl.text import printable

Address: TypeAlias = tuple[str, int]
SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]

# What a socket that does not wait raises when there is nothing to read now, or no room to write.
AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def reason_of(error: OSError) -> str:
    """Say in a few words what went wrong."""
    return error.strerror or str(error) or type(error).__name__


def address_of(text: str, port: int) -> Address:
    """Split "host", "host:port" or "[IPv6 address]:port"; `port` is for a text that names none.

    Raises:
        UsageError: what stands behind the colon is no port.
    """
    host, colon, number = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), port
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 1 << 16):
        raise UsageError(f"--host {text}: behind the colon there must be a port from 1 to 65535")
    return host.strip("[]"), int(number)


def spelled(host: str, port: int) -> str:
    """Return host and port as people write them: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(host: str, port: int, passive: bool) -> Sequence[Found]:
    """Find the addresses of a host, as `socket.getaddrinfo` does.

    Args:
        host: its name or address.
        port: from 0 to 65535; 0 is any free one, if it is to listen.
        passive: True to listen there, False to connect.

    Raises:
        PongError: the host cannot be found, or the port is out of range.
    """
    if not 0 <= port <= 65535:
        raise PongError(f"port {port} is out of range: give one from 1 to 65535")
    flags = socket.AI_PASSIVE if passive else 0
    try:
        return socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        raise PongError(
            f"the host {printable(host)!r} cannot be found: check its spelling and the network"
        ) from error


def check_types(host: object, port: object) -> None:
    """Check what a program gave.

    Raises:
        UsageError: The host is no text, or the port no whole number.
    """
    if not isinstance(host, str) or not is_whole(port):
        raise UsageError(f"host must be text and port a whole number, not {host!r:.100} and {port!r:.100}")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach this host.

    Raises:
        PongError: the host cannot be found.
    """
    addresses = [str(found[4][0]).split("%")[0] for found in resolve(host, 0, passive=True)]
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)


def tuned(sock: socket.socket) -> socket.socket:
    """Make a socket fit for the game: small messages leave at once, and no call waits."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or every step waits 40 ms
    sock.setblocking(False)
    return sock
