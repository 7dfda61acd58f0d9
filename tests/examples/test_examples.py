"""The examples, each run for real for a few hundred decisions. That they learn takes minutes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import PATIENCE, ROOT, serving
from tests.support.arena import arena


def need(extra: str, *modules: str) -> None:
    """Skip the test if a module is missing. They are not imported: that takes seconds."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f'{name} is not installed: pip install ".[{extra}]"')


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example in the folder of the checkout, as its reader does."""
    return subprocess.run(
        [sys.executable, "-m", f"examples.{name}", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE, check=False,
    )  # fmt: skip


def test_your_own_agent_plays_on_a_running_server() -> None:
    with serving(lockstep=True, seed=1, games=2) as server:
        done = run("own_agent", "--port", str(server.address[1]), "--points", "5")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) >= 5
    assert all(line.startswith(("won  score [", "lost score [")) for line in lines)


def test_a_trained_policy_plays_on_a_running_server(trained: Path) -> None:
    with serving(lockstep=True, seed=1) as server:
        where = ("--port", str(server.address[1]), "--points", "2")
        done = run("own_agent", *where, "--policy", str(trained / "save.p"))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


def test_the_first_agent_enters_an_arena_and_waits_for_it_to_come_back(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        with arena(tmp_path / "arena.db", points_to_win=1) as run:
            port = str(run.address[1])
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-u", "-m", "examples.arena_agent", "--name", "Ada", "--port", port],
                    cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "Ada is in the arena\n"
            assert process.stdout.readline() == "matches played: 1\n"
        assert any(line.endswith("; trying again\n") for line in process.stdout)


def test_stable_baselines_trains_saves_and_logs(tmp_path: Path) -> None:
    need("sb3", "stable_baselines3", "tensorboard")
    model, logs = tmp_path / "model.zip", tmp_path / "runs"
    options = ("--games", "4", "--steps", "512", "--seed", "1")
    done = run("train_sb3", "--local", *options, "--save", str(model), "--tensorboard", str(logs))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"the model is in {model} after 1,024 decisions" in done.stdout
    assert list(logs.glob("PPO_1/events.*"))
    assert "policy.pth" in zipfile.ZipFile(model).namelist()


def test_an_agent_for_atari_trains_and_saves(tmp_path: Path) -> None:
    need("sb3", "stable_baselines3", "torch")
    model = tmp_path / "model.zip"
    options = ("--games", "2", "--steps", "256", "--seed", "1")
    done = run("train_atari_agent", *options, "--save", str(model))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"the model is in {model} after 256 decisions" in done.stdout
    assert "policy.pth" in zipfile.ZipFile(model).namelist()


def test_rllib_trains_and_saves(tmp_path: Path) -> None:
    need("rllib", "ray", "torch", "scipy", "pandas", "pyarrow")
    save = tmp_path / "saved"
    done = run("train_rllib", "--local", "--games", "4", "--steps", "512", "--seed", "1", "--save", str(save))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2].startswith("1,024 decisions   won ")
    assert (save / "rllib_checkpoint.json").exists()


def test_an_example_without_a_server_says_so_in_one_sentence() -> None:
    with serving() as server:
        port = server.address[1]
    done = run("own_agent", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: no server at 127.0.0.1:{port} (")
    assert done.stderr.count("\n") == 1
