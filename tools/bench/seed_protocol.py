"""The loop and the messages of the program that this project began with, rebuilt on this game.

`python -m tools.bench.seed_protocol` is the server; `play` is the agent. The first program is known to have:

    - two processes and plain sockets, without TCP_NODELAY
    - three messages in every step; the frame is a compressed .npz made in a BytesIO
    - a step for every tick of the game; every step draws the whole court of 700×500 pixels and resizes it to
      70×50
    - two small writes, then a read: the second write waits until the first is acknowledged (Nagle's
      algorithm), and the other side delays that acknowledgement by 40 ms

The rest is assumed, always as what costs least:

    - the messages: reward and score, then the frame, and the move back; the small ones are pickles
    - each message has its length in front, in the same write
    - the game goes on as soon as the move arrives, and does not wait for the next sixtieth of a second
    - both sides have one thread, and the agent draws its moves beforehand

    server                                                   agent
    [length u32 | pickle of (reward, score)]           ──►
    [length u32 | .npz of the frame]                   ──►
                                                       ◄──   [length u32 | pickle of the move]
"""

from __future__ import annotations

import contextlib
import pickle
import socket
import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np

from pongrl.game.camera import Camera
from pongrl.game.moves import VELOCITY
from pongrl.game.players import built_in
from pongrl.game.rules import RIGHT, Game
from pongrl.wire.arrays import UInt8Array

LENGTH = struct.Struct("!I")
LEVEL = 2


def open_line(port: int) -> socket.socket:
    """Connect to a server on this machine, with the socket's usual options."""
    return socket.create_connection(("127.0.0.1", port))


def pack_frame(frame: UInt8Array) -> bytes:
    """Return a frame as a compressed .npz."""
    file = BytesIO()
    np.savez_compressed(file, frame=frame)
    return file.getvalue()


def unpack_frame(body: bytes) -> UInt8Array:
    """Return the frame that is in a compressed .npz."""
    with np.load(BytesIO(body)) as archive:
        frame: UInt8Array = archive["frame"]
    return frame


def send(line: socket.socket, body: bytes) -> None:
    """Send a message with its length in front."""
    line.sendall(LENGTH.pack(len(body)) + body)


def receive(line: socket.socket) -> bytes:
    """Wait for the next message and return it.

    Raises:
        EOFError: the peer has left.
    """
    return _exactly(line, LENGTH.unpack(_exactly(line, LENGTH.size))[0])


def _exactly(line: socket.socket, size: int) -> bytes:
    data = line.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise EOFError("the peer has left")
    return data


def send_state(line: socket.socket, game: Game, reward: int) -> None:
    """Send reward and score, then the frame: two messages."""
    frame = Camera.full(game)
    send(line, pickle.dumps((reward, tuple(game.score))))
    send(line, pack_frame(frame))


def receive_state(line: socket.socket) -> tuple[int, tuple[int, int], UInt8Array]:
    """Wait for reward, score and frame, and return them."""
    reward, score = pickle.loads(receive(line))
    return reward, score, unpack_frame(receive(line))


def serve(line: socket.socket, game: Game) -> None:
    """Play one tick for every move until the agent leaves."""
    player: Any = built_in(LEVEL)
    reward = 0
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            send_state(line, game, reward)
            move = pickle.loads(receive(line))
            reward = game.step(VELOCITY[move], player(game, RIGHT))


def play(line: socket.socket, moves: Iterable[int]) -> int:
    """Answer each state with the next move, and return the sum of the rewards."""
    total = 0
    for move in moves:
        reward, _, _ = receive_state(line)
        total += reward
        send(line, pickle.dumps(move))
    return total


def main() -> None:
    """Listen, and serve the first agent that connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        line, _ = listener.accept()
    with line:
        serve(line, Game(1))


if __name__ == "__main__":
    main()
