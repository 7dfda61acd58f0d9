"""Fixtures of the tests of training on Ray."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread, as the agent does: more make products of this size slower."""
    with threadpool_limits(1, "blas"):
        yield
