"""The user's options: each mistake is told in a sentence, and the games are told what was asked for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from pong import Pong
from pongrl import cli
from pongrl.errors import UsageError
from pongrl.game.people import People
from pongrl.game.rules import LEFT, RIGHT
from pongrl.server.options import SERVES
from pongrl.wire.messages import Session
from tests.support.engines import game_options


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("levelodiff", 0, "level"), ("levelodiff", 5, "level"), ("levelodiff", 2.0, "levelodiff"),
        ("port", -1, "--port"), ("port", 65536, "--port"),
        ("fps", 0, "--fps"), ("fps", 1001, "--fps"), ("fps", 59.94, "fps"),
        ("frameskip", 0, "--frameskip"), ("frameskip", 61, "--frameskip"), ("frameskip", 2.5, "frameskip"),
        ("games", 0, "--games"), ("games", 129, "--games"), ("games", True, "games"),
        ("points_to_win", 0, "--points-to-win"), ("points_to_win", 10_001, "--points-to-win"),
    ],
)  # fmt: skip
def test_an_option_out_of_its_range_is_named(name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"{words} must be .* not {value}"):
        Pong(**{name: value})


@pytest.mark.parametrize(
    ("contradiction", "words"), [({"server": False}, "--no-server"), ({"render": True}, "--render")]
)
def test_headless_contradicts_what_needs_a_person(contradiction: dict[str, bool], words: str) -> None:
    with pytest.raises(UsageError, match=f"(?=.*--headless).*{words}"):
        Pong(headless=True, **contradiction)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"opponent": "cat"}, {"opponent": "human", "headless": True}, {"opponent": "human", "games": 2},
        {"opponent": "human", "lockstep": True}, {"opponent": "human", "levelodiff": 4},
    ],
)  # fmt: skip
def test_an_opponent_that_cannot_play_so_is_told(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--opponent|level 4"):
        Pong(**options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"open": True, "token_file": "token"}, "--open lets agents in without a token and --token-file"),
        ({"key": "k.pem"}, "--key belongs to a --certificate: give that too"),
        ({"arena": True, "move_seconds": 1.0}, "--move-seconds is how long an arena in lockstep waits"),
        ({"seed": -1}, "--seed must be a whole number from 0 to"),
    ],
)
def test_options_that_contradict_each_other_are_told(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Pong(**options)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "--no-server --lockstep",
            "--lockstep does nothing with --no-server, it is for serving agents",
        ),
        ("--no-server --port 5", "--port does nothing with --no-server"),
        ("--no-server --render", "--render does nothing with --no-server"),
        ("--headless --render", "--render does nothing with --headless"),
        ("--benchmark --games 4", "--games does nothing with --benchmark"),
        ("--benchmark --no-server", "--no-server does not go with --benchmark: choose one"),
        ("--benchmark --record a.gif", "--record does nothing with --benchmark"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(line: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^({sentence})"):
        cli.parse(Pong, line.split())


def test_every_option_says_in_which_modes_it_serves() -> None:
    anywhere = {"debug", "benchmark", "given"}
    assert {each.name for each in fields(Pong)} - SERVES.keys() == anywhere


@pytest.mark.parametrize(
    "options", [{}, {"seed": 0}, {"levelodiff": 4}, {"opponent": "human"}, {"certificate": "c", "key": "k"}]
)
def test_options_that_fit_are_taken(options: dict[str, Any]) -> None:
    Pong(**options)


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        ({}, People((LEFT,), serve=True)),
        ({"level": 4}, People((LEFT,), serve=True)),
        ({"opponent": "human"}, People((RIGHT,), play=True, serve=True)),
        ({"serves": False}, People((LEFT,), play=True, choose_level=True)),
        ({"serves": False, "opponent": "human"}, People((LEFT, RIGHT), play=True)),
        ({"serves": False, "level": 4}, People((LEFT,))),
    ],
)
def test_who_is_at_the_keyboard_follows_from_what_is_played(changes: dict[str, Any], people: People) -> None:
    assert game_options(**changes).people == people


def test_an_agent_is_told_of_the_games_that_are_played() -> None:
    options = game_options(games=3, level=1, frameskip=5, fps=50, points_to_win=2, lockstep=True)
    assert options.session() == Session(3, 50, 70, 1, 5, 50, 2, True)
