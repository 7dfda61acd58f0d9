"""pongrl.envs: what importing it registers, loads and leaves alone."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from gymnasium.envs.registration import EnvSpec  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

import pongrl.envs  # noqa: E402, F401  # registers RemotePong-v0
from pongrl.envs.gymnasium_env import RemotePong  # noqa: E402
from pongrl.envs.vector_env import RemotePongVector  # noqa: E402
from tests.support import PATIENCE, ROOT  # noqa: E402


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["RemotePong-v0", "pongrl.envs:RemotePong-v0"])
def test_an_environment_is_made_by_its_name_with_or_without_the_module(name: str) -> None:
    env = gymnasium.make(name, host="raspberrypi.local:7", points_per_episode=1)
    assert type(env.unwrapped) is RemotePong
    env.close()
    envs = gymnasium.make_vec(name, num_envs=8, local=True)
    assert type(envs) is RemotePongVector
    assert envs.observation_space.shape == (8, 50, 70)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    envs.close()


def test_a_spec_names_the_environment_and_makes_another_one() -> None:
    env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, level=1, points_per_episode=1)
    assert env.spec is not None
    for spec in (copy.deepcopy(env.spec), EnvSpec.from_json(env.spec.to_json())):
        assert spec.id == "RemotePong-v0"
        again = gymnasium.make(spec)
        assert type(again.unwrapped) is RemotePong
        assert again.unwrapped.spec is not None
        assert again.unwrapped.spec.kwargs == {"local": True, "level": 1, "points_per_episode": 1}
        again.close()
    env.close()


def test_importing_it_and_making_an_environment_is_light_and_leaves_the_process_alone() -> None:
    program = (
        "import os, sys\n"
        "before = dict(os.environ)\n"
        "import pongrl.envs\n"
        "print([name for name in sys.modules if name.startswith('pongrl.')])\n"
        "import gymnasium\n"
        "gymnasium.make('RemotePong-v0', local=True).close()\n"
        "heavy = ('pygame', 'cv2', 'pongrl.ui', 'pongrl.server', 'pongrl.agent.single_thread', 'pong')\n"
        "print([name for name in heavy if name in sys.modules], dict(os.environ) == before)\n"
    )
    done = run(program)
    assert (done.stdout, done.stderr) == ("['pongrl.envs']\n[] True\n", "")


@pytest.mark.parametrize(
    ("missing", "module", "sentence"),
    [
        (
            "gymnasium",
            "pongrl.envs",
            'RemotePong-v0 needs Gymnasium: pip install "pongrl[envs]", '
            "or pip install gymnasium in a checkout",
        ),
        (
            "pettingzoo",
            "pongrl.envs.pettingzoo_env",
            'RemotePongParallel needs PettingZoo: pip install "pongrl[envs]", '
            "or pip install pettingzoo in a checkout",
        ),
        (
            "stable_baselines3",
            "pongrl.envs.sb3",
            'SB3VecEnv needs Stable-Baselines3: pip install "pongrl[sb3]", '
            "or pip install stable-baselines3 in a checkout",
        ),
    ],
)
def test_without_a_library_one_sentence_says_how_to_install_it(
    missing: str, module: str, sentence: str
) -> None:
    done = run(f"import sys; sys.modules[{missing!r}] = None; import {module}")
    assert done.returncode == 1
    assert done.stderr.endswith(f"\nImportError: {sentence}\n")


def test_without_gymnasium_the_server_for_other_games_says_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gymnasium.py").write_text("raise ImportError")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-m", "pongrl.envs.serve"], env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'error: other games need Gymnasium: pip install "pongrl[atari]", '
        "or pip install ale-py gymnasium in a checkout\n"
    )
