"""All matches of an arena as a table for a spreadsheet, or for ratings that are made elsewhere."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pongrl.arena.ledger import Ledger
from pongrl.arena.standings import Answers

COLUMNS = (
    "match", "begun", "seconds", "seed", "ticks", "left", "right", "left_points", "right_points", "winner",
    "ended", "left_answers", "right_answers", "left_late", "right_late", "left_answer_ms", "right_answer_ms",
    "final",
)  # fmt: skip
WINNERS = {0: "left", 1: "right", None: "draw"}


def export(ledger: Ledger, file: IO[str]) -> None:
    """Write all matches as CSV, the oldest first: a row a match, players by their names."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(_row(*match) for match in ledger.matches())


def is_replaceable(path: Path) -> bool:
    """Return whether a list of matches may take the place of a file: it is one, empty, or not there."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        begin = file.read(100).decode("utf-8-sig", errors="replace")
    return not begin or begin.startswith(",".join(COLUMNS[:2]))


def _row(
    number: int, begun: float, seconds: float, seed: int, ticks: int, left: str, right: str,
    left_points: int, right_points: int, winner: int | None, ended: str,
    left_answers: int, right_answers: int, left_late: int, right_late: int,
    left_seconds: float, right_seconds: float, is_final: int,
) -> tuple[Any, ...]:  # fmt: skip
    when = datetime.fromtimestamp(begun, UTC).isoformat(timespec="seconds")
    return (
        number, when, round(seconds, 3), seed, ticks, _cell(left), _cell(right), left_points, right_points,
        WINNERS[winner], ended, left_answers, right_answers, left_late, right_late,
        _ms(Answers(left_answers, left_late, left_seconds)),
        _ms(Answers(right_answers, right_late, right_seconds)),
        is_final,
    )  # fmt: skip


def _ms(answers: Answers) -> float | None:
    return None if answers.mean_ms is None else round(answers.mean_ms, 2)


def _cell(name: str) -> str:
    """Return a name as a spreadsheet does not take it for a formula, and as no other name is written."""
    return "'" + name if name[0] in "=+-@'" else name
