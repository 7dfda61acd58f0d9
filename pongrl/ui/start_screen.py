"""The start screen of those who just want to play: whom against, and which keys; a game goes on behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.players import built_in
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH, LEFT, RIGHT, Game
from pongrl.ui.court import draw_court
from pongrl.ui.game_window import GameWindow, Layout
from pongrl.ui.theme import ACCENT, BACKGROUND, BAR, DIM, LINE, WHITE, Box

FRAMES_PER_SECOND = 30
TICKS = 2  # of the game behind, per frame: its usual speed
FAINT = ((70, 70, 74), (84, 70, 40), (38, 42, 52))  # its paddles, ball and score
WORDS = (
    "W/S or the arrow keys move your paddle, the left one.",
    "Two players: W/S the left paddle, the arrow keys the right one.",
    "P pauses, F fills the screen, Escape goes back.",
)


@dataclass(frozen=True)
class Choice:
    """A line of the start screen, and what it means for the game."""

    words: str
    level: int
    opponent: str


CHOICES = (
    Choice("You against level 1: slow", 1, "ai"),
    Choice("You against level 2: quick", 2, "ai"),
    Choice("You against level 3: waits, then strikes", 3, "ai"),
    Choice("Two players, one keyboard", 2, "human"),
    Choice("Watch it play itself", 4, "ai"),
)


def choose(window: GameWindow, is_ending: Callable[[], bool]) -> tuple[int, str] | None:
    """Show the start screen until somebody has chosen: level and opponent, or None to end.

    Arrow keys, W/S or the mouse mark a line; Enter, the space bar, a click or its number choose it.
    """
    screen = StartScreen(window)
    while not is_ending():
        chosen = screen.poll()
        if screen.is_over:
            return None
        if chosen is not None:
            window.marked = chosen
            return CHOICES[chosen].level, CHOICES[chosen].opponent
        screen.show()
    return None


def rows(size: tuple[int, int]) -> list[Box]:
    """Where each choice's line is in a window of this size."""
    width, height = size
    wide, high = min(round(0.9 * width), round(1.1 * height)), round(0.1 * height)
    return [
        ((width - wide) // 2, round((0.24 + 0.105 * i) * height), wide, high) for i in range(len(CHOICES))
    ]


class StartScreen:
    """Draws itself into the game's window, and reads its keys and mouse. For the main thread."""

    def __init__(self, window: GameWindow) -> None:
        self._pygame = pygame = pygame_quietly()
        self._screen, self._text = window.screen, window.text
        self._clock = pygame.time.Clock()
        self._game, self._left, self._right = Game(), built_in(3), built_in(2)
        self.marked = window.marked
        self.is_over = False
        self._screen.title = "Pong"
        self._screen.show_pointer(True)
        up, down = (pygame.K_UP, pygame.K_w), (pygame.K_DOWN, pygame.K_s)
        self._steps = dict.fromkeys(up, -1) | dict.fromkeys(down, 1)
        digits = (
            range(pygame.K_1, pygame.K_1 + len(CHOICES)),
            range(pygame.K_KP_1, pygame.K_KP_1 + len(CHOICES)),
        )
        self._numbers = {key: number for keys in digits for number, key in enumerate(keys)}

    def poll(self) -> int | None:
        """Handle what came in, and give the number of the choice if one was made."""
        pygame = self._pygame
        for event in self._screen.poll():
            if event.type == pygame.KEYDOWN:
                if event.key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
                    return self.marked
                if event.key in self._numbers:
                    return self._numbers[event.key]
                self.marked = (self.marked + self._steps.get(event.key, 0)) % len(CHOICES)
                self.is_over = self.is_over or event.key == pygame.K_ESCAPE
            elif event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
                row = self._row_at(event.pos)
                # A pointer that rests where the window opens is told of as a motion by nothing.
                if row is not None and (event.type != pygame.MOUSEMOTION or any(event.rel)):
                    self.marked = row
                    if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
                        return row
        self.is_over = self.is_over or self._screen.is_closed
        return None

    def _row_at(self, place: tuple[int, int]) -> int | None:
        x, y = (part * self._screen.density for part in place)
        boxes = rows(self._screen.surface.get_size())
        inside = (i for i, box in enumerate(boxes) if self._pygame.Rect(box).collidepoint(x, y))
        return next(inside, None)

    def show(self) -> None:
        """Play on behind, draw one frame, and wait until the next is due."""
        game = self._game
        for _ in range(TICKS):
            game.step(self._left(game, LEFT), self._right(game, RIGHT))
        surface = self._screen.surface
        width, height = surface.get_size()
        layout = Layout.of((width, height), False, self._screen.density)
        surface.fill(BAR)
        draw_court(
            surface, self._text, (game.score[LEFT], game.score[RIGHT]),
            (game.paddles[LEFT], game.paddles[RIGHT]), (game.ball_x, game.ball_y),
            _largest_court(width, height), FAINT,
        )  # fmt: skip
        x, y, wide, high = rows((width, height))[0]
        edge, top = high // 3, round(0.79 * height)
        surface.fill(BACKGROUND, (x - edge, edge, wide + 2 * edge, height - 2 * edge))
        self._text.centre(surface, (x, 2 * edge, wide, y - 2 * edge), ("PONG",), round(0.2 * height), WHITE)
        self._draw_rows(surface, layout.text)
        self._text.column(surface, (x, top, wide, height - top - 2 * edge), WORDS, layout.text, DIM)
        self._screen.update([(0, 0, width, height)])
        self._clock.tick(FRAMES_PER_SECOND)

    def _draw_rows(self, surface: Any, text: int) -> None:
        boxes = rows(surface.get_size())
        edge = boxes[0][3] // 3
        lines = [f"{number}   {choice.words}" for number, choice in enumerate(CHOICES, 1)]
        room = boxes[0][2] - 2 * edge
        size = min(self._text.fit([line], room, boxes[0][3], round(1.3 * text))[0] for line in lines)
        for number, ((x, y, wide, high), line) in enumerate(zip(boxes, lines, strict=True)):
            is_marked = number == self.marked
            surface.fill(LINE if is_marked else BAR, (x, y, wide, high))
            if is_marked:
                surface.fill(ACCENT, (x, y, max(edge // 4, 2), high))
            words = self._text.render(line, size, WHITE if is_marked else DIM)
            surface.blit(words, (x + edge, y + (high - words.get_height()) // 2))


def _largest_court(width: int, height: int) -> Box:
    scale = min(width / COURT_WIDTH, height / COURT_HEIGHT)
    wide, high = max(round(COURT_WIDTH * scale), 1), max(round(COURT_HEIGHT * scale), 1)
    return (width - wide) // 2, (height - high) // 2, wide, high
