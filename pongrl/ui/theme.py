"""The palette and the units of every view: to change how Pong looks, change it here."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Colour: TypeAlias = tuple[int, int, int]  # red, green, blue, from 0 to 255
Box: TypeAlias = tuple[int, int, int, int]  # x, y, width, height in pixels

BACKGROUND: Colour = (12, 14, 20)
PANEL: Colour = (19, 22, 30)  # behind frames and curves
BAR: Colour = (26, 29, 38)  # behind the words above and below the court
LINE: Colour = (60, 64, 76)
DIM: Colour = (140, 146, 160)  # most words
WHITE: Colour = (240, 240, 240)

# Two opposites: ACCENT is what is good or new (up, won, come, excites), BLUE what is not (down, lost, gone,
# inhibits).
ACCENT: Colour = (255, 196, 60)
BLUE: Colour = (92, 146, 255)
GAINS: Colour = (125, 100, 44)  # ACCENT and BLUE at half their strength, for areas behind a line
LOSSES: Colour = (52, 78, 131)


class CourtColours(NamedTuple):
    """The colours of what moves on the court, and of the score."""

    paddles: Colour
    ball: Colour
    score: Colour


PLAIN_COURT = CourtColours(WHITE, ACCENT, DIM)
FAINT_COURT = CourtColours((70, 70, 74), (84, 70, 40), (38, 42, 52))  # behind the start screen


def mixed(start: Colour, end: Colour, share: float) -> Colour:
    """Mix two colours: `start` for a share of 0, `end` for a share of 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue
