"""Stable-Baselines3 on Pong: several games as it wants them, and the program. That it wins takes minutes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sb3 = pytest.importorskip(
    "stable_baselines3",
    reason="Stable-Baselines3 is not installed: pip install -r integrations/requirements-sb3.txt",
)
for name in ("gymnasium", "tensorboard", "tqdm", "rich"):
    pytest.importorskip(name, reason=f"{name} is not installed")

from examples import train_sb3  # noqa: E402
from examples.train_sb3 import SeveralGames, ShareWon, TrainSB3  # noqa: E402
from pongrl.envs.gymnasium_env import RemotePongVector  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.game.moves import DOWN, UP  # noqa: E402
from tests.support import PATIENCE, ROOT, serving  # noqa: E402


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)


@contextlib.contextmanager
def several(**options: Any) -> Iterator[SeveralGames]:
    envs = SeveralGames(RemotePongVector(2, local=True, autoreset_mode="SameStep", **options))
    try:
        yield envs
    finally:
        envs.close()


def test_an_observation_is_a_frame_and_the_one_before_it() -> None:
    with several(points_per_episode=1) as envs:
        envs.seed(3)
        last = envs.reset()
        assert last.shape == (2, 2, 50, 70)
        assert envs.observation_space.contains(last[0])
        np.testing.assert_array_equal(last[:, 0], last[:, 1])
        ended = 0
        for _ in range(40):
            observations, rewards, dones, infos = envs.step(np.array([UP, DOWN]))
            before = np.where(dones[:, None, None], observations[:, 0], last[:, 0])
            np.testing.assert_array_equal(observations[:, 1], before)
            assert (rewards.dtype, dones.tolist()) == (np.float32, [bool(info) for info in infos])
            for game in np.flatnonzero(dones):
                ended += 1
                terminal = infos[game]["terminal_observation"]
                np.testing.assert_array_equal(terminal, [observations[game, 0], last[game, 0]])
                assert infos[game]["TimeLimit.truncated"] is False
            last = observations
        assert ended > 2


def test_a_seed_gives_the_same_games_and_is_used_once() -> None:
    with several() as envs:
        runs = []
        for _ in range(2):
            envs.seed(5)
            run = [envs.reset()]
            run += [envs.step(np.array([UP, DOWN]))[0] for _ in range(10)]
            runs.append(run)
        np.testing.assert_array_equal(runs[0], runs[1])
        envs.reset()
        assert not np.array_equal(envs.step(np.array([UP, DOWN]))[0], runs[0][1])


def test_a_lost_connection_is_a_truncated_episode() -> None:
    with several() as envs:
        envs.reset()
        process = envs.envs._games.link._own._process  # type: ignore[union-attr]
        process.kill()
        process.wait(PATIENCE)
        _, rewards, dones, infos = envs.step(np.array([UP, DOWN]))
        assert (rewards.tolist(), dones.tolist()) == ([0, 0], [True, True])
        assert all(info["TimeLimit.truncated"] for info in infos)


def test_games_have_the_attributes_of_the_whole_and_pictures() -> None:
    with several(render_mode="rgb_array") as envs:
        envs.reset()
        assert envs.get_attr("render_mode") == ["rgb_array"] * 2
        assert envs.env_is_wrapped(object, indices=[1]) == [False]
        assert [picture.shape for picture in envs.get_images()] == [(500, 700, 3)] * 2  # type: ignore[union-attr]
        for refused in (lambda: envs.set_attr("x", 1), lambda: envs.env_method("x")):
            with pytest.raises(NotImplementedError, match="of their own"):
                refused()


def test_the_share_won_is_of_the_last_points_and_ends_the_training() -> None:
    won = ShareWon(0.5)
    won.locals = {"rewards": np.array([0.0, 1.0, -1.0, -1.0])}
    assert won._on_step() is True  # too few points to tell
    assert won.share == pytest.approx(1 / 3)
    won.locals = {"rewards": np.ones(train_sb3.POINTS)}
    assert won._on_step() is False
    assert won.share == 1


def test_it_trains_saves_logs_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(lockstep=True, games=8) as server:
        flags = ["--port", str(server.address[1]), "--games", "8", "--quiet", "--tensorboard", "runs"]
        assert train_sb3.main([*flags, "--steps", "1024"]) == 0
        assert "after 1,024 decisions; the model is in ppo.zip" in capsys.readouterr().out
        assert train_sb3.main([*flags, "--steps", "1024", "--resume", "ppo.zip", "--save", "b.zip"]) == 0
        assert "after 2,048 decisions; the model is in b.zip" in capsys.readouterr().out
        assert train_sb3.main([*flags, "--resume", "none.zip"]) == 2
        assert "--resume none.zip is no model" in capsys.readouterr().err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(next((tmp_path / "runs").iterdir())))
    events.Reload()
    assert {"rollout/share_won", "rollout/ep_rew_mean"} <= set(events.Tags()["scalars"])


def test_a_saved_model_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = subprocess.run(
        [sys.executable, "-W", "error", "-m", "integrations.train_sb3", "--local", "--games", "2",
         "--steps", "10", "--seed", "1", "--save", str(tmp_path / "model.zip")],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert program.returncode == 0, program.stderr
    model = sb3.PPO.load(tmp_path / "model.zip", device="cpu")
    assert type(model.policy.features_extractor) is train_sb3.Blocks  # of this module, not of "__main__"
    with several() as envs:
        actions, _ = model.predict(envs.reset())
        envs.step(actions)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"games": 0}, "--games must be"),
        ({"steps": 0}, "--steps must be"),
        ({"seed": -1}, "--seed must be"),
        ({"until": 55.0}, "--until is a share"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainSB3(**options)


def test_a_level_belongs_to_a_server_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert train_sb3.main(["--level", "1"]) == 2
    assert "local=True" in capsys.readouterr().err


def test_without_stable_baselines_one_sentence_says_how_to_install_it() -> None:
    sentence = "train_sb3 needs stable_baselines3: pip install -r integrations/requirements-sb3.txt\n"
    imported, run = (
        subprocess.run(
            [sys.executable, "-c", f"import runpy, sys; sys.modules['stable_baselines3'] = None; {use}"],
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )
        for use in (
            "import integrations.train_sb3",
            "runpy.run_module('integrations.train_sb3', run_name='__main__')",
        )
    )  # fmt: skip
    assert imported.stderr.endswith(f"\nImportError: {sentence}")
    assert (run.returncode, run.stderr) == (2, f"error: {sentence}")
