"""How the parts of the game's window are drawn: header, court, what lies over it, footer and inset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Snapshot
from pongrl.game.rules import BALL, COURT_WIDTH, SERVE_Y
from pongrl.ui.court import Scene, draw_court, frame_picture, paddle_boxes, scaled
from pongrl.ui.cover import Cover
from pongrl.ui.game_layout import GameLayout
from pongrl.ui.notices import HINT, KeyTable
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE, Box, Colour
from pongrl.wire.arrays import UInt8Array

ALERTS = ("paused", "keys have")  # parts of the status that begin so are to be seen at a glance


class Pen:
    """What all parts are drawn with: the window's surface, its fonts and its layout."""

    def __init__(self, surface: Any, text: Text, layout: GameLayout) -> None:
        self.surface, self.text, self.layout = surface, text, layout

    def spread(self, box: Box, parts: Sequence[str], colours: Sequence[Colour]) -> None:
        """Write parts into a bar, the first at the left, the others at the right."""
        x, y, width, height = box
        side, top = self.layout.text // 2, self.layout.text // 8
        inner = (x + side, y + top, width - 2 * side, height - 2 * top)
        self.text.spread(self.surface, inner, parts, self.layout.text, colours)


def status_parts(status: str) -> tuple[str, ...]:
    """Return the parts of a status, which stand three spaces apart."""
    return tuple(part for part in status.split("   ") if part)


def draw_header(pen: Pen, status: tuple[str, ...]) -> None:
    """Write the parts of the status."""
    colours = [
        ACCENT if part.startswith(ALERTS) else DIM if number else WHITE for number, part in enumerate(status)
    ]
    pen.spread(pen.layout.header, status, colours)


def footer_parts(snapshot: Snapshot, is_muted: bool = False) -> tuple[str, ...]:
    """Say how the matches and the rallies stand, and how to see the keys."""
    match = f"match {snapshot.matches + 1}"
    if snapshot.last_match is not None:
        match += "   last match {}–{}".format(*snapshot.last_match)
    rally = f"rally {snapshot.rally}"
    if snapshot.last_rally:
        rally += f"   last rally {snapshot.last_rally}"
    return (match, rally, "sound off", HINT) if is_muted else (match, rally, HINT)


def draw_footer(pen: Pen, parts: tuple[str, ...]) -> None:
    """Write how the matches and the rallies stand."""
    pen.spread(pen.layout.footer, parts, (DIM,) * len(parts))


def draw_inset(pen: Pen, box: Box, frame: UInt8Array | None, sent: str) -> None:
    """Draw the frame (height, width) that the agent was sent last, and the words for it."""
    surface, size = pen.surface, pen.layout.text
    x, y, width, height = box
    edge = size // 3
    surface.fill(LINE, (x, y, width, 1))
    if frame is None:
        inner = (x + edge, y, width - 2 * edge, height)
        pen.text.centre(surface, inner, ("Nothing has been sent to an agent yet.",), size, DIM)
        return
    is_narrow = height > width  # then the words are below the frame, else beside it
    room = (width - 2 * edge, height) if is_narrow else (width // 2, height - 2 * edge)
    rows, columns = frame.shape
    picture = frame_picture(frame, max(min(room[0] // columns, room[1] // rows), 1))
    surface.blit(picture, (x + edge, y + edge))
    outline = picture.get_rect(topleft=(x + edge, y + edge)).inflate(2, 2)
    pygame_quietly().draw.rect(surface, LINE, outline, 1)
    if is_narrow:
        taken = picture.get_height() + edge
        inner = (x + edge, y + taken + edge, width - 2 * edge, height - taken - 2 * edge)
    else:
        taken = picture.get_width() + edge
        inner = (x + taken + edge, y + edge, width - taken - 2 * edge, height - 2 * edge)
    words = f"What the agent is sent: {columns} × {rows} cells"
    pen.text.column(surface, inner, (words, *sent.split("   ")), size, DIM)


class Overlay(NamedTuple):
    """What lies over the court; most of the time nothing."""

    notice: tuple[str, ...] = ()  # a headline, and what stands below it
    keys: KeyTable = ()  # what the keys do
    number: int = 0  # of a countdown

    def draw(self, pen: Pen) -> None:
        """Draw the first of its parts that there is: they would lie on each other."""
        cover = Cover(pen.surface, pen.text, pen.layout.court, pen.layout.text)
        if self.keys:
            cover.write_keys(self.keys)
        elif self.notice:
            cover.write(self.notice)
        elif self.number:
            draw_count(pen, self.number)


def draw_count(pen: Pen, count: int) -> None:
    """Write the number of a countdown over the ball, on the line between the halves."""
    x, y, width, height = scaled(pen.layout.court, COURT_WIDTH / 2 - 40, SERVE_Y - 130, 80, 100)
    pen.surface.fill(BACKGROUND, (x, y, width, height))
    pen.text.centre(pen.surface, (x, y, width, height), (str(count),), height, ACCENT)


class CourtPanel:
    """The court and what lies over it; only what has changed since the last time is drawn."""

    def __init__(self) -> None:
        self._still: object = None  # what stands still while the ball and the paddles move
        self._boxes: list[Box] = []  # of paddles and ball, as drawn last

    def forget(self) -> None:
        """Draw all of the court the next time."""
        self._still = None

    def draw(self, pen: Pen, scene: Scene, overlay: Overlay) -> list[Box]:
        """Draw what has changed.

        Returns:
            The boxes of the surface that were drawn.
        """
        court = pen.layout.court
        boxes = paddle_boxes(court, scene.paddles)
        if scene.ball is not None:
            boxes.append(scaled(court, *scene.ball, BALL, BALL))
        still = court, scene.score, overlay, len(boxes)
        changed = self._changes(boxes, court) if still == self._still else [court]
        self._still, self._boxes = still, boxes
        for box in changed:
            pen.surface.set_clip(box)
            draw_court(pen.surface, pen.text, scene, court)
            overlay.draw(pen)
        pen.surface.set_clip(None)
        return changed

    def _changes(self, boxes: list[Box], court: Box) -> list[Box]:
        """Return the areas that the ball and the paddles leave and cover."""
        rect = pygame_quietly().Rect
        pairs = zip(self._boxes, boxes, strict=True)
        return [tuple(rect(old).union(new).clip(court)) for old, new in pairs if old != new]
