"""Plain values as pickles: dumps writes them, loads reads them safely from anybody.

A plain value is a tree of None, bool, int, float, str, bytes, list, tuple and dict.

    loads(bytes)  ──►  check the opcodes, one by one  ──►  Python's unpickler, without classes  ──►  a tree

Python's own unpickler is no sandbox. It calls what a pickle names, and nine bytes can make it allocate
gigabytes. So `loads` first walks the opcodes and refuses every class, every object, every length beyond the
end of the bytes, and every back-reference to a container. What it then builds is a tree whose size is in
proportion to the bytes it came in. Whatever the bytes are, the only exception is ProtocolError.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn, Protocol

from pongrl.errors import ProtocolError

MAX_PICKLE_OPCODES = 1_000  # ours need 150; an empty list is one byte on the wire and 56 in memory

# Opcodes of plain values: how many bytes of argument follow …
_FIXED = {
    pickle.NONE: 0, pickle.NEWTRUE: 0, pickle.NEWFALSE: 0, pickle.MARK: 0,
    pickle.BININT: 4, pickle.BININT1: 1, pickle.BININT2: 2, pickle.BINFLOAT: 8,
    pickle.EMPTY_TUPLE: 0, pickle.TUPLE1: 0, pickle.TUPLE2: 0, pickle.TUPLE3: 0, pickle.TUPLE: 0,
    pickle.EMPTY_LIST: 0, pickle.APPEND: 0, pickle.APPENDS: 0,
    pickle.EMPTY_DICT: 0, pickle.SETITEM: 0, pickle.SETITEMS: 0,
}  # fmt: skip
# … or how many bytes hold a length, after which that many bytes follow.
_SIZED = {
    pickle.LONG1: 1, pickle.SHORT_BINUNICODE: 1, pickle.BINUNICODE: 4, pickle.BINUNICODE8: 8,
    pickle.SHORT_BINBYTES: 1, pickle.BINBYTES: 4, pickle.BINBYTES8: 8,
}  # fmt: skip

# Both tables by opcode, for speed. Positive: the bytes to skip, the opcode included. Negative: so many bytes
# hold a length. Zero: an opcode that `_check_plain` treats by itself, or refuses.
_BYTES = [0] * 256
for _code, _size in _FIXED.items():
    _BYTES[_code[0]] = 1 + _size
for _code, _size in _SIZED.items():
    _BYTES[_code[0]] = -_size

_BACK_REFERENCE = {pickle.BINGET[0]: 1, pickle.LONG_BINGET[0]: 4}
_TEXT = frozenset(code[0] for code in _SIZED)  # what a back-reference may name
_PROTO, _FRAME, _MEMOIZE, _STOP = (
    code[0] for code in (pickle.PROTO, pickle.FRAME, pickle.MEMOIZE, pickle.STOP)
)


class Writable(Protocol):
    """A file, or anything else that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


def dump(value: object, file: Writable) -> None:
    """Write a plain value to a file, as a pickle of protocol 5.

    Raises:
        TypeError: the value is not plain, so that `loads` would refuse it; a number of numpy, for example.
    """
    pickler = _PlainPickler(file, protocol=5)
    pickler.fast = True  # without the memo it is smaller and faster, and `loads` needs none
    pickler.dump(value)


def dumps(value: object) -> bytes:
    """Return a plain value as a pickle."""
    buffer = io.BytesIO()
    dump(value, buffer)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Read a pickle of a plain value; the bytes may come from anybody.

    Returns:
        The value: check its types before you use it.

    Raises:
        ProtocolError: the bytes are anything else.
    """
    try:
        _check_plain(data)
        return _NoGlobals(io.BytesIO(data)).load()
    except ProtocolError:
        raise
    except Exception as error:  # the unpickler raises whatever the bytes provoke
        raise ProtocolError(f"a pickle that cannot be read ({type(error).__name__})") from error


class _PlainPickler(pickle.Pickler):
    def reducer_override(self, value: object) -> NoReturn:  # is asked for all but Python's own plain types
        raise TypeError(f"a {type(value).__name__} is not plain")


class _NoGlobals(pickle.Unpickler):
    """An unpickler that knows no class; the check before it refuses them too."""

    def find_class(self, module: str, name: str) -> Any:
        raise ProtocolError("a pickle named a class")


def _check_plain(data: bytes) -> None:
    """Walk the opcodes of a pickle, and refuse what no plain value needs or what ends beyond the bytes."""
    end, at = len(data), _check_head(data)
    made = -1  # the opcode that put the value on top of the stack
    memo: list[int] = []  # the opcode that made each memoized value
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
            _check_reference(data[at + 1 : at + 1 + size], memo)
            at += 1 + size
        elif code == _STOP:
            if at + 1 != end:
                raise ProtocolError("bytes behind the end of a pickle")
            return
        else:
            raise ProtocolError(f"a pickle with opcode 0x{code:02x}, which no plain value needs")
        made = code
    raise ProtocolError(f"a pickle of more than {MAX_PICKLE_OPCODES} opcodes")


def _check_head(data: bytes) -> int:
    """Refuse what does not begin like a pickle of protocol 2 to 5; return where its opcodes begin."""
    if len(data) < 3 or data[0] != _PROTO or not 2 <= data[1] <= 5:
        raise ProtocolError("bytes that are no pickle")
    return 2


def _check_reference(argument: bytes, memo: list[int]) -> None:
    """Refuse a reference to a container: it could contain itself, or take exponential time to hash."""
    index = int.from_bytes(argument, "little")
    if index >= len(memo) or memo[index] not in _TEXT:
        raise ProtocolError("a pickle that refers back to a container")
