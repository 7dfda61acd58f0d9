"""The soak: a few seconds of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import PATIENCE, ROOT
from tools.soak import LOOKS, WARM_UP, Life
from tools.vitals import HAS_PROC


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be stopped there")
def test_faults_at_random_moments_lose_nothing_that_was_learned_and_no_reward() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "tools.soak", "--minutes", "0.1", "--seed", "5"],
        cwd=ROOT, capture_output=True, text=True, timeout=10 * PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "states: all agree" in result.stdout
    assert "| faults | 0: " not in result.stdout
    assert result.stderr == ""


@pytest.mark.skipif(not HAS_PROC, reason="memory cannot be looked at here")
def test_a_process_that_is_slow_to_start_is_not_taken_for_one_that_grows(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        script = "import sys; print('importing', flush=True); sys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=file)
    with process:
        life = Life("server", process, log, began=time.monotonic() - 2 * WARM_UP["server"])
        for _ in range(2 * LOOKS):
            life.look()
        assert life.warm == 0
        with log.open("a") as file:
            file.write("listening on 127.0.0.1:1\n")
        life.look()
        life.began -= 2 * WARM_UP["server"]
        for _ in range(LOOKS):
            life.look()
        assert life.warm > 0
        process.kill()
