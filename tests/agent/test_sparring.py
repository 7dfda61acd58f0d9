"""The sparring partner: who plays which game, what is counted, and when it is told."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from pongrl.agent.opponents import Opponent, Opponents
from pongrl.agent.sparring import Pairing, Result, Sparring
from pongrl.errors import ConnectionLostError
from pongrl.game.moves import STAY
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Role, Session, Step
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, connected, serving
from tests.support.agents import Lines, state
from tests.support.opponents import policy_that, put

SESSION = Session(4, 50, 70, 2, 8, 60, 21, True)
STAYS, MOVES = Opponent("stays", policy_that(stays=True)), Opponent("moves", policy_that(stays=False))


def pairing_of(*opponents: Opponent) -> Pairing:
    return Pairing(SESSION, opponents, np.random.default_rng(1))


def test_each_game_is_played_by_one_opponent_until_its_point_ends() -> None:
    pairing = pairing_of(STAYS, MOVES)
    stay = pairing.answer(state(4)) == STAY
    assert set(stay.tolist()) == {True, False}
    for _ in range(5):
        np.testing.assert_array_equal(pairing.answer(state(4)) == STAY, stay)
    pairing.opponents = [MOVES]
    after = pairing.answer(state(4, points=[1, 1, 0, 0], reward=[1, 1, 0, 0])) == STAY
    assert after.tolist() == [False, False, *stay[2:].tolist()]


def test_results_are_counted_as_the_training_sees_them() -> None:
    pairing = pairing_of(STAYS)
    pairing.answer(state(4))
    pairing.answer(state(4, points=[1, 0, 1, 3], reward=[1, 0, -1, 1]))  # lost, won, one of three won
    assert pairing.take_results() == [Result("stays", won=2, lost=3)]
    assert pairing.take_results() == []


class Client:
    """A client that is sent a point in every state, until the server is gone."""

    session = SESSION

    def __init__(self, states: int) -> None:
        self.left = states
        self.answers = 0

    def connect(self) -> Step:
        """Give the first state."""
        return state(4)

    def act(self, moves: Any) -> None:
        """Take moves."""
        self.answers += 1

    def observe(self, wake: Wake) -> Step:
        """Give the next state."""
        self.left -= 1
        if self.left < 0:
            raise ConnectionLostError("gone")
        return state(4, points=[1, 0, 0, 0], reward=[-1, 0, 0, 0])


class Clock:
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Look at it."""
        self.now += 1.0
        return self.now


@contextlib.contextmanager
def playing(directory: Path, client: Any) -> Iterator[tuple[Sparring, queue.Queue[dict[str, Any]]]]:
    """Let a sparring partner play in a thread of its own."""
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    sparring = Sparring(Opponents(directory, Lines()), told.put, np.random.default_rng(1), Clock())

    def play() -> None:
        with contextlib.suppress(ConnectionLostError):
            sparring.play(cast(PongClient, client))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield sparring, told
    finally:
        sparring.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        sparring.close()


def test_results_are_told_again_only_when_the_training_has_heard_the_last_ones(tmp_path: Path) -> None:
    put(tmp_path, "one")
    client = Client(states=1000)
    with playing(tmp_path, client) as (sparring, told):
        first = told.get(timeout=PATIENCE)
        assert first == {"results": [{"opponent": "one", "won": 1, "lost": 0}]}
        assert client.answers <= 3
        sparring.go_on()
        assert told.get(timeout=PATIENCE)["results"]
        assert client.answers <= 4
        assert client.left > 900


def test_what_was_counted_is_told_when_the_server_is_gone(tmp_path: Path) -> None:
    put(tmp_path, "one")
    with playing(tmp_path, Client(states=2)) as (sparring, told):
        results = []
        while sum(result["won"] for result in results) < 2:
            results += told.get(timeout=PATIENCE)["results"]
            sparring.go_on()


def test_it_plays_the_right_paddles_of_a_server(tmp_path: Path) -> None:
    put(tmp_path, "one")
    with serving(lockstep=True, games=2, seed=1) as server, connected(server) as left:
        right = PongClient(*server.address, role=Role.RIGHT)
        with contextlib.closing(right), playing(tmp_path, right) as (sparring, told):
            until = time.monotonic() + PATIENCE
            while told.empty() and time.monotonic() < until:
                left.step([STAY, STAY])
            (result,) = told.get_nowait()["results"]
            assert result["opponent"] == "one"
            sparring.end()


def test_it_waits_for_the_first_opponent_and_ends_while_it_waits(tmp_path: Path) -> None:
    client = Client(states=1000)
    with playing(tmp_path / "empty", client) as (sparring, told):
        sparring.end()
    assert told.empty()
    assert client.answers == 0
