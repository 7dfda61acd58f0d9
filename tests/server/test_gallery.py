"""Those who only watch: what they see, and that they disturb nobody."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pong import Pong
from pongrl.errors import ConnectionLostError, RefusedError
from pongrl.server.gallery import MAX_WATCHERS, Gallery
from pongrl.server.listener import Listener
from pongrl.wire.client import PongClient, PongWatcher
from pongrl.wire.connection import Connection
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.limits import VIEWER_LIMITS, WATCHER_LIMITS
from pongrl.wire.messages import View
from tests.support import PATIENCE, connected, serving
from tests.support.engines import game_options, playing

VIEW = View((345, 245), (200, 130), (3, 4), 1, (21, 12), 7, 5, (1, 2, 3), "agent connected from 10.0.0.7:5")


@contextlib.contextmanager
def watching(server: Pong, **options: Any) -> Iterator[PongWatcher]:
    with PongWatcher(*server.address, **options) as watcher:
        watcher.connect()
        yield watcher


def seen(watcher: PongWatcher) -> View:
    view = watcher.watch(time.monotonic() + PATIENCE)
    while view is None:
        view = watcher.watch(time.monotonic() + PATIENCE)
    return view


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_watcher_sees_the_game_that_an_agent_plays(lockstep: bool) -> None:
    with serving(lockstep=lockstep, fps=1000) as server, connected(server) as agent:
        with watching(server) as watcher:
            scores = set()
            while len(scores) < 3:
                view = watcher.watch(time.monotonic())
                step = agent.step([1])  # sent after the view
                if view is not None:
                    assert view.status.startswith("agent connected from 127.0.0.1")
                    shown = view.matches, sum(view.score)
                    assert shown <= (step.matches[0], step.scores[0].sum())  # a match may have ended since
                    scores.add(view.score)
        assert agent.step([1]).number == step.number + 1


def test_a_watcher_sees_a_game_that_nobody_plays_and_one_that_is_paused() -> None:
    with serving() as server:
        with watching(server) as watcher:
            assert seen(watcher).status.startswith("waiting for an agent on")
        with connected(server) as agent:
            agent.pause()
            assert agent.ping() > 0  # the pause has arrived
            with watching(server) as watcher:
                assert seen(watcher).status.startswith("paused by the agent")


def test_a_watcher_may_neither_move_nor_pause() -> None:
    for forbidden in (message(Kind.PAUSE, b"\1"), message(Kind.ACTION, bytes(5))):
        with serving() as server, watching(server) as watcher:
            watcher.connection.send(forbidden)
            with pytest.raises(ConnectionLostError):
                list(iter(lambda: seen(watcher), None))


def test_the_token_is_needed_to_watch_too() -> None:
    with serving(token="secret") as server:
        with pytest.raises(RefusedError, match="token is wrong"), watching(server, token="guess"):
            pass
        with watching(server, token="secret") as watcher:
            seen(watcher)


def test_many_watch_and_one_too_many_is_told() -> None:
    with serving() as server, contextlib.ExitStack() as stack:
        watchers = [stack.enter_context(watching(server)) for _ in range(MAX_WATCHERS)]
        for watcher in watchers:
            seen(watcher)
        with pytest.raises(RefusedError, match=f"{MAX_WATCHERS} are watching already"), watching(server):
            pass
        watchers[0].close()
        with connected(server) as agent:
            assert agent.step([1]).number == 1


class Overheard(Connection):
    """A connection that keeps what it was told to send."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)
        super().send(data)


def test_a_watcher_that_reads_nothing_is_sent_no_more_and_slows_nobody() -> None:
    shown = Gallery()
    slow, deaf = socket.socketpair()
    quick, other = socket.socketpair()
    with slow, deaf, quick, other:
        for sock in (slow, quick):
            sock.setblocking(False)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        behind = Overheard(slow, Parser({}), "the slow one")
        behind.send(bytes(1 << 19))  # it is behind already
        shown.add(behind)
        shown.add(Connection(quick, Parser({}), "the quick one"))
        shown.start()
        parser, numbers, stop = Parser(VIEWER_LIMITS), [], threading.Event()

        def play() -> None:
            rally = 0
            while not stop.is_set():
                rally += 1
                shown.show(replace(VIEW, rally=rally))

        thread = threading.Thread(target=play)
        thread.start()
        other.settimeout(PATIENCE)
        try:
            while len(numbers) < 5:
                data = other.recv(4096)
                assert data, "the quick one was cut off"
                parser.feed(data)
                while (came := parser.next()) is not None:
                    numbers.append(View.parse(came[1]).rally)
        finally:
            stop.set()
            thread.join()
        assert numbers == sorted(set(numbers))
        assert len(behind.sent) == 1
        shown.close()


class Chatter(socket.socket):
    """A socket on which words come without end."""

    words, heard = b"", 0

    def recv(self, size: int, *_: int) -> bytes:
        self.heard += size
        return self.words * (size // len(self.words))

    def send(self, data: Any, *_: int) -> int:
        return len(data)


@pytest.mark.parametrize("kind", [Kind.PING, Kind.HEARTBEAT])
def test_a_watcher_that_never_stops_talking_holds_up_nobody_and_is_cut_off(kind: Kind) -> None:
    ours, theirs = socket.socketpair()
    shown, quick, other = Gallery(), *socket.socketpair()
    with theirs, quick, other, Chatter(fileno=ours.detach()) as chatter:
        chatter.words = message(kind, bytes(WATCHER_LIMITS[kind]))
        quick.setblocking(False)
        shown.add(Connection(chatter, Parser(WATCHER_LIMITS), "the chatter", 1024))
        shown.add(Connection(quick, Parser(WATCHER_LIMITS), "the quick one"))
        shown.start()
        try:
            other.settimeout(PATIENCE)
            turns = 0
            while shown.size > 1 and turns < 400:  # in nine seconds the quick one is taken for dead
                turns += 1
                shown.show(replace(VIEW, rally=turns))
                assert other.recv(4096)
            assert shown.size == 1
            assert 0 < chatter.heard < 1 << 20
        finally:
            shown.close()


def test_views_without_end_do_not_hold_up_who_watches() -> None:
    connections: queue.SimpleQueue[Connection] = queue.SimpleQueue()
    options, stop = game_options(), threading.Event()
    listener = Listener("127.0.0.1", 0, "", lambda *_: options.session(), lambda c, _: connections.put(c))

    def flood() -> None:
        connection = connections.get(timeout=PATIENCE)
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE)
            while not stop.is_set():  # faster than anybody reads
                sock.sendall(1000 * VIEW.serialize())
        connection.close()

    thread = threading.Thread(target=flood)
    listener.start()
    thread.start()
    try:
        with PongWatcher(*listener.address) as watcher:
            watcher.connect()
            assert seen(watcher) == VIEW
            for _ in range(10):
                assert watcher.watch(time.monotonic()) in (VIEW, None)  # it comes back
            stop.set()
            with contextlib.suppress(ConnectionLostError):
                while True:  # it may wait for room
                    watcher.watch(time.monotonic() + PATIENCE)
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_the_gallery_ends_with_the_server_and_leaves_nothing() -> None:
    before = {thread.name for thread in threading.enumerate()}
    with serving() as server, watching(server) as watcher:
        seen(watcher)
        server.close()
        with pytest.raises(ConnectionLostError, match="said goodbye"):
            list(iter(lambda: seen(watcher), None))
    assert {thread.name for thread in threading.enumerate()} == before


def test_a_server_that_has_counted_for_months_is_watched_and_played_on() -> None:
    """Its counters stand just below what the wire holds, and pass that while an agent plays."""
    most, matches = (1 << 31) - 1, set()
    views: list[View] = []  # that came after that
    with playing(lockstep=True, points_to_win=1) as server, PongWatcher(*server.address) as watcher:
        watcher.connect()
        with PongClient(*server.address) as agent:
            agent.connect()
            game = server.match.first  # the engine waits for the agent
            game.hits = game.bounces = game.matches = most - 1
            while len(views) < 3:
                matches.add(int(agent.step([1]).matches[0]))
                view = watcher.watch(time.monotonic())
                views += [view] if view is not None and {0, 1} <= matches else []
    assert {most, 0, 1} <= matches
    assert all(0 <= count <= most for view in views for count in (view.matches, *view.sounds))
