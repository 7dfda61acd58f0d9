"""Programs as processes: one that leaves something behind fails, and holds up nobody for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.processes import Program

ENDED = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import sys; open(sys.argv[1]).read()", sys.argv[1]])
print("started", flush=True)
"""
GOES_ON = f"{ENDED}\nimport threading\nthreading.Event().wait()"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("code", [ENDED, GOES_ON])
def test_a_process_that_outlives_its_program_is_told(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.processes.PATIENCE", 0.1)
    os.mkfifo(path := tmp_path / "until")
    program = Program("-c", code, str(path))
    program.find("started", 60.0)
    with pytest.raises(RuntimeError, match="has left a process behind that holds its output open"):
        program.close()
    path.write_text("")  # it ends
    monkeypatch.undo()
    program.close()
