"""Make what no program should send: random and mutated bytes, messages, pickles and states."""

from __future__ import annotations

import os
import pickle
import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np

from pongrl.wire.framing import Kind, message
from pongrl.wire.handshake import Handshake, server_handshake
from pongrl.wire.limits import client_limits
from pongrl.wire.messages import Column, Session, Step, action
from pongrl.wire.plain import dumps, loads

SESSION = Session(
    games=2, height=3, width=4, level=2, frameskip=4, ticks_per_second=60, points_to_win=21, lockstep=True
)
HTTP = b"GET / HTTP/1.1\r\nHost: pong\r\n\r\n"


def server_half(token: str, session: Session = SESSION) -> Handshake:
    """Return the server's half of a handshake, waiting for HELLO; it admits every peer with the token."""
    half = server_handshake(token, lambda *_: session)
    next(half)
    return half


def noise(rng: random.Random, most: int = 200) -> bytes:
    """Return random bytes, more often few than many."""
    return rng.randbytes(int(most ** rng.random()))


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with a few of them changed, dropped, repeated or added."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(changed))
        old = changed[at : at + rng.choice((0, 1, 1, 2, 4, 8, 40))]
        size = len(old)
        new = (b"", rng.randbytes(size), rng.randbytes(3), bytes(size), b"\xff" * size, old * 2)
        changed[at : at + size] = rng.choice(new)
    return bytes(changed)


def in_pieces(rng: random.Random, data: bytes) -> Iterator[bytes]:
    """Cut bytes into pieces of one size: all of them, single bytes, or anything between."""
    size = rng.choice((len(data), len(data), 1 if len(data) < 400 else 1024, rng.randint(1, 2000))) or 1
    return (data[at : at + size] for at in range(0, len(data), size))


# ---------------------------------------------------------------------------------------------
# Messages


def some_message(rng: random.Random, limits: Mapping[int, int]) -> bytes:
    """Return a message of any kind, with a length that may or may not be allowed."""
    kind = rng.choice(list(Kind)) if rng.random() < 0.3 else Kind(rng.choice(sorted(limits)))
    limit = limits.get(kind, 8)
    length = rng.choice((0, 1, min(limit, 64), min(limit, 2000), limit + 1 if limit < 2000 else 8))
    return message(kind, rng.randbytes(length))


def garbage(rng: random.Random, limits: Mapping[int, int]) -> bytes:
    """Return noise, messages in any order, impossible lengths, or another protocol."""
    several = b"".join(some_message(rng, limits) for _ in range(rng.randint(1, 5)))
    length = rng.choice((0, 1 << 16, 1 << 31, (1 << 32) - 1, rng.randrange(1 << 32)))
    huge = struct.pack("!BI", rng.choice(sorted(limits)), length)
    return rng.choice((noise(rng), several, several, mutated(rng, several), huge + noise(rng), HTTP))


def allowed(rng: random.Random, games: int) -> bytes:
    """Return messages that an agent may send, though perhaps not at this moment."""
    return b"".join(
        rng.choice(
            (
                action(rng.randrange(1 << 32), rng.randbytes(games)),
                message(Kind.PAUSE, bytes((rng.randint(0, 1),))),
                message(Kind.PING, rng.randbytes(8)),
                message(Kind.HEARTBEAT),
            )
        )
        for _ in range(rng.randint(1, 6))
    )


# ---------------------------------------------------------------------------------------------
# Pickles

SAMPLES = [
    pickle.dumps(asdict(SESSION), protocol=5),
    pickle.dumps([("left", 1.5, None, True, -1, 1 << 40), {"a": b"bytes", 2: ["left", "left"]}], protocol=5),
    pickle.dumps((os.getcwd, [1]), protocol=4),
    pickle.dumps({"é" * 300: b"\0" * 300}, protocol=3),
]
# Opcodes without an argument, or whose argument is missing; then some with true and false arguments.
OPCODES = [
    bytes((code,)) for code in b"()]}0N12.KMJGIF\x85\x86\x87\x88\x89\x94hjusearltdcRboi\x81\x8f\x90\x93"
]
OPCODES += [
    b"\x8c\x03abc", b"X\x03\0\0\0abc", b"\x8d" + struct.pack("<Q", 3) + b"abc", b"C\x03abc",
    b"\x8e" + struct.pack("<Q", 1 << 36), b"X\xff\xff\xff\xff", b"\x8a\xff" + b"\xff" * 255, b"\x8a\x01\x05",
    b"K\x01", b"M\1\1", b"J\xff\xff\xff\xff", b"G" + bytes(8), b"h\0", b"j\0\0\0\0", b"r\xff\xff\xff\x7f",
    b"\x95" + struct.pack("<Q", 9), b"\x95" + b"\xff" * 8, b"\x96" + struct.pack("<Q", 1 << 36),
    b"cos\ngetcwd\n", b"\x97", b"\x98",
]  # fmt: skip


def some_pickle(rng: random.Random) -> bytes:
    """Return bytes that are a pickle, or nearly one."""
    opcodes = b"".join(rng.choices(OPCODES, k=int(1200 ** rng.random())))
    deep = rng.choice((b"]", b"}", b")")) + b"\x85" * rng.randint(1, 1100) + rng.choice((b"", b"}hs"))
    made = rng.choice((noise(rng), opcodes, opcodes, deep))
    return rng.choice((mutated(rng, rng.choice(SAMPLES)), b"\x80\x05" + made + b"."))


# ---------------------------------------------------------------------------------------------
# States

FIELDS: tuple[object, ...] = (
    None, -1, 1 << 40, True, b"", [], ("<i4", (2, 10), bytes(80)), ("<i4", (2, 10), b"\xff" * 80),
    ("|u1", (3,), b"\0\1\2"), ("<u2", (1 << 60,), b"ab"), ("O", (1,), bytes(8)),
)  # fmt: skip


def some_step(rng: random.Random, number: int = 0) -> Step:
    """Return a state as a server may send it."""
    shape = SESSION.games, SESSION.height, SESSION.width
    frames = (np.arange(np.prod(shape)).reshape(shape) % rng.randint(1, 9) == 0).astype(np.uint8)
    table = np.zeros((SESSION.games, len(Column)), np.int32)
    table[:, Column.TICKS] = rng.randint(0, 8)
    return Step.of(number, 0, frames, table)


def bad_step(rng: random.Random, number: int = 0) -> bytes:
    """Return the body of a STEP in which a byte, a field or everything is wrong."""
    whole = some_step(rng, number).serialize()[len(message(Kind.STEP)) :]
    fields = list(loads(whole))
    fields[rng.randrange(len(fields))] = rng.choice((*FIELDS, rng.choice(fields)))
    return rng.choice((mutated(rng, whole), dumps(tuple(fields)), some_pickle(rng)))


def bad_session(rng: random.Random) -> bytes:
    """Return what a hostile server sends after the handshake: some right states, then anything."""
    good = rng.choice((0, 1, 3, 10))
    states = b"".join(some_step(rng, number).serialize() for number in range(good))
    wrong = rng.choice(
        (
            message(Kind.STEP, bad_step(rng, good)),
            mutated(rng, some_step(rng, good).serialize()),
            some_step(rng, good + rng.randint(1, 3)).serialize(),
            message(Kind.BYE, noise(rng, 300)),
            message(Kind.PONG, noise(rng, 12)),
            message(Kind.HEARTBEAT) * rng.randint(1, 1000),
            garbage(rng, client_limits(SESSION)),
            message(Kind.STEP, bytes(200))[: rng.randint(1, 200)],
        )
    )
    return states + wrong + some_step(rng, good).serialize() * rng.randint(0, 1)
