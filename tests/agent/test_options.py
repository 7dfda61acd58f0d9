"""The options of a run: what may be wrong with them, and what is known of them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from mainmodel import PolicyGradient
from pongrl import cli
from pongrl.agent.options import SERVES, RunOptions
from pongrl.errors import CheckpointError, UsageError
from pongrl.wire.messages import Role
from tests.support.agents import options_of


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 0}, "--port"),
        ({"port": None}, "port must be a whole number, not None"),
        ({"hiddenUnits": 0}, "--hidden-units"),
        ({"hiddenUnits": 7}, "--hidden-units must be even"),
        ({"batch_size": 0}, "--batch-size"),
        ({"learningRate": -1.0}, "--learning-rate"),
        ({"gamma": 1.5}, "--gamma"),
        ({"decayRate": 1.0}, "--decay-rate"),
        ({"games": 0}, "--games"),
        ({"games": 129}, "--games"),
        ({"points": 0}, "--points"),
        ({"minutes": -1.0}, "--minutes"),
        ({"seed": -1}, "--seed"),
        ({"evaluate_every": 0}, "--evaluate-every"),
        ({"local": 129}, "--local"),
        ({"local": True, "level": 7}, "--level must be a whole number from 1 to 3, not 7"),
        ({"level": 2}, "--level does nothing on a server that is running"),
        ({"side": "up"}, "--side must be left or right, not up"),
        ({"side": "right", "local": True}, "--side right"),
        ({"local": True, "host": "a"}, "--local starts a server of its own"),
        ({"host": "pi:port"}, "a port from 1 to 65535"),
        ({"opponents": "pool"}, "--opponents does nothing on a server that is running"),
        ({"opponents": "pool", "local": True, "play": True}, "--opponents does nothing with --play"),
        ({"opponents": "pool", "local": True, "snapshot_every": 0}, "--snapshot-every"),
        ({"local": True, "snapshot_every": 100}, "add --opponents"),
        ({"opponents": "pool", "local": True, "env": "ALE/Pong-v5"}, "--opponents play our own game"),
        ({"evaluate": True, "matches": 0}, "--matches"),
        ({"evaluate": True, "matches": 3, "points": 3}, "--points and --matches both say"),
        ({"evaluate": True, "host": ("a", "b")}, "--evaluate plays on one server: give one --host"),
        ({"evaluate": True, "local": 2}, "--local 2 starts servers to train on"),
        ({"play": True, "local": 2}, "--local 2 starts servers to train on"),
        ({"local": True, "matches": 3}, "--matches does nothing in training, it is for --evaluate"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        options_of(**given)


def test_options_stay_as_they_were_made() -> None:
    with pytest.raises(FrozenInstanceError):
        options_of().port = 1  # type: ignore[misc]


def test_options_that_are_changed_are_checked_again() -> None:
    with pytest.raises(UsageError, match="--port"):
        replace(options_of(), port=0)


def test_a_token_is_not_shown() -> None:
    assert "hush" not in repr(options_of(token="hush"))


def test_hosts_are_given_once_or_several_times() -> None:
    assert options_of(host="a", port=7).addresses == (("a", 7),)
    assert options_of(host=("a", "b:9"), port=7).addresses == (("a", 7), ("b", 9))
    assert options_of().addresses == (("127.0.0.1", 12345),)


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ({"local": True}, True),
        ({"local": 3}, True),
        ({}, False),
        ({"evaluate": "save.p"}, True),
        ({"evaluate": "save.p", "side": "right"}, False),
        ({"evaluate": "save.p", "host": "localhost"}, False),
        ({"evaluate": "save.p", "port": 12346}, False),
    ],
)
def test_an_evaluation_starts_a_server_of_its_own_unless_one_is_meant(
    given: dict[str, Any], own: bool
) -> None:
    assert options_of(**given).has_own_servers is own


def test_a_side_is_a_role() -> None:
    assert options_of().role is Role.LEFT
    assert options_of(side="right").role is Role.RIGHT


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", set()),
        ("--learning-rate 0.001", {"learningRate"}),  # though it is the default
        ("--resume --hidden-units 10", {"resume", "hiddenUnits"}),
    ],
)
def test_the_command_line_knows_what_was_given(line: str, given: set[str]) -> None:
    assert RunOptions.of(cli.parse(PolicyGradient, line.split())).given == given


def test_a_constructor_knows_what_was_given_too() -> None:
    assert options_of().given == set()
    assert options_of(learningRate=0.001, gamma=0.9, host=("a",)).given == {"learningRate", "gamma", "host"}
    assert RunOptions.of(PolicyGradient(True, port=1)).given == {"resume", "port"}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "--local --port 12345",
            "--port does nothing on a server of our own: leave it out, or name a server",
        ),
        ("--local --ca cert.pem", "--ca does nothing on a server of our own"),
        ("--evaluate --token-file t", "--token-file does nothing on a server of our own"),
        ("--local --token-file t", "a token does nothing on a server of our own without a page"),
        ("--evaluate --host a --level 1", "--level does nothing on a server that is running"),
        ("--evaluate --host a --games 2", "--games does nothing on a server that is running"),
        ("--evaluate --resume", "--resume does nothing with --evaluate, it is for training: leave it out"),
        ("--evaluate --render", "--render does nothing with --evaluate, it is for training and --play"),
        ("--evaluate --tensorboard log", "--tensorboard does nothing with --evaluate"),
        ("--play --resume", "--resume does nothing with --play"),
        ("--play --games 2", "--games does nothing with --play, it is for training and --evaluate"),
        ("--play --local --level 2", "--level does nothing with --play"),
        ("--local --play=", "--play was given an empty name: name a file, or give --play alone"),
        ("--evaluate=", "--evaluate was given an empty name"),
        ("--local --resume=", "--resume was given an empty name"),
        ("--play --sample", "--sample does nothing with --play, it is for --evaluate: leave it out"),
        ("--play --evaluate", "--play does not go with --evaluate: choose one"),
        ("--watch --plot a", "--watch does not go with --plot: choose one"),
        ("--watch --local", "--local does nothing with --watch"),
        (
            "--watch --directory d",
            "--directory does nothing with --watch, it is for training, --play and",
        ),
        ("--plot a --record film.gif", "--record does nothing with --plot"),
        ("-o x.png", "--output does nothing in training, it is for --plot and --evaluate: leave it out"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(line: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}"):
        cli.parse(PolicyGradient, line.split())


def test_options_that_are_turned_off_do_no_harm() -> None:
    options_of(local=True, host=None, ca=None, evaluate=False, plot=(), render=False)


def test_every_option_says_in_which_modes_it_serves() -> None:
    assert {each.name for each in fields(PolicyGradient)} - SERVES.keys() == {"plot", "debug"}


def test_a_checkpoint_is_named_or_the_best_one(tmp_path: Path) -> None:
    options = options_of(directory=str(tmp_path))
    assert str(options.checkpoint("other.p")) == "other.p"
    with pytest.raises(CheckpointError, match=r"there is no .*save.p yet: train first"):
        options.checkpoint(True)
    (tmp_path / "save.p").touch()
    assert options.checkpoint(True) == tmp_path / "save.p"


def test_what_a_checkpoint_keeps_has_the_order_of_old_checkpoints() -> None:
    assert list(options_of().kept.items()) == [
        ("hiddenUnits", 250), ("batch_size", 10), ("learningRate", 0.002), ("gamma", 0.995),
        ("decayRate", 0.99), ("moves", 3), ("level", None), ("games", None),
    ]  # fmt: skip
