"""Checks of options: each names the option and says what it may be."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mainmodel import PolicyGradient
from pong import Pong
from pongrl.checks import whole, within
from pongrl.errors import PongError, UsageError


@pytest.mark.parametrize("value", [1, 2.5, 3])
def test_a_value_at_or_between_the_limits_is_within(value: float) -> None:
    within("--level", value, 1, 3)


@pytest.mark.parametrize("value", [0.999, 3.001, float("nan"), float("inf")])
def test_a_value_outside_the_limits_is_told_them(value: float) -> None:
    with pytest.raises(UsageError, match=f"--level must be from 1 to 3, not {value:g}") as caught:
        within("--level", value, 1, 3)
    assert isinstance(caught.value, PongError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("value", [1, 2, 3])
def test_a_whole_number_within_the_limits_is_one(value: int) -> None:
    whole("--level", value, 1, 3)


@pytest.mark.parametrize("value", [0, 4, 2.0, float("nan"), "2", None])
def test_what_is_no_whole_number_within_the_limits_is_told_them(value: Any) -> None:
    with pytest.raises(UsageError, match=f"--level must be a whole number from 1 to 3, not {value}"):
        whole("--level", value, 1, 3)


# Names


@pytest.mark.parametrize(
    ("program", "given", "sentence"),
    [
        (
            PolicyGradient,
            {"directory": ""},
            "--directory was given an empty name: name one, or leave --directory out",
        ),
        (PolicyGradient, {"local": True, "opponents": ""}, "--opponents was given an empty name"),
        (PolicyGradient, {"plot": ("progress.csv", "")}, "--plot was given an empty name"),
        (PolicyGradient, {"plot": "progress.csv", "output": ""}, "--output was given an empty name"),
        (PolicyGradient, {"host": ""}, "--host was given an empty name"),
        (PolicyGradient, {"play": ""}, "--play was given an empty name: name a file, or give --play alone"),
        (Pong, {"record": ""}, "--record was given an empty name"),
        (Pong, {"arena": ""}, "--arena was given an empty name: name a file, or give --arena alone"),
    ],
)
def test_an_empty_name_is_refused(program: Any, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}"):
        program(**given).start()


@pytest.mark.parametrize("given", [{"name": ""}, {"token": ""}])
def test_what_may_be_empty_is_not_refused(given: dict[str, Any]) -> None:
    PolicyGradient(**given)


# Types

FOREIGN = object()  # of no type that an option has


@pytest.mark.parametrize("program", [Pong, PolicyGradient])
def test_each_argument_of_a_wrong_type_is_one_usage_error_that_names_it(program: Any) -> None:
    for name in {each.name for each in fields(program)} - {"given"}:
        with pytest.raises(UsageError, match=f"^{name} must be .*, not <object"):
            program(**{name: FOREIGN})


@pytest.mark.parametrize(
    ("program", "given", "sentence"),
    [
        (PolicyGradient, {"learningRate": "0.1"}, "learningRate must be a number, not '0.1'"),
        (PolicyGradient, {"learningRate": True}, "learningRate must be a number, not True"),
        (PolicyGradient, {"host": 5}, "host must be text or a tuple of texts or None, not 5"),
        (PolicyGradient, {"host": ("a", 5)}, "host must be text or a tuple of texts or None, not ('a', 5)"),
        (PolicyGradient, {"host": b"pi"}, "host must be text or a tuple of texts or None, not b'pi'"),
        (PolicyGradient, {"port": "12345"}, "port must be a whole number, not '12345'"),
        (PolicyGradient, {"resume": 1}, "resume must be True or False or text, not 1"),
        (PolicyGradient, {"hiddenUnits": 250.0}, "hiddenUnits must be a whole number, not 250.0"),
        (Pong, {"headless": "no"}, "headless must be True or False, not 'no'"),
        (Pong, {"host": None}, "host must be text, not None"),
        (Pong, {"games": [4]}, "games must be a whole number, not [4]"),
    ],
)
def test_a_wrong_type_is_told_in_a_sentence(program: Any, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        program(**given)
    assert str(caught.value) == sentence


def test_numbers_of_numpy_and_paths_become_plain_values() -> None:
    given: dict[str, Any] = {
        "batch_size": np.int64(5), "learningRate": np.float32(0.5), "directory": Path("a", "b"),
        "host": ["a", "b"],
    }  # fmt: skip
    agent = PolicyGradient(**given)
    values = agent.batch_size, agent.learningRate, agent.directory, agent.host
    assert values == (5, 0.5, os.path.join("a", "b"), ("a", "b"))
    assert [type(value) for value in values] == [int, float, str, tuple]
