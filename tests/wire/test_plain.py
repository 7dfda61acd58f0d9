"""Plain values as pickles: what comes back, and what is refused."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from pongrl.errors import ProtocolError
from pongrl.wire import plain
from pongrl.wire.arrays import pack_array, unpack_array
from pongrl.wire.plain import dumps, loads
from tests.support import PATIENCE, ROOT

HTTP = b"GET / HTTP/1.1\r\nHost: pong\r\n\r\n"
MEMORY = 2 << 20  # bytes that reading a small pickle may take at most

# A shared machine may be slow; that says nothing about the wire.
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    """Read what may be right by chance, and must else give ProtocolError and take little memory."""
    with memory_below(MEMORY), contextlib.suppress(ProtocolError):
        read(*arguments)


# ---------------------------------------------------------------------------------------------
# Plain pickles

keys = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
values = st.recursive(
    keys | st.integers(-(1 << 600), 1 << 600) | st.sampled_from(("left", "right", b"court")),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=12,
)
DEEP: list[Any] = []
for _ in range(100):
    DEEP = [DEEP]
WRITERS = {"dumps": dumps, "pickle": functools.partial(pickle.dumps, protocol=5)}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@fuzz
@given(value=values)
@example(value=[(1 << 2039) - 1, -(1 << 2039), 1 << 31, -1, 65536])  # as large as LONG1 goes
@example(value=["é" * 100_000, b"\0" * 100_000, "é" * 100_000])  # beyond a frame
@example(value=[str(number) for number in range(300)] * 2)  # back-references of one and of four bytes
@example(value=DEEP)
def test_a_plain_value_comes_back_the_same(write: Callable[[object], bytes], value: object) -> None:
    assert repr(loads(write(value))) == repr(value)  # repr, since 1 == True and nan != nan


def test_a_container_that_occurs_twice_crosses_twice() -> None:
    shared = [1]
    assert loads(dumps([shared, shared])) == [[1], [1]]


PLAIN_OPCODES = {
    "PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINGET", "LONG_BINGET",
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
    "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
}  # fmt: skip


@pytest.mark.parametrize(
    "opcode", [each for each in pickletools.opcodes if each.name not in PLAIN_OPCODES], ids=lambda o: o.name
)
def test_an_opcode_that_no_plain_value_needs_is_refused(opcode: pickletools.OpcodeInfo) -> None:
    code = opcode.code.encode("latin-1")
    with pytest.raises(ProtocolError, match=f"opcode 0x{code.hex()}"):
        loads(b"\x80\x05N" + code + b"\0" * 16 + b".")


def _selfish() -> bytes:
    selfish: list[Any] = []
    selfish.append(selfish)
    return pickle.dumps(selfish, protocol=5)


def _exponential_key() -> bytes:
    """A dict whose key is a tuple of twice a tuple of twice … : 60 levels, 2**60 steps to hash."""
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
    "a list in itself": _selfish(),
    "an exponential key": _exponential_key(),
    "an exponential key, by duplication": b"\x80\x05})" + b"2\x86" * 60 + b"Ns.",
    "a million empty lists": b"\x80\x05(" + b"]" * 1_000_000 + b"l.",
    "a million memoized lists": b"\x80\x05(" + b"]\x94" * 1_000_000 + b"t.",
    "a reference to nothing": b"\x80\x05h\0.",
    "a reference to a tuple": b"\x80\x05)\x94h\0.",
    "a list as a key": b"\x80\x05}]Ns.",
    "a key without a value": b"\x80\x05}(Nu.",
    "text that is no UTF-8": b"\x80\x05\x8c\x01\xff.",
    "an end without a mark": b"\x80\x05Nt.",
    "a tuple of what is not there": b"\x80\x05N\x87.",
    "a memo of nothing": b"\x80\x05\x94.",
    "nothing": b"\x80\x05.",
    "no pickle": HTTP,
    "protocol 0": pickle.dumps([1], protocol=0),
    "protocol 6": b"\x80\x06N.",
    "no bytes": b"",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pickle_is_refused_and_takes_little_memory(data: bytes) -> None:
    with memory_below(MEMORY), pytest.raises(ProtocolError):
        loads(data)


def test_as_many_empty_lists_as_are_allowed_take_little_memory() -> None:
    lists = plain.MAX_PICKLE_OPCODES - 3
    with memory_below(MEMORY):
        assert len(loads(b"\x80\x05(" + b"]" * lists + b"t.")) == lists


SMALL_STACK = """
import contextlib, threading, plain, netproto

def read():
    with contextlib.suppress(netproto.ProtocolError):
        plain.loads(b"\\x80\\x05})" + b"\\x85" * (plain.MAX_PICKLE_OPCODES - 10) + b"Ns.")

threading.stack_size(512 * 1024)  # what a thread has on macOS
thread = threading.Thread(target=read)
thread.start()
thread.join()
"""


def test_a_deep_key_does_not_overflow_a_small_stack() -> None:
    # That would end the process, so it is another one.
    assert subprocess.run([sys.executable, "-c", SMALL_STACK], cwd=ROOT, timeout=PATIENCE).returncode == 0


SAMPLE = dumps({"number": 1 << 40, "moves": (0, 1.5, None, True), "left": ["left", b"bytes", -1]})


def test_a_pickle_cut_off_anywhere_is_refused() -> None:
    for length in range(len(SAMPLE)):
        with pytest.raises(ProtocolError):
            loads(SAMPLE[:length])


@pytest.mark.parametrize("trailing", [b"\0", b".", SAMPLE])
def test_bytes_behind_a_pickle_are_refused(trailing: bytes) -> None:
    with pytest.raises(ProtocolError, match="behind the end"):
        loads(SAMPLE + trailing)


@fuzz
@given(st.binary() | st.binary().map(lambda data: b"\x80\x05" + data + b"."))
def test_random_bytes_give_only_protocol_error(data: bytes) -> None:
    read_garbage(loads, data)


@st.composite
def mutated(draw: st.DrawFn, written: bytes) -> bytes:
    """The same bytes with a few of them changed, lost or new."""
    data = bytearray(written)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


@fuzz
@given(st.data(), values.map(functools.partial(pickle.dumps, protocol=5)))
def test_a_mutated_pickle_gives_only_protocol_error(data: st.DataObject, written: bytes) -> None:
    read_garbage(loads, data.draw(mutated(written)))


# ---------------------------------------------------------------------------------------------
# Arrays

arrays = st.sampled_from(("u1", "i2", ">i4", "f4", ">f8", "?")).flatmap(
    lambda dtype: st_numpy.arrays(dtype, st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@fuzz
@given(arrays, st.data())
def test_an_array_comes_back_the_same_and_read_only(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    shape = None if array.ndim == 1 and data.draw(st.booleans()) else array.shape
    read = unpack_array(loads(dumps(pack_array(array))), array.dtype.newbyteorder("="), shape)
    np.testing.assert_array_equal(read, array)
    assert read.shape == array.shape
    assert read.dtype == array.dtype.newbyteorder("=")
    assert not read.flags.writeable


def test_a_transposed_array_crosses_in_c_order() -> None:
    array = np.arange(6, dtype=np.int16).reshape(2, 3).T
    np.testing.assert_array_equal(unpack_array(pack_array(array), np.int16, (3, 2)), array)


NOT_ARRAYS = [
    None, ("<i2", (2, 3)), (b"<i2", (2, 3), bytes(12)), ("<i2", [2, 3], bytes(12)), ("<i2", (2, 3), "a" * 12),
    (">i2", (2, 3), bytes(12)), ("<u2", (2, 3), bytes(12)), ("O", (2, 3), bytes(48)),
    ("<i2", (6,), bytes(12)), ("<i2", (2, 3, 1), bytes(12)), ("<i2", (3, 2), bytes(12)),
    ("<i2", (2, 3.5), bytes(12)), ("<i2", (2, True), bytes(4)), ("<i2", (2, -3), bytes(12)),
    ("<i2", (2, 3), bytes(11)), ("<i2", (2, 3), bytes(13)),
]  # fmt: skip


@pytest.mark.parametrize("packed", NOT_ARRAYS, ids=repr)
def test_an_array_of_another_kind_or_size_is_refused(packed: object) -> None:
    with pytest.raises(ProtocolError, match="an array that is not int16"):
        unpack_array(packed, np.int16, (2, 3))


@pytest.mark.parametrize("length", [1 << 62, 1 << 70])
def test_an_empty_array_of_an_impossible_shape_is_refused(length: int) -> None:
    with pytest.raises(ProtocolError):
        unpack_array(("<i2", (length,), b""), np.int16, None)
