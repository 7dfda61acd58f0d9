"""Contenders: when an agent owes an answer."""

from __future__ import annotations

import time

import pytest

from pongrl.arena.contenders import AgentContender
from pongrl.arena.ledger import Player
from pongrl.arena.rating import Rating
from pongrl.arena.standings import AGENT
from pongrl.arena.table import FORFEIT_SECONDS
from pongrl.wire.retry import LONGEST_PAUSE


def test_an_agent_has_time_to_come_back_after_the_arena_has_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection was lost meanwhile, and that is found after the arena has excused all."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    agent = AgentContender(Player(1, "Ada", AGENT, Rating(), 0))
    agent.leave()
    assert agent.silent_since == now[0]
    now[0] += 3600
    agent.excuse()
    agent.leave()
    now[0] += LONGEST_PAUSE + FORFEIT_SECONDS - 0.1
    assert agent.silent_since is not None
    assert agent.silent_since > now[0] - FORFEIT_SECONDS
    now[0] += 0.2
    assert agent.silent_since < now[0] - FORFEIT_SECONDS
