"""The layout of the project: what each process loads, and how large its classes are.

Who may import whom is checked by import-linter, whose contracts stand in pyproject.toml. These tests look at
what is really loaded.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support import ROOT, Program, run_program

LARGEST_CLASS = 250  # lines
PACKAGE = sorted((ROOT / "pongrl").rglob("*.py")) + [
    ROOT / f"{name}.py" for name in ("pong", "mainmodel", "netproto")
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# As sitecustomize.py on its path, Python runs this in every program, and in the server that --local starts.
NOTE_MODULES = """
import atexit, json, os, pathlib, sys

def note():
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    path = pathlib.Path(os.environ["MODULES"], f"{os.getpid()}.part")
    path.write_text(json.dumps(files))
    path.rename(path.with_suffix(".json"))  # whole, for a process may be killed meanwhile

atexit.register(note)
"""


class Loaded:
    """The modules that one process had loaded at its end."""

    def __init__(self, files: dict[str, str | None]) -> None:
        self.program = Path(files["__main__"] or "").name
        self.names = set(files)
        self._files = files

    def of(self, *modules: str) -> set[str]:
        """Return which of these modules, and of those inside them, were loaded."""
        inside = tuple(f"{module}." for module in modules)
        return {name for name in self.names if name in modules or name.startswith(inside)}

    def loaded_twice(self) -> dict[str, set[str]]:
        """Return the files of this checkout that were loaded under two names."""
        names = defaultdict(set)
        for name, file in self._files.items():
            if file is not None and Path(file).resolve().is_relative_to(ROOT):
                names[str(Path(file).resolve())].add(name)
        return {file: several for file, several in names.items() if len(several) > 1}


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every program note the modules that it has loaded, in a file in this folder."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NOTE_MODULES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("MODULES", str(folder))
    return folder


def loaded_by(program: str, notes: Path) -> Loaded:
    """Return what a program had loaded at its end."""
    processes = [Loaded(json.loads(path.read_text())) for path in notes.glob("*.json")]
    (one,) = [process for process in processes if process.program == program]
    return one


@pytest.mark.parametrize("flags", [(), ("--record", "film.mp4")], ids=["plain", "filmed by the agent"])
def test_an_agent_and_the_server_of_its_training_load_nothing_of_each_other(
    notes: Path, flags: tuple[str, ...]
) -> None:
    """The server is started here, as --local does: an agent kills its own if it does not end at once."""
    with Program("pong.py", "--headless", "--lockstep", "--games", "2", "--port", "0", stdin=None) as server:
        port = str(server.wait_for_port())
        code, program = run_program("mainmodel.py", "--port", port, "--points", "20", *flags)
        assert code == 0, program.output
        assert server.end() == 0, server.output
    agent, game = loaded_by("mainmodel.py", notes), loaded_by("pong.py", notes)
    assert agent.of("pongrl.agent")
    assert agent.of("pongrl.server", "pongrl.envs", "pongrl.distributed", "pong") == set()
    assert game.of("pongrl.server")
    assert game.of("pongrl.agent", "pongrl.ui", "pongrl.envs", "pongrl.distributed", "mainmodel") == set()
    assert agent.loaded_twice() == game.loaded_twice() == {}


@pytest.mark.parametrize("flags", [("--render",), ("--web", "0")], ids=["a window", "a page"])
def test_an_agent_with_a_view_loads_nothing_of_the_server(notes: Path, flags: tuple[str, ...]) -> None:
    command = ("mainmodel.py", "--local", *flags, "--games", "2", "--points", "20")
    code, program = run_program(*command, SDL_VIDEODRIVER="dummy")
    assert code == 0, program.output
    agent = loaded_by("mainmodel.py", notes)
    assert agent.of("pongrl.ui")
    assert agent.of("pongrl.server", "pong", "aiohttp") == set()
    assert agent.loaded_twice() == {}


@pytest.mark.parametrize(
    "flags",
    [("--headless", "--record", "film.mp4"), (), ("--headless", "--web", "0")],
    ids=["filming", "with a window", "with a page"],
)
def test_a_server_with_views_loads_nothing_of_the_agent(notes: Path, flags: tuple[str, ...]) -> None:
    command = ("pong.py", "--port", "0", *flags)
    with Program(*command, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy") as server:
        server.wait_for("listening on")
        assert server.end() == 0, server.output
    loaded = loaded_by("pong.py", notes)
    assert loaded.of("pongrl.ui")
    assert loaded.of("pongrl.agent", "mainmodel", "aiohttp") == set()
    assert loaded.loaded_twice() == {}


@pytest.mark.parametrize("page", ["game", "agent", "arena"])
def test_the_process_of_a_page_loads_nothing_of_the_other_side(page: str) -> None:
    command = [sys.executable, "-c", f"import sys, pongrl.web.{page}_site; print(*sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {name.split(".")[1] for name in done.stdout.split() if name.startswith("pongrl.")}
    others = {"game": {"agent", "envs"}, "agent": {"server", "envs"}, "arena": {"agent", "envs"}}
    assert folders.isdisjoint(others[page])


FOLDERS = sorted(path for path in (ROOT / "pongrl").iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_names_all_its_modules(folder: Path) -> None:
    pages = [folder / "__init__.py"]
    if folder.name == "agent":
        pages += [ROOT / "mainmodel.py", folder / "learning.py"]
    words = [ast.get_docstring(ast.parse(page.read_text("utf-8"))) or "" for page in pages]
    named = re.findall(r"\w+", " ".join(words))
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    assert modules - set(named) == set()


def classes() -> list[tuple[str, int]]:
    """List the classes of the package and their lines."""
    found = []
    for path in PACKAGE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert node.end_lineno is not None
                name = f"{path.relative_to(ROOT)}: {node.name}"
                found.append((name, node.end_lineno - node.lineno + 1))
    return found


def test_no_class_is_too_large_to_be_read_in_one_sitting() -> None:
    assert [(name, lines) for name, lines in classes() if lines > LARGEST_CLASS] == []


def test_no_test_module_is_imported() -> None:
    importing = re.compile(r"^\s*(from|import) (tests\S*\.test_|\.+test_)", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in TESTS if importing.search(path.read_text("utf-8"))] == []
