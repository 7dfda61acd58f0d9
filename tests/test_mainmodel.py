"""The agent's door: its arguments, what can be asked for, and that it may be started again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mainmodel
from mainmodel import PolicyGradient
from pongrl import cli
from pongrl.agent import local_server
from pongrl.agent.checkpoints import load
from pongrl.agent.local_server import LocalServer
from pongrl.errors import CheckpointError, RefusedError, UsageError
from tests.support import PATIENCE, ROOT, serving


def test_the_arguments_keep_their_names_order_and_defaults() -> None:
    agent = PolicyGradient(False, False, None, 12345, 250, 10, 2e-3, 0.995, 0.99)
    assert (agent.resume, agent.render, agent.host, agent.port) == (False, False, None, 12345)
    default = PolicyGradient()
    for name in ("hiddenUnits", "batch_size", "learningRate", "gamma", "decayRate"):
        assert getattr(agent, name) == getattr(default, name)


def test_an_option_that_cannot_be_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="--hidden-units must be even"):
        PolicyGradient(hiddenUnits=7)


def test_the_command_line_makes_the_constructors_defaults() -> None:
    made, default = cli.parse(PolicyGradient, []), PolicyGradient()
    assert repr(made) == repr(default)


def test_a_token_is_not_shown() -> None:
    assert "hush" not in repr(PolicyGradient(token="hush"))


def test_an_agent_may_be_started_again(tmp_path: Path) -> None:
    with serving(lockstep=True, games=4, seed=1) as server:
        agent = PolicyGradient(
            port=server.address[1], hiddenUnits=10, seed=1, points=20, directory=str(tmp_path)
        )
        for number in (0, 1, 2):
            agent.start()
            assert agent.status().split("   ")[1].startswith("2")  # points
            assert len(list(tmp_path.glob("previous-*"))) == number


def test_commands_and_the_status_may_come_from_another_thread(tmp_path: Path) -> None:
    with serving(lockstep=True) as server:
        agent = PolicyGradient(port=server.address[1], hiddenUnits=10, directory=str(tmp_path))
        assert agent.status().startswith("0 points")
        thread = threading.Thread(target=agent.start)
        thread.start()
        for word in ("stats", "save", "nonsense", "q"):
            agent.command(word)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_an_agent_that_is_running_is_not_started_again(tmp_path: Path) -> None:
    with serving(lockstep=True) as server:
        agent = PolicyGradient(port=server.address[1], hiddenUnits=10, directory=str(tmp_path))
        thread = threading.Thread(target=agent.start)
        thread.start()
        while not (tmp_path / "progress.csv").exists():
            thread.join(0.01)
            assert thread.is_alive()
        with pytest.raises(RuntimeError, match="this agent is running already: end that with q"):
            agent.start()
        agent.command("q")
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert load(tmp_path / "interrupt.p")["identity"]  # the first run went on to its end


@pytest.mark.parametrize("given", [{"render": True}, {"watch": True}])
def test_a_thread_that_may_not_open_a_window_is_refused(given: dict[str, Any]) -> None:
    with ThreadPoolExecutor(1) as thread:
        error = thread.submit(PolicyGradient(**given).start).exception(PATIENCE)
    assert isinstance(error, UsageError)
    assert str(error).startswith("a window needs the main thread: call start() there")


def test_a_run_that_is_told_to_quit_before_it_starts_ends_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = PolicyGradient(directory=str(tmp_path))
    agent.command("q")
    agent.start()
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    with serving(lockstep=True, token="right", games=4) as server:
        agent = PolicyGradient(
            port=server.address[1], hiddenUnits=10, points=5, directory=str(tmp_path), token="wrong"
        )
        with pytest.raises(RefusedError):
            agent.start()
        agent.token = "right"
        agent.start()
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 5


def test_the_same_servers_know_an_agent_that_resumes_by_its_identity(tmp_path: Path) -> None:
    with serving(lockstep=True, games=4) as server:
        port, directory = server.address[1], str(tmp_path)
        PolicyGradient(port=port, hiddenUnits=10, points=5, directory=directory).start()
        before = load(tmp_path / "interrupt.p")
        PolicyGradient(port=port, points=5, directory=directory, resume=True).start()
        after = load(tmp_path / "interrupt.p")
    assert after["identity"] == before["identity"]
    assert after["options"] == before["options"]
    assert after["progress"]["points"] >= before["progress"]["points"] + 5


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"plot": ("nosuch.csv", "other.p")}, Exception, "nosuch.csv"),
        ({"plot": ("a.p", "b.p")}, UsageError, "one checkpoint at a time"),
        ({"watch": True, "host": ("a", "b")}, UsageError, "one server that is running"),
        ({"evaluate": "nosuch.p"}, CheckpointError, "nosuch.p"),
        ({"play": "nosuch.p"}, CheckpointError, "nosuch.p"),
        ({"resume": "nosuch.p"}, CheckpointError, "nosuch.p"),
    ],
)
def test_each_mode_says_what_it_cannot_do(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        PolicyGradient(**given).start()


@pytest.mark.parametrize("mode", [{}, {"play": True}, {"evaluate": True}])
def test_quitting_is_heard_while_the_own_server_starts(
    mode: dict[str, bool], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "save.p").write_bytes((trained / "save.p").read_bytes())
    (tmp_path / "slow.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.setattr(local_server, "PROGRAM", tmp_path / "slow.py")
    is_sought = threading.Event()
    listen = LocalServer.listen

    def announced(server: LocalServer) -> None:
        is_sought.set()
        listen(server)

    monkeypatch.setattr(LocalServer, "listen", announced)
    agent = PolicyGradient(local=True, directory=str(tmp_path), **mode)  # type: ignore[arg-type]
    thread = threading.Thread(target=agent.start)
    thread.start()
    assert is_sought.wait(PATIENCE)
    agent.command("q")
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_picture_has_the_name_of_what_it_shows(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    PolicyGradient(plot=(str(trained / "progress.csv"),)).start()
    curve = (tmp_path / "curve.png").read_bytes()
    PolicyGradient(plot=(str(trained / "save.p"),)).start()
    assert capsys.readouterr().out == "drew curve.png\ndrew units.png\n"
    assert (tmp_path / "curve.png").read_bytes() == curve
    assert (tmp_path / "units.png").exists()


def test_blas_has_one_thread_whatever_the_environment_says_and_was_loaded_before() -> None:
    script = (
        "import numpy, threadpoolctl\n"
        "def threads(): return max(each['num_threads'] for each in threadpoolctl.threadpool_info())\n"
        "before = threads()\n"
        "import mainmodel\n"
        "mainmodel.start = lambda options: print(before, threads()) or exit()\n"
        "mainmodel.PolicyGradient().start()\n"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    before, during = map(int, result.stdout.split())
    assert before in (1, 2)  # 1 on a machine with one core
    assert during == 1


def test_main_ends_with_a_sentence_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert mainmodel.main(["--resume", "nosuch.p"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: the checkpoint nosuch.p cannot be read")
