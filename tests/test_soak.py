"""The soak: a few seconds of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers import PATIENCE, ROOT


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be stopped there")
def test_faults_at_random_moments_lose_nothing_that_was_learned_and_no_reward() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.soak", "--minutes", "0.1", "--seed", "5"],
        cwd=ROOT, capture_output=True, text=True, timeout=10 * PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "states: all agree" in result.stdout
    assert "| faults | 0: " not in result.stdout
    assert result.stderr == ""
