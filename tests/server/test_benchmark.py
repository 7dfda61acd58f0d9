"""The benchmark of `python pong.py --benchmark`."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

import pytest

from pongrl.server.benchmark import decisions, measure
from tests.support.engines import game_options


def test_it_says_what_this_machine_can_serve(capsys: pytest.CaptureFixture[str]) -> None:
    measure(game_options(), 0.05)
    out = capsys.readouterr().out
    for games in (1, 16):
        found = re.search(rf"games: +{games} +([\d,]+) decisions/s", out)
        assert found is not None
        assert int(found[1].replace(",", "")) > 0
    assert "real time needs 120 decisions/s for 16 games" in out


def test_each_turn_is_one_decision_of_every_game() -> None:
    options = replace(game_options(), games=4)
    assert list(islice(decisions(options), 3)) == [4, 8, 12]
