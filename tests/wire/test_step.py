"""STEP: what comes back, what is refused, and what the worst one costs the agent."""

from __future__ import annotations

import functools
import itertools
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from pongrl.errors import ProtocolError
from pongrl.wire.arrays import PackedArray, pack_array
from pongrl.wire.framing import Kind, message
from pongrl.wire.limits import client_limits
from pongrl.wire.messages import (
    MAX_FRAME_CELLS,
    MAX_GAMES,
    MAX_STEP_CELLS,
    Column,
    Session,
    Step,
    number_after,
)
from pongrl.wire.plain import MAX_PICKLE_OPCODES, dumps, loads
from tests.support import PATIENCE, ROOT
from tests.support.wire import (
    HOSTILE,
    SESSION,
    body_of,
    fuzz,
    memory_below,
    mutated,
    read_garbage,
    state,
    table_of,
)


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
    """Check that a step crosses unchanged, and that the session's limit allows it."""
    read = Step.parse(body_of(step.serialize(), client_limits(session)), session)
    assert (read.number, read.dropped) == (step.number, step.dropped)
    np.testing.assert_array_equal(read.frames, step.frames, strict=True)
    np.testing.assert_array_equal(read.table[:, : Column.CELLS], step.table[:, : Column.CELLS], strict=True)


@fuzz
@given(steps())
def test_a_step_comes_back_the_same(case: tuple[Session, Step]) -> None:
    assert_it_crosses(*case)


def test_the_number_of_a_step_is_0_again_after_the_last() -> None:
    assert (number_after(-1), number_after(0), number_after((1 << 32) - 1)) == (0, 1, 0)


def test_what_a_state_says_is_read_by_name() -> None:
    table = np.arange(2 * len(Column), dtype=np.int32).reshape(2, -1)
    step = Step.of(0, 0, np.zeros((2, 3, 4), np.uint8), table)
    by_name = {
        Column.REWARD: step.rewards, Column.LEFT: step.scores[:, 0], Column.RIGHT: step.scores[:, 1],
        Column.MATCHES: step.matches, Column.MOVE: step.moves, Column.MOVER: step.movers,
        Column.POINTS: step.points, Column.TICKS: step.ticks, Column.HITS: step.hits,
    }  # fmt: skip
    assert {column: values.tolist() for column, values in by_name.items()} == {
        column: [column, len(Column) + column] for column in by_name
    }


@pytest.mark.parametrize(
    ("games", "cells"),
    [(1, MAX_FRAME_CELLS), (MAX_GAMES, MAX_STEP_CELLS // MAX_GAMES)],
)
def test_the_largest_step_crosses_with_every_cell_lit(games: int, cells: int) -> None:
    session = Session.parse(replace(SESSION, games=games, height=1, width=cells).serialize())
    frames = np.full((games, 1, cells), 255, np.uint8)
    with memory_below(24 << 20):
        assert_it_crosses(session, Step.of(0, 0, frames, table_of(games)))


FIELDS = loads(body_of(state().serialize(), client_limits(SESSION)))
NUMBER, DROPPED, TABLE, CELLS, LIT = range(5)


def with_column(column: Column, *counts: int) -> PackedArray:
    """Return the table of `state` with another column, packed."""
    table = table_of(SESSION.games)
    table[:, Column.CELLS] = 0, 1
    table[:, column] = counts
    return pack_array(table)


BAD_FIELDS = [
    *itertools.product((NUMBER, DROPPED), (-1, 1 << 32, True, 1.0, None)),
    (TABLE, None),
    (TABLE, pack_array(table_of(SESSION.games).astype(np.int64))),
    (TABLE, pack_array(table_of(SESSION.games + 1))),
    (TABLE, pack_array(table_of(SESSION.games)[:, 1:])),
    (TABLE, with_column(Column.POINTS, -1, 0)),
    (TABLE, with_column(Column.TICKS, 0, -1)),
    (TABLE, with_column(Column.HITS, 0, -1)),
    (TABLE, with_column(Column.REWARD, 1, 0)),
    (TABLE, with_column(Column.REWARD, 0, -(1 << 31))),
    (TABLE, with_column(Column.CELLS, 0, 0)),
    (TABLE, with_column(Column.CELLS, 2, -1)),  # one in all
    (CELLS, pack_array(np.array([SESSION.height * SESSION.width], np.uint16))),
    (CELLS, pack_array(np.array([3, 4], np.uint16))),
    (CELLS, pack_array(np.array([3], np.int16))),
    (CELLS, pack_array(np.array([[3]], np.uint16))),
    (LIT, pack_array(np.array([], np.uint8))),
    (LIT, pack_array(np.zeros(1, np.uint8))),
    (LIT, pack_array(np.array([1], np.int8))),
    (LIT, b"\xff"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_step_with_a_malformed_field_is_refused(field: int, value: object) -> None:
    with pytest.raises(ProtocolError):
        Step.parse(dumps((*FIELDS[:field], value, *FIELDS[field + 1 :])), SESSION)


@pytest.mark.parametrize("cells", [(3, 3), (4, 3)])
def test_a_step_whose_cells_do_not_ascend_is_refused(cells: tuple[int, int]) -> None:
    table = table_of(SESSION.games)
    table[:, Column.CELLS] = 0, 2
    packed = pack_array(table), pack_array(np.array(cells, np.uint16)), pack_array(np.ones(2, np.uint8))
    with pytest.raises(ProtocolError, match="out of order"):
        Step.parse(dumps((0, 0, *packed)), SESSION)


@pytest.mark.parametrize("value", [None, list(FIELDS), FIELDS[:4], (*FIELDS, 0), {}])
def test_a_step_that_is_no_five_fields_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match="a STEP that is none"):
        Step.parse(dumps(value), SESSION)


@fuzz
@given(mutated(dumps(FIELDS)))
def test_a_mutated_step_gives_only_protocol_error(body: bytes) -> None:
    read_garbage(Step.parse, body, SESSION)


READ_IN_LITTLE_MEMORY = """
import os, resource, sys
from netproto import Parser, ProtocolError, Sender, Session, State, Step, limits

session = Session.parse(bytes.fromhex(sys.argv[1]))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
parser, came = Parser(limits(State.PLAYING, Sender.SERVER, session)), None
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
OPCODES = MAX_PICKLE_OPCODES - 4  # a few more are needed at the begin and the end
FEWEST_GAMES = MAX_STEP_CELLS // MAX_FRAME_CELLS


def largest_session(games: int) -> Session:
    """Return the session with the largest STEP there can be, in so many games."""
    return replace(SESSION, games=games, height=1, width=MAX_STEP_CELLS // games)


def lit_everywhere(games: int) -> bytes:
    """Return the body of the largest STEP, with every cell lit."""
    session = largest_session(games)
    frames = np.full((session.games, session.height, session.width), 255, np.uint8)
    return body_of(Step.of(0, 0, frames, table_of(games)).serialize(), client_limits(session))


def text(data: bytes) -> bytes:
    """Return the opcode of a text."""
    return b"X" + struct.pack("<I", len(data)) + data


def wide(length: int) -> bytes:
    """Return a text of so many bytes, whose last character makes each of the others take four in memory."""
    return text(b"a" * (length - 9) + "\U0001f600".encode())


EXPENSIVE: dict[str, Callable[[int], bytes]] = {
    "every cell lit, few games": lambda room: lit_everywhere(FEWEST_GAMES),
    "every cell lit, many games": lambda room: lit_everywhere(MAX_GAMES),
    "a wide text": lambda room: b"\x80\x05" + wide(room - 3) + b".",
    "a wide text in a frame": lambda room: (
        b"\x80\x05\x95" + struct.pack("<Q", room - 11) + wide(room - 12) + b"."
    ),
    "a text that is broken at its end": lambda room: b"\x80\x05" + wide(room - 3)[:-1] + b"\xff.",
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
    """Read a STEP in a process of its own, which may take at most so many bytes more than before."""
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


def test_states_that_were_dropped_are_counted_up_to_what_a_step_holds() -> None:
    session, sent = Session(1, 50, 70, 2, 8, 60, 21, False), np.zeros((1, len(Column)), np.int32)
    step = Step.of((1 << 32) - 1, 1 << 32, np.zeros((1, 50, 70), np.uint8), sent)
    came = Step.parse(step.serialize()[5:], session)
    assert (came.number, came.dropped) == ((1 << 32) - 1, (1 << 32) - 1)
