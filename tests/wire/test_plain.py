"""Plain values as pickles: what comes back, and what is refused."""

from __future__ import annotations

import functools
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pongrl.errors import ProtocolError
from pongrl.wire.plain import MAX_PICKLE_OPCODES, dumps, loads
from tests.support import PATIENCE, ROOT
from tests.support.wire import HOSTILE, MEMORY, fuzz, memory_below, mutated, read_garbage

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
@example(value=[str(number) for number in range(300)] * 2)  # references back, by one byte and by four
@example(value=DEEP)
def test_a_plain_value_comes_back_the_same(write: Callable[[object], bytes], value: object) -> None:
    assert repr(loads(write(value))) == repr(value)  # repr, since 1 == True and nan != nan


def test_a_container_that_occurs_twice_crosses_twice() -> None:
    shared = [1]
    assert loads(dumps([shared, shared])) == [[1], [1]]


@pytest.mark.parametrize("value", [np.float64(0.1), np.int64(1), np.zeros(2), Path("a"), 1j, int, ...])
def test_what_could_not_be_read_again_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="not plain"):
        dumps({"rate": (1, [value])})


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


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pickle_is_refused_and_takes_little_memory(data: bytes) -> None:
    with memory_below(MEMORY), pytest.raises(ProtocolError):
        loads(data)


def test_as_many_empty_lists_as_are_allowed_take_little_memory() -> None:
    lists = MAX_PICKLE_OPCODES - 3
    with memory_below(MEMORY):
        assert len(loads(b"\x80\x05(" + b"]" * lists + b"t.")) == lists


SMALL_STACK = """
import contextlib, threading
from pongrl.errors import ProtocolError
from pongrl.wire.plain import MAX_PICKLE_OPCODES, loads

def read():
    with contextlib.suppress(ProtocolError):
        loads(b"\\x80\\x05})" + b"\\x85" * (MAX_PICKLE_OPCODES - 10) + b"Ns.")

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


@fuzz
@given(st.data(), values.map(functools.partial(pickle.dumps, protocol=5)))
def test_a_mutated_pickle_gives_only_protocol_error(data: st.DataObject, written: bytes) -> None:
    read_garbage(loads, data.draw(mutated(written)))
