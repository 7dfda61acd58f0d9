"""The court as people see it, drawn on any surface; and a frame as a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import BALL, COURT_HEIGHT, COURT_WIDTH, LEFT_X, PADDLE_HEIGHT, PADDLE_WIDTH, RIGHT_X
from pongrl.ui.text import Text
from pongrl.ui.theme import BACKGROUND, DIM, LINE, PLAIN_COURT, Box, CourtColours
from pongrl.wire.arrays import UInt8Array

COURT_BOX = (0, 0, COURT_WIDTH, COURT_HEIGHT)
SCORE_BOX = (0, 10, COURT_WIDTH, 40)  # of a frame of another game
SENT_BOX = (42, 55, 616, 440)
DIGITS = 90  # size of the score's font on a court of 700×500


class Scene(NamedTuple):
    """What is on the court at one moment."""

    score: tuple[int, int]  # points of left and right
    paddles: tuple[int, int]  # y of left and right
    ball: tuple[int, int] | None  # x and y; None if it cannot be seen


class SentScene(NamedTuple):
    """What an agent is sent of another game, whose court nobody knows."""

    score: tuple[int, int]  # points of left and right
    frame: UInt8Array  # (height, width)


def scaled(court: Box, x: float, y: float, width: float, height: float) -> Box:
    """Convert a rectangle of the 700×500 court into pixels of the box that the court is drawn in.

    What lies off the court is cut off: a peer says where things are, and pygame writes where it is told to.
    What is on the court has one pixel at least.
    """
    left, wide = _scaled(x, width, COURT_WIDTH, court[2])
    top, high = _scaled(y, height, COURT_HEIGHT, court[3])
    return court[0] + left, court[1] + top, wide, high


def _scaled(start: float, length: float, court: int, pixels: int) -> tuple[int, int]:
    """Convert a start and a length along one side of the court into pixels."""
    start, end = min(max(start, 0), court), min(max(start + length, 0), court)
    first = round(start * pixels / court)
    return first, max(round(end * pixels / court) - first, 1 if end > start else 0)


def paddle_boxes(court: Box, paddles: tuple[int, int]) -> list[Box]:
    """Return the pixels of both paddles."""
    return [
        scaled(court, x, y, PADDLE_WIDTH, PADDLE_HEIGHT)
        for x, y in zip((LEFT_X, RIGHT_X), paddles, strict=True)
    ]


def draw_court(
    surface: Any, text: Text, scene: Scene, court: Box = COURT_BOX, colours: CourtColours = PLAIN_COURT
) -> None:
    """Draw the court as people see it.

    Args:
        surface: the pygame surface to draw on.
        text: the fonts for the score.
        scene: what to draw.
        court: the box of the surface that the court fills.
        colours: of the paddles, the ball and the score.
    """
    surface.fill(BACKGROUND, court)
    for y in range(10, COURT_HEIGHT - 10, 30):
        surface.fill(LINE, scaled(court, COURT_WIDTH // 2 - 2, y, 4, 15))
    size = max(round(DIGITS * court[2] / COURT_WIDTH), 1)
    for side, points in enumerate(scene.score):
        x, y, width, height = scaled(court, COURT_WIDTH // 2 * side + 10, 20, COURT_WIDTH // 2 - 20, DIGITS)
        fitting, _ = text.fit((str(points),), width, height, size)
        words = text.render(str(points), fitting, colours.score)
        surface.blit(words, words.get_rect(midtop=(x + width // 2, y)))
    for box in paddle_boxes(court, scene.paddles):
        surface.fill(colours.paddles, box)
    if scene.ball is not None:
        surface.fill(colours.ball, scaled(court, *scene.ball, BALL, BALL))


def draw_sent(surface: Any, text: Text, scene: SentScene) -> None:
    """Draw the frame of another game, as large as the score above it allows.

    A frame's cells need not be square, but most pictures that games show are as wide, for their height, as
    our court is.

    Args:
        surface: the pygame surface to draw on, 700×500.
        text: the fonts for the score.
        scene: what to draw.
    """
    pygame = pygame_quietly()
    surface.fill(BACKGROUND)
    text.centre(surface, SCORE_BOX, ("{} : {}".format(*scene.score),), SCORE_BOX[3], DIM)
    surface.blit(pygame.transform.scale(frame_picture(scene.frame, 1), SENT_BOX[2:]), SENT_BOX)
    pygame.draw.rect(surface, LINE, pygame.Rect(SENT_BOX).inflate(2, 2), 1)


def frame_picture(frame: UInt8Array, scale: int) -> Any:
    """Make a grey pygame surface of a frame (height, width), each cell `scale` pixels wide and high."""
    pygame = pygame_quietly()
    grey = np.repeat(frame.T[:, :, None], 3, axis=2)
    return pygame.transform.scale_by(pygame.surfarray.make_surface(grey), scale)
