"""A short run of the fuzzer, the report of a failure, and the ledger that checks rewards."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from pongrl.wire.messages import Column, Step
from tests.support import run_program
from tools import fuzz
from tools.hostile import SESSION
from tools.targets import Field
from tools.vitals import Ledger

posix = pytest.mark.skipif(sys.platform == "win32", reason="a server cannot be asked to end there")


@posix
def test_hostile_peers_change_nothing_for_the_agents_being_served() -> None:
    code, program = run_program("-m", "tools.fuzz", "--count", "3000", "--seed", "7")
    assert code == 0, program.output
    assert program.seen["stdout"][0].startswith("3,000 of 3,000 cases, 187 over TCP")
    assert program.seen["stdout"][-1] == "all is well\n"


@posix
def test_a_failure_is_reported_in_one_line_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(rng: random.Random, _: Field) -> str:
        raise IndexError(f"number {rng.randrange(1 << 32)}\nin two lines")

    monkeypatch.setattr(fuzz, "IN_MEMORY", {"broken": (broken, 1)})
    told = []
    for _ in range(2):
        assert fuzz.main(["--seed", "5", "--first", "1000", "--count", "1"]) == 1
        told.append(capfd.readouterr().err)
    assert told[0] == told[1]
    assert told[0].count("\n") == 1
    assert told[0].startswith("FAILED case 1000 (broken): IndexError: number ")
    assert told[0].endswith("repeat with: python -m tools.fuzz --seed 5 --first 1000 --count 1\n")


def state(number: int, *games: tuple[int, int, int, int, int]) -> Step:
    """Make a state with reward, scores, matches and points of each game."""
    table = np.zeros((len(games), len(Column)), np.int32)
    table[:, [Column.REWARD, Column.LEFT, Column.RIGHT, Column.MATCHES, Column.POINTS]] = games
    return Step.of(number, 0, np.zeros((len(games), 1, 1), np.uint8), table)


NOTHING = (0, 3, 20, 0, 0)
RIGHT_BOOKS = {
    "nothing": NOTHING, "a point won": (1, 4, 20, 0, 1), "a match lost and one point won": (0, 1, 0, 1, 2),
    "a match lost": (-1, 0, 0, 1, 1), "a match lost and two points won": (1, 2, 0, 1, 3),
    "three won, then the match lost": (2, 0, 0, 1, 4),
}  # fmt: skip
WRONG_BOOKS = {
    "a reward lost": (0, 4, 20, 0, 1), "a reward too many": (1, 3, 20, 0, 0),
    "the other sign": (-1, 4, 20, 0, 1), "a point that was not played": (1, 4, 20, 0, 2),
    "a score that fell": (-1, 2, 20, 0, 1), "a match lost without a reward": (0, 0, 0, 1, 1),
    "a match won too soon": (18, 0, 0, 1, 17), "two matches at once": (0, 0, 0, 2, 22),
}  # fmt: skip


@pytest.mark.parametrize("after", RIGHT_BOOKS.values(), ids=RIGHT_BOOKS)
def test_a_ledger_accepts_rewards_that_are_the_change_of_the_score(
    after: tuple[int, int, int, int, int],
) -> None:
    ledger = Ledger(SESSION)
    ledger.enter(state(0, NOTHING, NOTHING))
    ledger.enter(state(1, NOTHING, after))
    assert (ledger.states, ledger.rewards, ledger.points) == (2, after[0], after[4])


@pytest.mark.parametrize("after", WRONG_BOOKS.values(), ids=WRONG_BOOKS)
def test_a_ledger_refuses_rewards_that_are_not_the_change_of_the_score(
    after: tuple[int, int, int, int, int],
) -> None:
    ledger = Ledger(SESSION)
    ledger.enter(state(0, NOTHING, NOTHING))
    with pytest.raises(AssertionError, match="game 1"):
        ledger.enter(state(1, NOTHING, after))


@pytest.mark.parametrize("first", [(1, 3, 20, 0, 0), (0, 3, 20, 0, 1)])
def test_a_first_state_has_neither_reward_nor_points(first: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(AssertionError, match="game 1"):
        Ledger(SESSION).enter(state(0, NOTHING, first))
