"""Both programs together: encryption, identities, and secrets that stay so."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mainmodel import PolicyGradient
from pong import Pong
from pongrl.arena.visitors import Come
from pongrl.errors import UsageError
from pongrl.server.entrance import Entrance
from pongrl.web.site import Secrets, Site
from pongrl.wire.client import PongClient
from pongrl.wire.dial import Call
from pongrl.wire.framing import Kind, message
from pongrl.wire.handshake import Applicant
from pongrl.wire.messages import Role
from tests.support import Program, serving

PEM = str(Path(__file__).with_name("localhost.pem"))  # a certificate for localhost, and its key


def test_the_programs_speak_tls_from_their_command_lines(tmp_path: Path) -> None:
    flags = "--headless", "--port", "0", "--lockstep", "--certificate", PEM
    with Program("pong.py", *flags, stdin=None, PONG_TOKEN="secret") as server:
        port = server.wait_for_port()
        agent = "mainmodel.py", "--host", f"localhost:{port}", "--ca", PEM, "--points", "5"
        with Program(*agent, "--directory", str(tmp_path), PONG_TOKEN="secret") as program:
            assert program.ended() == 0, program.output
        assert "secret" not in server.output + program.output


def test_a_resumed_agent_takes_over_and_one_that_was_sent_away_gives_way(tmp_path: Path) -> None:
    with Program("pong.py", "--headless", "--port", "0", "--lockstep", stdin=None) as server:
        port = server.wait_for_port()
        agent = "mainmodel.py", "--port", str(port), "--games", "1", "--directory"
        with Program(*agent, str(tmp_path), stdin=None) as first:
            first.wait_for("100 points")
            copy = "--resume", str(tmp_path / "save.p")
            with Program(*agent, str(tmp_path / "copy"), *copy, stdin=None) as second:
                second.wait_for("connected to")
                first.wait_for("the same agent has connected again")
                first.wait_for("already connected from")  # and does not take it back
                second.wait_for("points")
                second.type("q\n")
                assert second.ended() == 0, second.output
            first.wait_for("connected to")
            first.type("q\n")
            assert first.ended() == 0, first.output


def test_no_token_is_in_a_repr() -> None:
    programs = Pong(token="hush"), PolicyGradient(token="hush"), PongClient(token="hush")
    parts = Entrance("", 0, "hush"), Call(token="hush"), Site("", "", 0, Secrets("hush", "hush"))
    for secret in (*programs, *parts):
        assert "hush" not in repr(secret) + str(secret)


def test_no_identity_is_in_a_repr() -> None:
    own = b"hush" * 4
    for secret in (Call(identity=own), Applicant(Role.LEFT, own), Come(0, "Ada", own)):
        assert "hush" not in repr(secret)


def test_an_open_door_takes_an_explicit_word(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    with pytest.raises(UsageError, match="say --open"):
        Pong(host="0.0.0.0", headless=True, port=0, token="").start(block=False)
    with pytest.raises(UsageError, match="drop one"):
        Pong(host="0.0.0.0", headless=True, port=0, token="secret", open=True).start(block=False)
    with serving(host="0.0.0.0", open=True) as server, PongClient(port=server.address[1]) as client:
        client.connect()
    assert "without a token everybody on this network" in caplog.text


def test_what_a_stranger_sends_is_printed_escaped(tmp_path: Path) -> None:
    with Program("pong.py", "--headless", "--port", "0", stdin=None) as server:
        port = server.wait_for_port()
        for words in (b"\x1b[2J\n12:00:00 forged\n" * 9, message(Kind.HELLO, b"\x1b]0;x\x07\n" * 9)):
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(words)
                server.wait_for("is no agent of ours")
    assert "\x1b" not in server.output
    assert "forged" not in server.output
