"""Plain values as pickles: written by us, read from anybody.

Python's own unpickler is no sandbox: it calls what a pickle names, and a 9-byte pickle can make it allocate
gigabytes. `loads` admits no global, no object and no back-reference to a container, so what it builds is a
tree no larger than the bytes it came in, and what it raises is ProtocolError.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Protocol

from pongrl.errors import ProtocolError

MAX_PICKLE_OPCODES = 1_000  # ours need 150; an empty list is one byte on the wire and 56 in memory


# What follows an opcode: so many bytes, or a length of so many bytes and then that much.
_FIXED = {
    pickle.NONE: 0, pickle.NEWTRUE: 0, pickle.NEWFALSE: 0, pickle.MARK: 0,
    pickle.BININT: 4, pickle.BININT1: 1, pickle.BININT2: 2, pickle.BINFLOAT: 8,
    pickle.EMPTY_TUPLE: 0, pickle.TUPLE1: 0, pickle.TUPLE2: 0, pickle.TUPLE3: 0, pickle.TUPLE: 0,
    pickle.EMPTY_LIST: 0, pickle.APPEND: 0, pickle.APPENDS: 0,
    pickle.EMPTY_DICT: 0, pickle.SETITEM: 0, pickle.SETITEMS: 0,
}  # fmt: skip


_SIZED = {
    pickle.LONG1: 1, pickle.SHORT_BINUNICODE: 1, pickle.BINUNICODE: 4, pickle.BINUNICODE8: 8,
    pickle.SHORT_BINBYTES: 1, pickle.BINBYTES: 4, pickle.BINBYTES8: 8,
}  # fmt: skip


# For each opcode how many bytes it takes, itself included; if negative, so many bytes hold the length of what
# then follows; 0 is an opcode that `_check_plain` looks at more closely, or none that it knows.
_BYTES = [0] * 256


for _code, _size in _FIXED.items():
    _BYTES[_code[0]] = 1 + _size


for _code, _size in _SIZED.items():
    _BYTES[_code[0]] = -_size


_BACK_REFERENCE = {pickle.BINGET[0]: 1, pickle.LONG_BINGET[0]: 4}
_TEXT = frozenset(code[0] for code in _SIZED)
_PROTO, _FRAME, _MEMOIZE, _STOP = (
    code[0] for code in (pickle.PROTO, pickle.FRAME, pickle.MEMOIZE, pickle.STOP)
)


class _NoGlobals(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise ProtocolError("a pickle named a class")


class Writable(Protocol):
    """What `dump` writes to."""

    def write(self, data: Any, /) -> Any:
        """Take some bytes."""


def dump(value: object, file: Writable) -> None:
    """Pickle a tree of None, bool, int, float, str, bytes, list, tuple and dict (protocol 5)."""
    pickler = pickle.Pickler(file, protocol=5)
    pickler.fast = True  # no memo: smaller and faster, and `loads` wants none
    pickler.dump(value)


def dumps(value: object) -> bytes:
    """Pickle as `dump` does, into memory."""
    buffer = io.BytesIO()
    dump(value, buffer)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Read what `dumps` wrote, from anybody.

    The opcodes are walked first, since Python's unpickler trusts them: a 9-byte pickle can make it
    allocate gigabytes. A back-reference may name a string or a bytes only. So nothing is built that is
    larger than its pickle says, contains itself, or takes exponential time to hash.

    Raises:
        ProtocolError: whatever else the bytes are.
    """
    try:
        _check_plain(data)
        return _NoGlobals(io.BytesIO(data)).load()
    except ProtocolError:
        raise
    except Exception as error:  # the unpickler raises whatever the bytes provoke
        raise ProtocolError(f"a pickle that cannot be read ({type(error).__name__})") from error


def _check_plain(data: bytes) -> None:
    """Walk the opcodes of a pickle and refuse all but plain ones, or a length beyond the end."""
    end = len(data)
    if end < 3 or data[0] != _PROTO or not 2 <= data[1] <= 5:
        raise ProtocolError("bytes that are no pickle")
    at, made = 2, -1  # `made` is the opcode that put the value on top of the stack
    memo: list[int] = []  # and of each memoized value
    for _ in range(MAX_PICKLE_OPCODES):
        if at >= end:
            raise ProtocolError("a pickle that ends too early")
        code = data[at]
        size = _BYTES[code]
        if size > 0:
            at += size
        elif size < 0:
            at += 1 - size + int.from_bytes(data[at + 1 : at + 1 - size], "little")
        elif code == _MEMOIZE:
            memo.append(made)
            at += 1
            continue
        elif code == _FRAME:
            at += 9
            continue
        elif code in _BACK_REFERENCE:
            size = _BACK_REFERENCE[code]
            index = int.from_bytes(data[at + 1 : at + 1 + size], "little")
            if index >= len(memo) or memo[index] not in _TEXT:
                raise ProtocolError("a pickle that refers back to a container")
            at += 1 + size
        elif code == _STOP:
            if at + 1 != end:
                raise ProtocolError("bytes behind the end of a pickle")
            return
        else:
            raise ProtocolError(f"a pickle with opcode 0x{code:02x}, which no plain value needs")
        made = code
    raise ProtocolError(f"a pickle of more than {MAX_PICKLE_OPCODES} opcodes")
