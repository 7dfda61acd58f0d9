"""The training's end of a sparring partner: it lives as long as the training, and no longer."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pongrl.agent.local_server import training_flags
from pongrl.agent.partner import Partner, SparringServer
from pongrl.agent.sparring import Result
from pongrl.errors import PongError
from pongrl.game.moves import STAY
from pongrl.wire.client import PongClient
from tests.support import PATIENCE, failing_module, serving
from tests.support.agents import Lines
from tests.support.opponents import put

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

TOKEN = "hush"


def play_until(client: PongClient, is_over: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_over() and time.monotonic() < until:
        client.step([STAY])
    assert is_over()


def test_a_partner_that_is_killed_is_replaced_and_ends_with_the_training(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    put(tmp_path, "one")
    (tmp_path / "bad.p").write_text("nothing of ours")
    lines, results = Lines(), queue.SimpleQueue[Result]()
    partner = Partner(str(tmp_path), results.put, lines)
    with (
        serving(lockstep=True, token=TOKEN) as server,
        contextlib.closing(PongClient(*server.address, token=TOKEN)) as client,
    ):
        client.connect()
        partner.start(server.address[1], TOKEN)
        partner.start(server.address[1], TOKEN)
        play_until(client, lambda: not results.empty())
        assert results.get().opponent == "one"
        (first,) = processes
        first.kill()
        play_until(client, lambda: len(processes) >= 2)
        while not results.empty():
            results.get()
        play_until(client, lambda: not results.empty())
        partner.end()
        partner.end()
    assert [process.poll() is not None for process in processes] == [True, True]
    assert lines.said[0].startswith("an opponent is left out: ")
    code = 1 if sys.platform == "win32" else -9
    assert any(f"a sparring partner has ended (exit code {code}); another" in line for line in lines.said)


def test_why_a_partner_has_ended_is_told(tmp_path: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    put(tmp_path, "one")
    lines = Lines()
    partner = Partner(str(tmp_path), lambda result: None, lines)
    partner.start(1, TOKEN)  # nobody listens there
    lines.wait_for("127.0.0.1:1")
    partner.end()
    assert all(process.poll() is not None for process in processes)


def test_why_it_has_ended_is_told_in_letters_of_any_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines, module = Lines(), failing_module(monkeypatch, tmp_path, "Jürgen does not play")
    partner = Partner(str(tmp_path), lambda result: None, lines, module)
    partner.start(1, TOKEN)
    lines.wait_for("Jürgen does not play")
    partner.end()


def test_one_that_hangs_is_killed(tmp_path: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    partner = Partner(str(tmp_path), lambda result: None, lines := Lines(), "tests.support.deaf_partner")
    partner.start(1, TOKEN)
    lines.wait_for("deaf")
    partner.end()
    (process,) = processes
    assert process.poll() is not None


def test_one_that_dies_while_it_tells_something_is_replaced(tmp_path: Path) -> None:
    lines, results = Lines(), queue.SimpleQueue[Result]()
    partner = Partner(str(tmp_path), results.put, lines, "tests.support.dying_partner")
    partner.start(1, TOKEN)
    assert [results.get(timeout=PATIENCE).opponent for _ in range(2)] == ["one", "one"]
    partner.end()
    assert set(lines.said) == {"a sparring partner has ended (exit code 0); another one is started"}


def test_one_that_was_never_started_ends() -> None:
    partner = Partner("nowhere", lambda result: None, Lines())
    partner.end()
    partner.start(1, TOKEN)
    partner.end()


def test_a_server_with_a_partner_starts_and_ends_it(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    put(tmp_path, "one")
    results = queue.SimpleQueue[Result]()
    partner = Partner(str(tmp_path), results.put, Lines())
    with contextlib.closing(SparringServer(training_flags(1, 1, 1), False, partner)) as server:
        assert server.has_partner
        server.listen()
        with PongClient(port=server.port, token=server.token) as client:
            client.connect()
            play_until(client, lambda: not results.empty())
        server.ask_to_end()
        server.end()
    assert [process.poll() is not None for process in processes] == [True, True]
    assert results.get(timeout=PATIENCE).opponent == "one"


def test_without_a_server_no_partner_is_started(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    partner = Partner(str(tmp_path), lambda result: None, Lines())
    with (
        contextlib.closing(SparringServer(("--headless", "--no-server"), False, partner)) as server,
        pytest.raises(PongError, match="nothing to serve"),
    ):
        server.listen()
    assert len(processes) == 1
