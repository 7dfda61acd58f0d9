"""Seats: who is let in, who is refused with a sentence, and who has a seat again."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pongrl.errors import ConnectionLostError, Refusal, RefusedError
from pongrl.server import seats as module
from pongrl.server.gallery import MAX_WATCHERS
from pongrl.server.seats import VISITS_AT_ONCE, Seats
from pongrl.wire.handshake import Admission, Applicant
from pongrl.wire.messages import NOBODY, Role
from tests.support import PATIENCE
from tests.support.engines import game_options

MINE, THINE = bytes(range(16)), bytes(range(1, 17))


class Peer:
    """In place of a connection."""

    peer = "192.0.2.1:1"

    def __init__(self) -> None:
        self.is_closed = False
        self.heartbeats: queue.SimpleQueue[str] = queue.SimpleQueue()

    def send_heartbeat(self) -> None:
        self.heartbeats.put("beat")
        if self.is_closed:
            raise ConnectionLostError("it is gone")

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Watchers:
    """In place of a gallery."""

    size: int = 0
    added: list[Any] = field(default_factory=list)

    def add(self, watcher: Any) -> None:
        self.added.append(watcher)


@contextlib.contextmanager
def seats(watchers: Watchers | None = None, **changes: Any) -> Iterator[Seats]:
    made = Seats(game_options(**changes), watchers or Watchers())
    yield made
    made.close()


def seat(seats: Seats, side: Role, identity: bytes = NOBODY) -> Any:
    peer = Peer()
    seats.deliver(peer, Admission(side, seats.admit(Applicant(side, identity)), identity))  # type: ignore[arg-type]
    return peer


def test_agents_that_come_to_a_side_again_and_again_are_slowed_down() -> None:
    with seats() as made:
        for _ in range(VISITS_AT_ONCE):
            seat(made, Role.RIGHT, MINE)
        assert refused(made, Role.RIGHT, "too often: try again in a second", MINE) is Refusal.BUSY
        seat(made, Role.LEFT)  # the other side is not held up


def refused(seats: Seats, role: Role, words: str, identity: bytes = NOBODY) -> Refusal:
    with pytest.raises(RefusedError, match=words) as error:
        seats.admit(Applicant(role, identity))
    return error.value.reason


def test_an_agent_is_told_the_session_and_arrives_once() -> None:
    with seats(games=3) as made:
        assert made.admit(Applicant(Role.LEFT)) == game_options(games=3).session()
        left, right = seat(made, Role.LEFT), seat(made, Role.RIGHT)
        assert made.wake.wait(0)
        assert list(made.arrivals()) == [(left, Role.LEFT), (right, Role.RIGHT)]
        assert list(made.arrivals()) == []


def test_a_seat_is_its_agents_until_it_leaves() -> None:
    with seats() as made:
        peer = seat(made, Role.LEFT, MINE)
        for identity in (NOBODY, THINE):
            words = "an agent is already connected from 192.0.2.1:1: end it"
            assert refused(made, Role.LEFT, words, identity) is Refusal.BUSY
        made.leave(peer, Role.LEFT)
        seat(made, Role.LEFT, THINE)
        seat(made, Role.RIGHT)
        assert refused(made, Role.RIGHT, "a right agent is already connected") is Refusal.BUSY


def test_nobody_is_no_identity_to_come_back_by() -> None:
    with seats() as made:
        seat(made, Role.LEFT, NOBODY)
        refused(made, Role.LEFT, "already connected", NOBODY)


def test_an_agent_that_comes_back_keeps_its_seat_when_its_old_connection_ends() -> None:
    with seats() as made:
        old, back = seat(made, Role.LEFT, MINE), seat(made, Role.LEFT, MINE)
        made.leave(old, Role.LEFT)
        refused(made, Role.LEFT, "already connected", THINE)
        made.leave(back, Role.LEFT)
        made.admit(Applicant(Role.LEFT, THINE))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"opponent": "human"}, "a person has the right paddle"), ({"level": 4}, "level 4 plays both")],
)
def test_a_right_paddle_that_somebody_has_is_refused_with_a_sentence(
    changes: dict[str, Any], words: str
) -> None:
    with seats(**changes) as made:
        assert refused(made, Role.RIGHT, words) is Refusal.ROLE
        assert made.admit(Applicant(Role.LEFT)).games == 1


def test_those_who_watch_go_to_the_gallery_as_long_as_it_has_room() -> None:
    watchers = Watchers(MAX_WATCHERS - 1)
    with seats(watchers) as made:
        peer = seat(made, Role.WATCH)
        assert watchers.added == [peer]
        watchers.size += 1
        assert refused(made, Role.WATCH, f"{MAX_WATCHERS} are watching already") is Refusal.BUSY


def test_a_server_that_ends_lets_nobody_in_and_closes_who_was_not_seated() -> None:
    with seats() as made:
        peer = seat(made, Role.LEFT)
        made.shut()
        assert refused(made, Role.RIGHT, "this server is ending") is Refusal.BUSY
    assert peer.is_closed


def test_agents_are_kept_alive_before_the_engine_takes_them_and_one_that_is_gone_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)
    closed = threading.Event()
    with seats() as made:
        left, right = seat(made, Role.LEFT), seat(made, Role.RIGHT)
        left.is_closed = True
        heart = threading.Thread(target=made.keep_alive, args=(closed,))
        heart.start()
        for _ in range(2):
            assert right.heartbeats.get(timeout=PATIENCE) == left.heartbeats.get(timeout=PATIENCE) == "beat"
        closed.set()
        heart.join(PATIENCE)
        assert not heart.is_alive()
