"""Evaluations while a policy trains: when, and what becomes of one that fails."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from pongrl.agent.evaluation import Evaluation, Examiner
from pongrl.agent.examinations import Examinations
from pongrl.agent.observers import Standing
from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.errors import PongError
from tests.support.agents import Lines

POLICY = Policy.random(10, 20, 2, np.random.default_rng(1))
STANDING = Standing(POLICY, Progress(), None, True, False, "")


class Script:
    """An examiner that gives these results, one after another."""

    def __init__(self, *results: Evaluation | PongError | None) -> None:
        self.results = list(results)
        self.levels: list[int] = []
        self.closed = 0

    def examine(self, policy: Policy, level: int, standing: Standing) -> Evaluation | None:
        self.levels.append(level)
        result = self.results.pop(0)
        if isinstance(result, PongError):
            raise result
        return result

    def close(self) -> None:
        self.closed += 1


def examinations_of(script: Script, lines: Lines, every: int = 100, points: int = 0) -> Examinations:
    return Examinations(every, points, cast(Examiner, script), lines)


@pytest.mark.parametrize(("points", "due"), [(299, False), (300, True), (450, True)])
def test_one_is_due_after_so_many_points(points: int, due: bool) -> None:
    assert examinations_of(Script(), Lines(), every=200, points=100).is_due(points) is due


def test_unless_somebody_says_how_often_none_is_due() -> None:
    assert not Examinations(None, 0, cast(Examiner, Script()), Lines()).is_due(1_000_000)


def test_the_share_that_was_won_is_told() -> None:
    script, lines = Script(Evaluation(200, 50, 10, 1000, 1.0)), Lines()
    assert examinations_of(script, lines).evaluate(POLICY, 100, 3, STANDING) == 0.25
    assert script.levels == [3]
    assert lines.said[0].startswith("evaluation: won 50 of 200 points")


def test_the_next_one_is_counted_from_the_last() -> None:
    script = Script(*[Evaluation(200, 50, 10, 1000, 1.0)] * 3)
    examinations = examinations_of(script, Lines())
    for points in (130, 180):  # the second one is asked for
        examinations.evaluate(POLICY, points, 2, STANDING)
    assert [examinations.is_due(points) for points in (279, 280)] == [False, True]


def test_one_that_fails_is_told_and_the_next_gets_another_server() -> None:
    script, lines = Script(PongError("no server"), None), Lines()
    examinations = examinations_of(script, lines)
    assert examinations.evaluate(POLICY, 100, 2, STANDING) is None
    assert lines.said == ["the evaluation failed, training goes on: no server"]
    assert script.closed == 1
    assert examinations.evaluate(POLICY, 200, 2, STANDING) is None  # stopped
    assert len(lines.said) == 1
