"""Every tool starts and explains itself."""

from __future__ import annotations

import pytest

from tests.support import run_program

TOOLS = (
    "arena", "arm", "atari_peers", "bench", "bench.learning", "crashes", "fuzz", "make_films", "make_images",
    "make_screenshots", "matrix", "ray_simulation", "soak",
)  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_explains_itself(tool: str) -> None:
    code, program = run_program("-m", f"tools.{tool}", "--help")
    assert code == 0, program.output
    assert program.output.startswith(f"usage: python -m tools.{tool} ")
    assert program.seen["stderr"] == []
