"""Arrays as plain values, and the types of the arrays that cross the wire."""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pongrl.errors import ProtocolError

UInt8Array: TypeAlias = npt.NDArray[np.uint8]
Int32Array: TypeAlias = npt.NDArray[np.int32]
IntpArray: TypeAlias = npt.NDArray[np.intp]
PackedArray: TypeAlias = tuple[str, tuple[int, ...], bytes]


def pack_array(array: npt.NDArray[Any]) -> PackedArray:
    """Turn an array into plain values: dtype, shape and bytes (C order, little-endian)."""
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return array.dtype.str, array.shape, array.tobytes()


DType: TypeAlias = type[np.generic] | np.dtype[Any]


def unpack_array(packed: object, dtype: DType, shape: tuple[int, ...] | None) -> npt.NDArray[Any]:
    """Read a packed array of just this dtype and shape, read-only; None is a vector of any length.

    Raises:
        ProtocolError: it is another, or none.
    """
    kind, name, size = _on_the_wire(dtype)  # type: ignore[arg-type]  # dtypes can be hashed
    if type(packed) is tuple and len(packed) == 3 and packed[0] == name and type(packed[2]) is bytes:
        data = packed[2]
        wanted = (len(data) // size,) if shape is None else shape
        if packed[1] == wanted and len(data) == size * math.prod(wanted):
            array = np.frombuffer(data, kind)
            if len(wanted) != 1:
                array = array.reshape(wanted)
            return array if kind.isnative else array.astype(dtype)
    raise ProtocolError(f"an array that is not {np.dtype(dtype).name} of shape {shape}")


@functools.cache
def _on_the_wire(dtype: DType) -> tuple[np.dtype[Any], str, int]:
    kind = np.dtype(dtype).newbyteorder("<")
    return kind, kind.str, kind.itemsize
