"""Fixtures of the agent's tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from pongrl.wire.waiting import Wake


@pytest.fixture(autouse=True, scope="session")
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread, as the agent does: more make products of this size slower."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture
def wake() -> Iterator[Wake]:
    """What wakes a run."""
    with contextlib.closing(Wake()) as wake:
        yield wake
