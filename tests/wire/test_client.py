"""PongClient against a listener on this machine."""

from __future__ import annotations

import contextlib
import math
import select
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pongrl.errors import ConnectionLostError, PongError, ProtocolError
from pongrl.wire import connection as connection_module
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import Role, Step, parse_action
from pongrl.wire.plain import dumps
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, connected, serving
from tests.support.wire import HTTP, SESSION, state
from tests.support.wire_peers import cut, line_of, listening, our_threads, talking

FIRST, SECOND = state(0).serialize(), state(1).serialize()


@pytest.mark.parametrize(
    ("opening", "error"),
    [
        (SECOND, "STEP 1 where 0 is due"),
        (message(Kind.STEP, dumps(None)), "a STEP that is none"),
        (message(Kind.ACTION), "kind 3, which may not come here"),
        (struct.pack("!BI", Kind.STEP, SESSION.step_limit + 1), "bytes, where"),
        (message(Kind.BYE), "said goodbye$"),
        (message(Kind.BYE, b"\x1b[2J\xff"), r"said goodbye: \\x1b\[2J"),
        (HTTP, "kind 71, which may not come here"),
    ],
)
def test_a_server_that_breaks_the_rules_once_we_are_in_is_left(opening: bytes, error: str) -> None:
    with (
        listening(opening=opening) as (listener, _),
        PongClient(*listener.address) as client,
        pytest.raises(PongError, match=error),
    ):
        client.connect()
    assert our_threads() == set()


def observed(client: PongClient) -> Step:
    """Return the next state."""
    step = client.observe()
    assert step is not None
    return step


def test_states_and_moves_go_to_and_fro() -> None:
    with talking() as (client, connection):
        client.act(np.array([2, 0]))
        kind, body = connection.receive() or (None, b"")
        assert (kind, parse_action(body, 2)) == (Kind.ACTION, (0, b"\2\0"))
        connection.send(SECOND)
        step = observed(client)
        assert (step.number, step.frames[1, 2, 3]) == (1, 255)


def test_a_step_out_of_turn_is_refused() -> None:
    with talking() as (client, connection):
        connection.send(FIRST)
        with pytest.raises(ProtocolError, match="STEP 0 where 1 is due"):
            client.observe()


def test_a_state_before_the_last_was_answered_is_refused() -> None:
    with talking() as (client, connection):
        connection.send(SECOND)
        with pytest.raises(ProtocolError, match="STEP 1 before the one before it was answered"):
            client.observe()


def test_a_spectator_is_sent_to_the_class_for_it() -> None:
    with pytest.raises(ValueError, match="use PongWatcher"):
        PongClient(role=Role.WATCH)


NOT_MOVES = [
    [], [0], [0, 1, 2], [[0], [1]], [[0], [1, 2]], 0,
    [0, 256], [-1, 0], [0.0, 1.0], [True, False], ["0", "1"], [None, 0], [0, 1 << 70],
]  # fmt: skip


@pytest.mark.parametrize("moves", NOT_MOVES, ids=repr)
def test_moves_that_no_game_knows_are_a_value_error(moves: Any) -> None:
    with talking() as (client, _), pytest.raises(ValueError):  # noqa: PT011  # numpy words some of them
        client.act(moves)


def test_a_client_that_is_not_connected_says_so() -> None:
    with PongClient() as client:
        calls = client.observe, client.ping, client.pause, lambda: client.act([0]), lambda: client.session
        for call in calls:
            with pytest.raises(RuntimeError, match=r"call connect\(\) first"):
                call()


def test_a_client_connects_once_and_closes_twice() -> None:
    with talking() as (client, connection):
        with pytest.raises(RuntimeError, match="connected already"):
            client.connect()
        client.close()
        client.close()
        with pytest.raises(ConnectionLostError, match="said goodbye"):
            connection.receive()
        with pytest.raises(RuntimeError, match="not connected"):
            client.step([0, 0])


def test_a_server_cut_off_in_a_message_is_a_lost_connection() -> None:
    with talking() as (client, connection):
        connection.send(SECOND[:-1])
        cut(connection)
        with pytest.raises(ConnectionLostError, match="has left"):
            client.observe()


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with talking() as (client, _):
        monkeypatch.setattr(connection_module, "SILENCE_SECONDS", 0.02)
        for wait in (client.observe, lambda: client.attend(PATIENCE), client.ping):
            with pytest.raises(ConnectionLostError, match=r"silent|does not answer"):
                wait()


def test_a_thinking_agent_sends_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 0.02)
    with talking() as (_, connection), line_of(connection) as line:
        line.settimeout(PATIENCE)
        assert line.recv(1) == bytes((Kind.HEARTBEAT,))


def test_waiting_for_a_state_ends_when_woken_and_goes_on(wake: Wake) -> None:
    with talking() as (client, connection):
        wake.set()
        assert client.observe(wake) is None
        wake.set()
        client.attend(PATIENCE, wake)
        client.act([0, 0])
        connection.send(SECOND)
        assert observed(client).number == 1


def test_a_state_that_comes_before_an_answer_to_a_ping_is_kept() -> None:
    with talking() as (client, connection):
        client.act([0, 0])

        def answer() -> None:
            assert connection.receive() is not None
            kind, echo = connection.receive() or (None, b"")
            assert kind is Kind.PING
            connection.send(SECOND + message(Kind.PONG, echo))

        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(answer)
            assert client.ping() > 0
            answered.result(PATIENCE)
        assert observed(client).number == 1


def test_an_answer_to_another_ping_does_not_count() -> None:
    with talking() as (client, connection):
        connection.send(message(Kind.PONG, bytes(8)) + message(Kind.BYE))
        with pytest.raises(ConnectionLostError, match="said goodbye"):
            client.ping()


@pytest.mark.parametrize("reading", [PongClient.poll, PongClient.observe, lambda client: client.attend(0)])
def test_answers_to_no_question_do_not_keep_a_client_reading(
    reading: Callable[[PongClient], object],
) -> None:
    with talking() as (client, connection):
        client.act([0, 0])
        connection.send(message(Kind.PONG, bytes(8)))
        assert select.select([client.connection], [], [], PATIENCE)[0]
        with pytest.raises(ProtocolError, match="a PONG that answers no PING"):
            reading(client)


def test_a_state_that_comes_while_attending_is_kept() -> None:
    with talking() as (client, connection):
        client.act([0, 0])
        connection.send(SECOND)
        client.attend(0)
        assert observed(client).number == 1


def test_a_ping_is_answered_while_the_game_is_paused() -> None:
    with serving(lockstep=True) as server, connected(server) as client:
        client.pause()
        client.act([0])
        assert client.ping() > 0
        client.pause(False)
        assert observed(client).number == 1


def test_a_ping_that_is_not_answered_can_be_stopped() -> None:
    with contextlib.closing(Wake()) as wake, talking() as (client, _):
        is_over = threading.Event()

        def stop() -> None:
            is_over.set()
            wake.set()

        threading.Timer(0, stop).start()
        assert client.ping(PATIENCE, wake, is_over.is_set) == math.inf


def test_a_ping_goes_on_when_it_is_woken_for_something_else() -> None:
    with contextlib.closing(Wake()) as wake, serving(lockstep=True) as server, connected(server) as client:
        wake.set()
        assert client.ping(PATIENCE, wake) < PATIENCE
