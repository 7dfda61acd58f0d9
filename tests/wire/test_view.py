"""VIEW: what comes back, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pongrl.errors import ProtocolError
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.wire import view
from pongrl.wire.limits import VIEWER_LIMITS
from pongrl.wire.messages import View
from pongrl.wire.plain import dumps
from tests.support.wire import body_of, fuzz, mutated, read_garbage

VIEW = View((345, 245), (200, 130), (3, 4), 1, (21, 12), 7, 5, (1, 2, 3), "agent connected from 10.0.0.7:5")


@pytest.mark.parametrize("shown", [VIEW, replace(VIEW, last_match=None, status="")])
def test_a_view_comes_back_the_same(shown: View) -> None:
    assert View.parse(body_of(shown.serialize(), VIEWER_LIMITS)) == shown


def test_a_view_has_the_bounds_of_the_court() -> None:
    assert (view.WIDTH, view.HEIGHT) == (COURT_WIDTH, COURT_HEIGHT)


def test_a_long_status_is_cut_and_an_unprintable_one_escaped() -> None:
    long = View.parse(body_of(replace(VIEW, status="\x1b" + "é" * 1000).serialize(), VIEWER_LIMITS))
    assert long.status.isprintable()
    assert 100 < len(long.status) < 200


@pytest.mark.parametrize(
    "values",
    [
        None, (), ((1, 2),) * 9, ((1, 2), (3, 4), (5, 6), 0, None, 7, 5, (8, 9, 10)),
        ((1, 2), (3, 4), (5, 6), 0, None, 7, 5, (8, 9), ""),
        ((1, 2), (3, 4), (5, 6), 0, None, 7, None, (8, 9, 1), ""),
        ((1, 2), (3, 4), (5, 6), 0, None, 1 << 40, 5, (8, 9, 1), ""),
        ((1, 2), (3, 4), (5, 6), 1 << 40, None, 7, 5, (8, 9, 1), ""),
        ((1.0, 2), (3, 4), (5, 6), 0, None, 7, 5, (8, 9, 1), ""),
        ((1, 2), (3, 4), (5, 6), 0, (7,), 7, 5, (8, 9, 1), ""),
        ((1, 2), (3, 4), (5, 6), 0, None, 7, 5, (8, 9, 1), b""),
        (((1 << 31) - 6, (1 << 31) - 9), (3, 4), (5, 6), 0, None, 7, 5, (8, 9, 1), ""),
        ((701, 2), (3, 4), (5, 6), 0, None, 7, 5, (8, 9, 1), ""),
        ((1, 2), (-1, 4), (5, 6), 0, None, 7, 5, (8, 9, 1), ""),
        ((1, 2), (3, 501), (5, 6), 0, None, 7, 5, (8, 9, 1), ""),
    ],
)  # fmt: skip
def test_a_view_that_is_none_is_refused(values: object) -> None:
    with pytest.raises(ProtocolError, match="a VIEW that is none"):
        View.parse(dumps(values))


@fuzz
@given(st.binary(max_size=200) | mutated(body_of(VIEW.serialize(), VIEWER_LIMITS)))
def test_garbage_in_the_place_of_a_view_gives_only_protocol_error(body: bytes) -> None:
    read_garbage(View.parse, body)


def test_what_a_server_has_counted_for_months_can_still_be_read() -> None:
    """Counts go on from 0, since a change of one is what counts; a score or a rally stays at the most."""
    most = view.MOST
    shown = replace(VIEW, matches=most, sounds=(most, most - 1, most))
    assert View.parse(body_of(shown.serialize(), VIEWER_LIMITS)) == shown
    beyond = replace(
        VIEW, score=(most + 1, 7), matches=most + 2, last_match=(3, most + 9), rally=most + 5,
        last_rally=1 << 40, sounds=(most + 1, most + 2, 3 << 40),
    )  # fmt: skip
    assert View.parse(body_of(beyond.serialize(), VIEWER_LIMITS)) == replace(
        VIEW, score=(most, 7), matches=1, last_match=(3, most), rally=most, last_rally=most, sounds=(0, 1, 0)
    )
