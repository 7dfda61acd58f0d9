"""Arrays as plain values: what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from pongrl.errors import ProtocolError
from pongrl.wire.arrays import pack_array, unpack_array
from pongrl.wire.plain import dumps, loads
from tests.support.wire import fuzz

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
