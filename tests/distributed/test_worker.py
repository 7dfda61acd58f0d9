"""A worker: shares of one policy, gradients, pauses, servers that are not there. Needs no Ray."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import numpy as np

from pongrl.agent.batch import Batch, Moments
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import Policy
from pongrl.agent.rollout import Decision, Segment
from pongrl.agent.work import finish
from pongrl.distributed.worker import Gatherer, Worker, share_of
from pongrl.wire.messages import Column
from tests.support import ROOT
from tests.support.agents import options_of, state
from tests.support.learning import RNG
from tests.support.workers import collect, next_share, weights_of, working


def test_it_answers_as_soon_as_it_is_connected_and_then_with_full_shares() -> None:
    with working() as worker:
        first = collect(worker)
        assert (first.share, first.is_playing, first.level) == (None, True, 2)
        assert first.said[0].startswith("connected to")
        numbers = []
        for _ in range(3):
            share = next_share(worker)
            numbers.append(share.number)
            assert len(share.won) >= 3
            assert share.frames > share.moments.count > 0
            assert share.moments.own > 0
        assert numbers == [0, 1, 2]


def test_it_obeys_words_of_the_console() -> None:
    with working() as worker:
        collect(worker)
        assert collect(worker, words=("ping",)).said[0].startswith("ping  1: ")


def test_a_share_says_how_often_the_policy_that_played_it_had_learned() -> None:
    with working() as worker:
        collect(worker, update=1)
        assert next_share(worker, update=1).update == 1
        assert next_share(worker, update=4).update == 4


def test_a_batch_is_of_one_policy() -> None:
    gatherer = Gatherer(weights_of(1), 1, options_of(batch_size=1000), 2, RNG(1))
    rollout, eyes = gatherer.begin(), Eyes(1, 50, 70)
    played = gatherer.policy

    def decide() -> None:
        gatherer.decide(rollout, state(), eyes.look(state()))
        gatherer.learn()

    decide()
    gatherer.offer(weights_of(2), 2)
    assert gatherer.updates == 2  # nothing has come of the first decision yet
    played = gatherer.policy
    decide()
    gatherer.offer(weights_of(3), 3)
    assert gatherer.policy is played  # a batch is begun
    decide()
    gatherer.offer(weights_of(3), 3)
    assert gatherer.policy is played  # it is full, but not taken
    assert gatherer.take() is not None
    assert gatherer.take() is None
    gatherer.offer(weights_of(3), 3)
    np.testing.assert_array_equal(gatherer.policy.weights["W1"], weights_of(3)["W1"])


def test_a_paused_worker_plays_nothing_and_goes_on() -> None:
    with working() as worker:
        next_share(worker)
        while collect(worker, paused=True).share is not None:  # what was on its way
            pass
        assert collect(worker, paused=True).share is None
        next_share(worker)


def test_what_it_cannot_mend_is_an_answer() -> None:
    with contextlib.closing(Worker(options_of(host="nosuchhost.invalid", hiddenUnits=20), 10)) as worker:
        while not (answer := worker.collect(weights_of(), 0, False, [])).error:
            pass
        assert "nosuchhost.invalid" in answer.error
        assert not answer.is_playing


def test_a_share_that_is_given_up_takes_no_memory() -> None:
    with working() as worker:
        one, two = next_share(worker), next_share(worker)
        worker.forget(one.number)
        assert worker.gradient([two.number], two.moments, 1.0)["W1"].any()
        assert worker.played == {}


def test_several_shares_of_a_worker_make_one_gradient() -> None:
    with working() as worker:
        one, two = (next_share(worker, update) for update in (1, 2))
        played = list(worker.played.values())
        whole = Moments.pool([one.moments, two.moments])
        gradient = worker.gradient([one.number, two.number], whole, 0.5)
        parts = [finish(batch.gradient(policy, whole, 0.5)) for policy, batch in played]
        for name, g in gradient.items():
            np.testing.assert_array_equal(g, parts[0][name] + parts[1][name])


def test_the_gradients_of_two_workers_add_up_to_that_of_their_pooled_batches() -> None:
    with working(seed=1) as one, working(seed=9) as other:
        workers = (one, other)
        shares = [next_share(worker) for worker in workers]
        segments = [segment for worker in workers for _, batch in worker.played.values()
                    for segment in batch.segments]  # fmt: skip
        whole = Moments.pool([share.moments for share in shares])
        parts = [worker.gradient([0], whole, 0.5) for worker in workers]
    together = Batch(segments, 0.995)
    pooled = finish(together.gradient(Policy(50, 70, weights_of()), together.moments, 0.5))
    for name, gradient in pooled.items():
        largest = np.abs(gradient).max()
        assert largest > 0
        np.testing.assert_allclose(parts[0][name] + parts[1][name], gradient, rtol=1e-4, atol=1e-6 * largest)


def test_a_share_counts_all_its_points() -> None:
    table = np.zeros((2, len(Column)), np.int32)
    table[:, Column.TICKS] = 8
    table[:, Column.POINTS], table[:, Column.REWARD] = (3, 1), (1, -1)  # two of three won, none of one
    policy = Policy(50, 70, weights_of())
    seen = policy.forward(Eyes(2, 50, 70).look(state(2)))
    segment = Segment([Decision(seen, np.array([0, 1]), table)], 16, seen.value, table[:, Column.MATCHES])
    share = share_of(7, 5, Batch([segment], 0.99), options_of())
    assert (share.number, share.update, share.frames, share.points, share.moments.count) == (7, 5, 16, 4, 2)
    assert share.won == [True, True, False, False]


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
