"""The loop: answers first, counts, shows, learns when there is time, and ends when told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pongrl.agent.books import Books
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.observers import Audience, Decided, Observer, Standing
from pongrl.agent.pilot import Pilot
from pongrl.agent.policy import MOVES
from pongrl.agent.progress import Progress
from pongrl.agent.recipe import OURS
from pongrl.agent.trainer import Trainer
from pongrl.errors import ConnectionLostError, ProtocolError
from tests.support.agents import SESSION, Lines, options_of, state
from tests.support.fleets import Harbour, StubServer, harbour, own, with_partner


class Voyage:
    """A trainer with a fleet of stub servers, and what it works on."""

    def __init__(self, there: Harbour, pilot: Pilot, books: Books, audience: Audience) -> None:
        self.there, self.pilot, self.books = there, pilot, books
        self.commands = Commands(there.lines)
        controls = Controls(there.fleet, books, there.lines)
        self.trainer = Trainer(there.fleet, pilot, books, self.commands, controls, audience)


@contextlib.contextmanager
def voyage(*servers: StubServer, observers: tuple[Observer, ...] = (), **given: Any) -> Iterator[Voyage]:
    options, audience, lines = options_of(hiddenUnits=2, seed=1, **given), Audience(), Lines()
    for observer in observers:
        audience.add(observer)
    books = Books(options, Progress(), audience, lines)
    pilot = Pilot(options, np.random.default_rng(1), books)
    with harbour(*servers, crew=pilot) as there:
        yield Voyage(there, pilot, books, audience)


class Album(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.decided_on: list[Decided] = []
        self.standings: list[Standing] = []
        self.waits = 0

    def decided(self, decided: Decided, standing: Standing) -> None:
        self.decided_on.append(decided)
        self.standings.append(standing)

    def waited(self, standing: Standing) -> None:
        self.waits += 1


def test_a_state_is_answered_and_its_outcome_counted_with_the_next() -> None:
    server = StubServer("pi", state(points=[1], reward=[1]))
    with voyage(server) as trip:
        trip.there.arrive()
        trip.trainer.turn()
        assert len(server.client.moves) == 1
        assert trip.books.progress.decisions == 0
        trip.trainer.turn()
        assert len(server.client.moves) == 2
        assert (trip.books.progress.decisions, trip.books.progress.points) == (1, 1)
        assert trip.there.fleet.turns == 2


def test_points_against_opponents_are_learned_from_and_not_counted() -> None:
    server = with_partner("local", state(points=[1], reward=[-1]))
    with voyage(server) as trip:
        trip.there.arrive()
        trip.trainer.turn()
        trip.trainer.turn()
        (seat,) = trip.there.fleet.seats.values()
        assert seat.rollout.points == 1
        assert (trip.books.progress.decisions, trip.books.progress.points) == (1, 0)


def test_the_first_servers_decisions_are_shown() -> None:
    album = Album()
    one, other = StubServer("one", state()), StubServer("other", state())
    with voyage(one, other, observers=(album,)) as trip:
        trip.there.arrive()
        trip.trainer.turn()
        trip.trainer.turn()
        assert len(album.decided_on) == 2
        shown = album.decided_on[0]
        assert shown.session is one.client.session
        assert one.client.moves[0] == [MOVES[shown.chosen[0]]]
        assert album.standings[0].policy is trip.pilot.player.policy
        assert album.standings[0].is_connected


def test_a_command_is_obeyed_before_anything_is_played() -> None:
    server = StubServer("pi", state())
    with voyage(server) as trip:
        trip.there.arrive()
        trip.commands.enter("p")
        trip.trainer.turn()
        assert server.client.pauses == [True]
        assert trip.there.fleet.is_paused


def test_q_ends_the_loop_without_waiting() -> None:
    with voyage(StubServer("pi")) as trip:
        trip.commands.enter("q")
        trip.trainer.run()
        assert trip.there.servers[0].sought == 1


def test_the_loop_ends_when_enough_points_are_played() -> None:
    with voyage(StubServer("pi", *[state(points=[1], reward=[-1])] * 10), points=3) as trip:
        trip.there.arrive()
        trip.trainer.run()
        assert trip.books.progress.points == 3


def test_the_loop_ends_when_no_server_is_left() -> None:
    server = own("mine", state(), is_for_a_person=True)
    with voyage(server) as trip:
        trip.there.arrive()
        server.client.error = ConnectionLostError("gone")
        assert server.own is not None
        server.own.is_gone = True
        trip.trainer.run()
        assert trip.there.fleet.servers == []


@pytest.mark.parametrize("error", [ConnectionLostError("gone"), ProtocolError("nonsense")])
def test_a_server_that_fails_in_a_turn_is_lost_and_the_other_one_played_on(error: Exception) -> None:
    one, other = StubServer("one", state()), StubServer("other", state())
    with voyage(one, other) as trip:
        trip.there.arrive()
        one.client.error = error  # type: ignore[assignment]
        trip.trainer.turn()
        assert [str(server) for server in trip.there.fleet.seats] == ["other"]
        assert len(other.client.moves) == 1


def test_it_learns_while_nothing_is_to_be_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [state(points=[1], reward=[-1], move=[2], mover=[0])] * (OURS.shortest + 1)
    with voyage(StubServer("pi", *points), batch_size=2) as trip:
        trip.there.arrive()
        for _ in range(len(points) + 1):  # the first answers where the server begins
            trip.trainer.turn()
        before, worked, work = trip.pilot.player.updates, [], trip.pilot.work

        def noted() -> bool:
            worked.append(work())
            return worked[-1]

        monkeypatch.setattr(trip.pilot, "work", noted)
        trip.trainer.turn(patience=0.0)  # nothing came
        assert worked == [True]
        while trip.pilot.work():
            pass
        assert trip.pilot.player.updates == before  # it plays from the next batch on


@pytest.mark.parametrize(("level", "breaks"), [(0, 1), (2, 0)])
def test_breaks_between_the_matches_of_an_arena_are_no_training(
    monkeypatch: pytest.MonkeyPatch, level: int, breaks: int
) -> None:
    states = [state(matches=[number]) for number in (0, 0, 1, 1)]
    with voyage(StubServer("pi", *states, session=replace(SESSION, level=level))) as trip:
        trip.there.arrive()
        left_out: list[bool] = []
        monkeypatch.setattr(trip.books, "restart_clock", lambda: left_out.append(True))
        for _ in range(5):
            trip.trainer.turn(patience=0.0)
        assert len(left_out) == breaks


def test_observers_are_told_while_the_run_waits() -> None:
    album = Album()
    album.look_seconds = 0.0
    with voyage(StubServer("pi"), observers=(album,)) as trip:
        trip.trainer.turn()
        assert album.waits == 1


def test_each_decision_is_logged_when_debugging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "pong.agent"), voyage(StubServer("pi")) as trip:
        trip.there.arrive()
        trip.trainer.turn()
    assert "STEP 0 of pi: rewards [0]; probabilities [[" in caplog.text
