"""What a server prints for agents."""

from __future__ import annotations

import pytest

from pongrl.server.entrance import Entrance, greeting
from tests.support.engines import game_options


def test_a_server_says_where_it_listens_and_what_it_plays() -> None:
    entrance = Entrance("127.0.0.1", 0)
    (words,) = greeting(game_options(games=3), entrance, [("127.0.0.1", 5)])
    assert words == "listening on 127.0.0.1:5 (level 2, real time at 60 ticks per second, games: 3)"
    (words,) = greeting(game_options(lockstep=True), entrance, [("127.0.0.1", 5), ("::1", 5)])
    assert words == "listening on 127.0.0.1:5 and [::1]:5 (level 2, lockstep, games: 1)"


@pytest.mark.parametrize(
    ("host", "name"), [("pi", "pi.local"), ("10.0.0.7", "10.0.0.7"), ("pi.lan", "pi.lan"), ("::1", "::1")]
)
@pytest.mark.parametrize(("certificate", "rest"), [(None, ""), ("c.pem", " --ca FILE")])
def test_who_must_be_told_a_token_is_given_the_agents_command_line(
    host: str, name: str, certificate: str | None, rest: str
) -> None:
    entrance = Entrance(host, 0, "abc", is_made_up=True, certificate=certificate)
    _, words, command = greeting(game_options(), entrance, [(host, 5)])
    assert words == "an agent on another machine connects with"
    assert command == f"    PONG_TOKEN=abc python mainmodel.py --host {name} --port 5{rest}"
