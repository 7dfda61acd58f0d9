"""The agent's program: evaluation, checkpoints, options."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mainmodel import PolicyGradient
from pongrl import errors
from pongrl.agent.checkpoints import load, save
from pongrl.agent.eyes import Eyes
from pongrl.errors import CheckpointError, UsageError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH, Camera
from pongrl.game.rules import Game
from pongrl.wire.messages import Column, Session, Step
from tests.support import PATIENCE, ROOT

RNG = np.random.default_rng


def state(frames: np.ndarray, **columns: list[int]) -> Step:
    """A STEP with these frames and columns of its table."""
    table = np.zeros((len(frames), len(Column)), np.int32)
    table[:, Column.TICKS] = 4
    for name, values in columns.items():
        table[:, Column[name.upper()]] = values
    return Step.of(0, 0, frames, table)


# Options and session


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("port", 0, "--port"),
        ("hiddenUnits", 7, "--hidden-units"),
        ("batch_size", 0, "--batch-size"),
        ("learningRate", -1.0, "--learning-rate"),
        ("gamma", 1.5, "--gamma"),
        ("decayRate", 1.0, "--decay-rate"),
        ("games", 0, "--games"),
        ("points", 0, "--points"),
        ("minutes", -1.0, "--minutes"),
        ("level", 7, "--level"),
        ("level", 2, "--local"),
    ],
)
def test_an_option_out_of_range_is_named(option: str, value: float, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        PolicyGradient(**{option: value})  # type: ignore[arg-type]


def test_the_seeds_names_order_and_defaults_are_kept() -> None:
    agent = PolicyGradient(False, False, None, 12345, 250, 10, 1e-3, 0.99, 0.99)
    assert (agent.resume, agent.render, agent.host, agent.port) == (False, False, None, 12345)
    default = PolicyGradient()
    for name in ("hiddenUnits", "batch_size", "learningRate", "gamma", "decayRate"):
        assert getattr(agent, name) == getattr(default, name)


def test_a_session_with_other_frames_than_the_policys_is_refused_in_words(tmp_path: Path) -> None:
    agent = PolicyGradient(directory=str(tmp_path))
    session = Session(1, 50, 70, 2, 8, 60, 21, True)
    agent._prepare(session)
    with pytest.raises(errors.PongError, match="another game"):
        agent._prepare(Session(1, 20, 30, 2, 8, 60, 21, True))
    agent.games = 4
    with pytest.raises(UsageError, match="4"):
        agent._prepare(session)
    agent._finish()


def test_a_server_with_enormous_frames_is_refused_before_they_take_memory(tmp_path: Path) -> None:
    agent = PolicyGradient(directory=str(tmp_path))
    with pytest.raises(errors.PongError, match="frames are 256×256: this agent learns from up to 16,384"):
        agent._prepare(Session(8, 256, 256, 2, 8, 60, 21, True))


FOREIGN = [
    ("identity", 1 << 36), ("identity", b"short"), ("identity", "text"), ("options.batch_size", "ten"),
    ("options.batch_size", 0), ("options.gamma", math.nan), ("options.learningRate", math.inf),
    ("options.hiddenUnits", 10**12), ("options.hiddenUnits", -2), ("policy.height", 10**7),
    ("policy.height", 10**30), ("policy.width", 0), ("policy.height", "50"), ("learner.updates", "x"),
    ("learner.cache", None), ("learner.generator", {}), ("progress.sum", math.nan), ("progress.points", -1e9),
    ("policy.weights.c", ("<f4", (1,), b"\0\0\xc0\x7f")), ("learner.next", 5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FOREIGN, ids=str)
def test_a_checkpoint_with_a_foreign_value_is_refused_in_a_sentence(
    tmp_path: Path, name: str, value: object
) -> None:
    agent = PolicyGradient(hiddenUnits=2, directory=str(tmp_path))
    agent._prepare(Session(1, 10, 20, 2, 8, 60, 21, True))
    assert agent._save("x.p").result(PATIENCE)
    agent._finish()
    agent._saver.close()
    values = inside = load(tmp_path / "x.p")
    *parts, last = name.split(".")
    for part in parts:
        inside = inside[part]
    inside[last] = value
    save(tmp_path / "x.p", values)
    with pytest.raises(CheckpointError, match=r"x\.p has not what a checkpoint needs"):
        PolicyGradient(resume=str(tmp_path / "x.p"))._restore()


def test_saving_the_best_does_not_put_off_saving_the_latest(tmp_path: Path) -> None:
    agent = PolicyGradient(directory=str(tmp_path))
    agent._prepare(Session(1, 50, 70, 2, 8, 60, 21, True))
    agent._saved = -1.0
    assert agent._save("save.p").result(PATIENCE)
    assert agent._saved == -1.0
    agent._count(state(np.zeros((1, 50, 70), np.uint8)))  # more than a minute later
    assert agent._save("save.p").result(PATIENCE)  # behind the one that is looked for
    assert (tmp_path / "interrupt.p").exists()
    agent._finish()
    agent._saver.close()


def test_files_are_kept_beside_what_is_kept_already(tmp_path: Path) -> None:
    for name in ("previous-2", "previous-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "progress.csv").write_text("precious")
    agent = PolicyGradient(directory=str(tmp_path))
    agent._open_file().close()
    assert (tmp_path / "previous-3" / "progress.csv").read_text() == "precious"


def test_a_policy_sees_the_same_game_the_camera_shows() -> None:
    """The paddles are always seen, so no observation of the real game is empty."""
    frame = Camera().look(Game(1))
    x = Eyes(1, FRAME_HEIGHT, FRAME_WIDTH).look(state(frame[None]))
    assert len(x.cells) >= 20


def test_one_blas_thread_whatever_the_environment_says_and_was_loaded_before() -> None:
    script = (
        "import numpy, threadpoolctl\n"
        "def threads(): return max(each['num_threads'] for each in threadpoolctl.threadpool_info())\n"
        "before = threads()\n"
        "import mainmodel\n"
        "mainmodel.PolicyGradient._start_training = lambda self: print(before, threads())\n"
        "mainmodel.PolicyGradient().start()\n"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    before, during = map(int, result.stdout.split())
    assert before in (1, 2)  # 1 on a machine with one core
    assert during == 1


def test_the_status_line_has_a_trend_and_a_bar_when_a_length_was_given() -> None:
    agent = PolicyGradient(points=200)
    agent._points_before, agent._progress.points, agent._progress.seconds = 50, 150, 60.0
    agent._shares.extend([0.2, 0.5])
    assert agent.status().startswith("↑ [#####.....] 50 %, 1:00 left   150 points")
    agent._shares.extend([0.1, 0.0])
    assert agent.status().startswith("↓")
    agent._shares.append(0.2)
    assert agent.status().startswith("→")
    agent._progress.points = 300  # a batch may end far beyond
    assert "[##########] 100 %, 0:00 left" in agent.status()
    unlimited = PolicyGradient()
    assert "[" not in unlimited.status()
    assert unlimited.status().startswith("0 points")


@pytest.mark.parametrize(
    ("options", "own"),
    [
        ({}, True), ({"side": "right"}, False), ({"host": "localhost"}, False), ({"port": 12346}, False),
    ],
)  # fmt: skip
def test_an_evaluation_starts_a_server_of_its_own_unless_one_is_meant(
    options: dict[str, Any], own: bool
) -> None:
    agent = PolicyGradient(evaluate="save.p", **options)
    assert agent._own_servers == own
