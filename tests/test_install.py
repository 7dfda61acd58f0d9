"""What is installed: the wheel, and the programs and modules in it, used from another folder."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from pongrl import __version__
from tests.support import ROOT, Program, run_program

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "site", "images", "*.egg-info")
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pip(*arguments: str) -> None:
    """Run pip, without network and without this process's surroundings."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of the checkout, since setuptools builds in the folder that it is given."""
    folder = tmp_path_factory.mktemp("build")
    shutil.copytree(ROOT, folder / "copy", ignore=LEFT_OUT)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "copy"))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a folder of its own; what it depends on is that of the tests."""
    folder = tmp_path_factory.mktemp("site")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use what is installed, and nothing of the checkout, from the root of the file system."""
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.chdir(Path.cwd().anchor)
    return site


def program(site: Path, name: str) -> str:
    """Return the path of an installed program."""
    found = shutil.which(name, path=str(site / "bin"))
    assert found is not None
    return found


def test_the_package_and_its_three_doors_are_installed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"pongrl", "pong.py", "mainmodel.py", "netproto.py", f"pongrl-{__version__}.dist-info"}
    files = [
        *(ROOT / "pongrl").rglob("*.py"),
        *(ROOT / "pongrl/web/static").iterdir(),
        ROOT / "pongrl/py.typed",
    ]
    ours = {str(path.relative_to(ROOT).as_posix()) for path in files}
    assert {name for name in names if name.startswith("pongrl/")} == ours


def test_the_metadata_name_what_is_needed_and_what_is_optional(site: Path) -> None:
    (distribution,) = importlib.metadata.distributions(name="pongrl", path=[str(site)])
    metadata = distribution.metadata
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    needed = {line for line in distribution.requires or () if "extra ==" not in line}
    assert needed == set((ROOT / "requirements.txt").read_text().split())
    assert {"envs", "tensorboard", "ray", "plots", "dev"} <= set(metadata.get_all("Provides-Extra") or ())
    programs = {entry.name: entry.value for entry in distribution.entry_points}
    assert programs == {"pongrl-server": "pong:main", "pongrl-agent": "mainmodel:main"}


def test_the_extra_for_development_includes_what_the_tests_need() -> None:
    development = METADATA["project"]["optional-dependencies"]["dev"]
    assert set((ROOT / "tests" / "requirements.txt").read_text().split()) <= set(development)


@pytest.mark.parametrize("name", ["pongrl-server", "pongrl-agent"])
def test_an_installed_program_knows_its_version(installed: Path, name: str) -> None:
    code, done = run_program(program(installed, name), "--version")
    assert code == 0, done.output
    assert re.search(rf"\b{re.escape(__version__)}\b", done.output)


def test_installed_programs_play_and_train_from_any_folder(installed: Path, tmp_path: Path) -> None:
    agent = (program(installed, "pongrl-agent"), "--points", "2", "--directory", str(tmp_path))
    flags = ("--headless", "--lockstep", "--port", "0")
    with Program(program(installed, "pongrl-server"), *flags, stdin=None) as server:
        code, done = run_program(*agent, "--port", str(server.wait_for_port()))
        assert code == 0, done.output
        assert server.end() == 0, server.output
    code, done = run_program(*agent, "--local")
    assert code == 0, done.output
    assert {"interrupt.p", "progress.csv", "previous-1"} <= {path.name for path in tmp_path.iterdir()}


IMPORTED = """
import netproto, pongrl
from mainmodel import PolicyGradient
from pong import Pong
with Pong(headless=True, port=0) as server:
    server.start(block=False)
    with netproto.PongClient(*server.address) as client:
        client.connect()
PolicyGradient(local=True)
print(netproto.__file__, pongrl.__file__)
"""
MADE = """
import gymnasium
environment = gymnasium.make("pongrl.envs:RemotePong-v0", local=True)
environment.reset(seed=1)
environment.step(1)
environment.close()
import pongrl
print(pongrl.__file__)
"""


@pytest.mark.parametrize("script", [IMPORTED, MADE], ids=["doors", "environment"])
def test_what_is_installed_is_imported_from_any_folder(installed: Path, script: str) -> None:
    if script is MADE:
        pytest.importorskip("gymnasium")
    code, done = run_program("-c", script)
    assert code == 0, done.output
    files = done.seen["stdout"][-1].split()
    assert all(Path(file).is_relative_to(installed) for file in files), files
