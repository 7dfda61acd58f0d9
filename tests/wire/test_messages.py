"""The small messages of fixed layout."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import pytest

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.wire.limits import VIEWER_LIMITS, server_limits
from pongrl.wire.messages import (
    action,
    goodbye,
    parse_action,
    parse_echo,
    parse_goodbye,
    parse_pause,
    parse_refusal,
    pause,
    refusal,
)
from tests.support.wire import CLIENT, SESSION, body_of


def test_an_agents_messages_come_back_the_same() -> None:
    body = body_of(action((1 << 32) - 1, b"\1\2"), server_limits(SESSION))
    assert parse_action(body, 2) == ((1 << 32) - 1, b"\1\2")
    assert parse_echo(b"12345678") == b"12345678"
    for paused in (True, False):
        assert parse_pause(body_of(pause(paused), server_limits(SESSION))) is paused


@pytest.mark.parametrize("reason", ["", "the server stops", "état"])
def test_a_goodbye_tells_its_reason(reason: str) -> None:
    assert parse_goodbye(body_of(goodbye(reason), VIEWER_LIMITS)) == reason


@pytest.mark.parametrize("reason", list(Refusal))
def test_a_refusal_tells_its_reason_and_its_sentence(reason: Refusal) -> None:
    error = parse_refusal(body_of(refusal(RefusedError(reason, "not today")), CLIENT))
    assert (error.reason, str(error)) == (reason, "the server refused: not today")


def test_a_sentence_that_is_too_long_is_cut_to_what_may_be_sent() -> None:
    sentence = "é" * 1000
    assert parse_goodbye(body_of(goodbye(sentence), VIEWER_LIMITS))[:100] == sentence[:100]
    error = parse_refusal(body_of(refusal(RefusedError(Refusal.BUSY, sentence)), CLIENT))
    assert sentence[:100] in str(error)


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        *itertools.product([functools.partial(parse_action, games=2)], [b"", bytes(5), bytes(7)]),
        *itertools.product([parse_pause], [b"", b"\2", b"\0\0"]),
        *itertools.product([parse_echo], [b"", bytes(7), bytes(9)]),
        *itertools.product([parse_refusal], [b"", b"\0why", b"\x63why", b"\1\xff\xfe"]),
    ],
)
def test_a_message_of_another_layout_is_refused(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(body)
