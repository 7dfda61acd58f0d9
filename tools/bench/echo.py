"""The round trip of a bare socket between two processes: no protocol can be faster.

`python -m tools.bench.echo UP DOWN` answers every UP bytes with DOWN bytes until its peer leaves.
"""

from __future__ import annotations

import socket
import sys


def open_line(port: int) -> socket.socket:
    """Connect to an echo on this machine."""
    line = socket.create_connection(("127.0.0.1", port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def trip(line: socket.socket, up: bytes, down: int) -> None:
    """Send bytes and wait for a number of bytes in return."""
    line.sendall(up)
    line.recv(down, socket.MSG_WAITALL)


def serve(up: int, down: bytes) -> None:
    """Print the address we listen on, and answer the first peer that connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        line, _ = listener.accept()
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line:
        while len(line.recv(up, socket.MSG_WAITALL)) == up:
            line.sendall(down)


if __name__ == "__main__":
    serve(int(sys.argv[1]), bytes(int(sys.argv[2])))
