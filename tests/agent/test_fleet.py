"""The fleet: servers that come and go while the others are played on."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from pongrl.agent.commands import PAUSED
from pongrl.agent.servers import Server
from pongrl.errors import (
    ConnectionLostError,
    GoodbyeError,
    PongError,
    ProtocolError,
    Refusal,
    RefusedError,
)
from pongrl.wire.messages import NOBODY, Role
from tests.support.agents import SESSION, state
from tests.support.fleets import Own, Players, StubServer, harbour, in_real_time, own, with_partner

LOST, GOODBYE = ConnectionLostError("it is gone"), GoodbyeError("it said goodbye")
ABSENT, TAKEN = ConnectionLostError("nobody listens"), RefusedError(Refusal.BUSY, "the place is taken")
IDENTITY = bytes(range(16))


def test_servers_that_are_named_are_sought_at_once() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.fleet.seek()
        assert (one.sought, other.sought) == (1, 1)


def test_our_own_servers_are_sought_one_after_another() -> None:
    one, other = own("one"), own("other")
    with harbour(one, other) as there:
        there.fleet.seek()
        assert (one.sought, other.sought) == (1, 0)
        there.arrive(one)
        assert other.sought == 1


def test_a_server_that_connects_gets_a_seat() -> None:
    crew, server = Players(), StubServer("pi:7", session=in_real_time(), role=Role.RIGHT)
    with harbour(server, crew=crew) as there:
        assert not there.fleet.is_connected
        there.arrive()
        assert there.fleet.is_connected
        assert crew.boarded == 1
        assert there.lines.said == ["connected to pi:7: level 2, games: 1, real time, on the right"]
        assert there.fleet.describe() == ["server       pi:7, level 2, games: 1, real time, on the right"]
        (seat,) = there.fleet.due()
        first = seat.poll()
        assert first is not None
        assert seat.poll() is None


def test_a_server_with_a_partner_is_told_apart_and_its_points_do_not_count() -> None:
    one, other = own("one"), with_partner("other")
    with harbour(one, other) as there:
        there.arrive()
        assert there.lines.said[1] == "connected to other: level 2, games: 1, lockstep, against opponents"
        assert [seat.is_counted for seat in there.fleet.seats.values()] == [True, False]


def test_before_the_first_server_an_error_is_for_the_user_to_mend() -> None:
    server = StubServer("pi")
    with harbour(server) as there:
        there.fail(server, ABSENT)
        assert there.lines.said == ["waiting for a server: nobody listens; start one with: python pong.py"]
        with pytest.raises(RefusedError, match="taken"):
            there.fail(server, TAKEN)


def test_later_an_error_may_mend_itself() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive(one)
        there.fail(other, TAKEN)
        assert there.lines.said[-1] == "waiting for a server: the place is taken"


def test_a_server_that_cannot_be_played_on_is_dismissed_and_the_last_one_ends_the_run() -> None:
    crew, (one, other) = Players(), (StubServer("one"), StubServer("other"))
    crew.refusal = PongError("its frames are strange")
    with harbour(one, other, crew=crew) as there:
        there.arrive(one)
        assert there.lines.said == ["going on without one: its frames are strange"]
        assert one.closed == 1
        with pytest.raises(PongError, match="its frames are strange"):
            there.arrive(other)


def test_a_server_that_is_lost_is_sought_again() -> None:
    crew, server = Players(), StubServer("pi")
    with harbour(server, crew=crew) as there:
        there.arrive()
        (seat,) = there.fleet.due()
        there.fleet.lose(seat, LOST)
        assert (crew.lost, server.left, server.sought) == (1, 1, 2)
        assert server.identity == IDENTITY
        assert not there.fleet.is_connected
        assert there.fleet.due() == []
        assert there.lines.said[-1] == (
            "it is gone; what was learned is kept, the unfinished batch is dropped"
        )


def test_a_server_that_said_goodbye_keeps_no_place_for_us() -> None:
    server = StubServer("pi")
    with harbour(server) as there:
        there.arrive()
        there.fleet.lose(there.fleet.due()[0], GOODBYE)
        assert server.identity == NOBODY
        assert server.sought == 2


@pytest.mark.parametrize(("level", "identity"), [(0, IDENTITY), (2, NOBODY)])
def test_only_an_arena_keeps_a_name_for_us(level: int, identity: bytes) -> None:
    """Else two agents of one name would take each other's place for ever."""
    server = StubServer("pi", session=replace(SESSION, level=level))
    server.name = "Ada"
    with harbour(server) as there:
        there.arrive()
        there.fleet.lose(there.fleet.due()[0], GOODBYE)
        assert server.identity == identity


@pytest.mark.parametrize(("level", "waited"), [(0, [False, False, True, False]), (2, [False] * 4)])
def test_an_arena_lets_us_wait_between_two_matches(level: int, waited: list[bool]) -> None:
    """Which is no training."""
    with harbour(StubServer("pi", session=replace(SESSION, level=level))) as there:
        there.arrive()
        (seat,) = there.fleet.due()
        assert [seat.has_waited(state(matches=[number])) for number in (0, 0, 1, 1)] == waited


def test_without_a_server_whose_points_count_the_run_ends() -> None:
    one, other = own("one"), with_partner("other")
    with harbour(one, other) as there:
        there.arrive()
        assert one.own is not None
        one.own.is_gone = True
        with pytest.raises(PongError, match="the local server has ended: out of memory"):
            there.fleet.lose(there.fleet.due()[0], LOST)


def test_a_server_that_fails_twice_is_given_up_once() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive(other)
        crew_refuses = PongError("its frames are strange")
        there.fleet.dismiss(there.fleet.servers[0], crew_refuses)
        there.fleet.dismiss(cast(Server, one), crew_refuses)
        there.fail(one, TAKEN)
        assert one.closed == 1
        assert there.fleet.servers == [other]


def test_a_person_who_closes_the_window_ends_it_in_order_however_slow_the_server_is() -> None:
    server = StubServer("mine", own=Own(), is_for_a_person=True)
    with harbour(server) as there:
        there.arrive()
        there.fleet.lose(there.fleet.due()[0], GOODBYE)  # its process has not ended yet
        assert there.fleet.servers == []


def test_a_server_that_breaks_the_protocol_is_not_sought_again() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive()
        there.fleet.lose(there.fleet.seats[there.fleet.servers[0]], ProtocolError("nonsense"))
        assert (one.sought, one.closed) == (1, 1)
        assert there.lines.said[-1] == "going on without one: nonsense"


def test_a_server_of_our_own_that_has_ended_is_told_with_its_last_words() -> None:
    server = own("mine")
    assert isinstance(server.own, Own)
    with harbour(server) as there:
        there.arrive()
        server.own.is_gone = True
        with pytest.raises(PongError, match="the local server has ended: out of memory"):
            there.fleet.lose(there.fleet.due()[0], LOST)


def test_a_server_of_our_own_that_still_runs_is_sought_again() -> None:
    server = own("mine")
    with harbour(server) as there:
        there.arrive()
        there.fleet.lose(there.fleet.due()[0], LOST)
        assert server.sought == 2


def test_a_person_who_closes_the_games_window_ends_the_run_in_order() -> None:
    server = own("mine", is_for_a_person=True)
    assert isinstance(server.own, Own)
    with harbour(server) as there:
        there.arrive()
        server.own.is_gone = True
        there.fleet.lose(there.fleet.due()[0], LOST)
        assert there.fleet.servers == []
        assert there.fleet.due() == []
        assert server.closed == 1


def test_our_own_servers_take_turns_so_that_a_run_can_be_repeated() -> None:
    one, other = own("one"), own("other")
    with harbour(one, other) as there:
        fleet = there.fleet
        there.arrive(one)
        order = []
        for _ in range(2):
            order.append([str(seat.server) for seat in fleet.due()])
            fleet.turns += 1
        assert order == [["one"], []]  # the other one's turn comes, though it is not there yet
        there.arrive(other)
        fleet.turns += 1
        assert [str(seat.server) for seat in fleet.due()] == ["other"]


def test_servers_that_are_named_are_all_due() -> None:
    with harbour(StubServer("one"), StubServer("other")) as there:
        there.arrive()
        assert [str(seat.server) for seat in there.fleet.due()] == ["one", "other"]
        assert [there.fleet.is_first(seat) for seat in there.fleet.due()] == [True, False]


def test_a_pause_reaches_all_games_and_outlasts_a_lost_connection() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive(one)
        there.fleet.pause(True)
        there.arrive(other)
        assert (one.client.pauses, other.client.pauses) == ([True], [True])
        assert there.lines.said[-1] == PAUSED
        there.fleet.pause(False)
        assert (one.client.pauses, other.client.pauses) == ([True, False], [True, False])


def test_a_server_that_turns_out_to_be_gone_at_a_pause_is_lost() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive()
        one.client.error = LOST
        there.fleet.pause(True)
        assert [str(server) for server in there.fleet.seats] == ["other"]
        assert other.client.pauses == [True]


def test_games_are_paused_while_the_network_is_measured() -> None:
    server = StubServer("pi")
    with harbour(server) as there:
        there.arrive()
        there.fleet.ping()
        assert server.client.pauses == [True, False]
        assert there.lines.said[1] == "ping  1: 1.000 ms"
        there.fleet.pause(True)
        there.fleet.ping()
        assert server.client.pauses == [True, False, True]  # they stay paused


def test_the_lines_say_which_of_several_servers_is_measured() -> None:
    one, other = StubServer("one"), StubServer("other")
    with harbour(one, other) as there:
        there.arrive()
        one.client.error = LOST
        there.fleet.ping()
        assert "ping other 10: 1.000 ms" in there.lines.said
        assert [str(server) for server in there.fleet.seats] == ["other"]


def test_no_server_is_measured_once_a_person_quits() -> None:
    server = StubServer("pi")
    with harbour(server, stop=lambda: True) as there:
        there.arrive()
        there.fleet.ping()
        assert server.client.pauses == []


def test_a_server_of_our_own_that_does_not_start_is_gone_on_without() -> None:
    one, other = own("one"), own("other")
    assert isinstance(other.own, Own)
    with harbour(one, other) as there:
        there.arrive(one)
        other.own.is_gone = True
        there.fail(other, PongError("the local server did not start: no memory"))
        assert there.lines.said[-1] == "going on without other: the local server did not start: no memory"
        assert other.closed == 1


def test_after_a_server_of_our_own_that_cannot_be_played_on_the_next_is_sought() -> None:
    crew, (one, other) = Players(), (own("one"), own("other"))
    crew.refusal = PongError("its frames are strange")
    with harbour(one, other, crew=crew) as there:
        there.fleet.seek()
        there.arrive(one)
        assert (one.closed, other.sought) == (1, 1)


def test_after_a_server_of_our_own_that_does_not_start_the_next_is_sought() -> None:
    one, bad, other = own("one"), own("bad"), own("other")
    assert isinstance(bad.own, Own)
    with harbour(one, bad, other) as there:
        there.fleet.seek()
        there.arrive(one)
        bad.own.is_gone = True
        there.fail(bad, PongError("the local server did not start: no memory"))
        assert (one.sought, bad.sought, other.sought) == (1, 1, 1)


def test_games_in_real_time_are_held_while_the_training_is_busy() -> None:
    waiting, running = StubServer("pi"), StubServer("other", session=in_real_time())
    with harbour(waiting, running) as there:
        there.arrive()
        with there.fleet.holding():
            assert (waiting.client.pauses, running.client.pauses) == ([], [True])
        assert (waiting.client.pauses, running.client.pauses) == ([], [True, False])
        there.fleet.pause(True)
        with there.fleet.holding():
            pass
        assert running.client.pauses == [True, False, True]  # a person's pause stays


def test_a_server_that_is_gone_while_it_is_held_is_lost_when_it_is_looked_at() -> None:
    server = StubServer("pi", session=in_real_time())
    with harbour(server) as there:
        there.arrive()
        with there.fleet.holding():
            server.client.error = LOST
        assert there.fleet.is_connected


def test_waiting_ends_when_the_run_is_woken() -> None:
    with harbour(StubServer("pi", state())) as there:
        there.arrivals.wake.set()
        there.fleet.wait([], None)  # nobody is there yet


def test_all_servers_are_given_up_before_one_is_waited_for() -> None:
    class Waiting(StubServer):
        def close(self) -> None:
            super().close()
            assert (one.given_up, other.given_up) == (1, 1)

    one, other = Waiting("one"), Waiting("other")
    with harbour(one, other) as there:
        there.fleet.close()
        assert (one.closed, other.closed) == (1, 1)


def test_all_servers_are_closed_though_one_fails() -> None:
    class Stubborn(StubServer):
        def close(self) -> None:
            super().close()
            raise ZeroDivisionError

    one, other = Stubborn("one"), Stubborn("other")
    with harbour(one, other) as there:
        with pytest.raises(ZeroDivisionError):
            there.fleet.close()
        assert (one.closed, other.closed) == (1, 1)
