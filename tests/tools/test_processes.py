"""Programs as processes: one that leaves something behind fails, and holds up nobody for ever."""

from __future__ import annotations

import socket

import pytest

from tools.processes import PATIENCE, Program

ENDS = """
import subprocess, sys
child = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).recv(1)"
subprocess.Popen([sys.executable, "-c", child, sys.argv[1]])
"""
GOES_ON = f"{ENDS}\nimport threading\nthreading.Event().wait()"


@pytest.mark.parametrize("code", [ENDS, GOES_ON])
def test_a_process_that_outlives_its_program_is_told(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        ours.settimeout(PATIENCE)
        program = Program("-c", code, str(ours.getsockname()[1]))
        left, _ = ours.accept()
        with left, monkeypatch.context() as quick:
            quick.setattr("tools.processes.PATIENCE", 0.1)
            with pytest.raises(RuntimeError, match="has left a process behind that holds its output open"):
                program.close()
        program.close()  # it has ended now
