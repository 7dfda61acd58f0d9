"""Arrays as plain values, and names for the types of the arrays that cross the wire.

    array  ──pack_array──►  (dtype, shape, bytes)  ──unpack_array──►  array, read-only

The reader says which dtype and shape it expects; the packed ones are only compared with these.
"""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from pongrl.errors import ProtocolError

UInt8Array: TypeAlias = npt.NDArray[np.uint8]
Int32Array: TypeAlias = npt.NDArray[np.int32]
IntpArray: TypeAlias = npt.NDArray[np.intp]
PackedArray: TypeAlias = tuple[str, tuple[int, ...], bytes]  # dtype, shape, bytes in C order

Scalar = TypeVar("Scalar", bound=np.generic)


def pack_array(array: npt.NDArray[Any]) -> PackedArray:
    """Turn an array into plain values: dtype, shape and bytes (C order, little-endian)."""
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return array.dtype.str, array.shape, array.tobytes()


def unpack_array(
    packed: object, dtype: type[Scalar] | np.dtype[Scalar], shape: tuple[int, ...] | None
) -> npt.NDArray[Scalar]:
    """Read what `pack_array` made.

    Args:
        packed: the plain values; they may come from anybody.
        dtype: what the array must be made of.
        shape: what its shape must be; None allows a vector of any length.

    Returns:
        The array; it is read-only, and shares the memory of the packed bytes.

    Raises:
        ProtocolError: it has another dtype or shape, or is no array.
    """
    kind: np.dtype[Scalar]
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
def _on_the_wire(dtype: Any) -> tuple[np.dtype[Any], str, int]:
    """Return a dtype as it crosses the wire, with its name and the bytes of one element."""
    kind = np.dtype(dtype).newbyteorder("<")
    return kind, kind.str, kind.itemsize
