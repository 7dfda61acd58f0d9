"""How the parts of the game's window are drawn: header, court, footer, inset and notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Snapshot
from pongrl.game.rules import BALL
from pongrl.ui.court import Scene, draw_court, frame_picture, paddle_boxes, scaled
from pongrl.ui.game_layout import GameLayout
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BAR, DIM, LINE, WHITE, Box, Colour
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


def footer_parts(snapshot: Snapshot) -> tuple[str, str]:
    """Say how the matches and the rallies stand."""
    match, rally = f"match {snapshot.matches + 1}", f"rally {snapshot.rally}"
    if snapshot.last_match is not None:
        match += "   last match {}–{}".format(*snapshot.last_match)
    if snapshot.sounds[2]:  # points so far
        rally += f"   last point's rally {snapshot.last_rally}"
    return match, rally


def draw_footer(pen: Pen, parts: tuple[str, str]) -> None:
    """Write how the matches and the rallies stand."""
    pen.spread(pen.layout.footer, parts, (DIM, DIM))


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


def draw_notice(pen: Pen, notice: tuple[str, ...]) -> None:
    """Write a notice across the court: the first part large, the others below it."""
    surface, size, court = pen.surface, pen.layout.text, pen.layout.court
    width, half = round(0.8 * court[2]), round(0.15 * court[3])
    x, y = court[0] + (court[2] - width) // 2, court[1] + court[3] // 2
    surface.fill(BAR, (x, y - half, width, 2 * half))
    surface.fill(LINE, (x, y - half, width, 1))
    surface.fill(LINE, (x, y + half - 1, width, 1))
    room = 2 * half - 2 * size // 3
    first = round(room * (0.6 if notice[1:] else 1))
    inner = width - 2 * size
    pen.text.centre(surface, (x + size, y - room // 2, inner, first), notice[:1], 2 * size, WHITE)
    rest = (x + size, y - room // 2 + first, inner, room - first)
    pen.text.centre(surface, rest, notice[1:], size, DIM)


class CourtPanel:
    """The court with a notice on it; only what has changed since the last time is drawn."""

    def __init__(self) -> None:
        self._still: object = None  # what stands still while the ball and the paddles move
        self._boxes: list[Box] = []  # of paddles and ball, as drawn last

    def forget(self) -> None:
        """Draw all of the court the next time."""
        self._still = None

    def draw(self, pen: Pen, scene: Scene, notice: tuple[str, ...]) -> list[Box]:
        """Draw what has changed.

        Returns:
            The boxes of the surface that were drawn.
        """
        court = pen.layout.court
        boxes = paddle_boxes(court, scene.paddles)
        if scene.ball is not None:
            boxes.append(scaled(court, *scene.ball, BALL, BALL))
        still = court, scene.score, notice, len(boxes)
        changed = self._changes(boxes, court) if still == self._still else [court]
        self._still, self._boxes = still, boxes
        for box in changed:
            pen.surface.set_clip(box)
            draw_court(pen.surface, pen.text, scene, court)
            if notice:
                draw_notice(pen, notice)
        pen.surface.set_clip(None)
        return changed

    def _changes(self, boxes: list[Box], court: Box) -> list[Box]:
        """Return the areas that the ball and the paddles leave and cover."""
        rect = pygame_quietly().Rect
        pairs = zip(self._boxes, boxes, strict=True)
        return [tuple(rect(old).union(new).clip(court)) for old, new in pairs if old != new]
