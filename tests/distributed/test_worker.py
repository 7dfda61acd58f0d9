"""A worker: rounds, counts, pauses, servers that are not there. Needs no Ray."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import numpy as np
import pytest

from pongrl.agent.options import EVALUATION_SEED
from pongrl.agent.policy import Policy
from pongrl.agent.schedule import HALVING_FRAMES
from pongrl.distributed.average import Average
from pongrl.distributed.rounds import FRAMES
from pongrl.distributed.worker import Counter, Tally, Worker, check_game, learner_of, seed_of
from pongrl.errors import PongError
from tests.support import ROOT
from tests.support.agents import options_of, state
from tests.support.workers import answers_of_round, collect, model_of, working


def test_it_plays_rounds_and_tells_what_it_has_played() -> None:
    with working() as worker:
        for number in range(3):
            answers = answers_of_round(worker, model_of(number))
            if number == 0:
                assert answers[0].said[0].startswith("connected to")
            assert all(answer.is_playing and answer.level == 2 for answer in answers)
            change, tallies = answers[-1].change, [answer.tally for answer in answers]
            assert change is not None
            assert change.updates > change.refused == 0
            assert sum(won + lost for tally in tallies for won, lost in tally.points) >= 3 * change.updates
            assert FRAMES <= change.frames <= sum(tally.frames for tally in tallies)
            assert sum(tally.frames for tally in tallies) > sum(tally.decisions for tally in tallies) > 0


def test_what_it_learns_is_added_to_what_all_workers_begin_with() -> None:
    master = learner_of(options_of(hiddenUnits=20), 1, np.random.default_rng(1))
    average = Average(master, 1)
    with working() as worker:
        for _ in range(2):
            before = master.policy.weights["W1"]
            change = answers_of_round(worker, average.model())[-1].change
            assert change is not None
            assert average.add(change)
            assert (master.policy.weights["W1"] != before).any()
    assert average.version == 2
    assert master.frames >= 2 * FRAMES


def test_it_obeys_words_of_the_console() -> None:
    with working() as worker:
        answers_of_round(worker, model_of())
        assert collect(worker, model_of(), words=("ping",)).said[0].startswith("ping  1: ")


def test_a_paused_worker_plays_nothing_and_goes_on() -> None:
    with working() as worker:
        answers_of_round(worker, model_of())
        answer = collect(worker, model_of(), paused=True)
        while answer.tally.decisions:  # what was on its way
            answer = collect(worker, paused=True)
        assert collect(worker, paused=True).tally == Tally()
        while collect(worker).change is None:
            pass


def test_what_it_cannot_mend_is_an_answer() -> None:
    with contextlib.closing(Worker(options_of(host="nosuchhost.invalid", hiddenUnits=20), 1)) as worker:
        answer = worker.collect(model_of(), False, [])
        while not answer.error:
            answer = worker.collect(None, False, [])
        assert "nosuchhost.invalid" in answer.error
        assert not answer.is_playing


def test_batches_grow_more_slowly_where_many_are_added_up() -> None:
    one, four = (learner_of(options_of(hiddenUnits=20), count, np.random.default_rng(1)) for count in (1, 4))
    one.frames = four.frames = HALVING_FRAMES
    assert (one.batch_size, four.batch_size) == (20, 12)
    assert one.rate == four.rate


def test_a_policy_of_another_game_is_refused() -> None:
    rng = np.random.default_rng(1)
    check_game(learner_of(options_of(hiddenUnits=20), 1, rng).policy)
    for policy in (Policy.random(84, 84, 2, rng), Policy.random(50, 70, 2, rng, is_our_game=False)):
        with pytest.raises(PongError, match="another game than our Pong"):
            check_game(policy)


def test_no_worker_plays_the_games_of_the_run_or_of_its_evaluations() -> None:
    seeds = [seed_of(7, number) for number in range(4)]
    assert len({7, 7 + EVALUATION_SEED, *seeds}) == 6


def test_all_points_of_a_decision_are_counted_once() -> None:
    counter = Counter(options_of(), [].append)
    most = 2**31 - 1  # takes no longer than one
    columns = {
        "ticks": [8, 8],
        "points": [3, most],
        "reward": [1, -most],
    }  # two of three won, none of the others
    counter.count(state(2, **columns))
    counter.count(state(2, **columns), with_points=False)
    assert counter.take() == Tally(4, 32, [(2, 1), (0, most)])
    assert counter.take() == Tally()


def test_a_worker_loads_neither_the_server_nor_environments_nor_views() -> None:
    script = (
        "import sys, pongrl.distributed.worker\n"
        "print(*[name for name in sys.modules if name.startswith(('pongrl.', 'ray', 'pygame'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {name.split(".")[1] if "." in name else name for name in done.stdout.split()}
    assert folders.isdisjoint({"server", "envs", "ui", "ray", "pygame"})
