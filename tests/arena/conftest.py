"""Fixtures for the tests of the arena."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where an arena's file may be made."""
    return tmp_path / "arena.db"
