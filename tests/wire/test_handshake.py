"""The handshake: both halves in memory, and somebody between them."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.wire.framing import Kind, message
from pongrl.wire.handshake import Admission, Applicant, Handshake, client_handshake, server_handshake
from pongrl.wire.messages import MAGIC, VERSION, Role, Session, printable, refusal
from tests.support.wire import CLIENT, LATER_HELLO, SERVER, SESSION, admit, advance, fuzz, mutated

Halves: TypeAlias = tuple[Handshake, Handshake]  # the server's and the client's
Meddle: TypeAlias = Callable[[int, bytes], bytes]  # a message's number, 0 to 3, and the message


def shake_hands(
    server: Handshake, client: Handshake, meddle: Meddle = lambda _, data: data, size: int | None = None
) -> tuple[object, object]:
    """Join both halves, with somebody between who may change the messages.

    Args:
        server: its half.
        client: its half.
        meddle: returns what becomes of a message.
        size: how many bytes at a time arrive; None is all of a message.

    Returns:
        What the server's half and the client's end with: an Admission or an error.
    """
    next(server)
    at_server: object = None
    at_client: Any = next(client)
    for number in (0, 2):
        at_server = advance(server, meddle(number, at_client), SERVER, size)
        match at_server:
            case bytes():
                answer = at_server
            case Admission():
                answer = at_server.last
            case RefusedError():
                answer = refusal(at_server)
            case _:
                return at_server, None
        at_client = advance(client, meddle(number + 1, answer), CLIENT, size)
        if not isinstance(at_client, bytes):
            break
    return at_server, at_client


def assert_both_refused(
    halves: Halves, reason: Refusal, words: str, meddle: Meddle = lambda _, data: data
) -> None:
    """Check that the server refuses for this reason, and that the agent is told so in these words."""
    for error in shake_hands(*halves, meddle):
        assert isinstance(error, RefusedError)
        assert error.reason is reason
        assert words in str(error)


def under_way(token: str = "") -> tuple[Handshake, Handshake, bytes]:
    """Return both halves after HELLO and CHALLENGE, and the PROOF that the server waits for."""
    server, client = server_handshake(token, admit), client_handshake(token, Role.LEFT)
    next(server)
    challenge = advance(server, next(client), SERVER)
    assert isinstance(challenge, bytes)
    proof = advance(client, challenge, CLIENT)
    assert isinstance(proof, bytes)
    return server, client, proof


def at_stage(half: int, stage: int) -> Handshake:
    """Return the server's half (0) or the client's (1), waiting for its first message or its second."""
    halves = under_way()[:2] if stage else (server_handshake("", admit), client_handshake("", Role.LEFT))
    if not stage:
        next(halves[half])
    return halves[half]


def welcome_of(server: Handshake, proof: bytes) -> bytes:
    """Return the WELCOME that answers the right proof."""
    admission = advance(server, proof, SERVER)
    assert isinstance(admission, Admission)
    return admission.last


@pytest.mark.parametrize("size", [1, 3, None], ids=["byte by byte", "in pieces", "whole"])
@pytest.mark.parametrize("token", ["secret", "", "ключ", "long" * 1000])
def test_the_right_token_is_let_in_and_told_the_session(token: str, size: int | None) -> None:
    halves = server_handshake(token, admit), client_handshake(token, Role.LEFT)
    server, client = shake_hands(*halves, size=size)
    assert isinstance(server, Admission)
    assert client == Admission(Role.LEFT, SESSION) == replace(server, last=b"")


def test_a_token_of_bytes_that_are_not_text_works_like_any_other() -> None:
    token = os.fsdecode(b"\xff\xfe")  # what os.environ makes of such a PONG_TOKEN
    _, client = shake_hands(server_handshake(token, admit), client_handshake(token, Role.LEFT))
    assert isinstance(client, Admission)


@pytest.mark.parametrize(
    ("server_token", "client_token", "advice"),
    [
        ("secret", "guess", "the one that the server printed"),
        ("secret", "", "the one that the server printed"),
        ("", "guess", "this server has none"),
    ],
)
def test_a_wrong_token_is_refused_with_advice(server_token: str, client_token: str, advice: str) -> None:
    halves = server_handshake(server_token, admit), client_handshake(client_token, Role.LEFT)
    assert_both_refused(halves, Refusal.TOKEN, advice)


def test_an_agent_of_another_version_is_told_both_versions() -> None:
    def modernize(number: int, data: bytes) -> bytes:
        return LATER_HELLO if number == 0 else data

    halves = server_handshake("", admit), client_handshake("", Role.LEFT)
    both = f"version {VERSION} of the protocol and the agent version {VERSION + 1}"
    assert_both_refused(halves, Refusal.VERSION, both, modernize)


def test_a_server_of_another_version_is_named_with_both_versions() -> None:
    error = advance(
        at_stage(1, 0), message(Kind.CHALLENGE, struct.pack("!H", VERSION + 1) + bytes(64)), CLIENT
    )
    assert isinstance(error, ProtocolError)
    assert f"version {VERSION + 1} of the protocol and this agent version {VERSION}" in str(error)


def test_an_unknown_role_is_refused_by_its_number() -> None:
    halves = server_handshake("", admit), client_handshake("", 7)  # type: ignore[arg-type]
    assert_both_refused(halves, Refusal.ROLE, "no role 7")


@pytest.mark.parametrize("reason", [Refusal.ROLE, Refusal.BUSY])
def test_what_the_server_refuses_the_agent_is_told(reason: Refusal) -> None:
    def refuse(applicant: Applicant) -> Session:
        raise RefusedError(reason, f"nobody plays {applicant.role.name} today")

    halves = server_handshake("", refuse), client_handshake("", Role.WATCH)
    assert_both_refused(halves, reason, "nobody plays WATCH today")


@pytest.mark.parametrize("sentence", ["\x1b[2J\x07\r\nforged: all is well", "\u202e", "\x9b", "é" * 1000, ""])
def test_a_refusal_is_one_printable_line_however_it_was_sent(sentence: str) -> None:
    error = advance(at_stage(1, 0), refusal(RefusedError(Refusal.BUSY, sentence)), CLIENT)
    assert isinstance(error, RefusedError)
    assert str(error).isprintable()
    assert str(error).startswith("the server refused: " + printable(sentence)[:100])


@pytest.mark.parametrize("body", [b"", b"\0why", b"\x63why", b"\1\xff\xfe"])
def test_a_refusal_without_reason_or_text_is_garbage(body: bytes) -> None:
    assert isinstance(advance(at_stage(1, 0), message(Kind.REFUSAL, body), CLIENT), ProtocolError)


FORGERIES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "the agent's own, reflected": lambda proof, right: proof,
    "zeros": lambda proof, right: bytes(32),
    "none": lambda proof, right: b"",
    "all but one bit": lambda proof, right: right[:31] + bytes((right[31] ^ 1,)),
    "another handshake's": lambda proof, right: welcome_of(*under_way("secret")[::2])[5:37],
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_server_without_the_token_is_not_believed(forge: Callable[[bytes, bytes], bytes]) -> None:
    server, client, proof = under_way("secret")
    forged = forge(proof[5:], welcome_of(server, proof)[5:37]) + SESSION.serialize()
    error = advance(client, message(Kind.WELCOME, forged), CLIENT)
    assert isinstance(error, ProtocolError)
    assert "does not know the token" in str(error)


@pytest.mark.parametrize("token", ["secret", ""])
@fuzz
@given(number=st.integers(0, 3), at=st.integers(0, 1 << 16), flip=st.integers(1, 255))
def test_nobody_is_let_in_when_a_byte_of_the_handshake_was_changed(
    token: str, number: int, at: int, flip: int
) -> None:
    def change(which: int, data: bytes) -> bytes:
        if which != number:
            return data
        signed = min(len(data), 5 + 64) if number < 3 else 5 + 32  # the session itself is not signed
        place = 5 + at % (signed - 5)
        return data[:place] + bytes((data[place] ^ flip,)) + data[place + 1 :]

    _, client = shake_hands(server_handshake(token, admit), client_handshake(token, Role.LEFT), change)
    assert not isinstance(client, Admission)


@pytest.mark.parametrize(
    ("half", "stage", "kind"),
    [(0, 0, Kind.PROOF), (0, 1, Kind.HELLO), (1, 0, Kind.WELCOME), (1, 1, Kind.CHALLENGE)],
)
def test_a_message_out_of_order_is_refused(half: int, stage: int, kind: Kind) -> None:
    error = advance(at_stage(half, stage), message(kind, bytes(32)), (SERVER, CLIENT)[half])
    assert isinstance(error, ProtocolError)
    assert f"a {kind.name} where a " in str(error)


def garbage(limits: Mapping[int, int]) -> st.SearchStrategy[bytes]:
    """Draw messages that may come in a handshake, with bodies that begin like the right ones."""
    begins = (b"", MAGIC, struct.pack("!H", VERSION), MAGIC + struct.pack("!H", VERSION))
    return st.sampled_from(sorted(limits)).flatmap(
        lambda kind: st.builds(
            lambda begin, body: message(Kind(kind), (begin + body)[: limits[kind]]),
            st.sampled_from(begins),
            st.binary(),
        )
    )


@pytest.mark.parametrize(("half", "limits"), [(0, SERVER), (1, CLIENT)], ids=["server", "client"])
@fuzz
@given(data=st.data(), stage=st.integers(0, 1))
def test_garbage_at_any_stage_ends_a_handshake_in_its_own_errors(
    half: int, limits: Mapping[int, int], data: st.DataObject, stage: int
) -> None:
    outcome = advance(at_stage(half, stage), data.draw(garbage(limits)), limits)
    assert isinstance(outcome, bytes | ProtocolError | RefusedError)


@fuzz
@given(st.binary(max_size=1024) | mutated(SESSION.serialize()))
def test_garbage_behind_the_servers_proof_gives_only_protocol_error(parameters: bytes) -> None:
    session = SimpleNamespace(serialize=lambda: parameters)
    _, client = shake_hands(
        server_handshake("", lambda *_: session),  # type: ignore[arg-type]
        client_handshake("", Role.LEFT),
    )
    assert isinstance(client, ProtocolError | Admission)
