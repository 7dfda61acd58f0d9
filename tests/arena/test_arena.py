"""An arena as a whole: agents that play, and those that cheat, hang, die or flood; nobody else is harmed."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pongrl.arena import pairing, persons, table
from pongrl.arena.ledger import Ledger
from pongrl.arena.run import ArenaRun
from pongrl.arena.standings import PERSON
from pongrl.arena.visitors import Act, Come, Leave, Visitors
from pongrl.errors import GoodbyeError, PongError, RefusedError
from pongrl.game.moves import DOWN, UP
from pongrl.server.guests import Paddle
from pongrl.wire.client import PongClient, PongWatcher
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import NOBODY, Mover, Step, action
from tests.support import PATIENCE, Program
from tests.support.arena import Agent, Audience, agents, arena, ledger, secret
from tools.vitals import Ledger as Rewards


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let forfeits come soon, and let agents meet each other alone."""
    monkeypatch.setattr(table, "FORFEIT_SECONDS", 0.5)
    monkeypatch.setattr(pairing, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(pairing, "HOUSE_MATCHES", 0)


def follow(step: Step) -> int:
    """Follow the ball."""
    frame = step.frames[0].astype(int)
    rows, light = np.arange(len(frame)), frame[:, 1:-1].sum(axis=1)
    return UP if light @ rows / max(light.sum(), 1) < frame[:, 0] @ rows / frame[:, 0].sum() else DOWN


@contextlib.contextmanager
def playing(path: Path, *watched: int, **changes: object) -> Iterator[tuple[ArenaRun, Audience]]:
    audience = Audience(*watched)
    with arena(path, None, audience, **changes) as run:
        yield run, audience


def test_agents_meet_on_both_sides_and_are_ranked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FORFEIT_SECONDS", PATIENCE)  # however slow this machine is, nobody forfeits
    with (
        playing(path, move_seconds=PATIENCE) as (run, audience),
        agents(run.address, Agent(run.address, "Ada", follow), Agent(run.address, "Bob")) as (ada, bob),
    ):
        audience.wait_for(lambda: {match.left for match in audience.between("Ada", "Bob")} == {"Ada", "Bob"})
        audience.wait_for(lambda: (row := audience.row("Ada")) and row.matches >= 2 and row.is_here)
    with ledger(path) as book:
        one, other = book.player("Ada"), book.player("Bob")
        assert one.rating.mu > other.rating.mu
        rows = {row.name: row for row in book.standings().rows}
        assert rows["Ada"].answers.asked > 0
        assert rows["Ada"].answers.late == 0
    for agent in (ada, bob):
        agent.join(PATIENCE)
        rewards = Rewards(agent.client.session)
        for step in agent.steps:
            rewards.enter(step)
        assert rewards.points >= 3  # the last point of a match is told with the next one


def test_each_agent_sees_itself_on_the_left_with_its_own_rewards(path: Path) -> None:
    def up(step: Step) -> int:
        return UP

    with (
        playing(path) as (run, audience),
        agents(run.address, Agent(run.address, "Ada", up), Agent(run.address, "Bob")) as (ada, bob),
    ):
        audience.wait_for(lambda: len(audience.between("Ada", "Bob")) >= 2)
        for agent in (ada, bob):
            agent.stop()
            agent.join(PATIENCE)
    assert any(int(step.frames[0][:, 0].argmax()) == 0 for step in ada.steps)  # its paddle has gone up
    assert {int(step.movers[0]) for step in bob.steps[5:]} <= {Mover.AGENT, Mover.HELD}
    assert all(sum(step.rewards) in (-1, 0, 1) for step in ada.steps)
    assert ada.steps[-1].matches[0] >= 1


def test_an_agent_that_sleeps_forfeits_and_the_others_play_on(path: Path) -> None:
    awake = threading.Event()

    def sleep(step: Step) -> int:
        awake.wait(PATIENCE)
        return 0

    # Eleven points against a sleeper take seconds, so a match of hers ends by forfeit and not by points.
    with playing(path, points_to_win=11, move_seconds=0.02) as (run, audience), agents(
        run.address, Agent(run.address, "Ada", follow), Agent(run.address, "Bob", follow),
        Agent(run.address, "Eve", sleep),
    ):  # fmt: skip
        audience.wait_for(lambda: any("forfeit by Eve" in match.ended for match in audience.last))
        forfeited = next(match for match in audience.last if "forfeit by Eve" in match.ended)
        assert forfeited.winner == int(forfeited.left == "Eve")
        audience.wait_for(lambda: len(audience.between("Ada", "Bob")) >= 2)
        audience.wait_for(lambda: (row := audience.row("Eve")) and row.answers.late)
        number = audience.last[0].number
        awake.set()  # and it is let play again
        audience.wait_for(
            lambda: any(
                "Eve" in (match.left, match.right) and match.number > number for match in audience.last
            )
        )


def test_an_answer_that_comes_too_late_moves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FORFEIT_SECONDS", PATIENCE)  # however late it is, the match goes on
    with (
        playing(path, points_to_win=1000, move_seconds=0.02) as (run, audience),
        PongClient(*run.address, name="Ada") as client,
    ):
        client.connect()
        audience.wait_for(lambda: any(live.game_seconds > 0.5 for live in audience.live))
        after = client.step([DOWN])
        assert after.dropped >= 3
        assert (after.moves[0], after.movers[0]) == (0, Mover.HELD)


def test_who_dies_forfeits_the_match_and_who_comes_back_in_time_plays_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "FORFEIT_SECONDS", PATIENCE)
    with playing(path, points_to_win=1000, move_seconds=0.01) as (run, audience):
        first = PongClient(*run.address, name="Ada", identity=secret("Ada"))
        first.connect()
        audience.wait_for(lambda: audience.live)
        live = audience.live[0]
        first.close()
        audience.wait_for(lambda: (row := audience.row("Ada")) and not row.is_here)
        audience.wait_for(lambda: sum(audience.live[0].score) > 0)
        with PongClient(*run.address, name="Ada", identity=secret("Ada")) as second:
            step = second.connect()
            assert step.matches[0] == 0
            assert step.scores[0].sum() > 0
            assert (step.rewards[0], step.points[0], step.ticks[0]) == (0, 0, 0)  # it played none of that
            again = audience.live[0]
            assert (again.left, again.right) == (live.left, live.right)
            monkeypatch.setattr(table, "FORFEIT_SECONDS", 0.1)
        audience.wait_for(lambda: audience.last)
        assert audience.last[0].ended == "forfeit by Ada"


def test_who_breaks_the_protocol_is_cut_off_and_forfeits(path: Path) -> None:
    with playing(path) as (run, audience):
        for name, words in (
            ("liar", action(7, b"\0")),
            ("mover", action(0, b"\x09")),
            ("babbler", b"\xff" * 50),
        ):
            with PongClient(*run.address, name=name, identity=secret(name)) as client:
                client.connect()
                client.connection.send(words)
                with pytest.raises(PongError):
                    client.observe()
            audience.wait_for(lambda: f"forfeit by {name}" in {match.ended for match in audience.last})  # noqa: B023


def test_who_floods_is_cut_off_and_others_are_not_slowed_down(path: Path) -> None:
    with (
        playing(path) as (run, audience),
        agents(run.address, Agent(run.address, "Ada", follow), Agent(run.address, "Bob", follow)),
    ):
        with PongClient(*run.address, name="Eve", identity=secret("Eve")) as client:
            client.connect()
            with contextlib.suppress(PongError):
                while True:
                    client.connection.send(message(Kind.PING, bytes(8)))
                    client.poll()
        audience.wait_for(lambda: any("forfeit by Eve" in match.ended for match in audience.last))
        audience.wait_for(lambda: len(audience.between("Ada", "Bob")) >= 2)
        audience.wait_for(lambda: (row := audience.row("Ada")) and row.matches >= 2)
        row = audience.row("Ada")
        assert row is not None
        assert row.answers.late <= row.answers.asked // 10


def test_who_pauses_forfeits_and_is_left_in_peace_until_it_goes_on(path: Path) -> None:
    with playing(path) as (run, audience), PongClient(*run.address, name="Ada") as client:
        client.connect()
        client.pause()
        client.act([0])
        audience.wait_for(lambda: audience.last)
        assert client.ping(PATIENCE) < PATIENCE


def test_names_are_kept_apart(path: Path) -> None:
    with playing(path) as (run, audience), agents(run.address, Agent(run.address, "Ada")) as (ada,):
        audience.wait_for(lambda: (row := audience.row("Ada")) and row.is_here)
        for name, identity, words in (
            ("Ada", secret("Ada"), "plays here already"),
            ("ADA", secret("Eve"), "plays here already"),
            ("", secret("Eve"), "an arena asks for a name"),
            ("level 2", secret("Eve"), "belongs to another"),
        ):
            with (
                PongClient(*run.address, name=name, identity=identity) as client,
                pytest.raises(RefusedError, match=words),
            ):
                client.connect()
        ada.stop()
        ada.join(PATIENCE)
        audience.wait_for(lambda: (row := audience.row("Ada")) and not row.is_here)
        with (
            PongClient(*run.address, name="Bob", identity=secret("Ada")) as client,
            pytest.raises(RefusedError, match="known here as Ada"),
        ):
            client.connect()


def test_a_person_who_is_refused_does_not_take_the_name_of_an_agent(path: Path) -> None:
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience) as run, PongClient(*run.address, name="Ada") as nameless:
        nameless.connect()  # without an identity the name is nobody's yet
        audience.wait_for(lambda: (row := audience.row("Ada")) and row.is_here)
        visitors.tell(Come(3, "Ada", secret("Eve")))
        audience.wait_for(lambda: audience.news.get(3))
        assert audience.news[3][-1].words == "Ada plays here already"
        nameless.close()
        audience.wait_for(lambda: (row := audience.row("Ada")) and not row.is_here)
        with PongClient(*run.address, name="Ada", identity=secret("Ada")) as again:
            again.connect()


def test_a_person_who_plays_on_the_page_does_not_play_as_an_agent_too(path: Path) -> None:
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience) as run:
        visitors.tell(Come(3, "Zoë", secret("Zoë")))
        audience.wait_for(lambda: (row := audience.row("Zoë")) and row.is_here)
        with (
            PongClient(*run.address, name="Zoë", identity=secret("Zoë")) as twin,
            pytest.raises(GoodbyeError, match="Zoë plays on the page already"),
        ):
            twin.connect()


def test_a_person_whose_connection_is_dead_goes_on_by_another(path: Path) -> None:
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience):
        visitors.tell(Come(1, "Bob", secret("Bob")))
        visitors.tell(Come(3, "Zoë", secret("Zoë")))
        audience.wait_for(lambda: audience.live)
        [match] = audience.live
        visitors.tell(Come(4, "Zoë", secret("Eve")))
        audience.wait_for(lambda: audience.news.get(4))
        assert audience.news[4][-1].words == "Zoë plays here already"
        visitors.tell(Come(5, "zoë", secret("Zoë")))
        audience.wait_for(lambda: audience.news.get(5))
        assert audience.news[5][-1].match == match.number  # it is the match that she has begun
        assert (audience.news[3][-1].words, audience.news[3][-1].is_out) == (
            "Zoë plays by another connection now", True,
        )  # fmt: skip
        visitors.tell(Leave(3))  # the dead connection is noticed
        visitors.tell(Come(6, "Zoë", secret("Eve")))
        audience.wait_for(lambda: audience.news.get(6))
        assert [live.number for live in audience.live] == [match.number]
        assert not audience.last
        visitors.tell(Leave(5))
        audience.wait_for(lambda: audience.last)
        assert audience.last[0].ended == "forfeit by Zoë: left"


def test_people_do_not_fill_the_ladder_with_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "NEW_NAMES_AT_ONCE", 2)
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience):
        for seat, name in enumerate(("Ada", "Bob", "Eve")):
            visitors.tell(Come(seat, name, secret(name)))
            visitors.tell(Leave(seat))
        audience.wait_for(lambda: audience.news.get(2))
        assert audience.news[2][-1].words == "too many new names have come: wait, or use a known one"
        visitors.tell(Come(4, "Ada", secret("Ada")))
        audience.wait_for(lambda: audience.news.get(4))
        assert not audience.news[4][-1].is_out


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be moved there")
def test_while_the_file_is_gone_no_person_is_let_in(path: Path) -> None:
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience, points_to_win=1000):
        path.rename(path.with_name("nowhere.db"))
        visitors.tell(Come(3, "Zoë", secret("Zoë")))
        audience.wait_for(lambda: audience.news.get(3))
        assert audience.news[3][-1].words == "nobody can be let in now: try again later"
        path.with_name("nowhere.db").rename(path)
        visitors.tell(Come(4, "Zoë", secret("Zoë")))
        audience.wait_for(lambda: audience.news.get(4))
        assert not audience.news[4][-1].is_out


def test_a_watcher_over_the_wire_sees_a_match(path: Path) -> None:
    with (
        playing(path) as (run, _),
        agents(run.address, Agent(run.address, "Ada", follow)),
        PongWatcher(*run.address) as watcher,
    ):
        watcher.connect()
        view, until = None, time.monotonic() + PATIENCE
        while view is None and time.monotonic() < until:
            view = watcher.watch(until)
        assert view is not None
        assert "Ada" in view.status


def test_people_on_the_page_see_the_courts_that_they_look_at(path: Path) -> None:
    with playing(path, 1) as (run, audience), agents(run.address, Agent(run.address, "Ada", follow)):
        audience.wait_for(lambda: len(audience.courts) >= 3)
        assert all(set(courts.places) == {1} for courts in audience.courts)
        x, y, left, right, *_ = audience.courts[-1].places[1]
        assert 0 <= x <= 690
        assert all(0 <= each <= 490 for each in (y, left, right))


def test_a_person_plays_and_leaves(path: Path) -> None:
    visitors, audience = Visitors(), Audience()
    with arena(path, visitors, audience, points_to_win=5):
        visitors.tell(Come(3, "Zoë", secret("Zoë")))
        audience.wait_for(lambda: any(news.serve_in for news in audience.news.get(3, [])))
        visitors.tell(Act(3, Paddle(move=DOWN)))
        audience.wait_for(lambda: audience.news[3][-1].serve_in == 0)
        news = audience.news[3][-1]
        assert news.opponent in news.words
        live = next(live for live in audience.live if live.number == news.match)
        assert (live.left, live.right)[news.side or 0] == "Zoë"
        assert live.is_real_time
        visitors.tell(Come(4, "zoë", secret("Eve")))
        audience.wait_for(lambda: 4 in audience.news)
        assert audience.news[4][-1].is_out
        visitors.tell(Leave(3))
        audience.wait_for(lambda: audience.last)
        assert audience.last[0].ended == "forfeit by Zoë: left"
        row = audience.row("Zoë")
        assert row is None or row.kind == PERSON


def test_all_goes_on_after_a_kill(path: Path) -> None:
    arguments = ("--arena", str(path), "--lockstep", "--port", "0", "--points-to-win", "2", "--seed", "1")
    kept = 0
    for _ in range(3):
        with Program("pong.py", *arguments) as program:
            line = program.wait_for("listening on")
            port = int(line.split("listening on ")[1].split(" ")[0].rsplit(":", 1)[1])
            address = ("127.0.0.1", port)
            with agents(address, Agent(address, "Ada", follow), Agent(address, "Bob")):
                for _ in range(4):
                    program.wait_for("match ")
                program.process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
                program.process.wait(PATIENCE)
        told = [line for line in (*program.seen["stdout"], *program.seen["stderr"]) if " match " in line]
        numbers = [int(line.split(" match ")[1].split(":")[0]) for line in told]
        book = Ledger(path)
        (newest,) = book.last(1)
        assert numbers == list(range(kept + 1, kept + len(numbers) + 1))
        assert newest.number >= numbers[-1]
        assert sum(row.matches for row in book.standings().rows) == 2 * newest.number
        kept = newest.number
        book.close()


def test_at_its_end_agents_are_told_goodbye(path: Path) -> None:
    with playing(path) as (run, audience):
        ada = Agent(run.address, "Ada", follow, NOBODY)
        ada.start()
        audience.wait_for(lambda: (row := audience.row("Ada")) and row.is_here)
    ada.join(PATIENCE)
    assert isinstance(ada.error, GoodbyeError)
