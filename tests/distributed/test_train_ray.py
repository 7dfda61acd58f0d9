"""Training on Ray: workers as plain objects, as actors, and the program with its processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r integrations/requirements.txt")

from pongrl.agent.batch import Batch, Moments, policy_gradient  # noqa: E402
from pongrl.agent.checkpoints import load  # noqa: E402
from pongrl.agent.eyes import Eyes  # noqa: E402
from pongrl.agent.policy import Policy, Weights  # noqa: E402
from pongrl.agent.rollout import Decision, Segment  # noqa: E402
from pongrl.agent.work import finish  # noqa: E402
from pongrl.distributed import train_ray  # noqa: E402
from pongrl.distributed.train_ray import Answer, TrainRay, Worker, share_of  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.wire.messages import Column, Step  # noqa: E402
from tests.support import PATIENCE, ROOT, Program, run_program, serving  # noqa: E402

FAST = ("--games", "4", "--seed", "1")


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)


def program(directory: Path, *arguments: str, **options: Any) -> Program:
    return Program(
        "integrations/train_ray.py",
        "--directory",
        str(directory),
        *arguments,
        PYTHONPATH=str(ROOT),
        **options,
    )


def weights(seed: int = 1) -> Weights:
    return Policy.random(50, 70, 20, np.random.default_rng(seed)).weights


@contextlib.contextmanager
def working(**options: Any) -> Iterator[Worker]:
    """A worker in this process, at a server in this process."""
    with serving(lockstep=True, games=2, seed=1) as server:
        given = {"longest": 1000, "port": server.address[1], "hiddenUnits": 20, "batch_size": 3, "seed": 1}
        with contextlib.closing(Worker(**given | options)) as worker:  # type: ignore[arg-type]
            yield worker


def full(worker: Any, update: int = 0) -> Answer:
    """Its next answer with a share."""
    while (answer := worker.collect(weights(update), update, False, [])).share is None:
        assert not answer.error
    return answer


# A worker


def test_a_worker_answers_as_soon_as_it_is_connected_and_then_with_full_shares() -> None:
    with working() as worker:
        first = worker.collect(weights(), 0, False, [])
        assert (first.share, first.playing) == (None, True)
        assert first.said[0].startswith("connected to")
        assert (worker.collect(weights(), 0, False, ["ping"])).said[0].startswith("ping  1: ")
        shares = [full(worker).share for _ in range(3)]
        for number, share in enumerate(shares, shares[0].number):  # type: ignore[union-attr]
            assert share is not None
            assert share.number == number
            assert len(share.won) >= 3
            assert share.frames > share.moments.count > 0
            assert share.moments.own > 0


def test_a_share_is_of_one_policy() -> None:
    with working(batch_size=1000, longest=10_000) as worker:
        worker.collect(weights(1), 1, False, [])
        assert worker.collect(weights(1), 1, False, []).share is None
        begun = worker._learner.policy  # type: ignore[union-attr]
        worker.collect(weights(2), 2, False, [])
        assert worker._learner.policy is begun  # type: ignore[union-attr]
        worker._gatherer.rollouts.longest_batch = 1  # type: ignore[union-attr]
        assert worker.collect(weights(3), 3, False, []).share.update == 1  # type: ignore[union-attr]
        assert full(worker, 4).share.update == 4  # type: ignore[union-attr]
        np.testing.assert_array_equal(worker._learner.policy.weights["W1"], weights(4)["W1"])  # type: ignore[union-attr]


def test_a_paused_worker_plays_nothing_and_goes_on() -> None:
    with working() as worker:
        full(worker)
        paused = worker.collect(weights(), 0, True, [])
        while paused.share is not None:  # what was on its way
            paused = worker.collect(weights(), 0, True, [])
        assert worker.collect(weights(), 0, True, []).share is None
        assert full(worker).share is not None


def test_what_a_worker_cannot_mend_is_an_answer() -> None:
    worker = Worker(10, host="nosuchhost.invalid")
    with contextlib.closing(worker):
        while not (answer := worker.collect(weights(), 0, False, [])).error:
            pass
        assert "nosuchhost.invalid" in answer.error


def test_a_share_given_up_takes_no_memory() -> None:
    with working() as worker:
        one, two = (full(worker).share for _ in range(2))
        assert one is not None
        assert two is not None
        worker.forget(one.number)
        assert worker.gradient([two.number], two.moments)["W1"].any()
        assert worker._played == {}


def test_several_shares_of_a_worker_make_one_gradient() -> None:
    with working() as worker:
        one, two = (full(worker, update).share for update in (1, 2))  # of two policies
        assert one is not None
        assert two is not None
        played = dict(worker._played)
        together = Moments.pool([one.moments, two.moments])
        gradient = worker.gradient([one.number, two.number], together)
        for name, g in gradient.items():
            parts = [finish(batch.gradient(policy, together))[name] for policy, batch in played.values()]
            np.testing.assert_array_equal(g, parts[0] + parts[1])


def test_the_books_of_a_share_count_all_its_points() -> None:
    table = np.zeros((2, len(Column)), np.int32)
    table[:, Column.TICKS] = 8
    table[:, Column.POINTS], table[:, Column.REWARD] = (3, 1), (1, -1)  # two of three won, none of one
    policy = Policy(50, 70, weights())
    seen = policy.forward(Eyes(2, 50, 70).look(Step.of(0, 0, np.zeros((2, 50, 70), np.uint8), table)))
    segment = Segment([Decision(seen, np.array([True, False]), table)], seen.value)
    share = share_of(7, 5, Batch([segment], 0.99))
    assert (share.number, share.update, share.frames, share.moments.count) == (7, 5, 16, 2)
    assert share.won == [True, True, False, False]


# Actors


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init("local", num_cpus=2, object_store_memory=train_ray.STORE_BYTES, include_dashboard=False,
             log_to_driver=False, logging_level="CRITICAL")  # fmt: skip
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_the_gradients_of_two_workers_add_up_to_that_of_their_pooled_batches() -> None:
    kind = ray.remote(num_cpus=1)(Worker)
    actors = [kind.remote(1000, local=True, games=2, hiddenUnits=20, batch_size=3, seed=s) for s in (1, 9)]
    policy = Policy(50, 70, weights())
    shares = []
    for actor in actors:
        share = None
        while share is None:
            answer = ray.get(actor.collect.remote(ray.put(policy.weights), 0, False, []))
            assert not answer.error
            share = answer.share
        shares.append(share)
    played = ray.get(
        [actor.__ray_call__.remote(lambda self: self._played[0][1].segments) for actor in actors]
    )
    together = Moments.pool([share.moments for share in shares])
    parts = ray.get(
        [a.gradient.remote([share.number], together) for a, share in zip(actors, shares, strict=True)]
    )
    whole = finish(policy_gradient(policy, played[0] + played[1], 0.99))
    for name, gradient in whole.items():
        largest = np.abs(gradient).max()
        assert largest > 0
        np.testing.assert_allclose(parts[0][name] + parts[1][name], gradient, rtol=1e-4, atol=1e-6 * largest)
    ray.get([actor.close.remote() for actor in actors])


# The program


def processes_of(parent: int) -> dict[int, str]:
    """All processes that a process has started, and they theirs: id and command line."""
    parents, lines = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            lines[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    ours = {parent}
    while more := {pid for pid, above in parents.items() if above in ours} - ours:
        ours |= more
    return {pid: lines[pid] for pid in ours if pid in lines}


def wait_for_end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            assert select.select([descriptor], [], [], PATIENCE)[0], f"{pid} goes on"
        finally:
            os.close(descriptor)


linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@linux
def test_workers_killed_one_at_a_time_are_replaced_and_the_plain_agent_goes_on(tmp_path: Path) -> None:
    with program(tmp_path, "--workers", "2", *FAST, stdin=None) as driver:
        for number in (1, 2):
            driver.wait_for(f"{number}00 points")
            workers = [pid for pid, line in processes_of(driver.process.pid).items() if "ray::Worker" in line]
            assert len(workers) == 2
            os.kill(max(workers) if number == 1 else min(workers), signal.SIGKILL)
            died = driver.wait_for("has died: another takes its place").split()[1]
            driver.wait_for(f"worker {died}: connected to")
        driver.wait_for("00 points")
        driver.type("p\n")
        driver.wait_for("paused")
        driver.type("p\nstats\n")
        driver.wait_for("2 of 2 are playing")
        driver.type("q\n")
        assert driver.ended() == 0, driver.output
    assert driver.seen["stderr"] == []  # Ray says nothing of its own
    assert "raylet" not in driver.output
    before = load(tmp_path / "interrupt.p")
    assert before["progress"]["updates"] > 10
    code, plain = run_program(
        "mainmodel.py", "--directory", str(tmp_path), "--local", *FAST, "--points", "100", "--resume"
    )
    assert code == 0, plain.output
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= before["progress"]["points"] + 100


@linux
def test_it_goes_on_with_the_plain_agents_checkpoint_and_its_servers_do_not_outlive_it(
    tmp_path: Path,
) -> None:
    directory = ("--directory", str(tmp_path))
    code, plain = run_program("mainmodel.py", *directory, "--local", *FAST, "--points", "100")
    assert code == 0, plain.output
    before = load(tmp_path / "interrupt.p")
    assert before["learner"]["next"] is not None  # the batch that it was learning from
    with program(tmp_path, "--workers", "1", *FAST, "--resume", stdin=None) as driver:
        driver.wait_for("resumed from")
        driver.wait_for("200 points")
        driver.type("save\n")
        driver.wait_for("saved interrupt.p")
        after = load(tmp_path / "interrupt.p")
        assert after["progress"]["points"] >= 200
        assert after["progress"]["updates"] > before["progress"]["updates"]
        started = processes_of(driver.process.pid).items()
        ours = [pid for pid, line in started if "pong.py" in line or "ray::Worker" in line]
        assert len(ours) == 2
        driver.process.kill()
        for pid in ours:
            wait_for_end(pid)


def test_workers_play_on_the_servers_named_and_go_on_without_one_that_is_none(tmp_path: Path) -> None:
    with serving(lockstep=True, games=4) as server:
        hosts = ("--host", "nosuchhost.invalid", "--host", f"127.0.0.1:{server.address[1]}")
        with program(tmp_path, "--workers", "2", *hosts, stdin=None) as driver:
            driver.wait_for("going on without worker 1: the host 'nosuchhost.invalid' cannot be found")
            driver.wait_for("100 points")
            driver.process.send_signal(signal.SIGTERM)
            assert driver.ended() == 0, driver.output
    assert "saved interrupt.p" in driver.output
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 100


def test_workers_play_on_the_side_that_they_are_told(tmp_path: Path) -> None:
    with serving(lockstep=True, games=4) as server:
        host = f"127.0.0.1:{server.address[1]}"
        with program(tmp_path, "--workers", "1", "--host", host, "--side", "right", stdin=None) as driver:
            assert "on the right" in driver.wait_for(f"connected to {host}: ")
            driver.type("q\n")
            assert driver.ended() == 0, driver.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "--workers must be"),
        ({"workers": 11}, "--batch-size must be at least --workers"),
        ({"host": ("a",)}, "--workers 2 need as many hosts"),
        ({"host": ("a", "b"), "local": True}, "--local"),
        ({"host": ("a", "b"), "level": 1}, "--level is for"),
        ({"seed": -1}, "--seed must be"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainRay(**options)


@pytest.mark.parametrize("address", ["nosuchhost.invalid", "unused"])
def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        unused = f"127.0.0.1:{closed.getsockname()[1]}"
    where = unused if address == "unused" else address
    assert train_ray.main(["--address", where, "--directory", str(tmp_path)]) == 2
    assert f"error: Ray cannot be joined at {where} (" in capsys.readouterr().err


def test_without_ray_one_sentence_says_how_to_install_it() -> None:
    sentence = "train_ray needs ray: pip install -r integrations/requirements.txt\n"
    imported, run = (
        subprocess.run(
            [sys.executable, "-c", f"import runpy, sys; sys.modules['ray'] = None; {use}"],
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )
        for use in (
            "import integrations.train_ray",
            "runpy.run_module('integrations.train_ray', run_name='__main__')",
        )
    )  # fmt: skip
    assert imported.stderr.endswith(f"\nImportError: {sentence}")
    assert (run.returncode, run.stderr) == (2, f"error: {sentence}")
