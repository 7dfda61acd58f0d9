"""Holding: nothing that an environment held is left behind, however it ends."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.error import ClosedEnvironmentError

from pongrl.agent import local_server
from pongrl.envs.gymnasium_env import RemotePong
from pongrl.envs.vector_env import RemotePongVector
from pongrl.errors import PongError
from pongrl.game.moves import UP
from tests.support import PATIENCE, ROOT, serving
from tests.support.envs import local

linux = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
Processes = list[subprocess.Popen[str]]


def held() -> tuple[set[threading.Thread], set[str]]:
    """Return this process's threads and open files."""
    gc.collect()
    files = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the file by which the folder itself is read
            files.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    return set(threading.enumerate()), files


def assert_closed(env: Any) -> None:
    with pytest.raises(ClosedEnvironmentError, match="was closed"):
        env.step(env.action_space.sample())
    with pytest.raises(ClosedEnvironmentError, match="was closed"):
        env.reset()


@linux
@pytest.mark.parametrize(
    ("kind", "way"),
    [
        (RemotePong, "closed twice"),
        (RemotePong, "collected"),
        (RemotePong, "collected in a circle"),
        (RemotePong, "server died"),
        (RemotePongVector, "closed twice"),
        (RemotePongVector, "collected"),
    ],
)
def test_nothing_is_left_behind(kind: Callable[..., Any], way: str, processes: Processes) -> None:
    before = held()
    env = kind(local=True)
    env.reset(seed=1)
    env.step(env.action_space.sample())
    if way == "closed twice":
        env.close()
        assert_closed(env)
        env.close()
    elif way == "collected in a circle":
        env.itself = env
    elif way == "server died":
        processes[0].kill()
        processes[0].wait(PATIENCE)
    del env
    gc.collect()
    assert processes[0].returncode is not None
    assert held() == before


@linux
def test_nothing_is_left_behind_by_an_exception_or_a_reset_that_failed(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held()

    def fail() -> None:
        with local() as env:
            env.reset(seed=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    monkeypatch.setattr(local_server, "PROGRAM", tmp_path / "nothing.py")
    with pytest.raises(PongError), local() as env:
        env.reset()
    del env
    assert held() == before
    assert len(processes) == 2


def test_a_collection_in_a_daemon_thread_such_as_the_connections_own_closes_everything(
    processes: Processes,
) -> None:
    env = RemotePong(local=True)
    env.reset(seed=1)
    box, before = [env], set(threading.enumerate())
    del env
    thread = threading.Thread(target=box.clear, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    processes[0].wait(PATIENCE)  # raises if it goes on
    for left in set(threading.enumerate()) - before:
        left.join(PATIENCE)


@linux
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_copy_does_not_close_its_parents_connection() -> None:
    with serving(lockstep=True) as server:
        env = RemotePong(port=server.address[1])
        env.reset(seed=1)
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                env.close()
                del env
            os._exit(0)
        os.waitpid(child, 0)
        assert env.step(UP)[3] is False
        env.close()


def test_an_environment_is_not_kept_alive_by_what_it_holds() -> None:
    with serving(lockstep=True) as server:
        env = RemotePong(port=server.address[1])
        env.reset()
        gone = weakref.ref(env)
        gc.disable()
        try:
            del env
            assert gone() is None  # without the garbage collector: there is no circle
        finally:
            gc.enable()


PROGRAM = """
import subprocess
import gymnasium
env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True)
start, started = subprocess.Popen.__init__, []
subprocess.Popen.__init__ = lambda process, *a, **b: (started.append(process), start(process, *a, **b))[1]
env.reset()
env.step(1)
print(started[0].pid, flush=True)
"""


@linux
def test_a_program_that_ends_without_closing_leaves_no_server() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


@linux
def test_a_program_that_is_killed_leaves_no_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"{PROGRAM}\ninput()"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        server = os.pidfd_open(int(running.stdout.readline()))
        running.send_signal(signal.SIGKILL)
    try:
        assert select.select([server], [], [], PATIENCE)[0], "the server lives on"
    finally:
        os.close(server)
