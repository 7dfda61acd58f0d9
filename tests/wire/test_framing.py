"""Messages in a stream of bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pongrl.errors import ProtocolError
from pongrl.wire.framing import Kind, Message, Parser, message
from tests.support.wire import HTTP, PING, fuzz, memory_below, mutated, parsed, read_garbage

LIMITS: dict[int, int] = {Kind.ACTION: 20, Kind.PING: 8, Kind.BYE: 0}
LARGEST = len(message(Kind.ACTION, bytes(20)))
some_messages = st.lists(
    st.sampled_from(sorted(LIMITS)).flatmap(
        lambda kind: st.tuples(st.just(Kind(kind)), st.binary(max_size=LIMITS[kind]))
    )
)


def written(messages: list[Message]) -> bytes:
    """Return these messages as a stream."""
    return b"".join(message(*each) for each in messages)


@pytest.mark.parametrize("size", [1, 3, None], ids=["byte by byte", "in pieces", "all at once"])
@fuzz
@given(sent=some_messages, begun=st.integers(0, LARGEST - 1))
def test_messages_come_out_as_they_went_in(sent: list[Message], begun: int, size: int | None) -> None:
    last = Kind.ACTION, bytes(range(20))
    parser = Parser(LIMITS)
    assert parsed(parser, written(sent) + message(*last)[:begun], size) == sent
    assert parsed(parser, message(*last)[begun:], size) == [last]


@fuzz
@given(sent=some_messages)
def test_a_message_comes_out_with_its_last_byte(sent: list[Message]) -> None:
    parser = Parser(LIMITS)
    for each in sent:
        whole = message(*each)
        assert parsed(parser, whole[:-1], 1) == []
        assert parsed(parser, whole[-1:]) == [each]


def test_what_came_behind_a_message_is_kept_for_the_limits_of_the_next_state() -> None:
    parser = Parser({Kind.BYE: 0})
    parser.feed(message(Kind.BYE) + message(*PING))
    assert parser.next() == (Kind.BYE, b"")
    parser.limits = {Kind.PING: 8}
    assert parser.next() == PING


def test_a_long_stream_takes_no_more_memory_than_its_largest_message() -> None:
    parser, largest = Parser({Kind.STEP: 1 << 16}), message(Kind.STEP, bytes(1 << 16))
    with memory_below(1 << 20):
        for _ in range(100):
            parser.feed(largest)
            assert parser.next() is not None


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
@given(st.binary() | some_messages.flatmap(lambda sent: mutated(written(sent))))
def test_garbage_parses_or_gives_protocol_error(data: bytes) -> None:
    read_garbage(parsed, Parser(LIMITS), data, 7)
