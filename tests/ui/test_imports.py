"""What a view loads with it: an agent's nothing of the server, a server's nothing of the agent."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import PATIENCE, ROOT

SERVERS = ("game_window", "start_screen", "film")
AGENTS = ("agent_window", "agent_film", "console", "plots", "tensorboard")
BOTH = ("spectator", "court_window")
CASES = [
    *[(view, ("pongrl.server", "pongrl.agent")) for view in (*SERVERS, *BOTH)],
    *[(view, ("pongrl.server",)) for view in AGENTS],
    *[(view, ("pong", "mainmodel", "netproto")) for view in (*SERVERS, *AGENTS, *BOTH)],
]


@pytest.mark.parametrize(("view", "others"), CASES)
def test_a_view_loads_nothing_of_the_other_side(view: str, others: tuple[str, ...]) -> None:
    if view == "tensorboard":
        pytest.importorskip("tensorboardX")
    program = f"import sys, pongrl.ui.{view}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert f"pongrl.ui.{view}" in loaded
    assert not [name for name in loaded if name.startswith(tuple(f"{other}." for other in others))]
    assert not set(loaded) & set(others)
