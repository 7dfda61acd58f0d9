"""The arena's file: whose name is whose, what a match changes, and what a kill leaves."""

from __future__ import annotations

import csv
import io
import itertools
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pongrl.arena import ledger as ledger_module
from pongrl.arena.export import export
from pongrl.arena.ledger import RECORDINGS, Ledger
from pongrl.arena.lock import Lock
from pongrl.arena.rating import Rating, rated
from pongrl.arena.standings import AGENT, HOUSE, PERSON
from pongrl.errors import PongError, RefusedError
from pongrl.wire.messages import NOBODY
from tests.support.arena import arena, ledger, result, secret


def test_a_name_belongs_to_the_first_identity(path: Path) -> None:
    with ledger(path, "Ada") as book:
        assert book.enter("Ada", secret("Ada"), AGENT) == book.player("ada")
        for other in (secret("Eve"), NOBODY):
            with pytest.raises(RefusedError, match="the name ADA belongs to another"):
                book.enter("ADA", other, AGENT)


def test_a_name_that_was_freed_belongs_to_the_next(path: Path) -> None:
    with ledger(path, "Ada") as book:
        before = book.player("Ada")
        book.free("ada")
        assert book.enter("Ada", secret("Eve"), AGENT).number == before.number
        with pytest.raises(RefusedError, match="belongs to another"):
            book.enter("Ada", secret("Ada"), AGENT)


def test_an_agent_cannot_change_its_name(path: Path) -> None:
    with ledger(path, "Ada") as book, pytest.raises(RefusedError, match="known here as Ada"):
        book.enter("Bob", secret("Ada"), AGENT)


def test_a_name_without_an_identity_belongs_to_nobody_until_one_comes_with_it(path: Path) -> None:
    with ledger(path) as book:
        first = book.enter("Ada", NOBODY, AGENT)
        assert book.enter("Ada", NOBODY, PERSON).number == first.number
        book.enter("Ada", secret("Ada"), AGENT)
        with pytest.raises(RefusedError, match="belongs to another"):
            book.enter("Ada", NOBODY, AGENT)


def test_nobody_comes_as_a_house_player_and_a_house_player_is_not_freed(path: Path) -> None:
    with ledger(path) as book:
        book.enter("level 1", NOBODY, HOUSE)
        with pytest.raises(RefusedError, match="belongs to another"):
            book.enter("Level 1", secret("Eve"), AGENT)
        with pytest.raises(PongError, match="nobody is called level 1"):
            book.free("level 1")


def test_who_is_to_be_freed_and_is_not_there_is_told_with_those_who_are(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book, pytest.raises(PongError, match="there are: Ada, Bob"):
        book.free("Eve")


def test_a_match_changes_both_players(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        assert book.record(result(ada, bob, (2, 1))) == 1
        assert book.record(result(bob, ada, (0, 2))) == 2
        rows = book.standings(frozenset({bob.number})).rows
        assert [(row.name, row.tally, row.points, row.is_here) for row in rows] == [
            ("Ada", (2, 0, 0), (4, 1), False), ("Bob", (0, 0, 2), (1, 4), True),
        ]  # fmt: skip
        assert rows[0].answers == (200, 4, 1.0)
        assert rows[0].answers.mean_ms == pytest.approx(1000 / 196)
        assert book.standings().tallies == {("Ada", "Bob"): (2, 0, 0), ("Bob", "Ada"): (0, 0, 2)}
        once = rated(Rating(), Rating(), 0)
        assert (rows[1].rating, rows[0].rating) == rated(once[1], once[0], 1)


def test_all_is_there_again_when_the_file_is_opened_again(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        book.record(result(ada, bob, (1, 1), views=b"views"))
        before = book.standings(), book.last(5), book.meetings()
    with ledger(path) as book:
        assert (book.standings(), book.last(5), book.meetings()) == before
        assert book.recording(1) == b"views"
        assert book.recording(2) is None


def test_a_ladder_can_be_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MOST_PLAYERS", 2)
    with ledger(path, "Ada", "Bob") as book:
        with pytest.raises(RefusedError, match="the ladder has 2 players: it is full"):
            book.enter("Eve", secret("Eve"), PERSON)
        book.enter("Ada", secret("Ada"), AGENT)


def test_only_the_last_matches_can_be_watched_again(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        for _ in range(RECORDINGS + 2):
            book.record(result(ada, bob, views=b"views"))
        assert book.recording(2) is None
        assert book.recording(3) == b"views"
        assert [match.number for match in book.last(2)] == [RECORDINGS + 2, RECORDINGS + 1]


def test_a_season_that_is_closed_lets_nobody_new_in_and_counts_its_final_alone(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        book.record(result(ada, bob, (2, 0)))
        book.close_season(2)
        with pytest.raises(RefusedError, match="the season is closed"):
            book.enter("Eve", secret("Eve"), AGENT)
        book.enter("Ada", secret("Ada"), AGENT)
        assert book.standings().season == "closed: the final has 2 matches left"
        book.record(result(bob, ada, (2, 0), is_final=True))
        book.record(result(ada, bob, (1, 2), is_final=True))
        table = book.standings()
        assert table.season == "closed: this is the final table"
        assert [(row.name, row.score, row.points) for row in table.rows] == [
            ("Bob", 2, (4, 1)), ("Ada", 0, (1, 4)),
        ]  # fmt: skip
        assert table.tallies["Bob", "Ada"] == (2, 0, 0)
        book.close_season(0)
        assert book.standings().season == "open"
        assert book.meetings()[ada.number, bob.number] == (3, 0)
        book.enter("Eve", secret("Eve"), AGENT)


def test_the_table_of_a_final_goes_on_as_if_it_were_made_again(path: Path) -> None:
    with ledger(path, "Ada", "Bob", "Eve") as book:
        players = book.players()
        for left, right in itertools.permutations(players, 2):
            book.record(result(left, right))
        for final in (4, 2):  # the season is opened between the two, so nothing of the first one counts
            book.close_season(final)
            for number, (left, right) in enumerate(itertools.permutations(players, 2)):
                book.record(result(left, right, (number % 3, 1), is_final=True))
                with ledger(path) as another:
                    assert book.standings() == another.standings()
            book.close_season(0)


def test_a_match_that_both_have_forfeited_is_lost_by_both(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        book.record(result(ada, bob, (0, 0), ended="forfeit by Ada and Bob: did not come"))
        assert {row.tally for row in book.standings().rows} == {(0, 0, 1)}
        assert set(book.standings().tallies.values()) == {(0, 0, 1)}
        book.close_season(2)
        book.record(result(ada, bob, (0, 0), ended="forfeit by Ada and Bob: did not come", is_final=True))
        assert {row.score for row in book.standings().rows} == {0}
        assert set(book.standings().tallies.values()) == {(0, 0, 1)}


def test_a_final_cannot_have_fewer_matches_than_were_played(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        ada, bob = book.players()
        book.close_season(4)
        for _ in range(3):
            book.record(result(ada, bob, is_final=True))
        with pytest.raises(PongError, match="some have met 3 times in this final: give at least that"):
            book.close_season(2)
        assert book.final == 4


def test_names_that_a_spreadsheet_would_calculate_stay_different(path: Path) -> None:
    with ledger(path, "=Eve", "'=Eve") as book:
        book.record(result(*book.players()))
        text = io.StringIO(newline="")
        export(book, text)
    [row] = csv.DictReader(io.StringIO(text.getvalue(), newline=""))
    assert (row["left"], row["right"]) == ("'=Eve", "''=Eve")


def test_ratings_can_be_made_again_from_the_csv(path: Path) -> None:
    with ledger(path, "Ada", "Bob", "=Eve") as book:
        players = book.players()
        for number in range(60):
            left, right = players[number % 3], players[(number + 1 + number // 3 % 2) % 3]
            ended = "forfeit by somebody" if number % 5 == 0 else "points"
            book.record(result(left, right, (number % 3, number % 4), ended=ended))
        text = io.StringIO(newline="")
        export(book, text)
        standings = book.standings()
    ratings: dict[str, Rating] = {}
    for row in csv.DictReader(io.StringIO(text.getvalue(), newline="")):
        winner = {"left": 0, "right": 1, "draw": None}[row["winner"]]
        pair = ratings.get(row["left"], Rating()), ratings.get(row["right"], Rating())
        is_forfeited = row["ended"].startswith("forfeit")
        ratings[row["left"]], ratings[row["right"]] = rated(*pair, winner, is_forfeited)
    assert ratings.pop("'=Eve") == next(row.rating for row in standings.rows if row.name == "=Eve")
    assert ratings == {row.name: row.rating for row in standings.rows if row.name != "=Eve"}


ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from tests.support.arena import ledger, result
with ledger(Path(sys.argv[1]), "Ada", "Bob") as book:
    ada, bob = book.players()
    while True:
        book.record(result(ada, bob, views=b"x" * 10000))
        print("kept", flush=True)
"""


def test_a_kill_at_any_moment_loses_no_match_that_was_kept(path: Path) -> None:
    kept = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            for _ in range(20):
                assert writer.stdout.readline() == "kept\n"
            writer.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            kept += 20 + writer.stdout.read().count("kept")
        with ledger(path) as book:
            rows = book.standings().rows
            (newest,) = book.last(1)
            assert newest.number >= kept
            assert [row.matches for row in rows] == [newest.number] * 2
            assert book.recording(newest.number) == b"x" * 10000
            kept = newest.number


def test_matches_of_a_final_that_was_ended_count_in_no_other(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        book.record(result(*book.players(), is_final=True))  # begun in a final, and over when there is none
        book.close_season(2)
        assert book.standings().season == "closed: the final has 2 matches left"


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be moved there")
def test_a_file_that_was_moved_is_noticed(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        book.check_place()
        path.rename(path.with_name("elsewhere.db"))
        with pytest.raises(PongError, match="No such file"):
            book.check_place()
        path.write_bytes(b"")
        with pytest.raises(PongError, match="is another file now"):
            book.check_place()
        path.with_name("elsewhere.db").replace(path)
        book.check_place()


def test_a_second_server_is_kept_from_the_file(path: Path) -> None:
    lock = Lock(path)
    with pytest.raises(PongError, match="another server plays the arena"):
        Lock(path)
    lock.close()
    Lock(path).close()


@pytest.mark.skipif(sys.platform == "win32", reason="making a link needs a right there")
def test_a_link_leads_to_the_same_arena(path: Path) -> None:
    link = path.with_name("link.db")
    with arena(path):
        link.symlink_to(path)
        with pytest.raises(PongError, match="another server plays the arena"), arena(link):
            pass


def test_two_programs_can_have_the_file_open(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as server, ledger(path) as teacher:
        teacher.free("Ada")
        teacher.close_season(4)
        assert server.final == 4
        server.record(result(*server.players()))
        assert teacher.last(1)[0].number == 1


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (words TEXT)")
    db.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("hello, I am no database at all, just a long text"), "not a database"),
        (other_database, "is not an arena's"),
        (lambda path: path.mkdir(), "is no file"),
        pytest.param(
            lambda path: path.symlink_to(path.parent / "a" / "b"),
            "unable to open",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="not everybody can make links there"),
        ),
    ],
    ids=["text", "another database", "directory", "dangling link"],
)
def test_what_is_no_arena_is_told_in_a_sentence_and_kept(path: Path, make: object, words: str) -> None:
    make(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(PongError, match=words):
        Ledger(path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_ladder_of_a_file_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(PongError, match="there is no "):
        Ledger(path, is_new=False)
    assert not path.exists()
