"""How the panels of the agent's window are drawn, all but the hidden units'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pongrl.agent.policy import MOVES
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, MOVE_NAMES, STAY, UP
from pongrl.game.rules import TICKS_PER_SECOND
from pongrl.ui.agent_tape import Curve, Moment
from pongrl.ui.brush import Brush, fit_into, two_coloured
from pongrl.ui.court import frame_picture
from pongrl.ui.cover import Cover
from pongrl.ui.notices import HINT, KeyTable
from pongrl.ui.theme import ACCENT, BACKGROUND, BLUE, DIM, GAINS, LINE, LOSSES, PANEL, WHITE, Colour

FULL_CHANGE = 128  # of a cell's brightness, drawn in full colour: few things cover a whole cell at once
STRIP_DECISIONS = 120  # in the strip of values
VALUE_MARKS = (("+1", 0.0), ("0", 0.5), ("−1", 1.0))
CURVE_MARKS: Sequence[tuple[str, float]] = (("100 %", 0.0), ("50 %", 0.5), ("0", 1.0))

pygame = pygame_quietly()


def draw_frame(
    brush: Brush, moment: Moment | None, note: str, notice: tuple[str, ...], keys: KeyTable = ()
) -> None:
    """Draw the frame, with the table of keys or a notice over it if there is one."""
    area = brush.begin(brush.layout.frame, "What the agent sees", note)
    brush.surface.fill(PANEL, area)
    if moment is not None:
        brush.surface.blit(fit_into(frame_picture(moment.frame, 1), area.size), area)
    cover = Cover(brush.surface, brush.text, tuple(area), brush.layout.text)
    if keys:
        cover.write_keys(keys)
    elif notice:
        cover.write(notice)


def draw_difference(brush: Brush, change: npt.NDArray[np.int16]) -> None:
    """Draw what has come since the frame before, and what has gone."""
    area = brush.begin(brush.layout.difference, "Difference")
    x = area.right
    if brush.width("Difference come gone") + brush.layout.gap <= area.width:
        for words, colour in (("gone", BLUE), ("come", ACCENT)):
            x = brush.write(words, colour, topright=(x, brush.layout.difference.y)).x - brush.layout.gap // 2
    brush.surface.blit(fit_into(two_coloured(change, FULL_CHANGE), area.size), area)


def draw_moves(brush: Brush, moment: Moment | None) -> None:
    """Draw the probability of each move; the arrow of the move made is bright."""
    layout = brush.layout
    area = brush.begin(layout.moves, "Probability")
    moves = 2 if moment is None else len(moment.probabilities)
    order = [move for move in (UP, STAY, DOWN) if move in MOVES[:moves]]  # as they lie on the court
    gap = layout.gap if moves == 2 else layout.gap // 3
    tall = (area.height - (moves - 1) * gap) // moves
    for number, move in enumerate(order):
        row = pygame.Rect(area.x, area.y + number * (tall + gap), area.width, tall)
        _draw_move(brush, row, moment, move)


def _draw_move(brush: Brush, row: Any, moment: Moment | None, move: int) -> None:
    """Draw one move in its row of the panel."""
    layout, column = brush.layout, MOVES.tolist().index(move)
    colour = {UP: ACCENT, DOWN: BLUE}.get(move, DIM)
    made = moment is not None and moment.chosen == column
    words: Colour = WHITE if made else DIM
    sign, size = colour if made else LINE, layout.text / 4
    middle = row.x + size, row.y + layout.text * 0.4
    if move == STAY:
        brush.surface.fill(sign, (row.x, round(middle[1]) - 1, round(2 * size), 3))
    else:
        brush.arrow(middle, size, move == UP, sign)
    brush.write(MOVE_NAMES[move], words, topleft=(row.x + layout.text * 3 // 4, row.y))
    bar = pygame.Rect(row.x, row.y + layout.title, row.width, row.height - layout.title)
    bar.height = min(max(bar.height, 2), 2 * layout.text)
    brush.surface.fill(PANEL, bar)
    if moment is not None:
        share = float(moment.probabilities[column])
        brush.write(f"{100 * share:.0f} %", words, topright=row.topright)
        brush.surface.fill(colour, (*bar.topleft, round(bar.width * share), bar.height))


def draw_value(brush: Brush, moments: Sequence[Moment]) -> None:
    """Draw the value estimates of the last decisions, with an arrow for a point won (up) or lost (down)."""
    title, note = "Value estimate", ""
    if moments:
        title += f", last {sum(moment.ticks for moment in moments) / TICKS_PER_SECOND:.0f} s"
        note = _signed(moments[-1].value, 2)
    plot = brush.axes(brush.layout.value, title, note, VALUE_MARKS)
    places = _places(plot, moments)
    _fill_values(brush, plot, moments, places)
    brush.surface.set_clip(plot)
    _draw_values(brush, plot, moments, places)


def _places(plot: Any, moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """Return where the values are in the plot: the latest one decision's width from its right edge."""
    lefts = [plot.x + place * plot.width / STRIP_DECISIONS for place in range(STRIP_DECISIONS)]
    heights = [plot.centery - plot.height / 2 * min(max(moment.value, -1), 1) for moment in moments]
    return list(zip(lefts[len(lefts) - len(moments) :], heights, strict=True))


def _fill_values(
    brush: Brush, plot: Any, moments: Sequence[Moment], places: Sequence[tuple[float, float]]
) -> None:
    """Fill the areas between the values and the line of 0."""
    rights = [int(x) for x, _ in places[1:]] + [plot.right]
    for moment, (x, y), right in zip(moments, places, rights, strict=False):
        area = int(x), min(round(y), plot.centery), right - int(x), abs(round(y) - plot.centery)
        brush.surface.fill(GAINS if moment.value > 0 else LOSSES, area)


def _draw_values(
    brush: Brush, plot: Any, moments: Sequence[Moment], places: Sequence[tuple[float, float]]
) -> None:
    """Draw a line through the values of each piece of play that was shown whole, and mark the points."""
    begin = 0
    for place, moment in enumerate(moments):
        if place and moment.number != moments[place - 1].number + 1:  # the play between was not shown
            brush.line(places[begin:place], WHITE)
            begin = place
        if moment.points:
            _draw_point(brush, plot, places[place][0], moment.reward > 0)
    brush.line(places[begin:], WHITE)


def _draw_point(brush: Brush, plot: Any, x: float, won: bool) -> None:
    """Mark where a point was won or lost."""
    size = brush.layout.text / 3
    pygame.draw.line(brush.surface, GAINS if won else LOSSES, (x, plot.top), (x, plot.bottom))
    if won:
        brush.arrow((x, plot.top + size), size, True, ACCENT)
    else:
        brush.arrow((x, plot.bottom - size), size, False, BLUE)


def draw_curve(brush: Brush, curve: Curve) -> None:
    """Draw the share won so far, with a line where both sides are equals; or the scores of matches."""
    layout = brush.layout
    last = curve.values[-1] if curve.values else 0.0
    title, note, marks, low, high = "Share won so far", f"{100 * last:.1f} %", CURVE_MARKS, 0.0, 1.0
    if curve.of_scores:
        low, high = min(curve.values, default=0.0), max(curve.values, default=0.0)
        low, high = (low, high) if high - low >= 1 else (low - 0.5, low + 0.5)
        marks = [(_signed(high - place * (high - low), 1), place) for place in (0.0, 0.5, 1.0)]
        title, note = "Score of matches so far", _signed(last, 1)
    panel = pygame.Rect(*layout.curve.topleft, layout.curve.width, layout.curve.height - layout.title)
    plot = brush.axes(panel, title, note if curve.values else "", marks)
    foot = plot.bottom + layout.text // 4
    brush.surface.set_clip(layout.curve)
    brush.surface.fill(BACKGROUND, (panel.x, panel.bottom, panel.width, layout.title))
    if len(curve.points) < 2:
        brush.write("begins after some points", topleft=(plot.x, foot))
        return
    begin, end = curve.points[0], curve.points[-1]
    wide, tall = (plot.width - 1) / (end - begin), plot.height / (high - low)
    places = [
        (plot.x + (points - begin) * wide, plot.bottom - (value - low) * tall)
        for points, value in zip(curve.points, curve.values, strict=True)
    ]
    brush.line(places, ACCENT)
    brush.write(f"{begin:,}", topleft=(plot.x, foot))
    brush.write(f"{end:,} points", topright=(plot.right, foot))


def _signed(number: float, digits: int) -> str:
    """Write a number with its sign, and with a minus as wide as the plus."""
    return f"{number:+.{digits}f}".replace("-", "−")


def draw_status(brush: Brush, status: str) -> None:
    """Write the console's status line, as many of its parts as there is room for, and how to see the keys."""
    area = brush.layout.status
    brush.surface.set_clip(area)
    brush.surface.fill(BACKGROUND)
    room = brush.write(HINT, topright=area.topright).left - brush.layout.gap - area.left
    # Without its arrows, which the font lacks; the curve shows the trend.
    parts = [part.lstrip("↑↓→ ") for part in status.split("   ")]
    while parts and brush.width("   ".join(parts)) > room:
        parts.pop()
    brush.write("   ".join(parts), topleft=area.topleft)
