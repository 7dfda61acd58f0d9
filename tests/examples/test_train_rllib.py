"""RLlib's PPO on Pong: the games as it sees them, and the program. That it wins takes minutes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for name in ("ray", "torch", "scipy", "pandas", "pyarrow"):
    pytest.importorskip(
        name, reason=f"{name} is not installed: pip install -r integrations/requirements-rllib.txt"
    )

from examples.train_rllib import FEATURES, SeenGames, TrainRLlib  # noqa: E402
from pongrl.envs.gymnasium_env import RemotePongVector  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.game.moves import DOWN, UP  # noqa: E402
from tests.support import PATIENCE, ROOT  # noqa: E402


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)


@contextlib.contextmanager
def games(kind: Any, **options: Any) -> Iterator[Any]:
    with contextlib.closing(kind(2, local=True, **options)) as envs:
        yield envs


def blocks(frames: np.ndarray, side: int) -> np.ndarray:
    return frames.reshape(2, 50 // side, side, 70 // side, side).sum((2, 4)).reshape(2, -1)


def test_an_observation_is_the_court_and_its_change_in_blocks() -> None:
    plain = games(RemotePongVector, autoreset_mode="NextStep", points_per_episode=1)
    with plain as frames, games(SeenGames) as seen:
        now = frames.reset(seed=3)[0] / 255
        observations, _ = seen.reset(seed=3)
        assert observations.shape == (2, FEATURES)
        before, begins, ended = now, np.zeros(2, bool), 0
        for _ in range(60):
            for half, side in ((slice(0, 1750), 2), (slice(1750, None), 10)):
                here = observations[:, half].reshape(2, 2, -1)
                np.testing.assert_allclose(here[:, 0], blocks(now, side), atol=1e-4)
                np.testing.assert_allclose(here[:, 1], blocks(now - before, side), atol=1e-4)
            moves = np.array([UP, DOWN])
            frame, rewards, terminated, truncated, _ = frames.step(moves)
            observations, its_rewards, its_terminated, _, _ = seen.step(moves)
            np.testing.assert_array_equal(rewards, its_rewards)
            np.testing.assert_array_equal(terminated, its_terminated)
            before, now = np.where(begins[:, None, None], frame / 255, now), frame / 255
            begins = terminated | truncated
            ended += int(begins.sum())
        assert ended > 2
        assert len(seen.points) == ended


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "integrations.train_rllib",
         "--local", "--games", "2", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE, check=False,
    )  # fmt: skip


def test_it_trains_saves_and_goes_on(tmp_path: Path) -> None:
    save = ("--save", str(tmp_path / "saved"))
    first = run("--steps", "1", "--seed", "1", *save)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert first.stdout.startswith("1,024 decisions   won ")
    again = run("--steps", "1", "--resume", str(tmp_path / "saved"), *save)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"games": 0}, "--games must be"),
        ({"steps": 0}, "--steps must be"),
        ({"seed": -1}, "--seed must be"),
        ({"until": 55.0}, "--until is a share"),
        ({"resume": "nowhere"}, "--resume nowhere is no algorithm"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainRLlib(**options)


def test_without_rllib_one_sentence_says_how_to_install_it() -> None:
    sentence = "train_rllib needs torch: pip install -r integrations/requirements-rllib.txt\n"
    imported, run = (
        subprocess.run(
            [sys.executable, "-c", f"import runpy, sys; sys.modules['torch'] = None; {use}"],
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )
        for use in (
            "import integrations.train_rllib",
            "runpy.run_module('integrations.train_rllib', run_name='__main__')",
        )
    )  # fmt: skip
    assert imported.stderr.endswith(f"\nImportError: {sentence}")
    assert (run.returncode, run.stderr) == (2, f"error: {sentence}")
