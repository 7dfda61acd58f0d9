"""The session's parameters in WELCOME."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import pytest

from pongrl.errors import ProtocolError
from pongrl.wire.messages import MAX_FRAME_CELLS, MAX_GAMES, Session
from pongrl.wire.plain import dumps
from tests.support.wire import SESSION


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
        *itertools.product([name for name in NUMBERS if name != "level"], [0]),
        *itertools.product(NUMBERS, [-1, True, 1.0, "1", None, 1_000_001]),
        *itertools.product(["lockstep"], [1, None]),
        ("games", MAX_GAMES + 1),
        ("height", MAX_FRAME_CELLS),
    ]
}


@pytest.mark.parametrize("body", NOT_SESSIONS.values(), ids=NOT_SESSIONS)
def test_a_welcome_with_anything_but_a_session_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Session.parse(body)
