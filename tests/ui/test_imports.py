"""What views load with them: an agent's nothing of the server, a server's nothing of the agent."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import PATIENCE, ROOT

SERVERS = ("court_window", "film", "game_window", "start_screen")
AGENTS = ("agent_film", "agent_window", "console", "plots", "spectator")


@pytest.mark.parametrize(
    ("views", "others"),
    [(SERVERS, ("agent", "server")), (AGENTS, ("server",)), (("spectator",), ("agent", "server"))],
    ids=["a server's", "an agent's", "a spectator's"],
)
def test_views_load_nothing_of_the_other_side(views: tuple[str, ...], others: tuple[str, ...]) -> None:
    names = ", ".join(f"pongrl.ui.{view}" for view in views)
    program = f"import sys, {names}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert {f"pongrl.ui.{view}" for view in views} <= set(loaded)
    assert not [name for name in loaded if name.startswith(tuple(f"pongrl.{other}" for other in others))]
