"""The table of what each end may send in which state."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.handshake import PROOF_BYTES
from pongrl.wire.limits import MAY_SEND, VIEWER_LIMITS, Sender, State, client_limits, limits, server_limits
from pongrl.wire.messages import MAX_GAMES, Role, Session, Step, View, action, goodbye, refusal
from tests.support.wire import CLIENT, SESSION, body_of, table_of

ROWS = list(itertools.product(State, Sender))


@pytest.mark.parametrize(("state", "sender"), ROWS)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_that_is_not_in_the_row_is_refused_at_its_first_byte(
    state: State, sender: Sender, kind: Kind
) -> None:
    parser = Parser(limits(state, sender, SESSION))
    parser.feed(bytes((kind,)))
    if kind in MAY_SEND[state][sender]:
        assert parser.next() is None
    else:
        with pytest.raises(ProtocolError, match=f"of kind {kind}, which may not come here"):
            parser.next()


@pytest.mark.parametrize(("state", "sender"), ROWS)
def test_a_body_may_be_as_long_as_its_limit_and_no_longer(state: State, sender: Sender) -> None:
    for kind, limit in limits(state, sender, SESSION).items():
        assert len(body_of(message(Kind(kind), bytes(limit)), {kind: limit})) == limit
        parser = Parser(limits(state, sender, SESSION))
        parser.feed(message(Kind(kind), bytes(limit + 1)))
        with pytest.raises(ProtocolError, match=f"where {limit} are allowed"):
            parser.next()


def test_every_kind_has_its_place_in_the_table() -> None:
    assert {kind for row in MAY_SEND.values() for kinds in row.values() for kind in kinds} == set(Kind)


def test_only_those_who_play_are_sent_states_and_only_those_who_watch_views() -> None:
    states = {role: State.of(role) for role in Role}
    assert states == {Role.LEFT: State.PLAYING, Role.RIGHT: State.PLAYING, Role.WATCH: State.WATCHING}
    assert Kind.STEP in MAY_SEND[State.PLAYING][Sender.SERVER]
    assert Kind.VIEW not in MAY_SEND[State.PLAYING][Sender.SERVER]
    assert Kind.STEP not in MAY_SEND[State.WATCHING][Sender.SERVER]
    assert Kind.ACTION not in MAY_SEND[State.WATCHING][Sender.CLIENT]


@pytest.mark.parametrize("games", [1, 2, MAX_GAMES])
def test_the_limits_of_a_session_let_its_largest_messages_through(games: int) -> None:
    session = replace(SESSION, games=games)
    frames = np.full((games, session.height, session.width), 255, np.uint8)
    step = Step.of((1 << 32) - 1, (1 << 32) - 1, frames, table_of(games) + (1 << 30))
    assert body_of(step.serialize(), client_limits(session))
    assert len(body_of(action(0, bytes(games)), server_limits(session))) == 4 + games


def test_the_longest_words_fit_into_their_messages() -> None:
    long = "\U0001f600" * 1000
    view = View((1, 2), (3, 4), (5, 6), 7, (8, 9), 10, 11, (12, 13, 14), long)
    assert body_of(view.serialize(), VIEWER_LIMITS)
    assert body_of(goodbye(long), VIEWER_LIMITS)
    assert body_of(refusal(RefusedError(Refusal.BUSY, long)), CLIENT)


def test_the_largest_session_fits_into_a_welcome() -> None:
    most = 1_000_000
    session = Session(most, most, most, most, most, most, most, lockstep=False)
    assert PROOF_BYTES + len(session.serialize()) <= CLIENT[Kind.WELCOME]
