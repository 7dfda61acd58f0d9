"""What tests of the wire share: bytes from strangers, fuzzing, values, and the handshake in memory.

HTTP, HOSTILE                   what does not belong on the wire: another protocol, and pickles that attack
fuzz, mutated, read_garbage     settings for hypothesis, and what to do with bytes that are nearly right
SESSION, state, table_of        a small session, a state of it, an empty table
body_of, parsed                 messages out of bytes
admit, advance                  a server's answer to everybody, and one step of a handshake
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pongrl.errors import PongError, ProtocolError
from pongrl.wire.arrays import Int32Array
from pongrl.wire.framing import Kind, Message, Parser, message
from pongrl.wire.handshake import Admission, Applicant, Handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, SERVER_HANDSHAKE_LIMITS
from pongrl.wire.messages import MAGIC, VERSION, Column, Session, Step

# ---------------------------------------------------------------------------------------------
# Bytes from strangers

HTTP = b"GET / HTTP/1.1\r\nHost: pong\r\n\r\n"


def _list_in_itself() -> bytes:
    selfish: list[Any] = []
    selfish.append(selfish)
    return pickle.dumps(selfish, protocol=5)


def _exponential_key() -> bytes:
    """Return a dict whose key is a tuple of twice a tuple of twice …: 60 levels, 2**60 steps to hash."""
    twice = b"".join(b"h%ch%c\x86\x94" % (level, level) for level in range(60))
    return b"\x80\x05})\x94" + twice + b"Ns."


HOSTILE = {
    "a function": pickle.dumps(os.getcwd, protocol=2),
    "a function, by the newer opcode": pickle.dumps(os.getcwd, protocol=5),
    "a call": b"\x80\x05cos\ngetcwd\n)R.",
    "a memo of 16 GB in nine bytes": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a bytearray of 64 GB": b"\x80\x05\x96" + struct.pack("<Q", 1 << 36) + b".",
    "bytes of 64 GB": b"\x80\x05\x8e" + struct.pack("<Q", 1 << 36) + b".",
    "text of 4 GB": b"\x80\x05X\xff\xff\xff\xff.",
    "a frame of 64 GB": b"\x80\x05\x95" + struct.pack("<Q", 1 << 36) + b"N.",
    "a frame of more than there is": b"\x80\x05\x95" + b"\xff" * 8 + b"N.",
    "a list in itself": _list_in_itself(),
    "an exponential key": _exponential_key(),
    "an exponential key, by duplication": b"\x80\x05})" + b"2\x86" * 60 + b"Ns.",
    "a million empty lists": b"\x80\x05(" + b"]" * 1_000_000 + b"l.",
    "a million memoized lists": b"\x80\x05(" + b"]\x94" * 1_000_000 + b"t.",
    "a reference to nothing": b"\x80\x05h\0.",
    "a reference to a tuple": b"\x80\x05)\x94h\0.",
    "a list as a key": b"\x80\x05}]Ns.",
    "a key without a value": b"\x80\x05}(Nu.",
    "text that is not UTF-8": b"\x80\x05\x8c\x01\xff.",
    "an end without a mark": b"\x80\x05Nt.",
    "a tuple of what is not there": b"\x80\x05N\x87.",
    "a memo of nothing": b"\x80\x05\x94.",
    "nothing": b"\x80\x05.",
    "no pickle": HTTP,
    "protocol 0": pickle.dumps([1], protocol=0),
    "protocol 6": b"\x80\x06N.",
    "no bytes": b"",
}

# ---------------------------------------------------------------------------------------------
# Fuzzing

MEMORY = 2 << 20  # bytes that reading a small message may take at most

# A shared machine may be slow; that says nothing about the wire.
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutated(draw: st.DrawFn, written: bytes) -> bytes:
    """Draw the same bytes with a few of them changed, lost or new."""
    data = bytearray(written)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


@contextlib.contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Fail if what is done here takes more bytes than that at any time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def read_garbage(read: Callable[..., object], *arguments: object) -> None:
    """Call a reader of what may be right by chance, and must else raise ProtocolError, in little memory."""
    with memory_below(MEMORY), contextlib.suppress(ProtocolError):
        read(*arguments)


# ---------------------------------------------------------------------------------------------
# Values and messages

SESSION = Session(
    games=2, height=3, width=4, level=2, frameskip=4, ticks_per_second=60, points_to_win=21, lockstep=True
)
PING: Message = (Kind.PING, b"12345678")


def table_of(games: int) -> Int32Array:
    """Return a STEP's table of nothing but zeros."""
    return np.zeros((games, len(Column)), np.int32)


def state(number: int = 0) -> Step:
    """Return a state of SESSION, with one cell lit in the second game's frame."""
    frames = np.zeros((SESSION.games, SESSION.height, SESSION.width), np.uint8)
    frames[1, 2, 3] = 255
    return Step.of(number, 0, frames, table_of(SESSION.games))


def parsed(parser: Parser, data: bytes, size: int | None = None) -> list[Message]:
    """Feed a parser so many bytes at a time (None: all at once), and take all that it gives each time."""
    messages: list[Message] = []
    size = size or max(len(data), 1)
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
        messages += iter(parser.next, None)
    return messages


def body_of(whole: bytes, limits: Mapping[int, int]) -> bytes:
    """Return the body of one message, as a peer with these limits takes it."""
    [(_, body)] = parsed(Parser(limits), whole)
    return body


# ---------------------------------------------------------------------------------------------
# The handshake in memory

SERVER, CLIENT = SERVER_HANDSHAKE_LIMITS, CLIENT_HANDSHAKE_LIMITS  # what each end takes
LATER_HELLO = message(Kind.HELLO, MAGIC + struct.pack("!H", VERSION + 1) + b"whatever it says then")


def admit(_: Applicant) -> Session:
    """Let everybody in."""
    return SESSION


def advance(
    half: Handshake, data: bytes, limits: Mapping[int, int], size: int | None = None
) -> bytes | Admission | PongError:
    """Send one message to a half of the handshake, so many bytes at a time.

    Returns:
        Its answer, or what it ends with.
    """
    try:
        [came] = parsed(Parser(limits), data, size)
        return half.send(came)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    except PongError as error:
        return error
