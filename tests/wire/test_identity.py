"""The name and the identity that an agent is known by."""

from __future__ import annotations

import errno
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pongrl.errors import PongError
from pongrl.wire.client import PongClient
from pongrl.wire.handshake import Admission, Applicant, client_handshake, server_handshake
from pongrl.wire.identity import identity_for
from pongrl.wire.messages import NAME_BYTES, NOBODY, Role, Session, name_of
from tests.support import PATIENCE
from tests.support.wire import CLIENT, SERVER, SESSION, advance


def test_an_agent_has_an_identity_for_each_name_the_same_each_time(tmp_path: Path) -> None:
    ada = identity_for("Ada", tmp_path)
    assert identity_for("Ada", tmp_path) == identity_for(" ada ", tmp_path) == ada
    assert identity_for("Bob", tmp_path) not in (ada, NOBODY)
    assert identity_for("Ada", tmp_path / "another") != ada


def test_agents_that_begin_at_once_have_the_same_secret(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def begin(_: int) -> bytes:
        barrier.wait(PATIENCE)
        return identity_for("Ada", tmp_path)

    with ThreadPoolExecutor(8) as threads:
        for number in range(10):
            assert len(set(threads.map(begin, range(8)))) == 1
            assert [path.name for path in tmp_path.iterdir()] == ["identity"]
            (tmp_path / "identity").rename(tmp_path.parent / f"identity-{number}")


def test_where_a_secret_cannot_be_linked_into_its_place_it_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    ada = identity_for("Ada", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["identity"]
    assert identity_for("Ada", tmp_path) == ada


@pytest.mark.parametrize("identity", [b"", b"short", bytes(32)])
def test_an_identity_of_another_length_is_refused(identity: bytes) -> None:
    with pytest.raises(ValueError, match="identity must be 16 bytes, not"):
        PongClient(identity=identity)


@pytest.mark.skipif(sys.platform == "win32", reason="other users are kept out by other means there")
def test_nobody_else_can_read_the_secret(tmp_path: Path) -> None:
    identity_for("Ada", tmp_path)
    assert os.stat(tmp_path / "identity").st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31, b"x" * 33])
def test_a_file_that_is_no_identity_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "identity").write_bytes(content)
    with pytest.raises(PongError, match="identity"):
        identity_for("Ada", tmp_path)
    assert (tmp_path / "identity").read_bytes() == content


def test_a_directory_in_the_place_of_the_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / "identity").mkdir()
    with pytest.raises(PongError, match="it is a directory"):
        identity_for("Ada", tmp_path)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (b"Ada", "Ada"),
        (b"  Ada \n Lovelace\t", "Ada Lovelace"),
        ("Zoë".encode(), "Zoë"),
        ("Ａｄａ".encode(), "Ada"),  # wide letters that look the same
        (b"a" * 96, "a" * 24),
        (b"\xff\xfe", "��"),
        ("I\u034fd\u200ba\ufe0f".encode(), "Ida"),  # nobody sees the others
        ("\u3164\u2800\U0001d159".encode(), ""),
        (b"\x07" + b"a" * 19 + b" b", "\\x07" + "a" * 19),  # no space is left at the end
        ("名".encode() * 24, "名" * 24),
        (b"", ""),
        (b" \n ", ""),
    ],
)
def test_a_name_is_one_short_line(said: bytes, name: str) -> None:
    assert name_of(said) == name


@pytest.mark.parametrize("said", ["\x1b[2J", "A\u202eda", "\x00", "\x9b" * 30, "<b>\u2028", "\u0301" * 64])
def test_whatever_somebody_calls_himself_it_can_be_printed(said: str) -> None:
    name = name_of(said.encode()[:NAME_BYTES])
    assert name.isprintable()
    assert len(name) <= 24


def applicant_called(name: str) -> Applicant:
    """Return whom a server lets in when a client comes by this name."""
    asked: list[Applicant] = []

    def admit(applicant: Applicant) -> Session:
        asked.append(applicant)
        return SESSION

    server, client = server_handshake("", admit, "10.0.0.7"), client_handshake("", Role.LEFT, b"i" * 16, name)
    next(server)
    challenge = advance(server, next(client), SERVER)
    assert isinstance(challenge, bytes)
    proof = advance(client, challenge, CLIENT)
    assert isinstance(proof, bytes)
    admission = advance(server, proof, SERVER)
    assert isinstance(admission, Admission)
    assert (admission.name, admission.identity) == (asked[0].name, asked[0].identity)
    return asked[0]


@pytest.mark.parametrize("name", ["", "Ada", "Ключ", "x" * 1000, "é" * 63])
def test_a_server_is_told_name_and_identity_and_network(name: str) -> None:
    applicant = applicant_called(name)
    assert applicant == Applicant(Role.LEFT, b"i" * 16, name_of(name.encode()[:NAME_BYTES]), "10.0.0.7")


def test_a_name_cannot_be_changed_on_the_way() -> None:
    server, client = server_handshake("secret", lambda _: SESSION), client_handshake("secret", Role.LEFT)
    next(server)
    challenge = advance(server, next(client), SERVER)
    assert isinstance(challenge, bytes)
    proof = advance(client, challenge, CLIENT)
    assert isinstance(proof, bytes)
    longer = proof[:1] + (len(proof) - 5 + 3).to_bytes(4, "big") + proof[5:] + b"Eve"
    assert "token is wrong" in str(advance(server, longer, SERVER))
