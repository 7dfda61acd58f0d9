"""A few seconds of the soak."""

from __future__ import annotations

import sys

import pytest

from tests.support import run_program


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be stopped there")
def test_faults_at_random_moments_lose_nothing_that_was_learned_and_no_reward() -> None:
    code, program = run_program("-m", "tools.soak", "--minutes", "0.08", "--seed", "5")
    assert code == 0, program.output
    assert "states: all agree" in program.output
    assert "| faults | 0: " not in program.output
    assert program.seen["stderr"] == []
