"""Training on Ray as a program, with its processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from mainmodel import PolicyGradient
from pongrl.agent.checkpoints import load
from pongrl.distributed import program as program_module
from pongrl.distributed.program import TrainRay
from pongrl.errors import UsageError
from tests.support import PATIENCE, Program, run_program, serving

FAST = ("--games", "4", "--seed", "1")
OWN = {"workers", "address", "host", "local"}  # the options that are not mainmodel.py's, or not the same


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": 0}, "--workers must be"),
        ({"host": "a"}, "--workers 2 need as many hosts, not 1"),
        ({"host": ("a",)}, "--workers 2 need as many hosts, not 1"),
        ({"host": ("a", "b"), "local": True}, "--local"),
        ({"host": ("a", "b"), "level": 1}, "--level does nothing on a server that is running"),
        ({"seed": -1}, "--seed must be"),
        ({"seed": 1 << 62}, "--seed must be"),
        ({"hiddenUnits": 7}, "--hidden-units must be even"),
    ],
)
def test_options_that_cannot_be_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainRay(**given)


def test_workers_start_servers_of_their_own_unless_hosts_are_named() -> None:
    assert TrainRay().local is True
    assert TrainRay(local=2).local == 2
    assert TrainRay(host=("a", "b")).local is False


def test_options_that_mainmodel_has_too_are_the_same() -> None:
    agents, rays = (get_type_hints(kind, include_extras=True) for kind in (PolicyGradient, TrainRay))
    defaults = {each.name: each.default for each in fields(PolicyGradient)}
    for each in fields(TrainRay):
        if each.name not in OWN:
            assert rays[each.name] == agents[each.name]
            assert each.default == defaults[each.name]


def test_without_ray_one_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("pongrl.distributed.")]:
        if name != program_module.__name__:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert program_module.main([]) == 2
    sentence = "error: training on Ray needs ray, which is not installed: pip install ray\n"
    assert capsys.readouterr().err == sentence


# With Ray


def program(directory: Path, *arguments: str, **variables: str) -> Program:
    pytest.importorskip("ray", reason="Ray is not installed: pip install ray")
    command = ("-m", "pongrl.distributed", "--directory", str(directory), *arguments)
    return Program(*command, stdin=None, **variables)


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
def test_workers_that_are_killed_are_replaced_and_the_plain_agent_goes_on(tmp_path: Path) -> None:
    # The token is one of other servers: those of the workers make up their own.
    with program(tmp_path, "--workers", "2", *FAST, PONG_TOKEN="secret") as driver:
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
        driver.wait_for("2 of 2 are playing; their changes are")
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
    tmp_path: Path, trained: Path
) -> None:
    before = load(trained / "interrupt.p")
    assert before["learner"]["next"] is not None  # the batch that it was learning from
    flags = ("--workers", "1", *FAST, "--resume", str(trained / "interrupt.p"))
    with program(tmp_path, *flags) as driver:
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
        host = f"127.0.0.1:{server.address[1]}"
        hosts = ("--host", "nosuchhost.invalid", "--host", host, "--side", "right")
        with program(tmp_path, "--workers", "2", *hosts) as driver:
            assert "on the right" in driver.wait_for(f"worker 2: connected to {host}: ")
            driver.wait_for("100 points")
            assert "going on without worker 1: the host 'nosuchhost.invalid' cannot be found" in driver.output
            driver.process.send_signal(signal.SIGTERM)
            assert driver.ended() == 0, driver.output
    assert "saved interrupt.p" in driver.output
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 100


@pytest.mark.parametrize("address", ["nosuchhost.invalid", "unused"])
def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install ray")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        unused = f"127.0.0.1:{closed.getsockname()[1]}"
    where = unused if address == "unused" else address
    assert program_module.main(["--address", where, "--directory", str(tmp_path)]) == 2
    assert f"error: Ray cannot be joined at {where} (" in capsys.readouterr().err
