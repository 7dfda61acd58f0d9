"""The loop and the messages of the program that this one goes back to, rebuilt on this game.

`python -m tools.bench.seed_protocol` is its server; `play` is its agent. From the description of that
program were taken:

    - two processes and plain sockets, without TCP_NODELAY
    - three messages in every step, the frame's a compressed .npz made in a BytesIO
    - a step for every tick of the game, and for every step the whole court of 700×500 pixels drawn and
      resized to 70×50
    - two small writes and then a read: the second write waits for the acknowledgement of the first (Nagle),
      and the other side keeps that back for 40 ms, hoping to send it along with something

These were assumed, each as what costs least:

    - which three messages: reward and score, then the frame, and the move back; the small ones are pickles
    - each has its length in front, in the same write, so that none needs a further one
    - the game goes on as soon as the move is there and does not wait for the next sixtieth of a second
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
    """Connect to a server on this machine, and leave the socket as it is."""
    return socket.create_connection(("127.0.0.1", port))


def pack_frame(frame: UInt8Array) -> bytes:
    """A frame as a compressed .npz."""
    file = BytesIO()
    np.savez_compressed(file, frame=frame)
    return file.getvalue()


def unpack_frame(body: bytes) -> UInt8Array:
    """The frame in a compressed .npz."""
    with np.load(BytesIO(body)) as archive:
        frame: UInt8Array = archive["frame"]
    return frame


def send(line: socket.socket, body: bytes) -> None:
    """Send a message."""
    line.sendall(LENGTH.pack(len(body)) + body)


def receive(line: socket.socket) -> bytes:
    """Wait for the next message.

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
    """Draw the court and send what came of the last move: two messages."""
    frame = Camera.full(game)
    send(line, pickle.dumps((reward, tuple(game.score))))
    send(line, pack_frame(frame))


def receive_state(line: socket.socket) -> tuple[int, tuple[int, int], UInt8Array]:
    """Wait for reward, score and frame."""
    reward, score = pickle.loads(receive(line))
    return reward, score, unpack_frame(receive(line))


def serve(line: socket.socket, game: Game) -> None:
    """Play a tick for every move, until the agent leaves."""
    player: Any = built_in(LEVEL)
    reward = 0
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            send_state(line, game, reward)
            move = pickle.loads(receive(line))
            reward = game.step(VELOCITY[move], player(game, RIGHT))


def play(line: socket.socket, moves: Iterable[int]) -> int:
    """Answer a state with each of the moves, and give the sum of the rewards."""
    total = 0
    for move in moves:
        reward, _, _ = receive_state(line)
        total += reward
        send(line, pickle.dumps(move))
    return total


def main() -> None:
    """Listen, and serve the first agent that comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        line, _ = listener.accept()
    with line:
        serve(line, Game(1))


if __name__ == "__main__":
    main()
