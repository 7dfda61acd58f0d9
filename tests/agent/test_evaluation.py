"""Evaluation: what a policy achieves without learning."""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pongrl.agent import evaluation
from pongrl.agent.checkpoint_evaluation import evaluate_checkpoint
from pongrl.agent.evaluation import Evaluation, Examiner, MatchTally, Tally, evaluate
from pongrl.agent.local_server import LocalServer
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.wire.waiting import Wake
from tests.support import connected, serving
from tests.support.agents import options_of
from tests.support.learning import RNG, SMALL, state

QUIET = "tests.support.toys:Quiet-v0"
STANDING = Standing(None, Progress(), None, is_connected=True, is_paused=False, status="somewhere")


def untrained() -> Policy:
    return Policy.random(FRAME_HEIGHT, FRAME_WIDTH, 10, RNG(1))


def never() -> bool:
    return False


class Noting(Observer):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Decided, Standing]] = []

    def decided(self, decided: Decided, standing: Standing) -> None:
        self.told.append((decided, standing))


def test_the_interval_of_a_share_is_wilsons() -> None:
    result = Evaluation(points=100, won=10, hits=0, decisions=0, seconds=1)
    assert list(result.interval) == pytest.approx([0.0552, 0.1744], abs=1e-4)
    assert replace(result, points=10).interval[1] == pytest.approx(1)
    assert "interval 0.0 to 8.4 %" in str(replace(result, points=42, won=0))


def test_each_game_counts_its_share_of_the_points_and_no_more() -> None:
    tally, dark = Tally(2, 5), np.zeros((2, *SMALL), np.uint8)  # three and two
    tally.count(state(dark, points=[2, 1], reward=[2, -1], hits=[3, 1]))
    assert (tally.won, tally.hits, tally.decisions) == (2, 4, 2)
    tally.count(state(dark, points=[0, 3], reward=[0, 3], hits=[7, 2]))  # the second has one point to play
    assert (tally.won, tally.hits, tally.decisions) == (3, 6, 4)
    assert not tally.is_complete()
    tally.count(state(dark, points=[1, 1], reward=[-1, 1], hits=[1, 5]))
    assert (tally.won, tally.hits, tally.decisions) == (3, 14, 6)
    assert tally.is_complete()


def test_matches_are_played_to_their_ends_and_each_game_plays_its_share() -> None:
    dark = np.zeros((2, *SMALL), np.uint8)
    tally = MatchTally(state(dark, matches=[3, 0], left=[1, 0], right=[0, 2]), 3)  # two and one
    tally.count(state(dark, matches=[3, 1], points=[1, 1], reward=[-1, 1], hits=[3, 2]))
    assert (tally.margins, tally.points, tally.won, tally.hits) == ([-1], 2, 1, 5)
    tally.count(state(dark, matches=[4, 1], points=[2, 1], reward=[2, 1], hits=[1, 9]))  # the second has done
    assert (tally.margins, tally.points, tally.won, tally.hits) == ([-1, 2], 4, 3, 6)
    assert not tally.is_complete()
    tally.count(state(dark, matches=[5, 1], points=[1, 0], reward=[-1, 0]))
    assert tally.is_complete()
    assert (tally.margins, tally.decisions) == ([-1, 2, -1], 6)


def test_the_largest_points_of_a_match_do_not_overflow() -> None:
    most = (1 << 31) - 1
    tally = MatchTally(state(np.zeros((1, *SMALL), np.uint8)), 1)
    tally.count(state(np.zeros((1, *SMALL), np.uint8), matches=[1], points=[most], reward=[most]))
    assert (tally.points, tally.won, tally.margins) == (most, most, [most])


def test_an_evaluation_by_matches_tells_their_scores() -> None:
    with serving(lockstep=True, games=2, seed=4, points_to_win=2) as server, connected(server) as client:
        first = client.first  # type: ignore[attr-defined]
        result, last = evaluate(untrained(), client, first, 1, None, never, matches=3)
    assert result is not None
    assert last.matches.tolist() >= [2, 1]
    assert len(result.margins) == 3
    assert all(abs(margin) in (1, 2) for margin in result.margins)
    assert result.points >= 6
    assert str(result).startswith(
        f"won {sum(margin > 0 for margin in result.margins)} of 3 matches, mean score "
    )


def test_every_game_of_an_evaluation_plays_its_share_of_the_points() -> None:
    policy = untrained()
    before = [weight.copy() for weight in policy.weights.values()]
    with serving(lockstep=True, games=3, seed=1) as server, connected(server) as client:
        asked = itertools.count()
        first = client.first  # type: ignore[attr-defined]
        result, last = evaluate(policy, client, first, 7, None, lambda: next(asked) < 0)
        assert result is not None
        assert result.points == 7
        assert 0 <= result.won <= 7
        assert result.decisions == 3 * next(asked) == 3 * last.number
        score = last.scores.sum(axis=1)
        assert (score >= [3, 2, 2]).all()
        assert evaluate(policy, client, last, 7, RNG(1), lambda: True)[0] is None
    for weight, kept in zip(policy.weights.values(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_evaluations_of_one_seed_are_the_same_unless_drawn() -> None:
    policy, results = untrained(), []
    for rng in (None, None, RNG(5), RNG(5)):
        with serving(lockstep=True, games=2, seed=4) as server, connected(server) as client:
            first = client.first  # type: ignore[attr-defined]
            result, last = evaluate(policy, client, first, 10, rng, never)
            assert result is not None
            results.append((result.won, result.hits, last.number))
    assert results[0] == results[1]
    assert results[2] == results[3]


def test_observers_are_told_each_decision_of_an_evaluation() -> None:
    observers = [Noting(), Noting()]
    with serving(lockstep=True, games=2, seed=4) as server, connected(server) as client:
        first = client.first  # type: ignore[attr-defined]
        result, last = evaluate(untrained(), client, first, 4, None, never, observers, STANDING)
        assert result is not None
        assert observers[0].told == observers[1].told
        decisions, standings = zip(*observers[0].told, strict=True)
        assert [decided.step.number for decided in decisions] == list(range(last.number))
        assert decisions[0].session == client.session
        assert all(standing is STANDING for standing in standings)
        for decided in decisions:
            np.testing.assert_array_equal(decided.chosen, decided.seen.logits.argmax(1))


def test_observers_of_a_checkpoints_evaluation_are_told_where_it_stands() -> None:
    observer, policy = Noting(), untrained()
    with serving(lockstep=True, seed=4) as server, connected(server) as client:
        first = client.first  # type: ignore[attr-defined]
        evaluate(policy, client, first, 1, None, never, [observer])
    standing = observer.told[0][1]
    assert standing.policy is policy
    assert standing.progress.points == 0
    assert standing.is_connected


def test_an_examiner_plays_on_games_of_its_own_and_goes_on_with_them(
    monkeypatch: pytest.MonkeyPatch, wake: Wake
) -> None:
    monkeypatch.setattr(Examiner, "GAMES", 2)
    monkeypatch.setattr(Examiner, "POINTS", 4)
    observer, policy = Noting(), untrained()
    with contextlib.closing(Examiner(1, False, never, wake, [observer])) as examiner:
        results = [examiner.examine(policy, 2, STANDING) for _ in range(2)]
    assert [result and result.points for result in results] == [4, 4]
    numbers = [decided.step.number for decided, _ in observer.told]
    assert numbers == list(range(len(numbers)))  # one session
    assert observer.told[0][0].session.level == 2
    assert observer.told[0][1] is STANDING


def test_an_examiner_plays_on_the_level_that_is_trained_on(
    monkeypatch: pytest.MonkeyPatch, wake: Wake
) -> None:
    monkeypatch.setattr(Examiner, "GAMES", 1)
    monkeypatch.setattr(Examiner, "POINTS", 1)
    observer, levels = Noting(), (3, 3, 1)
    with contextlib.closing(Examiner(1, False, never, wake, [observer])) as examiner:
        for level in levels:
            examiner.examine(untrained(), level, STANDING)
            assert observer.told[-1][0].session.level == level


def test_an_examiner_plays_the_other_game_that_is_trained_on(wake: Wake) -> None:
    pytest.importorskip("gymnasium")
    observer, policy = Noting(), Policy.random(84, 84, 4, RNG(1), is_our_game=False)
    with contextlib.closing(Examiner(1, False, never, wake, [observer], env=QUIET, games=2)) as examiner:
        results = [examiner.examine(policy, 0, STANDING) for _ in range(2)]
    for result in results:
        assert result is not None
        assert len(result.margins) == 2  # whole matches: of other games points alone may say nothing
    numbers = [decided.step.number for decided, _ in observer.told]
    assert numbers.count(0) == 2  # each on new games: begun matches are of another policy
    assert observer.told[0][0].session.against == "another game"


def test_a_checkpoint_of_another_game_is_evaluated_by_matches_unless_points_are_asked_for(wake: Wake) -> None:
    pytest.importorskip("gymnasium")
    policy, said = Policy.random(84, 84, 4, RNG(1), is_our_game=False), list[str]()
    for given, expected in (({}, 20), ({"matches": 3}, 3), ({"points": 3}, 0)):
        options = options_of(evaluate=True, env=QUIET, games=2, **given)
        result = evaluate_checkpoint(Path("save.p"), policy, options, wake, never, [], said.append)
        assert result is not None
        assert len(result.margins) == expected
    assert f"save.p on {QUIET}: won" in said[0]


def test_an_examiner_that_is_stopped_gives_no_result(wake: Wake) -> None:
    with contextlib.closing(Examiner(None, False, lambda: True, wake)) as examiner:
        assert examiner.examine(untrained(), 1) is None


def test_an_examiner_whose_server_is_gone_starts_another(monkeypatch: pytest.MonkeyPatch, wake: Wake) -> None:
    monkeypatch.setattr(Examiner, "GAMES", 1)
    monkeypatch.setattr(Examiner, "POINTS", 1)
    started: list[LocalServer] = []

    class Kept(LocalServer):
        def __init__(self, flags: tuple[str, ...], debug: bool) -> None:
            super().__init__(flags, debug)
            started.append(self)

    monkeypatch.setattr(evaluation, "LocalServer", Kept)
    with contextlib.closing(Examiner(1, False, never, wake)) as examiner:
        assert examiner.examine(untrained(), 1) is not None
        started[0].close()  # or it has given us up while this process was stopped
        assert examiner.examine(untrained(), 1) is not None
    assert len(started) == 2


def test_a_server_that_refuses_the_examiner_is_ended(monkeypatch: pytest.MonkeyPatch, wake: Wake) -> None:
    started: list[LocalServer] = []

    class Refusing(LocalServer):
        def __init__(self, flags: tuple[str, ...], debug: bool) -> None:
            super().__init__(flags, debug)
            self.token = "another"
            started.append(self)

    monkeypatch.setattr(evaluation, "LocalServer", Refusing)
    examiner = Examiner(1, False, never, wake)
    with pytest.raises(PongError, match="token"):
        examiner.examine(untrained(), 1)
    examiner.close()
    assert started[0].has_ended()


def test_an_evaluation_whose_server_sends_no_state_is_stopped(wake: Wake) -> None:
    is_over = threading.Event()

    def stop() -> None:
        is_over.set()
        wake.set()

    with serving(lockstep=True) as server, connected(server) as client:
        client.pause()  # from now on the server has nothing to say
        threading.Timer(0.1, stop).start()
        first = client.first  # type: ignore[attr-defined]
        result, step = evaluate(untrained(), client, first, 1, None, is_over.is_set, wake=wake)
    assert result is None
    assert step.number == 0
