"""The documentation is tried: its Python runs, its command lines are read, and those that end quickly run."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import mainmodel
import pong
from pongrl.arena.export import export
from tests.support.arena import ledger, result
from tools.processes import Program, run_program

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
DOORS = {"pong.py": (pong.main, pong.Pong), "mainmodel.py": (mainmodel.main, mainmodel.PolicyGradient)}
OURS = re.compile(r"([A-Z_]+=\S+ )*\S*python (?=pong\.py|mainmodel\.py|examples/|-m (pongrl|tools)\b)")
QUICK = re.compile(r"mainmodel.py .*(--local(?!.*--play)|--evaluate|--plot)")
DUMMIES = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "PYTHONPATH": str(ROOT)}


def find_blocks(language: str) -> dict[str, str]:
    """Find the fenced blocks in a language, each by its place."""
    found = {}
    for page in PAGES:
        texts = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for number, text in enumerate(texts, 1):
            found[f"{page.relative_to(ROOT)}, {language} {number}"] = text
    return found


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 200


def find_commands() -> list[str]:
    """Find the commands that start a program of ours, each once: in bash blocks, and within the text."""
    lines = [line for block in find_blocks("bash").values() for line in block.replace("\\\n", "").split("\n")]
    for page in PAGES:
        lines += re.findall(r"(?<!`)`((?:python|pongrl-\w+) [^`\n]+)`(?!`)", page.read_text("utf-8"))
    commands = []
    for line in lines:
        line = re.sub(r"\S*pongrl-server", "python pong.py", line)
        line = re.sub(r"\S*pongrl-agent", "python mainmodel.py", line)
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for _, words in itertools.groupby(lexer, lambda word: word in ("&&", "|", ";")):
            command = shlex.join(words)
            if ours := OURS.match(command):
                commands.append(command[ours.end() :])
    return list(dict.fromkeys(commands))


PYTHON, COMMANDS = find_blocks("python"), find_commands()


def run(directory: Path, *arguments: str) -> str:
    """Run Python to its end and give its output; skip the test where an optional package is missing."""
    code, program = run_program(*arguments, cwd=directory, development=False, **DUMMIES)
    if code and re.search("pip install|No module named '(gymnasium|pettingzoo)'", program.output):
        pytest.skip(program.output.strip())
    assert code == 0, program.output
    return program.output


run_once = functools.cache(run)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("trained")
    run(directory, "mainmodel.py", "--local", "--points", "100")
    if find_spec("ale_py"):
        atari = ("--env", "ALE/Pong-v5", "--directory", "atari")
        run(directory, "mainmodel.py", "--local", "--points", "100", *atari)
    with ledger(directory / "arena.db", "Ada", "Bob") as book, open(directory / "all.csv", "w") as file:
        book.record(result(*book.players()))
        export(book, file)
    return directory


@pytest.fixture
def directory(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "work"))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with pong.Pong(headless=True, lockstep=True, port=0) as server:
        server.start(block=False)
        yield server.address[1]


@pytest.mark.parametrize("place", PYTHON)
def test_a_python_example_runs(place: str, directory: Path, port: int) -> None:
    text = PYTHON[place]
    here = "0" if "from pong import" in text else str(port)  # a server picks a port of its own
    text = text.replace("12345", here).replace("raspberrypi.local", "127.0.0.1")
    if not re.search(r"\.start\(\).*\n\Z", text):
        run(directory, "-c", text)
        return
    with Program("-u", "-c", text, cwd=directory, development=False, **DUMMIES) as program:
        program.find("^(listening on|connected to)")
        assert program.end() == 0, program.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    flags = [word for word in arguments if word.startswith("--")]
    if program in DOORS and flags != ["--help"]:
        main, door = DOORS[program]
        monkeypatch.setattr(door, "start", lambda self: None)
        assert main(arguments) == 0
    elif program == "-m" and flags:
        known = run_once(ROOT, "-m", arguments[0], "--help")
        assert [flag for flag in flags if not re.search(rf"{flag}\b", known)] == []
    elif program.startswith("examples/"):  # these import large libraries; tests/examples runs them
        assert (ROOT / program).exists()


@pytest.mark.parametrize("command", [command for command in COMMANDS if QUICK.match(command)])
def test_a_command_that_ends_quickly_runs(command: str, directory: Path) -> None:
    program, *arguments = shlex.split(command)
    if any("atari/" in argument for argument in arguments) and not (directory / "atari").exists():
        pytest.skip("ale-py is not installed: pip install ale-py")  # so `trained` has no such run
    if "--matches" in arguments:
        arguments[arguments.index("--matches") + 1] = "1"
    elif {"--local", "--env"} & set(arguments):
        arguments += ["--points", "1"]
    run(directory, program, *arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
