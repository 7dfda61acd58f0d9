"""Who is let into an arena."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pongrl.arena.doorkeeper import NEW_NAMES, QUIET_SECONDS, VISITS_AT_ONCE, Doorkeeper
from pongrl.errors import Refusal, RefusedError
from pongrl.wire.handshake import Admission, Applicant
from pongrl.wire.messages import NOBODY, Role
from tests.support.arena import ledger, options, secret


class Line:
    """A connection, as far as the doorkeeper looks at it."""

    peer = "10.0.0.7:5"

    def __init__(self) -> None:
        self.quiet_seconds = 0.0
        self.closed = False

    def close(self) -> None:
        """Note it."""
        self.closed = True


class Watchers:
    """Takes those who only watch."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.added: list[Any] = []

    def add(self, watcher: Any) -> None:
        """Keep it."""
        self.added.append(watcher)


@contextlib.contextmanager
def doorkeeper(path: Path, watchers: Watchers | None = None, **changes: Any) -> Iterator[Doorkeeper]:
    made = Doorkeeper(options(**changes), path, watchers or Watchers())
    yield made
    made.close()


def applicant(name: str, network: str = "10.0.0.7", identity: bytes | None = None) -> Applicant:
    return Applicant(Role.LEFT, secret(name) if identity is None else identity, name, network)


def enter(door: Doorkeeper, who: Applicant) -> Line:
    line = Line()
    door.deliver(line, Admission(who.role, door.admit(who), who.identity, who.name))  # type: ignore[arg-type]
    return line


def refused(door: Doorkeeper, who: Applicant, words: str) -> Refusal:
    with pytest.raises(RefusedError, match=words) as error:
        door.admit(who)
    return error.value.reason


def test_an_agent_arrives_under_its_name(path: Path) -> None:
    with doorkeeper(path, points_to_win=5) as door:
        session = door.admit(applicant("Ada"))
        assert (session.games, session.points_to_win, session.against) == (1, 5, "an arena")
        line = enter(door, applicant("Bob"))
        assert door.wake.wait(0)
        [(connection, player)] = door.arrivals()
        assert (connection, player.name) == (line, "Bob")


def test_who_has_no_name_is_told_how_to_give_one(path: Path) -> None:
    with doorkeeper(path) as door:
        assert refused(door, applicant("", identity=NOBODY), 'give --name "Ada"') is Refusal.ROLE


def test_a_name_that_is_anothers_is_refused_for_good(path: Path) -> None:
    with doorkeeper(path) as door, ledger(path, "Ada"):
        assert refused(door, applicant("ada", identity=secret("Eve")), "belongs to another") is Refusal.ROLE


@pytest.mark.parametrize("identity", [secret("Ada"), NOBODY])
def test_who_comes_twice_is_refused_while_the_first_is_there(path: Path, identity: bytes) -> None:
    with doorkeeper(path) as door:
        who = applicant("Ada", identity=identity)
        enter(door, who)
        assert refused(door, who, "Ada plays here already: end that one") is Refusal.BUSY
        [(connection, player)] = door.arrivals()
        door.leave(connection, player)
        enter(door, who)


def test_who_has_lost_the_connection_comes_in_by_another_one(path: Path) -> None:
    with doorkeeper(path) as door:
        first = enter(door, applicant("Ada"))
        first.quiet_seconds = QUIET_SECONDS + 1
        second = enter(door, applicant("Ada"))
        [(_, player), (connection, _)] = door.arrivals()
        assert connection is second
        door.leave(first, player)  # type: ignore[arg-type]  # the old one does not take the new one's place away
        assert refused(door, applicant("Ada"), "plays here already") is Refusal.BUSY


def test_who_comes_by_a_name_that_was_freed_takes_the_place_of_who_had_it(path: Path) -> None:
    with doorkeeper(path) as door, ledger(path) as teacher:
        enter(door, applicant("Ada", identity=secret("Eve")))
        assert refused(door, applicant("Ada"), "plays here already") is Refusal.BUSY
        teacher.free("Ada")
        enter(door, applicant("Ada"))
        assert len(list(door.arrivals())) == 2
        assert refused(door, applicant("Ada", identity=secret("Eve")), "plays here already") is Refusal.BUSY


def test_without_an_identity_nobody_takes_the_place_of_a_connection(path: Path) -> None:
    with doorkeeper(path) as door:
        enter(door, applicant("Ada", identity=NOBODY)).quiet_seconds = 60.0
        assert refused(door, applicant("Ada", identity=NOBODY), "plays here already") is Refusal.BUSY


def test_so_many_agents_come_from_one_address(path: Path) -> None:
    with doorkeeper(path, per_address=2) as door:
        for name in ("Ada", "Bob"):
            enter(door, applicant(name))
        assert refused(door, applicant("Eve"), "2 agents play from your address already") is Refusal.BUSY
        enter(door, applicant("Eve", "10.0.0.8"))


def test_who_comes_again_and_again_is_slowed_down(path: Path) -> None:
    with doorkeeper(path) as door:
        for _ in range(VISITS_AT_ONCE):
            door.admit(applicant("Ada"))
        assert refused(door, applicant("Ada"), "has come too often") is Refusal.BUSY
        door.admit(applicant("Bob"))


def test_an_address_does_not_fill_the_ladder_with_names(path: Path) -> None:
    with doorkeeper(path, per_address=1) as door:
        for number in range(NEW_NAMES):
            door.admit(applicant(f"new {number}"))
        assert refused(door, applicant("one more"), "too many new names") is Refusal.BUSY
        door.admit(applicant("new 1"))
        door.admit(applicant("one more", "10.0.0.8"))


def test_watchers_need_no_name(path: Path) -> None:
    watchers = Watchers()
    with doorkeeper(path, watchers) as door:
        line = enter(door, Applicant(Role.WATCH))
        assert watchers.added == [line]
        watchers.size = 64
        assert refused(door, Applicant(Role.WATCH), "64 are watching already") is Refusal.BUSY


def test_an_arena_that_ends_lets_nobody_in_and_closes_who_waits(path: Path) -> None:
    with doorkeeper(path) as door:
        line = enter(door, applicant("Ada"))
        door.shut()
        assert refused(door, applicant("Bob"), "is ending") is Refusal.BUSY
    assert line.closed


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be moved there")
def test_when_the_file_is_gone_a_stranger_is_told_nothing_of_it(path: Path) -> None:
    with doorkeeper(path) as door:
        path.rename(path.with_name("nowhere.db"))
        with pytest.raises(RefusedError) as error:
            door.admit(applicant("Ada"))
        assert str(path.parent) not in str(error.value)
        path.with_name("nowhere.db").rename(path)
        enter(door, applicant("Ada"))
    with ledger(path) as book:
        assert book.knows("Ada")
