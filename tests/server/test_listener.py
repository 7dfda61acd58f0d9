"""The listener: strangers, guesses at the token, crowds, encryption, and an agent that comes back."""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from pong import Pong
from pongrl.errors import GoodbyeError, PongError, Refusal, RefusedError
from pongrl.server import listener as listener_module
from pongrl.server.listener import Listener
from pongrl.wire import listening as listening_module
from pongrl.wire import sockets, throttle
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, message
from pongrl.wire.handshake import client_handshake
from pongrl.wire.listening import certificate_context, listening_sockets
from pongrl.wire.messages import MAGIC, NOBODY, Role, printable
from pongrl.wire.throttle import Attempts
from tests.support import PATIENCE, connected, serving
from tests.support.engines import port_of
from tests.support.wire import CLIENT, HTTP, LATER_HELLO, PING, SESSION, admit, advance, body_of
from tests.support.wire_peers import (
    UNRESOLVABLE,
    is_sent_away,
    listening,
    open_files,
    our_threads,
    stranger,
)

PEM = str(Path(__file__).parent.with_name("localhost.pem"))  # a certificate for localhost, and its key

# Strangers and agents

HALF_A_HELLO = message(Kind.HELLO, MAGIC)[:9]


@pytest.mark.parametrize(
    ("count", "words"), [(1, b""), (1, HALF_A_HELLO), (1, HTTP), (100, b""), (100, HALF_A_HELLO), (100, HTTP)]
)
def test_strangers_do_not_keep_an_agent_from_connecting(count: int, words: bytes) -> None:
    with contextlib.ExitStack() as stack:
        listener, _ = stack.enter_context(listening("secret"))
        for _ in range(count):
            stack.enter_context(stranger(listener, words))
        with connected(listener, token="secret") as client:
            assert client.session == SESSION


@pytest.mark.parametrize("words", [b"", HALF_A_HELLO])
def test_a_stranger_is_sent_away_at_the_deadline(monkeypatch: pytest.MonkeyPatch, words: bytes) -> None:
    monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 0.02)
    with listening() as (listener, _), stranger(listener, words) as sock:
        assert is_sent_away(sock)


def test_a_stranger_too_many_pushes_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(listener_module, "PENDING_HANDSHAKES", 1)
    with listening() as (listener, _), stranger(listener) as oldest, stranger(listener):
        assert is_sent_away(oldest)


def test_a_stranger_who_leaves_while_being_accepted_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned, calls = sockets.tuned, itertools.count()

    def fail_first(sock: socket.socket) -> socket.socket:
        if next(calls) == 0:
            raise OSError("what macOS says of a peer that has gone")
        return tuned(sock)

    monkeypatch.setattr(listener_module, "tuned", fail_first)
    with listening() as (listener, _), stranger(listener) as sock, connected(listener):
        assert is_sent_away(sock)


def test_an_agent_is_refused_and_the_next_one_let_in() -> None:
    with listening("secret") as (listener, _):
        with PongClient(*listener.address, token="guess") as client, pytest.raises(RefusedError) as caught:
            client.connect()
        assert caught.value.reason is Refusal.TOKEN
        with connected(listener, token="secret"):
            pass


def test_who_is_refused_is_told_why_and_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 10 * PATIENCE)
    with listening() as (listener, _), stranger(listener, LATER_HELLO) as sock, sock.makefile("rb") as line:
        assert body_of(line.read(), CLIENT)[0] == Refusal.VERSION


def test_what_an_agent_sends_behind_its_proof_is_the_sessions() -> None:
    with listening() as (listener, delivered), stranger(listener) as sock:
        client = client_handshake("", Role.LEFT)
        sock.sendall(next(client))
        proof = advance(client, sock.recv(1024), CLIENT)
        assert isinstance(proof, bytes)
        sock.sendall(proof + message(*PING))
        assert delivered.get(timeout=PATIENCE).receive() == PING


def test_close_leaves_no_thread_and_no_socket() -> None:
    before = open_files()
    with listening() as (listener, _), stranger(listener) as sock, connected(listener):
        assert our_threads() == {"listener", "heartbeat"}
        listener.close()
        listener.close()
        assert is_sent_away(sock)
    assert our_threads() == set()
    assert open_files() <= before


def test_a_listener_that_never_ran_gives_its_port_back() -> None:
    listener = Listener("127.0.0.1", 0, "", admit, lambda *_: None)
    listener.close()
    with socket.create_server(listener.address):
        pass


def test_a_port_in_use_is_named() -> None:
    with listening() as (listener, _), pytest.raises(PongError, match="--port") as caught:
        Listener("127.0.0.1", listener.address[1], "", admit, lambda *_: None)
    assert f"127.0.0.1:{listener.address[1]}" in str(caught.value)


def test_an_address_of_another_machine_is_not_blamed_on_its_port() -> None:
    with pytest.raises(PongError, match=r"cannot listen on 192\.0\.2\.1:0") as caught:
        Listener("192.0.2.1", 0, "", admit, lambda *_: None)
    assert "port, or" not in str(caught.value)


# Names with several addresses

ELSEWHERE = "192.0.2.1"  # for documentation: no machine has it


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def name(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every host to listen on have these addresses."""

    def resolve(_: str, port: int, passive: bool) -> list[Any]:
        return [found for address in addresses for found in sockets.resolve(address, port, passive)]

    monkeypatch.setattr(listening_module, "resolve", resolve)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_every_address_of_a_name_is_listened_on_by_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, "::1", "127.0.0.1", "::1")
    with listening() as (listener, _):
        port = listener.address[1]
        assert listener.addresses == [("127.0.0.1", port), ("::1", port)]
        for host in ("127.0.0.1", "::1"):
            with PongClient(host, port) as client:
                client.connect()


def test_an_address_of_a_name_that_this_machine_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, ELSEWHERE, "127.0.0.1")
    with listening() as (listener, _), connected(listener):
        assert [host for host, _ in listener.addresses] == ["127.0.0.1"]


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_port_that_is_taken_at_one_address_of_a_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, "127.0.0.1", "::1")
    before = open_files()
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(PongError, match=f"cannot listen on localhost:{port}"):
            Listener("localhost", port, "", admit, lambda *_: None)
    assert open_files() <= before


class AsOnWindows(socket.socket):
    """A socket that is for IPv6 alone, unless it is told otherwise."""

    def __init__(self, family: int = -1, *others: Any) -> None:
        super().__init__(family, *others)
        if family == socket.AF_INET6:
            self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_two_colons_are_every_address_of_ipv4_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", AsOnWindows)
    (sock,) = listening_sockets("::", 0)
    with sock, socket.create_connection(("127.0.0.1", sock.getsockname()[1])) as client:
        assert client.getpeername()[0] == "127.0.0.1"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_with_colons_is_shown_in_brackets() -> None:
    with serving(host="::1") as server, connected(server):
        refused(server, r"already connected from \[::1\]:\d+")


@pytest.mark.parametrize("host", UNRESOLVABLE)
def test_a_host_to_listen_on_that_cannot_be_found_is_named(host: str) -> None:
    before = open_files()
    with pytest.raises(PongError, match="cannot be found") as caught:
        Listener(host, 0, "", admit, lambda *_: None)
    assert repr(printable(host)) in str(caught.value)
    assert open_files() <= before


# Wrong tokens


def guess(address: tuple[str, int]) -> RefusedError | None:
    with PongClient(*address, token="guess") as client:
        try:
            client.connect()
        except RefusedError as error:
            return error
    return None


def test_guesses_are_looked_at_one_by_one_and_the_right_token_still_gets_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(throttle, "SECONDS_PER_ATTEMPT", 0.5)
    looked = []
    count = Attempts.count

    def counted(self: Attempts, address: str, now: float) -> bool:
        looked.append(now)
        return count(self, address, now)

    monkeypatch.setattr(Attempts, "count", counted)
    with caplog.at_level(logging.INFO), listening("a secret") as (listener, _):
        for _ in range(throttle.FREE_ATTEMPTS + 3):
            error = guess(listener.address)
            assert error is not None
            assert error.reason is Refusal.TOKEN
        with connected(listener, token="a secret"):
            pass
    late = looked[throttle.FREE_ATTEMPTS :]
    assert late[-1] - late[0] >= 0.5  # three of them
    assert caplog.text.count("5 wrong tokens from 127.0.0.1: from now on one attempt in 0.5 s") == 1
    assert "a secret" not in caplog.text


def test_an_agent_of_another_version_has_not_guessed_at_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO), listening("a secret") as (listener, _):
        for _ in range(throttle.FREE_ATTEMPTS + 1):
            with stranger(listener, LATER_HELLO) as sock, sock.makefile("rb") as line:
                assert body_of(line.read(), CLIENT)[0] == Refusal.VERSION
    assert "wrong tokens" not in caplog.text


def test_a_proof_that_waits_gives_way_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "SECONDS_PER_ATTEMPT", 1000 * PATIENCE)
    with listening("secret") as (listener, _):
        for _ in range(throttle.FREE_ATTEMPTS):
            guess(listener.address)
        monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 0.05)
        handshake = client_handshake("guess", Role.LEFT)
        with stranger(listener, next(handshake)) as sock:
            challenge = sock.recv(1024)
            sock.sendall(handshake.send((Kind.CHALLENGE, challenge[5:])))
            assert is_sent_away(sock)


# Crowds


def test_fifty_strangers_who_say_nothing_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 10 * PATIENCE)  # so that all of them are there
    hello = next(client_handshake("", Role.LEFT))
    with listening() as (listener, _), contextlib.ExitStack() as stack:
        for number in range(50):
            stack.enter_context(stranger(listener, (b"", hello[:1], hello)[number % 3]))
        with connected(listener):
            pass


def test_a_crowd_pushes_out_its_own_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(listener_module, "PENDING_HANDSHAKES", 3)
    networks = iter(["alone", "crowd", "crowd", "crowd"])
    monkeypatch.setattr(listener_module, "network_of", lambda _: next(networks))
    with listening() as (listener, _), contextlib.ExitStack() as stack:
        alone, oldest, _second, _third = (stack.enter_context(stranger(listener)) for _ in range(4))
        assert is_sent_away(oldest)
        alone.setblocking(False)
        with pytest.raises(BlockingIOError):
            alone.recv(1)


class _NoFiles:
    """A listening socket for which this process can open no file, the first time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self.failed = sock, 0

    def accept(self) -> Any:
        if not self.failed:
            self.failed += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def test_a_process_out_of_files_waits_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, "DEAF_SECONDS", 0.01)
    made = listener_module.listening_sockets
    monkeypatch.setattr(listener_module, "listening_sockets", lambda *where: [_NoFiles(*made(*where))])
    with listening() as (listener, _), connected(listener):
        pass
    assert caplog.text.count("no connection can be accepted now: Too many open files") == 1


# Encryption


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_encrypted_session_plays_and_ends(host: str) -> None:
    with serving(certificate=PEM, lockstep=True, games=16) as server:
        with PongClient(host, server.address[1], ca=PEM) as client:
            step = client.connect()
            for number in range(200):
                assert step.number == number
                step = client.step([1 + number % 2] * 16)
            assert client.ping() > 0
        with connected(server, ca=PEM):  # the place is free again
            pass


def refused(server: Pong, words: str, **options: Any) -> None:
    with PongClient(*server.address, **options) as client, pytest.raises(PongError, match=words):
        client.connect()


def test_who_does_not_fit_is_told_so(tmp_path: Path) -> None:
    garbage, other = tmp_path / "garbage.pem", tmp_path / "other.pem"
    garbage.write_text("nothing of the kind")
    with serving(certificate=PEM) as server:
        refused(server, "or it has a --certificate: give --ca")
        refused(server, "cannot be read", ca=str(garbage))
        refused(server, "cannot be read", ca=str(other))
        with connected(server, ca=PEM):
            pass
    with serving() as server:
        refused(server, "has no --certificate: then leave out --ca", ca=PEM)


@pytest.mark.skipif(sys.platform != "linux", reason="only there all of 127.0.0.0/8 is this machine")
def test_a_certificate_for_another_name_is_not_believed() -> None:
    with serving(certificate=PEM, host="127.0.0.2") as server:
        refused(server, "vouches for", ca=PEM)


@pytest.mark.parametrize("words", ["nothing of the kind", ""])
def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path, words: str) -> None:
    file = tmp_path / "file.pem"
    file.write_text(words)
    with pytest.raises(PongError, match="two PEM files that belong together"):
        certificate_context(str(file), None)
    with pytest.raises(PongError, match="two PEM files that belong together"):
        certificate_context(str(tmp_path / "missing"), None)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as POSIX has them")
def test_a_certificate_is_looked_at_before_it_is_read(tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    for files in ((pipe, None), (PEM, pipe)):
        with pytest.raises(PongError, match="it is a pipe"):
            certificate_context(*files)
    with serving(certificate=PEM) as server:
        refused(server, "it is a pipe", ca=pipe)


@pytest.mark.parametrize("words", [b"", b"\x16", b"GET / HTTP/1.1\r\n\r\n", bytes(600)])
def test_a_stranger_without_tls_is_sent_away_and_keeps_nobody_out(
    monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    with serving(certificate=PEM) as server, connected(server, ca=PEM) as agent:
        monkeypatch.setattr(listener_module, "HANDSHAKE_SECONDS", 0.5)
        with socket.create_connection(server.address) as sock:
            sock.sendall(words)
            sock.settimeout(PATIENCE)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1024):
                    pass
        assert agent.step([0]).number == 1


# Coming back

MINE, THINE = bytes(range(16)), bytes(range(1, 17))


def test_an_agent_that_comes_back_takes_its_own_place_over() -> None:
    with serving(lockstep=True) as server, connected(server, identity=MINE) as old:
        refused(server, f"already connected from 127.0.0.1:{port_of(old)}")
        refused(server, "already connected", identity=THINE)
        refused(server, "already connected", identity=NOBODY)
        with connected(server, identity=MINE) as back:
            with pytest.raises(GoodbyeError, match="the same agent has connected again"):
                old.attend(PATIENCE)
            assert back.step([1]).number == 1
            refused(server, "already connected", identity=THINE)
        with connected(server, identity=THINE) as other:
            assert other.step([1]).number == 1


def test_an_identity_is_worth_nothing_without_the_token() -> None:
    with (
        serving(token="secret", lockstep=True) as server,
        connected(server, token="secret", identity=MINE) as agent,
    ):
        refused(server, "the token is wrong", token="guess", identity=MINE)
        assert agent.step([1]).number == 1
