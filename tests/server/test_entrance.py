"""The token that agents must have, and what a server prints for them."""

from __future__ import annotations

import logging

import pytest

from pongrl.errors import UsageError
from pongrl.server.entrance import Entrance, greeting, token_to_ask
from tests.support.engines import game_options


@pytest.mark.parametrize("is_loopback", [False, True])
def test_a_token_that_was_given_is_asked_for(is_loopback: bool) -> None:
    assert token_to_ask("secret", False, is_loopback) == ("secret", False)


@pytest.mark.parametrize("given", [None, ""])
def test_on_this_machine_no_token_is_needed(given: str | None) -> None:
    assert token_to_ask(given, False, is_loopback=True) == ("", False)


def test_beyond_this_machine_a_token_is_made_up() -> None:
    (token, is_made_up), (another, _) = (token_to_ask(None, False, is_loopback=False) for _ in range(2))
    assert is_made_up
    assert len(token) >= 16
    assert token != another


def test_beyond_this_machine_an_empty_token_is_refused() -> None:
    with pytest.raises(UsageError, match="say --open to let everybody in"):
        token_to_ask("", False, is_loopback=False)


@pytest.mark.parametrize(("is_loopback", "warnings"), [(False, 1), (True, 0)])
def test_an_open_server_asks_for_none_and_warns_if_strangers_can_connect(
    is_loopback: bool, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pong")
    assert token_to_ask(None, True, is_loopback) == ("", False)
    assert caplog.text.count("everybody on this network") == warnings
    with pytest.raises(UsageError, match="drop one of them"):
        token_to_ask("secret", True, is_loopback)


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
