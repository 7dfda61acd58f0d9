"""The scribe: matches are kept, and wait where they cannot be."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pongrl.arena import scribe as scribe_module
from pongrl.arena.ledger import Ledger, Result
from pongrl.arena.scribe import Scribe
from pongrl.arena.table import Table
from pongrl.errors import PongError
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE
from tests.support.arena import Puppet, fixture, ledger, options


def over(book: Ledger) -> Table:
    """Return a match that is over."""
    table = Table(1, fixture(*map(Puppet, book.players())), options())
    table.forfeit(0, "left")
    return table


def test_a_match_is_kept_and_comes_back_with_its_number(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        wake = Wake()
        scribe = Scribe(path, wake)
        scribe.start()
        tables = [over(book), over(book)]
        for table in tables:
            scribe.keep(table)
        kept = []
        while len(kept) < 2 and wake.wait(PATIENCE):
            kept += scribe.kept()
        scribe.close()
        assert kept == [(tables[0], 1), (tables[1], 2)]
        assert [match.ended for match in book.last(5)] == ["forfeit by Ada: left"] * 2
        wake.close()


def test_what_is_over_when_the_arena_ends_is_kept(path: Path) -> None:
    with ledger(path, "Ada", "Bob") as book:
        wake = Wake()
        scribe = Scribe(path, wake)
        scribe.keep(over(book))
        scribe.start()
        scribe.close()
        assert len(book.last(5)) == 1
        wake.close()


def test_while_nothing_can_be_written_it_tries_again_and_tells_it_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scribe_module, "RETRY_SECONDS", 0.01)
    caplog.set_level(logging.INFO)
    record, tries = Ledger.record, []

    def flaky(self: Ledger, result: Result) -> int:
        tries.append(result)
        if len(tries) < 4:
            raise PongError("the arena's file cannot be used (database or disk is full)")
        return record(self, result)

    monkeypatch.setattr(Ledger, "record", flaky)
    with ledger(path, "Ada", "Bob") as book:
        wake = Wake()
        scribe = Scribe(path, wake)
        scribe.start()
        scribe.keep(over(book))
        assert wake.wait(PATIENCE)
        scribe.close()
        wake.close()
        assert len(book.last(5)) == 1
    assert [each.message for each in caplog.records] == [
        "no match can be kept, and its players wait: "
        "the arena's file cannot be used (database or disk is full)",
        "matches can be kept again",
    ]


def test_it_ends_although_nothing_can_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Ledger, result: Result) -> int:
        raise PongError("the disk is full")

    monkeypatch.setattr(Ledger, "record", full)
    with ledger(path, "Ada", "Bob") as book:
        wake = Wake()
        scribe = Scribe(path, wake)
        scribe.start()
        scribe.keep(over(book))
        scribe.close()
        assert scribe.kept() == []
        wake.close()
