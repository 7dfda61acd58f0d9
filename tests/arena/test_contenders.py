"""Contenders: when an agent owes an answer."""

from __future__ import annotations

import time

import pytest

from pongrl.arena.contenders import AgentContender
from pongrl.arena.ledger import Player
from pongrl.arena.rating import Rating
from pongrl.arena.standings import AGENT
from pongrl.arena.table import FORFEIT_SECONDS
from pongrl.wire.messages import Step
from pongrl.wire.retry import LONGEST_PAUSE
from tests.support.agents import state


class Talk:
    """A conversation in which the agent answers nothing."""

    next_number = dropped = 0

    def __init__(self) -> None:
        self.answered = True

    def send(self, _step: Step) -> None:
        """Note that an answer is owed."""
        self.answered = False

    def drop(self) -> None:
        """Do nothing."""


def test_each_answer_that_is_missing_counts_once_when_an_agent_goes() -> None:
    agent = AgentContender(Player(1, "Ada", AGENT, Rating(), 0))
    agent.begin()
    agent.come(Talk())  # type: ignore[arg-type]
    agent.see(lambda *_: state())
    agent.leave()
    assert agent.answers[:2] == (0, 0)  # the answer that it owes is not late yet
    for late in (1, 2):
        agent.miss()
        assert agent.answers[:2] == (late, late)
    agent.come(Talk())  # type: ignore[arg-type]
    agent.leave()
    assert agent.answers[:2] == (2, 2)


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
