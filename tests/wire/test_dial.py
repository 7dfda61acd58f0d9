"""Reaching a server: hosts, ports, and servers that are not Pong."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pongrl.errors import ConnectionLostError, PongError, ProtocolError, UsageError
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import printable
from tests.support import PATIENCE, ROOT, serving
from tests.support.wire_peers import UNRESOLVABLE, open_files

PEM = str(ROOT / "tests" / "localhost.pem")


@pytest.mark.parametrize("host", UNRESOLVABLE)
def test_a_host_to_connect_to_that_cannot_be_found_is_named(host: str) -> None:
    with pytest.raises(PongError, match="cannot be found") as caught:
        PongClient(host).connect()
    assert repr(printable(host)) in str(caught.value)


@pytest.mark.parametrize("wrong", [{"host": 5}, {"port": "12345"}, {"port": None}, {"port": True}])
def test_an_address_of_another_type_is_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="host must be text and port a whole number"):
        PongClient(**wrong)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_named(port: int) -> None:
    with pytest.raises(PongError, match=f"port {port} is out of range"):
        PongClient(port=port).connect()


def test_nobody_listening_is_a_lost_connection_that_names_the_place() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionLostError, match=f"no server at 127.0.0.1:{port}"):
        PongClient(port=port).connect()


def test_a_server_that_leaves_right_after_the_handshake_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def tuned(_: socket.socket) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")  # macOS says so of a socket whose peer has left

    monkeypatch.setattr("pongrl.wire.dial.tuned", tuned)
    before = open_files()
    with serving() as server, pytest.raises(ConnectionLostError, match="is gone"):
        PongClient(*server.address).connect()
    assert open_files() <= before


@contextlib.contextmanager
def impostor(words: bytes, stay: bool) -> Iterator[int]:
    """Run a server that hears one HELLO, answers with these words and leaves, or stays; give its port."""

    def serve() -> None:
        sock, _ = server.accept()
        with sock, contextlib.suppress(ConnectionError):  # the client has given up
            sock.settimeout(PATIENCE)
            sock.recv(1024)
            sock.sendall(words)
            while stay and sock.recv(1024):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(PATIENCE)
        served = pool.submit(serve)
        yield server.getsockname()[1]
        served.result()


HALF_A_CHALLENGE = message(Kind.CHALLENGE, bytes(34))[:20]
FORWARDS = "perhaps it only forwards, and no server runs behind it; or it has"


@pytest.mark.parametrize(
    ("words", "stay", "timeout", "sentence"),
    [
        (b"", False, PATIENCE, f"hung up before it said a word: {FORWARDS}"),
        (b"", True, 0.05, f"has not said a word for 0.05 seconds: {FORWARDS}"),
        (HALF_A_CHALLENGE, False, PATIENCE, "hung up in the middle of the handshake"),
        (HALF_A_CHALLENGE, True, 0.05, "fell silent in the middle of the handshake"),
    ],
    ids=["hangs up", "is silent", "hangs up in a message", "falls silent in a message"],
)
def test_who_breaks_off_is_taken_for_an_absent_server(
    words: bytes, stay: bool, timeout: float, sentence: str
) -> None:
    before = open_files()
    with impostor(words, stay) as port, PongClient(port=port, timeout=timeout) as client:
        with pytest.raises(ConnectionLostError, match=sentence) as caught:
            client.connect()
        assert f"127.0.0.1:{port}" in str(caught.value)
    assert open_files() <= before


@pytest.mark.parametrize(("stay", "timeout"), [(False, PATIENCE), (True, 0.05)])
def test_who_breaks_off_instead_of_speaking_tls_is_taken_for_an_absent_server(
    stay: bool, timeout: float
) -> None:
    before = open_files()
    with (
        impostor(b"", stay) as port,
        PongClient(port=port, timeout=timeout, ca=PEM) as client,
        pytest.raises(ConnectionLostError, match=f"{FORWARDS} no --certificate: then leave out --ca"),
    ):
        client.connect()
    assert open_files() <= before


def test_a_server_that_is_not_pong_is_told_from_one() -> None:
    before = open_files()
    with impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n", stay=True) as port, PongClient(port=port) as client:
        with pytest.raises(ProtocolError, match="kind 72, which may not come here") as caught:
            client.connect()
        assert f"127.0.0.1:{port} is not a Pong server" in str(caught.value)
    assert open_files() <= before
