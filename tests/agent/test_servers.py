"""Servers: connecting until a server is there."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pongrl.agent import servers as servers_module
from pongrl.agent.local_server import LocalServer
from pongrl.agent.servers import Arrivals, NothingToPlayError, Server, open_servers, waiting_for
from pongrl.errors import ConnectionLostError, PongError, ProtocolError, RefusedError
from pongrl.wire import retry
from pongrl.wire.messages import NOBODY, Role
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, serving
from tests.support.agents import Lines, options_of
from tests.support.arena import Audience, arena, ledger, secret

IDENTITY = bytes(range(16))


@pytest.fixture
def arrivals(wake: Wake) -> Arrivals:
    return Arrivals(wake)


def next_report(arrivals: Arrivals) -> tuple[Server, PongError | None]:
    """Wait for the next report."""
    while True:
        for report in arrivals.take():
            return report
        assert arrivals.wake.wait(PATIENCE), "nothing was reported"


@contextlib.contextmanager
def seeking(arrivals: Arrivals, port: int, token: str = "") -> Iterator[Server]:
    """Seek a server on this machine."""
    with contextlib.closing(Server("127.0.0.1", port, token, arrivals.report)) as server:
        server.seek()
        yield server


def test_a_server_that_is_there_arrives_and_wakes(arrivals: Arrivals) -> None:
    with serving(lockstep=True) as there, seeking(arrivals, there.address[1]) as server:
        assert arrivals.wake.wait(PATIENCE)
        assert list(arrivals.take()) == [(server, None)]
        client, step = server.connected
        assert step.number == 0
        assert client.session.lockstep


def test_it_is_sought_until_it_is_there_and_each_reason_is_told_once(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: nobody is there
        port = taken.getsockname()[1]
        with seeking(arrivals, port) as server:
            assert isinstance(next_report(arrivals)[1], ConnectionLostError)
            taken.close()
            with serving(port=port):
                assert next_report(arrivals) == (server, None)
                assert list(arrivals.take()) == []


def test_other_reasons_are_told_too(arrivals: Arrivals) -> None:
    with serving(token="secret") as there, seeking(arrivals, there.address[1], "wrong"):
        assert isinstance(next_report(arrivals)[1], RefusedError)
    with socket.create_server(("127.0.0.1", 0)) as strange, seeking(arrivals, strange.getsockname()[1]):
        peer, _ = strange.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            assert isinstance(next_report(arrivals)[1], ProtocolError)


def test_what_the_thread_cannot_cope_with_is_raised_where_reports_are_taken(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def only_some(thread: threading.Thread) -> None:
        if thread.name == "heartbeat":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", only_some)
    with (
        serving(lockstep=True) as there,
        seeking(arrivals, there.address[1]),
        pytest.raises(RuntimeError, match="new thread"),
    ):
        next_report(arrivals)


def test_one_that_has_nothing_to_play_yet_says_so_and_can_be_given_up(
    arrivals: Arrivals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers_module, "BEGINNING_SECONDS", 0.1)
    path = tmp_path / "arena.db"
    with ledger(path, "Ada") as book:
        book.close_season(2)  # she has not played, so she plays no final
    with (
        arena(path, None, Audience()) as run,
        contextlib.closing(
            Server(*run.address, "", arrivals.report, identity=secret("Ada"), name="Ada")
        ) as server,
    ):
        server.seek()
        assert "has no match for it yet" in str(next_report(arrivals)[1])
        (seeker,) = [thread for thread in threading.enumerate() if thread.name == f"connect to {server}"]
        server.give_up()
        seeker.join(PATIENCE)
        assert not seeker.is_alive()


def test_one_that_is_left_is_no_longer_connected(arrivals: Arrivals) -> None:
    with serving(lockstep=True) as there, seeking(arrivals, there.address[1]) as server:
        next_report(arrivals)
        server.leave()
        server.leave()
        server.seek()
        assert next_report(arrivals) == (server, None)  # its place is free again


@pytest.mark.parametrize(
    ("host", "shown"), [("pi.local", "pi.local:7"), ("::1", "[::1]:7"), ("10.0.0.7", "10.0.0.7:7")]
)
def test_a_server_is_shown_by_its_address(host: str, shown: str) -> None:
    assert str(Server(host, 7, "", lambda *_: None)) == shown


# Which servers


def opened(arrivals: Arrivals, lines: Lines | None = None, **given: Any) -> list[Server]:
    return open_servers(options_of(**given), IDENTITY, arrivals, lines or Lines())


def test_servers_that_are_named_know_the_agent_by_its_identity(arrivals: Arrivals) -> None:
    one, other = opened(arrivals, host=("a", "b:9"), port=7, side="right")
    assert [str(one), str(other)] == ["a:7", "b:9"]
    assert one.identity == IDENTITY
    assert one.role is Role.RIGHT
    assert one.own is None


def test_the_token_comes_from_its_file(arrivals: Arrivals, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with serving(lockstep=True, token="secret") as there:
        port, file = there.address[1], str(tmp_path / "token")
        (server,) = opened(arrivals, port=port, token_file=file)
        with contextlib.closing(server):
            server.seek()
            assert next_report(arrivals) == (server, None)


def test_our_own_servers_share_the_games(arrivals: Arrivals) -> None:
    servers = opened(arrivals, local=2, seed=1)
    try:
        for server in servers:
            assert server.own is not None
            assert server.identity == NOBODY
            server.seek()
            assert next_report(arrivals) == (server, None)
            assert server.connected[0].session.games == 64 // len(servers)
    finally:
        for server in servers:
            server.close()


def flags_of_servers(arrivals: Arrivals, **given: Any) -> list[tuple[str, ...]]:
    """Return the flags with which the servers of a run are started."""
    flags: list[tuple[str, ...]] = []

    class Noted(LocalServer):
        def __init__(self, these: tuple[str, ...], *others: Any) -> None:
            flags.append(these)
            super().__init__(these, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers_module, "LocalServer", Noted)
        for server in opened(arrivals, **given):
            server.close()
    return flags


@pytest.mark.parametrize(
    ("given", "games"),
    [
        ({"local": True}, 64),
        ({"local": True, "games": 3}, 3),
        ({"local": True, "level": 3}, 16),
        ({"local": True, "level": 3, "games": 64}, 64),
        ({"local": True, "env": "CartPole-v1"}, 16),
        ({"evaluate": "save.p"}, 16),
        ({"evaluate": "save.p", "local": True}, 16),
    ],
)
def test_most_games_are_played_to_train_on_our_own(
    arrivals: Arrivals, given: dict[str, Any], games: int
) -> None:
    (flags,) = flags_of_servers(arrivals, **given)
    assert flags[flags.index("--games") + 1] == str(games)


@pytest.mark.parametrize(("level", "games"), [(2, 1), (3, 2)])
def test_at_level_3_each_of_many_servers_has_a_game_at_level_2_too(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, level: int, games: int
) -> None:
    monkeypatch.setattr(servers_module, "LOCAL_GAMES", 2)
    monkeypatch.setattr(servers_module, "FEWER_GAMES", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    flags = flags_of_servers(arrivals, local=2, level=level)
    assert [given[given.index("--games") + 1] for given in flags] == [str(games)] * 2
    assert ["--second-level" in given for given in flags] == [level == 3] * 2


def test_every_second_server_has_a_partner_if_there_are_opponents(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    servers = opened(arrivals, local=True, opponents=str(tmp_path))
    for server in servers:
        server.close()
    assert [server.own is not None and server.own.has_partner for server in servers] == [False, True]


def test_more_servers_than_cores_are_not_started(arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    lines = Lines()
    (server,) = opened(arrivals, lines, local=128, games=1)
    server.close()
    assert lines.said == ["this machine has 1 cores: 1 servers instead of 128"]


@pytest.mark.parametrize(
    ("error", "given", "words"),
    [
        (ConnectionLostError("gone"), {}, "waiting for a server: gone; start one with: python pong.py"),
        (ConnectionLostError("gone"), {"host": "pi"}, "waiting for a server: gone"),
        (ProtocolError("strange"), {}, "waiting for a server: strange"),
        (NothingToPlayError("no match yet"), {}, "no match yet"),
    ],
)
def test_a_server_that_is_absent_is_told_with_how_to_start_one(
    error: PongError, given: dict[str, Any], words: str
) -> None:
    assert waiting_for(error, options_of(**given)) == words
