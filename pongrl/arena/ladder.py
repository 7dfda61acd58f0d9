"""The ladder in a terminal: `python pong.py --ladder`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prompt_toolkit.utils import get_cwidth  # a letter can be two columns wide, or none

from pongrl.arena.standings import HOUSE, Row, Standings

MOST_IN_MATRIX = 20  # players; more make lines that no terminal shows


def ladder(standings: Standings) -> Iterator[str]:
    """Give the lines of the table, and below it who beat whom."""
    yield f"season {standings.season}"
    yield ""
    rows = standings.rows
    heads = ("", "name", "", "rating", "", "matches", "won", "drawn", "lost", "points", "ms", "late")
    table = [heads, *(_cells(place, row) for place, row in enumerate(rows, 1))]
    yield from _columns(table, left=(1, 2, 4))
    yield ""
    best = [row.name for row in rows if row.matches][:MOST_IN_MATRIX]
    if len(best) < 2:
        return
    some = "" if len(best) == sum(bool(row.matches) for row in rows) else f", the best {len(best)}"
    yield f"matches won by the player of the row from the player of the column{some}"
    yield ""
    matrix = [("", "", *map(str, range(1, len(best) + 1)))]
    for place, one in enumerate(best, 1):
        matrix.append((str(place), one, *(_won(standings, one, other) for other in best)))
    yield from _columns(matrix, left=(1,))


def _cells(place: int, row: Row) -> tuple[str, ...]:
    won, drawn, lost = row.tally
    mean = row.answers.mean_ms
    return (
        str(place), row.name, HOUSE if row.kind == HOUSE else "", f"{row.rating.mu:.0f}",
        f"± {row.rating.error:.0f}", str(row.matches), str(won), str(drawn), str(lost),
        f"{row.points[0]}:{row.points[1]}", "" if mean is None else f"{mean:.1f}",
        str(row.answers.late) if row.answers.asked else "",
    )  # fmt: skip


def _won(standings: Standings, one: str, other: str) -> str:
    tally = standings.tallies.get((one, other))
    return "." if tally is None else f"{tally[0] + tally[1] / 2:g}/{sum(tally)}"


def _columns(table: Sequence[tuple[str, ...]], left: Sequence[int]) -> Iterator[str]:
    """Give the lines of a table, its columns one below the other."""
    widths = [max(map(get_cwidth, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - get_cwidth(cell))
            cells.append(cell + space if place in left else space + cell)
        yield "  ".join(cells).rstrip()
