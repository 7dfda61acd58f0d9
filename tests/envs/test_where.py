"""Where: which options go together, and the command line for a server of our own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl.envs.where import Where, WhereOptions
from pongrl.errors import UsageError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"local": True, "host": "pi"}, "leave out host"),
        ({"local": True, "port": 7}, "leave out host"),
        ({"local": True, "token": "secret"}, "leave out host"),
        ({"level": 2}, "say local=True"),
        ({"host": 5}, "host must be text"),
        ({"port": "7"}, "port a whole number"),
        ({"frameskip": 2}, "say local=True"),
        ({"points_to_win": 2}, "say local=True"),
        ({"local": True, "level": 4}, "level must be a whole number from 1 to 3"),
        ({"local": True, "frameskip": (2, 5)}, "frameskip must be a whole number from 1 to 60"),
        ({"local": True, "points_to_win": "many"}, "points_to_win must be a whole number from 1 to 10,000"),
    ],
)
def test_options_that_cannot_be_or_do_not_go_together_are_refused(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        Where(**options)


def test_a_server_of_our_own_is_told_what_was_given() -> None:
    assert Where(local=True).flags(3, 7) == ("--headless", "--lockstep", "--games", "3", "--seed", "7")
    told = Where(local=True, level=1, frameskip=4, points_to_win=5).flags(1, 0)
    assert told[4:] == ("--level", "1", "--seed", "0", "--frameskip", "4", "--points-to-win", "5")


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(Where(token="secret"))


def test_the_keyword_arguments_of_environments_are_the_fields() -> None:
    assert list(WhereOptions.__annotations__) == [field.name for field in dataclasses.fields(Where)]
