"""Both programs with what people look at: windows, films, and TensorBoard's log."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mainmodel import PolicyGradient
from pong import Pong
from pongrl.agent.observers import Decided, Standing
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN
from pongrl.game.people import Snapshot
from pongrl.ui.agent_window import AgentWindow
from pongrl.ui.game_window import GameWindow
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Mover
from tests.support import ASKING, PATIENCE, ROOT, Program, connected, run_program, serving
from tests.support.ui import QUIT, film_of, press, release

pygame = pygame_quietly()
SERVER = ("pong.py", "--headless", "--port", "0", "--seed", "1")

# The game's window.


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_person_at_the_window_takes_the_paddle_from_the_agent_and_gives_it_back(
    monkeypatch: pytest.MonkeyPatch, lockstep: bool
) -> None:
    shown = threading.Event()
    seen: list[Snapshot] = []
    movers: list[Mover] = []
    server = Pong(port=0, render=True, lockstep=lockstep)
    show = GameWindow.show

    def show_and_tell(window: GameWindow, snapshot: Snapshot) -> None:
        show(window, snapshot)
        seen.append(snapshot)
        shown.set()

    def step_until(mover: Mover, client: PongClient) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if client.step([DOWN]).movers[0] == mover:
                movers.append(mover)
                return

    def play() -> None:
        try:
            assert shown.wait(PATIENCE)
            with PongClient(*server.address) as client:
                client.connect()
                step_until(Mover.AGENT, client)
                pygame.event.post(press(pygame.K_w))
                step_until(Mover.HUMAN, client)
                pygame.event.post(release(pygame.K_w))
                step_until(Mover.AGENT, client)
        finally:
            pygame.event.post(QUIT)

    monkeypatch.setattr(GameWindow, "show", show_and_tell)
    agent = threading.Thread(target=play)
    agent.start()
    server.start()
    agent.join()
    assert movers == [Mover.AGENT, Mover.HUMAN, Mover.AGENT]
    assert seen[0].status.startswith("waiting for an agent on 127.0.0.1:")
    assert any(snapshot.frame is not None and snapshot.sent for snapshot in seen)
    assert not pygame.display.get_init()


def test_a_paused_game_stands_still_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    balls: list[tuple[int, int]] = []
    show = GameWindow.show

    def show_and_press(window: GameWindow, snapshot: Snapshot) -> None:
        show(window, snapshot)
        balls.append(snapshot.ball)
        if len(balls) in (5, 30):
            pygame.event.post(press(pygame.K_p))
        if len(balls) > 30 and balls[-1] != balls[29]:
            pygame.event.post(QUIT)

    monkeypatch.setattr(GameWindow, "show", show_and_press)
    Pong(4, server=False).start()
    assert len(set(balls[10:30])) == 1
    assert balls[0] != balls[10]


@pytest.mark.parametrize("driver", ["", "x11"], ids=["SDL chooses", "x11"])
def test_without_a_display_the_program_names_headless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str
) -> None:
    if not driver and (sys.platform in ("win32", "darwin") or Path("/dev/dri").exists()):
        pytest.skip("SDL would find a screen")
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.delenv("SDL_VIDEO_DRIVER", raising=False)
    if driver:
        monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    code, program = run_program("pong.py", "--port", "0", XDG_RUNTIME_DIR=str(tmp_path))
    assert code == 2
    assert program.seen["stdout"] == []
    (sentence,) = program.seen["stderr"]
    assert sentence.startswith("error: no window can be opened")
    assert "--headless" in sentence


# The agent's window.


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs an X server to end")
def test_when_the_display_goes_training_and_its_film_go_on(tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    with contextlib.ExitStack() as stack:
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-nolisten", "tcp"], pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(server.wait)
        stack.callback(server.kill)
        os.close(writer)
        display = os.read(reader, 16).decode().strip()
        program = stack.enter_context(
            Program(
                "mainmodel.py", "--local", "--games", "2", "--hidden-units", "10", "--render", "--record",
                str(film), "--directory", str(tmp_path), stdin=None, SDL_VIDEODRIVER="x11",
                DISPLAY=f":{display}",
            )
        )  # fmt: skip
        program.wait_for("100 points")
        server.terminate()
        program.wait_for("the window has gone (")
        program.wait_for("00 points")
        program.type("q\n")
        assert program.ended() == 0, program.output
        assert "saved interrupt.p" in program.output
        assert f"recorded {film}" in program.output
    assert film_of(film)


def test_training_goes_on_when_its_window_has_gone(
    processes: list[subprocess.Popen[bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    decide = AgentWindow.decided
    closed: list[bool] = []  # at each decision

    def decide_and_kill(window: AgentWindow, decided: Decided, standing: Standing) -> None:
        decide(window, decided, standing)
        closed.append(window.look_seconds is None)
        if len(closed) == 50:
            (process,) = (one for one in processes if "pongrl.ui.agent_display" in list(one.args))
            process.kill()
            process.wait(PATIENCE)
        if sum(closed) == 20:
            agent.command("q")

    monkeypatch.setattr(AgentWindow, "decided", decide_and_kill)
    with serving(lockstep=True, games=2, seed=1) as server:
        port = server.address[1]
        agent = PolicyGradient(port=port, render=True, hiddenUnits=10, directory=str(tmp_path))
        agent.start()
    assert not any(closed[:50])
    assert all(closed[-20:])
    assert "the window has gone" in capsys.readouterr().out


def test_an_evaluation_beside_training_is_shown_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = AgentWindow.decided
    shown: set[int] = set()  # how many games were decided in at once

    def decide_and_tell(window: AgentWindow, decided: Decided, standing: Standing) -> None:
        decide(window, decided, standing)
        shown.add(len(decided.chosen))

    monkeypatch.setattr(AgentWindow, "decided", decide_and_tell)
    with serving(lockstep=True, games=4, seed=1) as server:
        agent = PolicyGradient(
            port=server.address[1], render=True, hiddenUnits=10, points=100, evaluate_every=100, seed=1,
            directory=str(tmp_path),
        )  # fmt: skip
        agent.start()
    assert shown == {4, 16}


# Films.

KINDS = pytest.mark.parametrize("kind", ["mp4", "gif"])


def frames_said(program: Program, path: Path) -> int:
    """Return how many frames a program says that its film has, once it has ended in order."""
    assert program.ended() == 0, program.output
    found = re.search(rf"recorded {re.escape(str(path))}: \d+:\d\d, ([\d,]+) frames", program.output)
    assert found is not None, program.output
    return int(found[1].replace(",", ""))


@KINDS
@pytest.mark.parametrize("signal_sent", ASKING)
def test_an_interrupted_server_agent_and_watcher_leave_films_that_can_be_seen(
    tmp_path: Path, kind: str, signal_sent: int
) -> None:
    films = {name: tmp_path / f"{name}.{kind}" for name in ("server", "agent", "watcher")}
    record = {name: ("--record", str(path)) for name, path in films.items()}
    with Program(*SERVER, "--lockstep", *record["server"], stdin=None) as server:
        port = str(server.wait_for_port())
        agent = ("mainmodel.py", "--port", port, "--directory", str(tmp_path / "run"), *record["agent"])
        with Program("mainmodel.py", "--watch", "--port", port, *record["watcher"], stdin=None) as watcher:
            watcher.wait_for("watching the game")
            with Program(*agent, stdin=None) as player:
                player.wait_for("100 points")
                for name, program in (("watcher", watcher), ("agent", player), ("server", server)):
                    program.process.send_signal(signal_sent)
                    said = frames_said(program, films[name])
                    assert said == len(film_of(films[name])[0]) > 0


def test_a_killed_server_leaves_a_gif_that_can_be_seen(tmp_path: Path) -> None:
    with Program(*SERVER, "--lockstep", "--record", str(tmp_path / "game.gif"), stdin=None) as server:
        port = str(server.wait_for_port())
        agent = ("mainmodel.py", "--port", port, "--points", "20", "--directory", str(tmp_path / "run"))
        code, program = run_program(*agent)
        assert code == 0, program.output
        server.process.kill()
        server.process.wait(PATIENCE)
    (partial,) = tmp_path.glob("*.partial.gif")
    assert len(film_of(partial)[0]) > 0


def test_training_is_filmed_no_longer_than_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "training.mp4"
    flags = (
        "--local",
        "--games",
        "4",
        "--seed",
        "1",
        "--points",
        "200",
        "--directory",
        str(tmp_path / "run"),
    )
    code, program = run_program("mainmodel.py", *flags, "--record", str(path))
    assert code == 0, program.output
    assert frames_said(program, path) == len(film_of(path)[0])


def test_an_evaluation_is_filmed(tmp_path: Path, trained: Path) -> None:
    path = tmp_path / "evaluation.mp4"
    flags = ("--evaluate", str(trained / "save.p"), "--games", "4", "--seed", "1", "--points", "20")
    with Program("mainmodel.py", *flags, "--record", str(path)) as program:
        assert frames_said(program, path) == len(film_of(path)[0])


@pytest.mark.parametrize(
    "program",
    [
        ("pong.py", "--headless", "--port", "0"),
        ("mainmodel.py", "--local"),
        ("mainmodel.py", "--watch"),
        ("mainmodel.py", "--plot", "progress.csv"),
    ],
)
def test_a_film_that_cannot_be_is_told_in_one_sentence(tmp_path: Path, program: tuple[str, ...]) -> None:
    code, done = run_program(*program, "--record", str(tmp_path / "nowhere" / "a.mp4"), cwd=tmp_path)
    assert code == 2
    (sentence,) = done.seen["stderr"]
    assert sentence.startswith("error: --")
    assert "--record" in sentence


def test_the_games_of_a_seed_are_the_same_when_they_are_filmed(tmp_path: Path) -> None:
    steps = []
    for record in (None, str(tmp_path / "game.mp4")):
        with serving(lockstep=True, seed=4, games=2, record=record) as server, connected(server) as client:
            moves = np.random.default_rng(1).integers(0, 3, (200, 2))
            steps.append([client.step(each) for each in moves])
    for plain, filmed in zip(*steps, strict=True):
        np.testing.assert_array_equal(plain.frames, filmed.frames)
        for name in ("rewards", "scores", "ticks", "points", "moves", "movers", "hits"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(filmed, name))
    assert steps[0][-1].scores.any()
    assert len(film_of(tmp_path / "game.mp4")[0]) > 60


# TensorBoard.


def test_the_log_has_the_rows_of_progress_csv(tmp_path: Path) -> None:
    for name in ("tensorboardX", "PIL", "tensorboard"):
        pytest.importorskip(name)
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    flags = ("--local", "--games", "4", "--seed", "1", "--points", "250", "--evaluate-every", "200")
    code, program = run_program(
        "mainmodel.py", *flags, "--directory", str(tmp_path), "--tensorboard", str(tmp_path / "log")
    )
    assert code == 0, program.output
    events = EventAccumulator(str(tmp_path / "log"))
    events.Reload()
    with open(tmp_path / "progress.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row.pop("match_score") for row in rows} == {""}  # which is of other games
    for column in rows[0]:
        scalars = events.Scalars(f"progress/{column}")
        written = [(int(row["points"]), float(row[column])) for row in rows if row[column]]
        assert [scalar.step for scalar in scalars] == [points for points, _ in written]
        assert [scalar.value for scalar in scalars] == pytest.approx([v for _, v in written], abs=0.06)
    assert len(events.Scalars("progress/evaluation_win_rate")) == 1
    assert events.Tags()["histograms"] == ["weights/W1", "weights/w", "weights/v", "weights/u"]
    assert events.Tags()["images"] == ["game"]


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits cannot be set there")
def test_training_goes_on_when_the_log_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    import resource

    flags = ("--local", "--games", "4", "--directory", str(tmp_path), "--tensorboard", str(tmp_path / "log"))
    with Program("mainmodel.py", *flags, stdin=None) as program:
        program.wait_for("100 points")
        pid, unlimited = program.process.pid, (resource.RLIM_INFINITY,) * 2
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
        program.wait_for("TensorBoard's log waits, training goes on")
        program.wait_for("00 points")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        program.type("q\n")
        assert program.ended() == 0, program.output
    assert program.output.count("TensorBoard's log waits") == 1
    assert "Exception" not in program.output
    assert "saved interrupt.p" in program.output


def test_a_directory_for_the_log_that_cannot_be_is_refused_before_anything_is_begun(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    (tmp_path / "file").write_text("no directory")
    below = str(Path("file", "x"))
    code, program = run_program("mainmodel.py", "--local", "--tensorboard", below, cwd=tmp_path)
    assert code == 2
    (sentence,) = program.seen["stderr"]
    why = ".*" if sys.platform == "win32" else "Not a directory"
    said = rf"error: cannot write into {re.escape(below)} \({why}\): choose another --tensorboard\n"
    assert re.fullmatch(said, sentence)


def test_without_tensorboardx_one_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['tensorboardX'] = None; import mainmodel; "
        f"sys.exit(mainmodel.main(['--local', '--directory', {str(tmp_path)!r}, '--tensorboard', 'log']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "error: --tensorboard needs tensorboardX, which is not installed: pip install tensorboardX pillow\n"
    )
    assert not list(tmp_path.iterdir())
