"""The wire: messages, the handshake, and both ends over real sockets."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import os
import queue
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from pongrl.errors import ConnectionLostError, PongError, ProtocolError, Refusal, RefusedError
from pongrl.server.listener import Listener
from pongrl.wire import arrays, plain, waiting
from pongrl.wire import connection as connection_module
from pongrl.wire.arrays import Int32Array, pack_array
from pongrl.wire.client import PongClient
from pongrl.wire.connection import (
    HEARTBEAT_SECONDS,
    MOST_SHORT_WAITS,
    SHORT_WAITS,
    SILENCE_SECONDS,
    Connection,
    wait,
)
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.handshake import Admission, Handshake, client_handshake, server_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, SERVER_HANDSHAKE_LIMITS, client_limits, server_limits
from pongrl.wire.messages import (
    MAGIC,
    MAX_FRAME_CELLS,
    MAX_GAMES,
    MAX_STEP_CELLS,
    NOBODY,
    VERSION,
    Column,
    Role,
    Session,
    Step,
    action,
    parse_action,
    parse_echo,
    parse_pause,
    printable,
    refusal,
)
from pongrl.wire.plain import dumps, loads
from pongrl.wire.sockets import is_loopback
from pongrl.wire.tokens import read_token
from pongrl.wire.waiting import Wake
from tests.support import PATIENCE, ROOT, connected, serving
from tests.wire.test_plain import HOSTILE, HTTP, fuzz, memory_below, mutated, read_garbage

SESSION = Session(
    games=2, height=3, width=4, level=2, frameskip=4, ticks_per_second=60, points_to_win=21, lockstep=True
)


# ---------------------------------------------------------------------------------------------
# Session and Step


def test_a_session_comes_back_the_same() -> None:
    assert Session.parse(SESSION.serialize()) == SESSION


PARAMETERS = asdict(SESSION)
NUMBERS = [name for name in PARAMETERS if name != "lockstep"]
NOT_SESSIONS = {
    "garbage": b"garbage",
    "a list": dumps(list(PARAMETERS.items())),
    "nothing": dumps({}),
    "a parameter less": dumps({name: PARAMETERS[name] for name in NUMBERS}),
    "a parameter more": dumps(PARAMETERS | {"more": 1}),
    "names in bytes": dumps({name.encode(): value for name, value in PARAMETERS.items()}),
    "a name in a thousand tuples": b"\x80\x05})" + b"\x85" * 1010 + b"Ns.",
    "more cells than a STEP carries": dumps(PARAMETERS | {"games": 9, "height": 1, "width": MAX_FRAME_CELLS}),
} | {
    f"{name} {value!r}": dumps(PARAMETERS | {name: value})
    for name, value in [
        *itertools.product(NUMBERS, [0, -1, True, 1.0, "1", None, 1_000_001]),
        *itertools.product(["lockstep"], [1, None]),
        ("games", MAX_GAMES + 1),
        ("height", MAX_FRAME_CELLS),
    ]
}


@pytest.mark.parametrize("body", NOT_SESSIONS.values(), ids=NOT_SESSIONS)
def test_a_welcome_with_anything_but_a_session_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Session.parse(body)


def table_of(games: int) -> Int32Array:
    """A STEP's table of nothing but zeros."""
    return np.zeros((games, len(Column)), np.int32)


def state(number: int = 0) -> Step:
    """A state of SESSION, with one cell lit in the second game's frame."""
    frames = np.zeros((SESSION.games, SESSION.height, SESSION.width), np.uint8)
    frames[1, 2, 3] = 255
    return Step.of(number, 0, frames, table_of(SESSION.games))


def body_of(whole: bytes, limits: Mapping[int, int]) -> bytes:
    """The body of a message that a peer with these limits takes."""
    parser = Parser(limits)
    parser.feed(whole)
    came = parser.next()
    assert came is not None
    return came[1]


@st.composite
def steps(draw: st.DrawFn) -> tuple[Session, Step]:
    games, height, width = (draw(st.integers(1, high)) for high in (4, 50, 70))
    shape = (games, height, width)
    frames = draw(
        st.sampled_from((np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)))
        | st_numpy.arrays(np.uint8, shape, fill=st.just(0))
    )
    table = draw(st_numpy.arrays(np.int32, (games, len(Column))))
    table[:, [Column.POINTS, Column.TICKS, Column.HITS]] &= 0x7FFFFFFF
    points = table[:, Column.POINTS]
    table[:, Column.REWARD] = table[:, Column.REWARD].clip(-points, points)
    numbers = st.integers(0, (1 << 32) - 1)
    return replace(SESSION, games=games, height=height, width=width), Step.of(
        draw(numbers), draw(numbers), frames, table
    )


def assert_it_crosses(session: Session, step: Step) -> None:
    """Check that a step comes out of the wire as it went in, and that the session's limit allows it."""
    read = Step.parse(body_of(step.serialize(), client_limits(session)), session)
    assert (read.number, read.dropped) == (step.number, step.dropped)
    np.testing.assert_array_equal(read.frames, step.frames, strict=True)
    np.testing.assert_array_equal(read.table[:, : Column.CELLS], step.table[:, : Column.CELLS], strict=True)


@fuzz
@given(steps())
def test_a_step_comes_back_the_same(case: tuple[Session, Step]) -> None:
    assert_it_crosses(*case)


@pytest.mark.parametrize(
    ("games", "cells"),
    [(1, MAX_FRAME_CELLS), (MAX_GAMES, MAX_STEP_CELLS // MAX_GAMES)],
)
def test_the_largest_step_crosses_with_every_cell_lit(games: int, cells: int) -> None:
    session = Session.parse(replace(SESSION, games=games, height=1, width=cells).serialize())
    frames = np.full((games, 1, cells), 255, np.uint8)
    with memory_below(24 << 20):
        assert_it_crosses(session, Step.of(0, 0, frames, table_of(games)))


READ_IN_LITTLE_MEMORY = """
import os, resource, sys
import numpy
import netproto

session = Session.parse(bytes.fromhex(sys.argv[1]))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
parser, came = Parser(client_limits(session)), None
try:
    while data := os.read(0, 1 << 16):  # as it comes from a socket
        parser.feed(data)
        came = came or parser.next()
    Step.parse(came[1], session).frames
except ProtocolError as error:
    print("refused", error, repr(error.__cause__))
else:
    print("read")
"""
COST = 16 << 20  # bytes that a hostile server's message may take of the agent's memory
OPCODES = plain.MAX_PICKLE_OPCODES - 4  # that are left beside a few at begin and end


def largest_session(games: int) -> Session:
    """The session with the largest STEP there can be, in so many games."""
    return replace(SESSION, games=games, height=1, width=MAX_STEP_CELLS // games)


def text(data: bytes) -> bytes:
    """The opcode of a text."""
    return b"X" + struct.pack("<I", len(data)) + data


def lit_everywhere(games: int) -> bytes:
    """The body of the largest STEP, with every cell lit."""
    session = largest_session(games)
    frames = np.full((session.games, session.height, session.width), 255, np.uint8)
    return body_of(Step.of(0, 0, frames, table_of(games)).serialize(), client_limits(session))


def wide(length: int) -> bytes:
    """A text of so many bytes whose last character makes all of them take four."""
    return text(b"a" * (length - 9) + "\U0001f600".encode())


FEWEST_GAMES = MAX_STEP_CELLS // MAX_FRAME_CELLS
EXPENSIVE: dict[str, Callable[[int], bytes]] = {
    "every cell lit, few games": lambda room: lit_everywhere(FEWEST_GAMES),
    "every cell lit, many games": lambda room: lit_everywhere(MAX_GAMES),
    "a wide text": lambda room: b"\x80\x05" + wide(room - 3) + b".",
    "a wide text in a frame": lambda room: (
        b"\x80\x05\x95" + struct.pack("<Q", room - 11) + wide(room - 12) + b"."
    ),
    "a text that is none at its end": lambda room: b"\x80\x05" + wide(room - 3)[:-1] + b"\xff.",
    "wide texts": lambda room: b"\x80\x05(" + wide((room - 5) // OPCODES) * OPCODES + b"t.",
    "a text, referred to again and again": lambda room: (
        b"\x80\x05(" + wide(room - 2 * OPCODES) + b"\x94" + b"h\0" * (OPCODES - 3) + b"t."
    ),
    "keys": lambda room: (
        b"\x80\x05}("
        + b"".join(b"M" + struct.pack("<H", key) + b"]" for key in range(OPCODES // 2 - 1))
        + b"u."
    ),
    "empty lists": lambda room: b"\x80\x05(" + b"]" * OPCODES + b"t.",
    "empty dicts": lambda room: b"\x80\x05(" + b"}" * OPCODES + b"t.",
    "nested lists": lambda room: b"\x80\x05" + b"]" * (OPCODES // 2) + b"a" * (OPCODES // 2 - 1) + b".",
    "a deep key": lambda room: b"\x80\x05})" + b"\x85" * (OPCODES - 3) + b"Ns.",
    "long numbers": lambda room: b"\x80\x05(" + (b"\x8a\xff" + b"\x7f" * 255) * (OPCODES - 1) + b"t.",
    "marks": lambda room: b"\x80\x05" + b"(" * OPCODES + b".",
} | {
    name: functools.partial(lambda data, room: data, data)
    for name, data in HOSTILE.items()
    if "GB" in name or name == "a million empty lists"
}


def read_within(cost: int, session: Session, body: bytes) -> subprocess.CompletedProcess[str]:
    """Read a STEP in a process of its own that may take so many bytes more than it has before."""
    return subprocess.run(
        [sys.executable, "-c", READ_IN_LITTLE_MEMORY, session.serialize().hex(), str(cost)],
        input=message(Kind.STEP, body).decode("latin-1"), encoding="latin-1", capture_output=True, cwd=ROOT,
        timeout=PATIENCE,
    )  # fmt: skip


linux = pytest.mark.skipif(sys.platform != "linux", reason="the system limits no process's memory there")


@linux
@pytest.mark.parametrize("name", EXPENSIVE)
def test_a_hostile_servers_message_costs_the_agent_at_most_16_megabytes(name: str) -> None:
    session = largest_session(FEWEST_GAMES if "few" in name else MAX_GAMES)
    body = EXPENSIVE[name](session.step_limit)
    assert len(body) <= session.step_limit
    result = read_within(COST, session, body)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("read" if "lit" in name else "refused"), result
    assert "MemoryError" not in result.stdout


@linux
def test_a_message_that_costs_more_than_it_may_is_noticed() -> None:
    result = read_within(1 << 20, largest_session(FEWEST_GAMES), lit_everywhere(FEWEST_GAMES))
    assert "MemoryError" in result.stdout + result.stderr


def _with(column: Column, *counts: int) -> arrays.PackedArray:
    """The table of `state`, with another column."""
    table = table_of(SESSION.games)
    table[:, Column.CELLS] = 0, 1
    table[:, column] = counts
    return pack_array(table)


FIELDS = loads(body_of(state().serialize(), client_limits(SESSION)))
NUMBER, DROPPED, TABLE, CELLS, LIT = range(5)
BAD_FIELDS = [
    *itertools.product((NUMBER, DROPPED), (-1, 1 << 32, True, 1.0, None)),
    (TABLE, None),
    (TABLE, pack_array(table_of(SESSION.games).astype(np.int64))),
    (TABLE, pack_array(table_of(SESSION.games + 1))),
    (TABLE, pack_array(table_of(SESSION.games)[:, 1:])),
    (TABLE, _with(Column.POINTS, -1, 0)),
    (TABLE, _with(Column.TICKS, 0, -1)),
    (TABLE, _with(Column.HITS, 0, -1)),
    (TABLE, _with(Column.REWARD, 1, 0)),
    (TABLE, _with(Column.REWARD, 0, -(1 << 31))),
    (TABLE, _with(Column.CELLS, 0, 0)),
    (TABLE, _with(Column.CELLS, 2, -1)),  # one in all
    (CELLS, pack_array(np.array([SESSION.height * SESSION.width], np.uint16))),
    (CELLS, pack_array(np.array([3, 4], np.uint16))),
    (CELLS, pack_array(np.array([3], np.int16))),
    (CELLS, pack_array(np.array([[3]], np.uint16))),
    (LIT, pack_array(np.array([], np.uint8))),
    (LIT, pack_array(np.zeros(1, np.uint8))),
    (LIT, pack_array(np.array([1], np.int8))),
    (LIT, b"\xff"),
]


@pytest.mark.parametrize("cells", [(3, 3), (4, 3)])
def test_a_step_whose_cells_do_not_ascend_is_refused(cells: tuple[int, int]) -> None:
    table = table_of(SESSION.games)
    table[:, Column.CELLS] = 0, 2
    packed = pack_array(table), pack_array(np.array(cells, np.uint16)), pack_array(np.ones(2, np.uint8))
    with pytest.raises(ProtocolError, match="out of order"):
        Step.parse(dumps((0, 0, *packed)), SESSION)


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_step_with_a_malformed_field_is_refused(field: int, value: object) -> None:
    with pytest.raises(ProtocolError):
        Step.parse(dumps((*FIELDS[:field], value, *FIELDS[field + 1 :])), SESSION)


@pytest.mark.parametrize("value", [None, list(FIELDS), FIELDS[:4], (*FIELDS, 0), {}])
def test_a_step_that_is_no_five_fields_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match="a STEP that is none"):
        Step.parse(dumps(value), SESSION)


@fuzz
@given(mutated(dumps(FIELDS)))
def test_a_mutated_step_gives_only_protocol_error(body: bytes) -> None:
    read_garbage(Step.parse, body, SESSION)


def test_an_agents_messages_come_back_the_same() -> None:
    body = body_of(action((1 << 32) - 1, b"\1\2\0"), server_limits(3))
    assert parse_action(body, 3) == ((1 << 32) - 1, b"\1\2\0")
    assert parse_echo(b"12345678") == b"12345678"
    assert parse_pause(b"\1") is True
    assert parse_pause(b"\0") is False


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        *itertools.product([functools.partial(parse_action, games=2)], [b"", bytes(5), bytes(7)]),
        *itertools.product([parse_pause], [b"", b"\2", b"\0\0"]),
        *itertools.product([parse_echo], [b"", bytes(7), bytes(9)]),
    ],
)
def test_an_agents_message_of_another_layout_is_refused(parse: Any, body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(body)


# ---------------------------------------------------------------------------------------------
# Parser

LIMITS: dict[int, int] = {Kind.ACTION: 20, Kind.PING: 8, Kind.BYE: 0}
LARGEST = len(message(Kind.ACTION, bytes(20)))
some_messages = st.lists(
    st.sampled_from(sorted(LIMITS)).flatmap(
        lambda kind: st.tuples(st.just(Kind(kind)), st.binary(max_size=LIMITS[kind]))
    )
)


def parse_in_pieces(parser: Parser, data: bytes, size: int) -> list[tuple[Kind, bytes]]:
    """Feed a parser so many bytes at a time, and take all that it gives each time."""
    messages: list[tuple[Kind, bytes]] = []
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
        messages += iter(parser.next, None)
        assert len(parser._buffer) < LARGEST
    return messages


@pytest.mark.parametrize("size", [1, 3, 1 << 16], ids=["byte by byte", "in pieces", "all at once"])
@fuzz
@given(sent=some_messages, begun=st.integers(0, LARGEST - 1))
def test_messages_come_out_as_they_went_in(sent: list[tuple[Kind, bytes]], begun: int, size: int) -> None:
    next_one = Kind.ACTION, bytes(range(20))
    stream = b"".join(message(*each) for each in sent)
    parser = Parser(LIMITS)
    assert parse_in_pieces(parser, stream + message(*next_one)[:begun], size) == sent
    assert parse_in_pieces(parser, message(*next_one)[begun:], size) == [next_one]


@pytest.mark.parametrize("length", [LIMITS[Kind.ACTION] + 1, 1 << 31, (1 << 32) - 1])
def test_a_length_beyond_the_limit_is_refused_before_the_body_is_read(length: int) -> None:
    parser = Parser(LIMITS)
    parser.feed(struct.pack("!BI", Kind.ACTION, length))
    with pytest.raises(ProtocolError, match=f"an? ACTION of {length} bytes, where 20 are allowed"):
        parser.next()


@pytest.mark.parametrize("data", [HTTP[:1], HTTP, bytes((Kind.STEP,)), message(Kind.STEP), b"\0"])
def test_a_kind_that_may_not_come_is_refused_at_its_first_byte(data: bytes) -> None:
    parser = Parser(LIMITS)
    parser.feed(data)
    with pytest.raises(ProtocolError, match=f"of kind {data[0]}, which may not come here"):
        parser.next()


@fuzz
@given(st.binary() | some_messages.flatmap(lambda sent: mutated(b"".join(message(*m) for m in sent))))
def test_garbage_parses_or_gives_protocol_error_and_is_never_hoarded(data: bytes) -> None:
    read_garbage(parse_in_pieces, Parser(LIMITS), data, 7)


# ---------------------------------------------------------------------------------------------
# Handshake, both halves in memory

SERVER, CLIENT = SERVER_HANDSHAKE_LIMITS, CLIENT_HANDSHAKE_LIMITS


def admit(_: Role, _identity: bytes = NOBODY) -> Session:
    return SESSION


def advance(half: Handshake, data: bytes, limits: Mapping[int, int]) -> bytes | Admission | PongError:
    """Send one message to a half of the handshake: give its answer, or what it ends with."""
    try:
        parser = Parser(limits)
        parser.feed(data)
        came = parser.next()
        assert came is not None
        return half.send(came)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    except PongError as error:
        return error


Halves = tuple[Handshake, Handshake]
Meddle = Callable[[int, bytes], bytes]


def shake_hands(
    server: Handshake, client: Handshake, meddle: Meddle = lambda _, data: data
) -> tuple[object, object]:
    """Join both halves, with somebody between who may change messages 0 to 3: what do they end with?"""
    next(server)
    at_server: object = None
    at_client: Any = next(client)
    for number in (0, 2):
        at_server = advance(server, meddle(number, at_client), SERVER)
        match at_server:
            case bytes():
                answer = at_server
            case Admission():
                answer = at_server.last
            case RefusedError():
                answer = refusal(at_server)
            case _:
                return at_server, None
        at_client = advance(client, meddle(number + 1, answer), CLIENT)
        if not isinstance(at_client, bytes):
            break
    return at_server, at_client


def assert_both_refused(halves: Halves, reason: Refusal, words: str, *meddle: Meddle) -> None:
    """Check that the server refuses for this reason, and that the agent is told so in these words."""
    for error in shake_hands(*halves, *meddle):
        assert isinstance(error, RefusedError)
        assert error.reason is reason
        assert words in str(error)


def under_way(token: str = "") -> tuple[Handshake, Handshake, bytes]:
    """Both halves with HELLO and CHALLENGE behind them, and the PROOF that the server waits for."""
    server, client = server_handshake(token, admit), client_handshake(token, Role.LEFT)
    next(server)
    challenge = advance(server, next(client), SERVER)
    assert isinstance(challenge, bytes)
    proof = advance(client, challenge, CLIENT)
    assert isinstance(proof, bytes)
    return server, client, proof


def at_stage(half: int, stage: int) -> Handshake:
    """The server's half (0) or the client's (1), waiting for its first message or its second."""
    halves = under_way()[:2] if stage else (server_handshake("", admit), client_handshake("", Role.LEFT))
    if not stage:
        next(halves[half])
    return halves[half]


def welcome_of(server: Handshake, proof: bytes) -> bytes:
    """The WELCOME that the right proof is answered with."""
    admission = advance(server, proof, SERVER)
    assert isinstance(admission, Admission)
    return admission.last


@pytest.mark.parametrize("token", ["secret", "", "ключ", "long" * 1000])
def test_the_right_token_is_let_in_and_told_the_session(token: str) -> None:
    server, client = shake_hands(server_handshake(token, admit), client_handshake(token, Role.LEFT))
    assert isinstance(server, Admission)
    assert client == Admission(Role.LEFT, SESSION) == replace(server, last=b"")


def test_a_token_of_bytes_that_are_no_text_works_like_any_other() -> None:
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


LATER_HELLO = message(Kind.HELLO, MAGIC + struct.pack("!H", VERSION + 1) + b"whatever it says then")


def test_no_two_reasons_of_a_refusal_are_the_same() -> None:
    assert [*Refusal.__members__] == [reason.name for reason in Refusal]


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
    def refuse(role: Role, _: bytes) -> Session:
        raise RefusedError(reason, f"nobody plays {role.name} today")

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


def _garbage(limits: Mapping[int, int]) -> st.SearchStrategy[bytes]:
    """Messages that may come in a handshake, with bodies that begin like the right ones."""
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
    outcome = advance(at_stage(half, stage), data.draw(_garbage(limits)), limits)
    assert isinstance(outcome, bytes | ProtocolError | RefusedError)


@fuzz
@given(st.binary(max_size=1024) | mutated(SESSION.serialize()))
def test_garbage_behind_the_servers_proof_gives_only_protocol_error(parameters: bytes) -> None:
    session = SimpleNamespace(serialize=lambda: parameters)
    _, client = shake_hands(
        server_handshake("", lambda *_: session),  # type: ignore[arg-type,return-value]
        client_handshake("", Role.LEFT),
    )
    assert isinstance(client, ProtocolError | Admission)


# ---------------------------------------------------------------------------------------------
# Wake and Connection


@pytest.fixture
def wake() -> Iterator[Wake]:
    wake = Wake()
    yield wake
    wake.close()


def test_a_wake_is_heard_once_however_often_it_was_set(wake: Wake) -> None:
    for _ in range(10_000):  # more than its socket holds
        wake.set()
    assert wake.wait(PATIENCE)
    assert not wake.wait(0)


def test_a_cleared_wake_is_not_heard(wake: Wake) -> None:
    wake.set()
    wake.clear()
    assert not wake.wait(0)


def test_setting_a_closed_wake_does_nothing(wake: Wake) -> None:
    wake.close()
    wake.set()


def over(sock: socket.socket) -> Connection:
    """A connection that takes what an agent may send to one game."""
    sock.setblocking(False)
    return Connection(sock, Parser(server_limits(1)), "the peer")


Ends = tuple[Connection, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection, and its peer's socket."""
    ours, peer = socket.socketpair()
    with ours, peer:
        yield over(ours), peer


PING = Kind.PING, b"12345678"


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


def test_one_long_wait_among_short_ones_changes_nothing_but_two_do(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, peer = ends
    looks: list[float] = []
    ready = waiting.ready

    def counted(readers: list[Any], writers: list[Any], seconds: float) -> tuple[list[Any], list[Any]]:
        looks.append(seconds)
        return ready(readers, writers, seconds)

    def begins_awake(spin_seconds: float) -> bool:
        """Wait for what is there already; whether that began with a look. A wait is short below so many."""
        monkeypatch.setattr(connection_module, "SPIN_SECONDS", spin_seconds)
        looks.clear()
        peer.sendall(message(*PING))
        assert wait([connection])
        assert connection.take() == PING
        return looks[0] == 0

    monkeypatch.setattr(connection_module, "ready", counted)
    short, long = 60.0, -1.0
    for _ in range(SHORT_WAITS):
        assert not begins_awake(short)
    for _ in range(MOST_SHORT_WAITS):
        assert begins_awake(short)
    begins_awake(long)
    assert begins_awake(short)
    for _ in range(2):
        begins_awake(long)
    assert not begins_awake(short)


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


@pytest.mark.skipif(sys.platform == "win32", reason="select has no limit of this kind there")
def test_a_process_with_many_open_files_still_waits_for_its_peers(wake: Wake) -> None:
    import fcntl
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    ours, peer = socket.socketpair()
    try:
        with ours, peer, socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 2000)) as high:
            connection = over(high)
            assert connection.receive(until=time.monotonic() + 0.01, wake=wake) is None
            peer.sendall(message(*PING))
            assert connection.receive(wake=wake) == PING
            wake.set()
            assert connection.receive(wake=wake) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_peer_that_reads_nothing_is_given_up(ends: Ends) -> None:
    with pytest.raises(ConnectionLostError, match="does not read"):
        ends[0].send(bytes(64 << 20))


class Flood(socket.socket):
    """A socket on which heartbeats come without end."""

    reads = 0

    def recv(self, size: int, *_: int) -> bytes:
        self.reads += 1
        assert self.reads < 50, "it reads on and on"
        return message(Kind.HEARTBEAT) * (size // len(message(Kind.HEARTBEAT)))


def test_a_flood_of_heartbeats_does_not_hold_up_who_waits_for_a_time(ends: Ends) -> None:
    with Flood(fileno=ends[1].detach()) as flood:
        assert over(flood).receive(until=0.0) is None


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


def test_goodbye_is_said_and_understood(ends: Ends) -> None:
    connection, other = ends[0], over(ends[1])
    connection.close()
    with pytest.raises(ConnectionLostError, match="the peer said goodbye"):
        other.receive()


@pytest.mark.parametrize("data", [HTTP, message(Kind.STEP), message(Kind.PING, bytes(9))])
def test_what_may_not_come_is_a_protocol_error(ends: Ends, data: bytes) -> None:
    connection, peer = ends
    peer.sendall(data)
    with pytest.raises(ProtocolError):
        connection.receive()


class Clock:
    """In the place of netproto's `time`: it goes on when it is told to, or a step at every look."""

    now, step = 1000.0, 0.0

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connection_module, "time", clock)
    return clock


def test_more_than_the_line_takes_is_kept_and_arrives_in_order(clock: Clock, ends: Ends) -> None:
    connection, other = ends[0], over(ends[1])
    sent = [(Kind.PING, number.to_bytes(8, "big")) for number in range(50_000)]
    connection.send(b"".join(message(*each) for each in sent))
    assert connection._unsent
    came: list[object] = []
    for _ in range(100):  # a few are enough
        came += iter(lambda: other.receive(until=clock.now), None)
        assert connection.receive(until=clock.now) is None  # it sends what is left
    assert came == sent


def test_heartbeats_keep_an_idle_line_open(clock: Clock, ends: Ends) -> None:
    connection, other = ends[0], over(ends[1])
    for _ in range(100):
        clock.now += HEARTBEAT_SECONDS
        assert connection.receive(until=clock.now) is None
        assert other.receive(until=clock.now) is None


def test_silence_is_noticed_but_not_before_its_time(clock: Clock, ends: Ends) -> None:
    connection, _ = ends
    clock.now += SILENCE_SECONDS - 0.001
    assert connection.receive(until=clock.now) is None
    clock.now += 0.002
    with pytest.raises(ConnectionLostError, match="the peer has been silent for 9 seconds"):
        connection.receive()


def test_what_came_during_a_long_thought_is_no_silence(clock: Clock, ends: Ends) -> None:
    connection, peer = ends
    peer.sendall(message(*PING))
    clock.now += 100 * SILENCE_SECONDS
    assert connection.receive() == PING
    assert connection.receive(until=clock.now) is None


def test_a_heartbeat_is_sent_only_when_nothing_else_was(clock: Clock, ends: Ends) -> None:
    connection, peer = ends
    for _ in range(3):
        clock.now += HEARTBEAT_SECONDS * 0.9
        connection.send(message(*PING))
        clock.now += HEARTBEAT_SECONDS * 0.9
        connection.send_heartbeat()
    clock.now += HEARTBEAT_SECONDS * 0.2
    connection.send_heartbeat()
    assert peer.recv(1024) == 3 * message(*PING) + message(Kind.HEARTBEAT)


# ---------------------------------------------------------------------------------------------
# Peers over real sockets


def open_files() -> set[str]:
    """What this process has open, where the system tells."""
    gc.collect()
    return set(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else set()


def our_threads() -> set[str]:
    """The threads of netproto that are running."""
    return {thread.name for thread in threading.enumerate()} & {"listener", "heartbeat"}


Delivered = queue.SimpleQueue[Connection]


@contextlib.contextmanager
def listening(
    token: str = "", opening: bytes | None = None, admit: Callable[[Role, bytes], Session] = admit
) -> Iterator[tuple[Any, Delivered]]:
    """A listener that sends each agent an opening (STEP 0), and the connections that it delivers."""
    delivered: Delivered = queue.SimpleQueue()

    with contextlib.ExitStack() as stack:

        def deliver(connection: Connection, _: Admission) -> None:
            stack.callback(connection.close)
            connection.send(state().serialize() if opening is None else opening)
            delivered.put(connection)

        listener = Listener("127.0.0.1", 0, token, admit, deliver)
        listener.start()
        stack.callback(listener.close)
        yield listener, delivered


@contextlib.contextmanager
def talking() -> Iterator[tuple[PongClient, Connection]]:
    """An agent that has had STEP 0, and the server's end of its connection."""
    with listening() as (listener, delivered), connected(listener) as client:
        yield client, delivered.get(timeout=PATIENCE)


def stranger(listener: Listener, words: bytes = b"") -> socket.socket:
    """Somebody who connects, says this much and waits."""
    sock = socket.create_connection(listener.address, PATIENCE)
    with contextlib.suppress(ConnectionError):  # sent away already
        sock.sendall(words)
    return sock


def is_sent_away(sock: socket.socket) -> bool:
    """Wait for the listener's answer: whether it is to hang up."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:  # with something unread
        return True


# ---------------------------------------------------------------------------------------------
# PongClient

UNRESOLVABLE = ["", "\x1b[2J" + "a" * 64]  # neither is asked of a name server


@pytest.mark.parametrize("host", UNRESOLVABLE)
def test_a_host_to_connect_to_that_cannot_be_found_is_named(host: str) -> None:
    with pytest.raises(PongError, match="cannot be found") as caught:
        PongClient(host).connect()
    assert repr(printable(host)) in str(caught.value)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_named(port: int) -> None:
    with pytest.raises(PongError, match=f"port {port} is out of range"):
        PongClient(port=port).connect()


def test_nobody_listening_is_a_lost_connection_that_names_the_place() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionLostError, match=f"no server at 127.0.0.1:{port}"):
        PongClient(port=port).connect()


@contextlib.contextmanager
def impostor(words: bytes, stay: bool) -> Iterator[int]:
    """The port of a server that hears one HELLO, answers with these words and leaves, or stays."""

    def serve() -> None:
        sock, _ = server.accept()
        with sock, contextlib.suppress(ConnectionError):  # it may be tired of waiting
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


@pytest.mark.parametrize(
    ("words", "stay", "late", "sentence"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, False, "kind 72, which may not come here"),
        (b"", True, True, "it has not answered for 60 seconds"),
        (HALF_A_CHALLENGE, True, True, "it has not answered for 60 seconds"),
        (b"", False, False, "it hung up in the middle of the handshake"),
        (HALF_A_CHALLENGE, False, False, "it hung up in the middle of the handshake"),
    ],
    ids=["HTTP", "nothing", "half a message", "hangs up", "hangs up in a message"],
)
def test_a_server_that_is_not_pong_is_told_from_one(
    clock: Clock, words: bytes, stay: bool, late: bool, sentence: str
) -> None:
    before = open_files()
    clock.step = 100.0 if late else 0.0  # seconds between two looks at the clock
    with impostor(words, stay) as port, PongClient(port=port, timeout=60.0) as client:
        with pytest.raises(ProtocolError, match=sentence) as caught:
            client.connect()
        assert f"127.0.0.1:{port} is not a Pong server" in str(caught.value)
    assert open_files() <= before


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
    """The next state."""
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


def test_the_number_of_a_step_begins_anew_after_the_last() -> None:
    with talking() as (client, connection):
        client._number = (1 << 32) - 1
        client.act([0, 0])
        connection.send(FIRST)
        assert observed(client).number == 0


NOT_MOVES = [
    [], [0], [0, 1, 2], [[0], [1]], [[0], [1, 2]], 0,
    [0, 256], [-1, 0], [0.0, 1.0], [True, False], ["0", "1"], [None, 0], [0, 1 << 70],
]  # fmt: skip


@pytest.mark.parametrize("moves", NOT_MOVES, ids=repr)
def test_moves_that_are_none_are_a_value_error(moves: Any) -> None:
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
        connection._sock.close()  # no goodbye
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
    with talking() as (_, connection), connection._sock.dup() as line:
        line.settimeout(PATIENCE)
        assert line.recv(1) == bytes((Kind.HEARTBEAT,))


class Late(threading.Event):
    """An event whose waiter is told that it timed out, though it was set just then."""

    def wait(self, timeout: float | None = None) -> bool:
        was_set = self.is_set()
        super().wait(PATIENCE)
        return was_set


def test_a_heartbeat_due_while_the_client_closes_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    crashes: list[object] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    with listening() as (listener, _), PongClient(*listener.address) as client:
        client._closed = Late()
        client.connect()
        monkeypatch.setattr(connection_module, "HEARTBEAT_SECONDS", 0.0)
        client.close()
    assert crashes == []


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


def test_the_answer_to_another_ping_is_none() -> None:
    with talking() as (client, connection):
        connection.send(message(Kind.PONG, bytes(8)) + message(Kind.BYE))
        with pytest.raises(ConnectionLostError, match="said goodbye"):
            client.ping()


@pytest.mark.parametrize("reading", [PongClient.poll, PongClient.observe, lambda client: client.attend(0)])
def test_answers_that_nobody_asked_for_do_not_keep_a_client_reading(
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


# ---------------------------------------------------------------------------------------------
# Tokens and hosts


@pytest.mark.parametrize("token", [None, "", "secret"])
def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("PONG_TOKEN", token)
    assert read_token(None) == token


@pytest.mark.parametrize(
    ("content", "token"),
    [
        (b"", ""),
        (b" \r\n", ""),
        ("ключ\n".encode(), "ключ"),
        ("Notepad\r\n".encode("utf-8-sig"), "Notepad"),
    ],
)
def test_a_token_file_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, token: str
) -> None:
    monkeypatch.setenv("PONG_TOKEN", "another")
    path = tmp_path / "token"
    path.write_bytes(content)
    assert read_token(str(path)) == token


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, binary):
        with pytest.raises(PongError, match="cannot be read") as caught:
            read_token(str(path))
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *itertools.product(["127.0.0.1", "127.1.2.3", "::1", "localhost"], [True]),
        *itertools.product(["0.0.0.0", "::", "192.0.2.1"], [False]),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_host_with_an_address_beyond_this_machine_is_not_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(*range(4), (address, 0)) for address in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert not is_loopback("raspberrypi")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("café 1", "café 1"), ("\x1b[2J", r"\x1b[2J"), ("a\nb", r"a\nb"), ("\u202e", r"\u202e"), ("", "")],
)
def test_what_a_peer_sent_is_escaped_before_it_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown
