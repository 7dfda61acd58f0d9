"""The panels of the agent's window: where they are, and how each is drawn.

Two colours say the same everywhere: ACCENT is what is good or new (up, won, come, excites), BLUE its
opposite (down, lost, gone, inhibits).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pongrl.agent.eyes import Floats
from pongrl.agent.policy import Policy
from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import TICKS_PER_SECOND
from pongrl.ui.court import frame_picture
from pongrl.ui.theme import ACCENT, BACKGROUND, BLUE, DIM, GAINS, LINE, LOSSES, PANEL, WHITE, Colour
from pongrl.wire.arrays import UInt8Array

pygame = pygame_quietly()


LEAST_SIZE = (480, 360)  # for which the panels are laid out; a smaller window shows a larger picture shrunk
LEAST_TEXT = 17
FRAME_SHARE = (0.56, 0.7)  # at most, of the window's width and of what its height leaves
TOP_SHARE, UNITS_SHARE = 0.28, 0.34  # of the height: difference and probabilities, hidden units
MOST_UNITS, FEWEST_UNITS = 12, 4
KEPT_TEXTS = 200  # rendered words
FULL_CHANGE = 128  # of a cell's brightness, drawn in full colour: few things cover a whole cell at once
STRIP_DECISIONS = 120  # in the strip of values
UNITS_AT_ONCE = 8  # hidden units to look at in one frame's time
CURVE_POINTS = 500  # of a curve, until every second one is dropped
FADING = np.float32(0.995)  # per decision, of the activity that counts as a unit's strongest


@dataclass(frozen=True)
class Moment:
    """One decision in the first game."""

    number: int  # of its STEP
    frame: UInt8Array  # (height, width)
    points: int  # that ended since the decision before
    reward: int  # of them
    ticks: int  # since the decision before
    p_up: float
    value: float
    up: bool  # the move made
    hidden: Floats  # (units,) without their mirrored twins


def difference(before: Moment | None, now: Moment) -> npt.NDArray[np.int16]:
    """What the agent sees change: (height, width), nothing in the first frame of a point."""
    if before is None or now.points or now.number != before.number + 1:
        return np.zeros(now.frame.shape, np.int16)
    return now.frame.astype(np.int16) - before.frame


class Curve:
    """The share won over the points, so long and no longer: an old curve has fewer points to a line."""

    def __init__(self) -> None:
        self.points: list[int] = []
        self.shares: list[float] = []
        self._step = 0  # points between two entries

    def add(self, points: int, share: float, step: int) -> bool:
        """Add an entry if it is `step` points from the last; whether it was added."""
        self._step = max(self._step, step)
        if points < (self.points[-1] if self.points else 0) + self._step:
            return False
        self.points.append(points)
        self.shares.append(share)
        if len(self.points) > CURVE_POINTS:
            del self.points[::2], self.shares[::2]
            self._step *= 2
        return True


def picture_size(window: tuple[int, int]) -> tuple[int, int]:
    """Give the size to draw in: the window's, or one of the same shape that the panels have room in."""
    factor = max(1.0, *(least / max(length, 1) for length, least in zip(window, LEAST_SIZE, strict=True)))
    return math.ceil(window[0] * factor), math.ceil(window[1] * factor)


@dataclass(frozen=True)
class Layout:
    """The panels' places in a window, as pygame.Rect; the first `title` rows of each are for its title."""

    text: int  # size of the font
    gap: int
    title: int
    frame: Any
    value: Any
    difference: Any
    moves: Any
    units: Any
    curve: Any
    status: Any

    @classmethod
    def of(cls, size: tuple[int, int], shape: tuple[int, ...]) -> Layout:
        """Lay out so many pixels (width, height), LEAST_SIZE or more, for frames (height, width).

        Frame and difference have whole numbers of pixels to a cell; the rest takes what they leave.
        """
        (width, height), (rows, columns) = size, shape
        text = max(LEAST_TEXT, min(width // 66, height // 40))
        gap, title = text * 2 // 3, text + text // 8
        foot = height - text - gap
        inner = foot - 2 * gap

        def cell(room: float, tall: float) -> int:
            return max(int(min(room / columns, (tall - title) / rows)), 1)

        big = cell(FRAME_SHARE[0] * width, FRAME_SHARE[1] * inner)
        frame = pygame.Rect(gap, gap, columns * big, title + rows * big)
        value = pygame.Rect(gap, frame.bottom + gap, frame.width, foot - gap - frame.bottom - gap)
        left = frame.right + gap
        right = width - gap - left
        small = cell(right * 0.55, TOP_SHARE * inner)
        change = pygame.Rect(left, gap, columns * small, title + rows * small)
        moves = pygame.Rect(change.right + gap, gap, right - change.width - gap, change.height)
        units = pygame.Rect(left, change.bottom + gap, right, int(UNITS_SHARE * inner))
        curve = pygame.Rect(left, units.bottom + gap, right, foot - gap - units.bottom - gap)
        status = pygame.Rect(gap, foot, width - 2 * gap, text)
        return cls(text, gap, title, frame, value, change, moves, units, curve, status)

    def inside(self, panel: Any) -> Any:
        """A panel's part under its title."""
        return pygame.Rect(panel.x, panel.y + self.title, panel.width, panel.height - self.title)

    def unit_pictures(self, shape: tuple[int, ...]) -> list[tuple[Any, Any]]:
        """Places for the pictures of hidden units: where things are, and below, how they move."""
        rows, columns = shape
        area, thin = self.inside(self.units), self.gap // 2
        tall = max((area.height - self.text - 2 * thin) // 2, 1)
        wide = min(tall * columns // rows, (area.width - (FEWEST_UNITS - 1) * thin) // FEWEST_UNITS)
        tall = max(wide * rows // columns, 1)
        count = min((area.width + thin) // (wide + thin), MOST_UNITS)
        free = area.width - count * wide
        lefts = [area.x + number * wide + number * free // max(count - 1, 1) for number in range(count)]
        return [
            (pygame.Rect(x, area.y, wide, tall), pygame.Rect(x, area.y + tall + thin, wide, tall))
            for x in lefts
        ]


class Brush:
    """A surface, a layout, and words that are rendered once."""

    def __init__(self, surface: Any, layout: Layout) -> None:
        self.surface, self.layout, self.size = surface, layout, surface.get_size()
        self._font = pygame.font.Font(None, layout.text)
        self._texts: dict[tuple[str, Colour], Any] = {}

    def text(self, words: str, colour: Colour = DIM) -> Any:
        """A picture of words."""
        if len(self._texts) > KEPT_TEXTS:
            self._texts.clear()
        key = words, colour
        if key not in self._texts:
            self._texts[key] = self._font.render(words, True, colour)
        return self._texts[key]

    def width(self, words: str) -> int:
        """How wide they are."""
        return int(self._font.size(words)[0])

    def write(self, words: str, colour: Colour = DIM, **place: tuple[int, int]) -> Any:
        """Write words at a place that is named as in pygame.Rect, topleft or midright; where they are."""
        picture = self.text(words, colour)
        return self.surface.blit(picture, picture.get_rect(**place))

    def begin(self, panel: Any, title: str, note: str = "", colour: Colour = DIM) -> Any:
        """Clear a panel, draw in it only; write its title, and a note if there is room; the part below."""
        self.surface.set_clip(panel)
        self.surface.fill(BACKGROUND)
        self.write(title, topleft=panel.topleft)
        if note and self.width(title) + self.layout.gap + self.width(note) <= panel.width:
            self.write(note, colour, topright=panel.topright)
        return self.layout.inside(panel)

    def line(self, places: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Draw a line through places, thicker where the text is larger."""
        thickness = self.layout.text // 12
        if len(places) > 1 and thickness > 1:
            pygame.draw.lines(self.surface, colour, False, places, thickness)
        elif len(places) > 1:
            pygame.draw.aalines(self.surface, colour, False, places)

    def arrow(self, middle: tuple[float, float], size: float, up: bool, colour: Colour) -> None:
        """Draw a triangle that points up or down."""
        (x, y), tip = middle, -size if up else size
        pygame.draw.polygon(
            self.surface, colour, [(x - size, y - tip / 2), (x + size, y - tip / 2), (x, y + tip / 2)]
        )


def mixed(start: Colour, end: Colour, share: float) -> Colour:
    """A colour between two."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


def two_coloured(values: npt.NDArray[Any], limit: float) -> Any:
    """Make a surface of numbers (height, width): 0 is dark, limit ACCENT, −limit BLUE."""
    share = np.clip(values.T / np.float32(limit), -1, 1).astype(np.float32)[:, :, None]
    dark, good, bad = (np.array(colour, np.float32) for colour in (PANEL, ACCENT, BLUE))
    ends = np.where(share > 0, good, bad)
    return pygame.surfarray.make_surface((dark + np.abs(share) * (ends - dark)).astype(np.uint8))


def draw_frame(brush: Brush, moment: Moment | None, note: str, notice: str) -> None:
    """The frame, with a notice across it if there is one."""
    area = brush.begin(brush.layout.frame, "What the agent sees", note)
    brush.surface.fill(PANEL, area)
    if moment is not None:
        brush.surface.blit(frame_picture(moment.frame, area.width // moment.frame.shape[1]), area)
    if notice:
        band = area.inflate(0, 3 * brush.layout.text - area.height)
        brush.surface.fill(BACKGROUND, band)
        brush.write(notice, WHITE, center=band.center)


def draw_difference(brush: Brush, change: npt.NDArray[np.int16]) -> None:
    """What has come since the frame before, and what has gone."""
    area = brush.begin(brush.layout.difference, "Difference")
    x = area.right
    for words, colour in (("gone", BLUE), ("come", ACCENT)):
        room = brush.width("Difference come gone") + brush.layout.gap
        if room <= area.width:
            x = brush.write(words, colour, topright=(x, brush.layout.difference.y)).x - brush.layout.gap // 2
    brush.surface.blit(pygame.transform.scale(two_coloured(change, FULL_CHANGE), area.size), area)


def draw_moves(brush: Brush, moment: Moment | None) -> None:
    """The probability of each move; the arrow of the one made is bright."""
    layout = brush.layout
    area = brush.begin(layout.moves, "Probability")
    tall = (area.height - layout.gap) // 2
    for number, (name, colour) in enumerate((("up", ACCENT), ("down", BLUE))):
        row = pygame.Rect(area.x, area.y + number * (tall + layout.gap), area.width, tall)
        up = name == "up"
        made = moment is not None and moment.up == up
        arrow = layout.text / 4
        brush.arrow((row.x + arrow, row.y + layout.text * 0.4), arrow, up, colour if made else LINE)
        brush.write(name, WHITE if made else DIM, topleft=(row.x + layout.text * 3 // 4, row.y))
        bar = pygame.Rect(row.x, row.y + layout.title, row.width, row.height - layout.title)
        bar.height = min(max(bar.height, 2), 2 * layout.text)
        brush.surface.fill(PANEL, bar)
        if moment is not None:
            share = moment.p_up if up else 1 - moment.p_up
            brush.write(f"{100 * share:.0f} %", WHITE if made else DIM, topright=row.topright)
            brush.surface.fill(colour, (*bar.topleft, round(bar.width * share), bar.height))


def draw_value(brush: Brush, moments: Sequence[Moment]) -> None:
    """The value estimates of the last decisions, with an arrow where a point was won (up) or lost (down)."""
    layout = brush.layout
    ticks = sum(moment.ticks for moment in moments)
    title = f"Value estimate, last {ticks / TICKS_PER_SECOND:.0f} s" if moments else "Value estimate"
    note = f"{moments[-1].value:+.2f}".replace("-", "−") if moments else ""
    plot = _axes(brush, layout.value, title, note, (("+1", 0.0), ("0", 0.5), ("−1", 1.0)))
    half = plot.height / 2
    x = [plot.x + place * plot.width / STRIP_DECISIONS for place in range(STRIP_DECISIONS + 1)]
    x = x[-len(moments) - 1 :]  # of each moment, and of the one that comes next
    y = [plot.centery - half * min(max(moment.value, -1), 1) for moment in moments]
    for place, moment in enumerate(moments):
        left, top = int(x[place]), min(round(y[place]), plot.centery)
        area = left, top, int(x[place + 1]) - left, abs(round(y[place]) - plot.centery)
        brush.surface.fill(GAINS if moment.value > 0 else LOSSES, area)
    brush.surface.set_clip(plot)
    places = list(zip(x, y, strict=False))
    begin = 0
    for place, moment in enumerate(moments):
        if place and moment.number != moments[place - 1].number + 1:  # the play between was not shown
            brush.line(places[begin:place], WHITE)
            begin = place
        if moment.points:
            won = moment.reward > 0
            colour, size = (ACCENT, layout.text / 3) if won else (BLUE, -layout.text / 3)
            at = x[place]
            pygame.draw.line(brush.surface, GAINS if won else LOSSES, (at, plot.top), (at, plot.bottom))
            brush.arrow((at, (plot.top if won else plot.bottom) + size), abs(size), won, colour)
    brush.line(places[begin:], WHITE)


def draw_curve(brush: Brush, curve: Curve) -> None:
    """The share won so far, with a line where agent and built-in AI are equals."""
    layout = brush.layout
    note = f"{100 * curve.shares[-1]:.1f} %" if curve.shares else ""
    panel = pygame.Rect(*layout.curve.topleft, layout.curve.width, layout.curve.height - layout.title)
    plot = _axes(brush, panel, "Share won so far", note, (("100 %", 0.0), ("50 %", 0.5), ("0", 1.0)))
    foot = plot.bottom + layout.text // 4
    brush.surface.set_clip(layout.curve)
    brush.surface.fill(BACKGROUND, (panel.x, panel.bottom, panel.width, layout.title))
    if len(curve.points) < 2:
        brush.write("begins after some points", topleft=(plot.x, foot))
        return
    first, last = curve.points[0], curve.points[-1]
    brush.line(
        [
            (plot.x + (points - first) / (last - first) * (plot.width - 1), plot.bottom - share * plot.height)
            for points, share in zip(curve.points, curve.shares, strict=True)
        ],
        ACCENT,
    )
    brush.write(f"{first:,}", topleft=(plot.x, foot))
    brush.write(f"{last:,} points", topright=(plot.right, foot))


def _axes(brush: Brush, panel: Any, title: str, note: str, marks: Sequence[tuple[str, float]]) -> Any:
    """Draw a panel with an upright axis: labels, each at a share of the height from the top; its plot."""
    area = brush.begin(panel, title, note, WHITE)
    gutter = max(brush.width(words) for words, _ in marks) + brush.layout.gap // 2
    plot = pygame.Rect(area.x + gutter, area.y, area.width - gutter, area.height)
    brush.surface.fill(PANEL, plot)
    for words, share in marks:
        y = plot.y + round(share * (plot.height - 1))
        half = brush.layout.text // 3
        brush.write(
            words, midright=(plot.x - brush.layout.gap // 2, min(max(y, area.y + half), area.bottom - half))
        )
        brush.surface.fill(LINE, (plot.x, y, plot.width, 1))
    return plot


def draw_status(brush: Brush, status: str) -> None:
    """The console's line, as much of it as there is room for."""
    area = brush.layout.status
    brush.surface.set_clip(area)
    brush.surface.fill(BACKGROUND)
    # The curve shows the trend, and the font has no arrows.
    parts = [part.lstrip("↑↓→ ") for part in status.split("   ")]
    while len(parts) > 1 and brush.width("   ".join(parts)) > area.width:
        parts.pop()
    brush.write("   ".join(parts), topleft=area.topleft)


class Units:
    """Pictures of the strongest hidden units, made a little at a time.

    A unit is as strong as its weight to the logit times the spread of its first layer. A picture is what
    one lit cell there does to the unit; see Policy.court_images.
    """

    def __init__(self) -> None:
        self.chosen: list[int] = []
        self._surfaces: list[list[Any]] = []  # two of each, a pixel to a cell
        self._scaled: dict[tuple[int, int], list[list[Any]]] = {}  # the same in the size that is drawn
        self._weights: list[float] = []  # for up
        self._strongest = np.zeros(0, np.float32)  # activity of each unit lately
        self._studying: Iterator[None] = iter(())

    def study(self, policy: Policy) -> None:
        """Begin to choose and picture that policy's strongest units; `go_on` does it."""
        self._studying = self._study(policy)

    def go_on(self) -> bool:
        """Do a little of it, about a millisecond; whether it was the last of it."""
        before = self._surfaces
        next(self._studying, None)
        return self._surfaces is not before

    def _study(self, policy: Policy) -> Iterator[None]:
        w = policy.weights["w"]
        spread = np.empty_like(w)
        for begin in range(0, len(w), UNITS_AT_ONCE):
            some = slice(begin, begin + UNITS_AT_ONCE)
            spread[some] = policy.court_images(some).std(axis=(1, 2, 3))
            yield
        chosen = np.argsort(-np.abs(w) * spread)[:MOST_UNITS].tolist()
        surfaces = []
        for unit in chosen:
            images = policy.court_images(slice(unit, unit + 1))[0]  # (2, height, width)
            limits = np.abs(images[:, :, 1:-1]).max(axis=(1, 2)) + 1e-9  # the paddles' columns would outshine
            surfaces.append([two_coloured(image, limit) for image, limit in zip(images, limits, strict=True)])
            yield
        self.chosen, self._surfaces, self._weights, self._scaled = chosen, surfaces, w[chosen].tolist(), {}

    def _pictures(self, size: tuple[int, int]) -> list[list[Any]]:
        if size not in self._scaled:
            shrinks = any(size[0] < surface.get_width() for pair in self._surfaces for surface in pair)
            scale = pygame.transform.smoothscale if shrinks else pygame.transform.scale
            self._scaled = {size: [[scale(surface, size) for surface in pair] for pair in self._surfaces]}
        return self._scaled[size]

    def activity(self, hidden: Floats) -> Floats:
        """How active each unit is, 0 to 1, of the most that it was lately."""
        if len(self._strongest) != len(hidden):
            self._strongest = np.full(len(hidden), 1e-9, np.float32)
        self._strongest = np.maximum(self._strongest * FADING, hidden)
        share: Floats = hidden / self._strongest
        return share

    def draw(self, brush: Brush, places: list[tuple[Any, Any]], hidden: Floats | None) -> None:
        """Draw the pictures, framed the brighter the more active the unit is, and what each is for."""
        layout = brush.layout
        brush.begin(layout.units, "Strongest hidden units", "above: where things are, below: how they move")
        activity = None if hidden is None else self.activity(hidden)
        pictures_of = self._pictures(places[0][0].size)
        shown = zip(places, self.chosen, pictures_of, self._weights, strict=False)
        for (above, below), unit, pictures, weight in shown:
            colour = ACCENT if weight > 0 else BLUE
            share = 0.0 if activity is None else float(activity[unit])
            for place, picture in zip((above, below), pictures, strict=True):
                brush.surface.blit(picture, place)
                pygame.draw.rect(brush.surface, mixed(LINE, WHITE, share), place, max(layout.text // 12, 1))
            bar = pygame.Rect(below.x, below.bottom + 2, below.width, max(layout.text // 6, 2))
            brush.surface.fill(PANEL, bar)
            brush.surface.fill(WHITE, (*bar.topleft, round(bar.width * share), bar.height))
            words = f"{abs(weight):.2f}"
            if brush.width("down 0.00") <= below.width:
                words = f"{'up' if weight > 0 else 'down'} {words}"
            brush.write(words, colour, midtop=(below.centerx, bar.bottom + 2))
