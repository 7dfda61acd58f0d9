"""Listening: sockets on every address of a host, and the certificate for TLS."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from pathlib import Path

from pongrl.errors import PongError
from pongrl.files import LARGEST_PEM, check_readable
from pongrl.wire.sockets import Found, reason_of, resolve, spelled

NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # this machine has no such address


def listening_sockets(host: str, port: int, flag: str = "--port") -> list[socket.socket]:
    """Return sockets that listen on every address of a host, all on one port; an IPv4 address comes first.

    Args:
        host: name or address.
        port: 0 for any that is free.
        flag: the option that chooses the port, for the sentence.

    Raises:
        PongError: it cannot listen there.
    """
    named = dict.fromkeys(resolve(host, port, passive=True))  # each once
    found = sorted(named, key=lambda each: each[0] is not socket.AF_INET)
    socks: list[socket.socket] = []
    try:
        for each in found:
            number = socks[0].getsockname()[1] if socks else port  # port 0 was any: now it is that one
            try:
                socks.append(_listening_socket(each, number, is_alone=len(found) == 1))
            except OSError as error:
                if error.errno not in NOT_HERE or (each is found[-1] and not socks):
                    raise
    except OSError as error:
        for sock in socks:
            sock.close()
        if port == 0 and socks and error.errno == errno.EADDRINUSE:  # free at one address, and not at another
            return listening_sockets(host, port, flag)
        advice = "end the program that has this port, or choose another with " + flag
        if error.errno in NOT_HERE:
            advice = "give --host an address of this machine"
        raise PongError(f"cannot listen on {spelled(host, port)} ({reason_of(error)}): {advice}") from error
    return socks


def _listening_socket(found: Found, port: int, is_alone: bool) -> socket.socket:
    """Return a socket that listens on one address.

    Raises:
        OSError: it cannot listen there.
    """
    family, kind, protocol, _, address = found
    sock = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # where it would let two servers share one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:  # where a second server could else listen on another address of the same port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family is socket.AF_INET6:  # alone, "::" is IPv4 too, on Windows as elsewhere
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not is_alone)
        sock.bind((address[0], port, *address[2:]))
        sock.listen(128)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def certificate_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """Return what a server needs for TLS.

    Raises:
        PongError: a file cannot be read, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        for name in filter(None, (certificate, key)):
            check_readable(Path(name), LARGEST_PEM)
        context.load_cert_chain(certificate, key, password=lambda: "")  # never ask on the terminal
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        raise PongError(
            f"the certificate {certificate} cannot be used ({getattr(error, 'strerror', None) or error}): "
            "give --certificate and --key two PEM files that belong together, the key without a password"
        ) from error
    return context
