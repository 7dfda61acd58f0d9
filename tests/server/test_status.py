"""The words that people read: who is here, who has which paddle, which keys do what."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.server.status import right_paddle, title, unserved, waiting
from tests.support.engines import game_options


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "left paddle: W/S or arrow keys   right paddle: level 2"),
        ({"opponent": "human"}, "left paddle: W/S   right paddle: arrow keys"),
        ({"level": 4}, "   level 4 plays both paddles"),
    ],
)
def test_without_a_server_the_header_says_which_keys_move_whom(changes: dict[str, Any], words: str) -> None:
    assert unserved(game_options(serves=False, **changes)) == words


def test_a_server_says_where_it_waits() -> None:
    assert waiting(("127.0.0.1", 12345)) == "waiting for an agent on 127.0.0.1:12345"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"level": 3}, "   right paddle: level 3"),
        ({"opponent": "human"}, "   right paddle: W/S or arrow keys"),
        ({"level": 4}, "   level 4 plays both paddles"),
    ],
)
def test_a_server_says_who_has_the_right_paddle(changes: dict[str, Any], words: str) -> None:
    assert right_paddle(game_options(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"level": 1}, "Pong, level 1"), ({"opponent": "human"}, "Pong, against you"),
        ({"level": 1, "serves": False}, "Pong, against the built-in AI"),
        ({"level": 4, "serves": False}, "Pong, level 4"),
        ({"opponent": "human", "serves": False}, "Pong, two players"),
    ],
)  # fmt: skip
def test_the_window_has_a_title(changes: dict[str, Any], words: str) -> None:
    assert title(game_options(**changes)) == words
