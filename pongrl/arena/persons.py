"""The people who play on the page: who they are, what they do, and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence

from pongrl.arena.contenders import PersonContender
from pongrl.arena.ledger import Ledger
from pongrl.arena.standings import PERSON, News, People
from pongrl.arena.table import Table
from pongrl.arena.visitors import Act, Come, Leave, Visitors
from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.wire.allowance import Allowance

NEW_NAMES_AT_ONCE, NEW_NAME_SECONDS = 40, 10.0  # of all people together: a class, then one in so long

log = logging.getLogger("pong.arena")


class Persons:
    """Lets people in, and tells them what goes on. For the hall's thread.

    Args:
        ledger: Knows whose name is whose.
        visitors: What they ask for.
    """

    def __init__(self, ledger: Ledger, visitors: Visitors) -> None:
        self._ledger, self._visitors = ledger, visitors
        self._new_names = Allowance(NEW_NAMES_AT_ONCE, 1 / NEW_NAME_SECONDS)
        self._people: dict[int, PersonContender] = {}  # by their seats
        self._told: dict[int, News] = {}
        self._untold: dict[int, News] = {}

    def __iter__(self) -> Iterator[PersonContender]:
        return iter(self._people.values())

    def attend(self, agents: Collection[int], tables: Sequence[Table]) -> bool:
        """Do what people ask for.

        Args:
            agents: Numbers of the players that play elsewhere.
            tables: The matches; who leaves forfeits.

        Returns:
            Whether somebody has come or left.
        """
        before = list(self._people)
        for asked in self._visitors.take():
            match asked:
                case Come():
                    self._let_in(asked, agents)
                case Act(seat, paddle) if seat in self._people:
                    self._people[seat].paddle = paddle
                case Leave(seat) if seat in self._people:
                    self._let_go(seat, tables)
        return before != list(self._people)

    def _let_in(self, asked: Come, agents: Collection[int]) -> None:
        try:
            if self._comes_back(asked):
                return
            self._ledger.check_place()  # or the name would go nowhere
            if self._is_here(asked.name, agents):  # before the name becomes this person's
                self._untold[asked.seat] = News(f"{asked.name} plays here already", is_out=True)
                return
            if not self._ledger.knows(asked.name) and not self._new_names.take():
                raise RefusedError(Refusal.BUSY, "too many new names have come: wait, or use a known one")
            player = self._ledger.enter(asked.name, asked.identity, PERSON)
        except RefusedError as error:
            self._untold[asked.seat] = News(str(error), is_out=True)
            return
        except PongError as error:  # the disk is full, for example; the matches go on
            log.error("nobody can be let in: %s", error)
            self._untold[asked.seat] = News("nobody can be let in now: try again later", is_out=True)
            return
        self._people[asked.seat] = PersonContender(player)
        log.info("%s has come, on the page", player.name)

    def _comes_back(self, asked: Come) -> bool:
        """Let a person who is here already go on at a new seat; return whether it is so.

        The connection of the old one may be dead, as on a phone that has changed its network.
        """
        if not self._ledger.is_name_of(asked.name, asked.identity):
            return False
        number = self._ledger.player(asked.name).number
        seats = [seat for seat, person in self._people.items() if person.player.number == number]
        for seat in seats:
            person = self._people[asked.seat] = self._people.pop(seat)
            person.begin()  # whatever the old hand did with the paddle
            self._told.pop(seat, None)
            self._untold[seat] = News(f"{person.player.name} plays by another connection now", is_out=True)
        return bool(seats)

    def _is_here(self, name: str, agents: Collection[int]) -> bool:
        if not self._ledger.knows(name):
            return False
        number = self._ledger.player(name).number
        return number in agents or any(person.player.number == number for person in self)

    def _let_go(self, seat: int, tables: Sequence[Table]) -> None:
        person = self._people.pop(seat)
        self._told.pop(seat, None)
        log.info("%s has gone", person.player.name)
        for table in tables:
            if person in table.fixture.sides:
                table.forfeit(table.fixture.sides.index(person), "left")

    def news(self, tables: Sequence[Table]) -> People | None:
        """Return what people have not been told yet; None if there is nothing."""
        for seat, person in self._people.items():
            news = _news_for(person, tables)
            if news != self._told.get(seat):
                self._told[seat] = self._untold[seat] = news
        untold, self._untold = self._untold, {}
        return People(untold) if untold else None


def _news_for(person: PersonContender, tables: Sequence[Table]) -> News:
    for table in tables:
        sides = table.fixture.sides
        if person in sides:
            side = sides.index(person)
            opponent = sides[1 - side].player.name
            which = "the first of two matches"
            if table.fixture.is_final:
                which = "in the final"
            elif table.fixture.is_second:
                which = "with sides changed"
            return News(f"against {opponent}, {which}", table.number, side, opponent, table.serve_in)
    return News("waiting for an opponent")
