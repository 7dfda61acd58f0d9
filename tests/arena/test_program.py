"""pong.py --arena and --ladder: the options, what is said, and what a teacher changes."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest

from pong import Pong
from pongrl import cli
from pongrl.arena.ladder import MOST_IN_MATRIX, ladder
from pongrl.arena.program import arena_options
from pongrl.errors import PongError, UsageError
from pongrl.wire.client import PongClient
from tests.support import run_program
from tests.support.arena import ledger, result


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--arena --level 3", "--level does nothing with --arena"),
        ("--arena --games 4", "--games does nothing with --arena"),
        ("--arena --ladder", "give one of them"),
        ("--arena --csv x.csv", "--csv does nothing with --arena, it is for --ladder"),
        ("--tables 3", "--tables does nothing in serving agents"),
        ("--ladder --port 5", "--port does nothing with --ladder"),
        ("--arena --tables 0", "--tables must be a whole number from 1"),
        ("--arena --move-seconds 0", "--move-seconds must be"),
        ("--arena --move-seconds nan", "--move-seconds must be"),
        ("--arena --agents-per-address 0", "--agents-per-address must be"),
        ("--ladder --final 3", "--final must be even"),
        ("--ladder --final -1", "--final must be"),
    ],
)
def test_options_that_make_no_sense_are_told(line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        cli.parse(Pong, line.split())


def test_there_are_as_many_tables_as_cores_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert arena_options(Pong(arena=True)).tables == 64
    assert arena_options(Pong(arena=True, tables=3)).tables == 3


def test_an_arena_can_be_run_from_python(path: Path) -> None:
    with Pong(arena=str(path), port=0, lockstep=True) as server:
        server.start(block=False)
        with PongClient(*server.address, name="Ada") as client:
            client.connect()
            assert client.session.against == "an arena"
    with ledger(path) as book:
        assert book.player("Ada").name == "Ada"


def test_an_arena_says_how_agents_enter(path: Path) -> None:
    code, program = run_program(
        "pong.py", "--arena", str(path), "--port", "0", "--until-eof", "--host", "0.0.0.0"
    )
    assert code == 0, program.output
    assert f"(arena {path}, real time at 60 ticks per second, tables: " in program.output
    assert "an agent on another machine enters with" in program.output
    assert "--play save.p --name NAME" in program.output


@pytest.mark.parametrize("option", ["--arena", "--ladder"])
def test_a_file_that_is_none_of_an_arena_is_told(path: Path, option: str) -> None:
    path.write_text("these are my notes, and they are longer than the header of a database is")
    code, program = run_program(
        "pong.py", option, str(path), *(["--port", "0"] if option == "--arena" else [])
    )
    assert code == 2
    assert program.output.startswith(
        f"error: the arena's file {path} cannot be used (file is not a database)"
    )
    assert "Traceback" not in program.output


def test_a_teacher_sees_the_ladder_frees_a_name_and_closes_the_season(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        for _ in range(3):
            book.record(result(*book.players()))
    code, program = run_program("pong.py", "--ladder", str(path), "--csv", "all.csv")
    assert code == 0, program.output
    lines = [line.split() for line in program.output.splitlines()]
    assert ["1", "Ada"] in [line[:2] for line in lines]
    assert ["1", "Ada", ".", "3/3"] in lines
    assert ["2", "Bob", "0/3", "."] in lines
    with open("all.csv", newline="", encoding="utf-8-sig") as file:
        assert [row["left"] for row in csv.DictReader(file)] == ["Ada"] * 3
    code, program = run_program("pong.py", "--ladder", str(path), "--free", "bob", "--final", "2")
    assert code == 0, program.output
    assert "season closed: the final has 2 matches left" in program.output
    code, program = run_program("pong.py", "--ladder", str(path), "--free", "Eve")
    assert (code, program.output) == (2, "error: nobody is called Eve here; there are: Ada, Bob\n")
    code, program = run_program("pong.py", "--ladder", str(path), "--final", "0")
    assert "season open" in program.output


def test_a_csv_that_cannot_be_written_is_told(path: Path) -> None:
    with ledger(path):
        pass
    code, program = run_program("pong.py", "--ladder", str(path), "--csv", "no/such/folder.csv")
    assert code == 2
    assert "no/such/folder.csv cannot be written (No such file or directory)" in program.output


def test_a_csv_does_not_replace_the_arena(path: Path) -> None:
    with ledger(path, "Ada"):
        pass
    code, program = run_program("pong.py", "--ladder", str(path), "--csv", str(path))
    assert code == 2
    assert "is the arena's own file" in program.output
    with ledger(path) as book:
        assert book.player("Ada").name == "Ada"


@pytest.mark.parametrize("text", ["points,frames\n100,8000\n", "a checkpoint"])
def test_a_csv_replaces_nothing_but_another_list_of_matches(path: Path, tmp_path: Path, text: str) -> None:
    with ledger(path, "Ada"):
        pass
    file = tmp_path / "file"
    file.write_text(text)
    code, program = run_program("pong.py", "--ladder", str(path), "--csv", str(file))
    assert (code, program.output) == (
        2, f"error: {file} is no list of matches, and stays: name another file with --csv\n",
    )  # fmt: skip
    assert file.read_text() == text
    for before in ("", "match,begun\n"):
        file.write_text(before, "utf-8-sig")
        code, program = run_program("pong.py", "--ladder", str(path), "--csv", str(file))
        assert code == 0, program.output


def test_a_ladder_of_nobody_is_a_table_of_nobody(path: Path) -> None:
    with ledger(path) as book:
        assert next(ladder(book.standings())) == "season open"
        assert len(list(ladder(book.standings()))) == 4


def test_a_matrix_shows_no_more_than_a_terminal_can(path: Path) -> None:
    names = [f"player {number}" for number in range(MOST_IN_MATRIX + 5)]
    with ledger(path, *names) as book:
        players = book.players()
        for one, other in itertools.pairwise(players):
            book.record(result(one, other))
        lines = list(ladder(book.standings()))
    assert any("the best 20" in line for line in lines)
    assert sum(line.lstrip().startswith("25 ") for line in lines) == 1


def test_a_file_that_is_no_arena_gets_no_lock_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("numpy and many more, which is a text and no database")
    with pytest.raises(PongError, match="not a database"), Pong(arena=str(path), port=0) as server:
        server.start(block=False)
    assert [each.name for each in tmp_path.iterdir()] == ["requirements.txt"]
