"""A connection: whole messages, heartbeats, an end that is noticed, and the wait for several."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pongrl.errors import ConnectionLostError, GoodbyeError, ProtocolError
from pongrl.wire import connection as connection_module
from pongrl.wire.connection import (
    HEARTBEAT_SECONDS,
    MOST_SHORT_WAITS,
    SHORT_WAITS,
    SILENCE_SECONDS,
    SMALL_TALK_AT_ONCE,
    SMALL_TALK_PER_SECOND,
    Connection,
    wait,
)
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.limits import VIEWER_LIMITS, server_limits
from pongrl.wire.messages import action
from pongrl.wire.waiting import Wake, ready
from tests.support import PATIENCE, ROOT
from tests.support.wire import HTTP, PING, SESSION
from tests.support.wire_peers import Clock, Ends, line_of, over


def test_a_message_is_received_whole_byte_by_byte_and_behind_others(ends: Ends) -> None:
    connection, peer = ends
    for byte in message(*PING):
        assert connection.receive(until=0.0) is None
        peer.sendall(bytes((byte,)))
    peer.sendall(message(Kind.HEARTBEAT) + message(*PING))
    assert [connection.receive() for _ in range(2)] == [PING, PING]


def test_a_deadline_that_has_passed_still_takes_what_is_there(ends: Ends) -> None:
    connection, peer = ends
    peer.sendall(message(*PING))
    assert connection.receive(until=0.0) == PING
    assert connection.receive(until=0.0) is None


def test_a_wait_ends_when_another_thread_wakes_it(ends: Ends, wake: Wake) -> None:
    connection, peer = ends
    thread = threading.Thread(target=wake.set)
    thread.start()
    assert connection.receive(wake=wake) is None
    thread.join()
    peer.sendall(message(*PING))
    assert connection.receive(wake=wake) == PING


def test_a_message_that_came_with_a_wake_is_not_lost(ends: Ends, wake: Wake) -> None:
    connection, peer = ends
    peer.sendall(message(*PING))
    wake.set()
    assert connection.receive(wake=wake) == PING
    assert connection.receive(wake=wake) is None


def test_one_wait_serves_several_peers(wake: Wake) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    with pairs[0][0], pairs[0][1] as first, pairs[1][0], pairs[1][1] as second:
        one, other = (over(ours) for ours, _ in pairs)
        second.sendall(message(*PING))
        assert wait([one, other], wake=wake)
        assert one.take() is None
        assert other.take() == PING
        first.sendall(message(*PING))
        assert wait([one, other], wake=wake)
        assert one.take() == PING
        wake.set()
        assert not wait([one, other], wake=wake)
        assert not wait([one, other], until=time.monotonic())


def test_a_wait_that_follows_short_ones_still_hears_wake_time_and_end(ends: Ends, wake: Wake) -> None:
    connection, peer = ends
    for _ in range(2 * SHORT_WAITS):
        thread = threading.Thread(target=peer.sendall, args=(message(*PING),))
        thread.start()
        assert connection.receive(wake=wake) == PING
        thread.join()
    assert connection.receive(until=time.monotonic() + 0.01, wake=wake) is None
    wake.set()
    assert connection.receive(wake=wake) is None
    peer.close()
    with pytest.raises(ConnectionLostError, match="has left"):
        connection.receive(wake=wake)


def test_a_peer_is_quick_after_some_fast_answers_and_until_two_slow_ones(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "SPIN_SECONDS", 0.001)
    connection, _ = ends
    fast, slow = 0.0, 1.0
    for _ in range(SHORT_WAITS):
        assert not connection.is_quick
        connection.note_wait(fast)
    for _ in range(MOST_SHORT_WAITS):
        connection.note_wait(fast)
    connection.note_wait(slow)
    assert connection.is_quick
    connection.note_wait(slow)
    assert not connection.is_quick


def test_a_wait_polls_before_it_sleeps_for_a_quick_peer_alone(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, peer = ends
    waits: list[float | None] = []

    def counted(readers: list[Any], writers: list[Any], seconds: float | None) -> tuple[list[Any], list[Any]]:
        waits.append(seconds)
        return ready(readers, writers, seconds)

    monkeypatch.setattr(connection_module, "ready", counted)
    monkeypatch.setattr(connection_module, "SPIN_SECONDS", PATIENCE)  # whatever comes, comes fast
    peer.sendall(message(*PING))
    for _ in range(SHORT_WAITS):
        assert wait([connection])
        assert waits.pop() != 0
    assert connection.is_quick
    assert wait([connection])
    assert waits == [0]


def test_a_peer_of_which_nothing_is_due_is_not_quick(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "SPIN_SECONDS", PATIENCE)
    connection, _ = ends
    for _ in range(SHORT_WAITS):
        connection.note_wait(0.0)
    assert not wait([connection], time.monotonic())  # too short to tell
    assert connection.is_quick
    monkeypatch.setattr(connection_module, "SPIN_SECONDS", 0.001)
    assert not wait([connection], time.monotonic() + 0.002)  # in real time it has answered, and a tick passes
    assert not connection.is_quick


def test_a_peer_that_reads_nothing_is_given_up(ends: Ends) -> None:
    connection = ends[0]
    connection.send(bytes(64 << 20))
    with pytest.raises(ConnectionLostError, match="does not read"):
        connection.send(b"more")


def test_nobody_waits_in_haste_for_a_peer_that_reads_nothing(ends: Ends) -> None:
    clock = Clock()
    connection = over(line_of(ends[0]), clock)
    connection.send(bytes(64 << 20))
    clock.now += HEARTBEAT_SECONDS
    with pytest.raises(ConnectionLostError):
        connection.send_heartbeat()
    assert connection.due > clock.now  # when it is tried again
    connection.close()


def test_a_single_message_may_be_larger_than_what_may_be_left_unread(ends: Ends) -> None:
    connection, peer = ends
    connection.send(bytes(8 << 20))
    while connection.is_behind:
        while len(peer.recv(1 << 20)) == 1 << 20:
            pass
        connection.flush()
    connection.send(b"more")


class Flood(socket.socket):
    """A socket on which heartbeats come without end."""

    reads = 0

    def recv(self, size: int, *_: int) -> bytes:
        self.reads += 1
        assert self.reads < 50, "it reads on and on"
        return message(Kind.HEARTBEAT) * (size // len(message(Kind.HEARTBEAT)))


def test_a_flood_of_heartbeats_is_cut_off(ends: Ends) -> None:
    with Flood(fileno=ends[1].detach()) as flood:
        connection = Connection(flood, Parser(server_limits(SESSION)), "the peer", read_bytes=1024)
        with pytest.raises(ProtocolError, match="over 100 messages a second that are neither"):
            connection.receive(until=0.0)


def test_a_peer_may_talk_much_at_once_but_not_for_long(clock: Clock, timed: Ends) -> None:
    connection, peer = timed
    for _ in range(10):  # seconds
        peer.sendall(message(*PING) * SMALL_TALK_PER_SECOND)
        assert [connection.receive() for _ in range(SMALL_TALK_PER_SECOND)] == [PING] * SMALL_TALK_PER_SECOND
        clock.now += 1
    peer.sendall(message(*PING) * (SMALL_TALK_AT_ONCE + 1))
    for _ in range(SMALL_TALK_AT_ONCE):
        assert connection.receive() == PING
    with pytest.raises(ProtocolError, match="over 100 messages a second"):
        connection.receive()


def test_moves_are_not_counted_as_talk(ends: Ends) -> None:
    connection, peer = ends
    move = action(0, bytes(SESSION.games))
    peer.sendall(move * (2 * SMALL_TALK_AT_ONCE))
    for _ in range(2 * SMALL_TALK_AT_ONCE):
        assert connection.receive() == (Kind.ACTION, move[-4 - SESSION.games :])


@pytest.mark.parametrize("begun", [b"", message(*PING)[:7]], ids=["between messages", "in a message"])
def test_a_peer_that_is_cut_off_is_noticed(ends: Ends, begun: bytes) -> None:
    connection, peer = ends
    peer.sendall(begun)
    peer.close()
    with pytest.raises(ConnectionLostError, match="the peer has left"):
        connection.receive()


def test_sending_to_a_peer_that_has_left_is_noticed(ends: Ends) -> None:
    connection, peer = ends
    peer.close()
    with pytest.raises(ConnectionLostError, match="the peer is gone"):
        connection.send(message(*PING))
    connection.close()


def test_a_goodbye_that_came_tells_why_a_peer_cannot_be_sent_anything() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server, client = over(ours), Connection(theirs, Parser(VIEWER_LIMITS), "the server")
        server.close("it is late")
        lost = ConnectionLostError("the server is gone (Broken pipe)")
        assert str(client.why_gone(lost)) == "the server said goodbye: it is late"
        assert client.why_gone(lost) is lost


def test_goodbye_is_said_and_understood(ends: Ends) -> None:
    connection, other = ends[0], over(ends[1])
    connection.close()
    with pytest.raises(GoodbyeError, match=r"the peer said goodbye$"):
        other.receive()


def test_the_reason_of_a_goodbye_is_told_in_printable_words() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server, client = over(ours), Connection(theirs, Parser(VIEWER_LIMITS), "the server")
        server.close("it was sent \x1b[2J")
        with pytest.raises(GoodbyeError, match=r"the server said goodbye: it was sent \\x1b\[2J$"):
            client.receive()


def test_a_peer_that_is_behind_is_sent_the_rest_later(ends: Ends) -> None:
    connection, peer = ends
    connection.send(bytes(1 << 19))
    assert connection.is_behind
    got = 0
    while got < 1 << 19:
        got += len(peer.recv(1 << 16))
        connection.flush()
    assert not connection.is_behind


@pytest.mark.parametrize("data", [HTTP, message(Kind.STEP), message(Kind.PING, bytes(9))])
def test_what_may_not_come_is_a_protocol_error(ends: Ends, data: bytes) -> None:
    connection, peer = ends
    peer.sendall(data)
    with pytest.raises(ProtocolError):
        connection.receive()


def test_more_than_the_line_takes_is_kept_and_arrives_in_order(clock: Clock, timed: Ends) -> None:
    connection, other = timed[0], over(timed[1], clock)
    moves = bytes(SESSION.games)
    sent = [(Kind.ACTION, number.to_bytes(4, "big") + moves) for number in range(50_000)]
    connection.send(b"".join(message(*each) for each in sent))
    assert connection.is_behind
    came: list[object] = []
    for _ in range(100):  # a few are enough
        came += iter(lambda: other.receive(until=clock.now), None)
        assert connection.receive(until=clock.now) is None  # it sends what is left
    assert came == sent


def test_heartbeats_keep_an_idle_line_open(clock: Clock, timed: Ends) -> None:
    connection, other = timed[0], over(timed[1], clock)
    for _ in range(100):
        clock.now += HEARTBEAT_SECONDS
        assert connection.receive(until=clock.now) is None
        assert other.receive(until=clock.now) is None


def test_silence_is_noticed_but_not_before_its_time(clock: Clock, timed: Ends) -> None:
    connection, _ = timed
    for seconds in (SILENCE_SECONDS / 3, SILENCE_SECONDS / 3, SILENCE_SECONDS / 3 - 0.001):
        clock.now += seconds
        assert connection.receive(until=clock.now) is None
    clock.now += 0.002
    with pytest.raises(ConnectionLostError, match="the peer has been silent for 9 seconds"):
        connection.receive()


def test_what_came_during_a_long_thought_is_no_silence(clock: Clock, timed: Ends) -> None:
    connection, peer = timed
    peer.sendall(message(*PING))
    clock.now += 100 * SILENCE_SECONDS
    assert connection.receive() == PING
    assert connection.receive(until=clock.now) is None


def test_heartbeats_that_came_during_a_long_thought_are_no_flood(clock: Clock, timed: Ends) -> None:
    connection, peer = timed
    hours = 4 * 3600
    peer.sendall(message(Kind.HEARTBEAT) * int(hours / HEARTBEAT_SECONDS) + message(*PING))
    clock.now += hours
    while (came := connection.take()) is None:
        pass
    assert came == PING
    peer.sendall(message(Kind.HEARTBEAT) * (SMALL_TALK_AT_ONCE + 2))
    with pytest.raises(ProtocolError, match="over 100 messages a second"):
        connection.take()


def test_a_process_that_was_stopped_does_not_take_that_for_the_peers_silence(
    clock: Clock, timed: Ends
) -> None:
    connection = timed[0]
    for _ in range(3):  # as a laptop that sleeps, with both ends on it
        clock.now += 1000.0
        assert connection.receive(until=clock.now) is None
    for _ in range(8):
        clock.now += 1.0
        assert connection.receive(until=clock.now) is None
    clock.now += 1.0
    with pytest.raises(ConnectionLostError, match="silent for 9 seconds"):
        connection.receive(until=clock.now)


def test_a_heartbeat_is_sent_only_when_nothing_else_was(clock: Clock, timed: Ends) -> None:
    connection, peer = timed
    for _ in range(3):
        clock.now += HEARTBEAT_SECONDS * 0.9
        connection.send(message(*PING))
        clock.now += HEARTBEAT_SECONDS * 0.9
        connection.send_heartbeat()
    clock.now += HEARTBEAT_SECONDS * 0.2
    connection.send_heartbeat()
    assert peer.recv(1024) == 3 * message(*PING) + message(Kind.HEARTBEAT)


def test_a_connection_is_due_when_a_heartbeat_is_and_at_last_when_the_peer_has_been_silent(
    clock: Clock, timed: Ends
) -> None:
    connection, _ = timed
    began = clock.now
    assert connection.due == began + HEARTBEAT_SECONDS
    clock.now += SILENCE_SECONDS - HEARTBEAT_SECONDS / 2
    connection.send_heartbeat()
    assert connection.due == began + SILENCE_SECONDS


def test_a_wait_sends_the_heartbeat_that_is_due(clock: Clock, timed: Ends) -> None:
    connection, peer = timed
    clock.now += HEARTBEAT_SECONDS
    assert not wait([connection], clock.now, clock=clock)
    assert peer.recv(1024) == message(Kind.HEARTBEAT)


class Late(threading.Event):
    """An event whose waiter is told that it timed out, though it was set just then."""

    def wait(self, timeout: float | None = None) -> bool:
        was_set = self.is_set()
        super().wait(PATIENCE)
        return was_set


def test_a_line_is_kept_alive_beside_its_owner_until_it_is_closed(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 0.02)
    (connection, peer), closed = ends, threading.Event()
    thread = threading.Thread(target=connection.keep_alive, args=(closed,))
    thread.start()
    peer.settimeout(PATIENCE)
    for _ in range(2):
        assert peer.recv(len(message(Kind.HEARTBEAT))) == message(Kind.HEARTBEAT)
    closed.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_heartbeat_that_falls_due_while_the_owner_closes_is_no_error(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 0.0)
    connection, closed = ends[0], Late()
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(connection.keep_alive, closed)
        connection.close()
        closed.set()
        kept.result(PATIENCE)


COARSE = """
import os, time, types
time.get_clock_info = lambda name: types.SimpleNamespace(resolution=0.015625)
os.cpu_count = lambda: 2
from pongrl.wire import connection
print(connection.SPIN_SECONDS)
"""


def test_nothing_is_polled_by_a_clock_that_stands_still_for_longer_than_that() -> None:
    done = subprocess.run([sys.executable, "-c", COARSE], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("0.0", "")
