"""The start screen for people who just want to play: against whom, and with which keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.ui.court import Scene, draw_court
from pongrl.ui.game_layout import GameLayout, largest_court
from pongrl.ui.game_window import GameWindow
from pongrl.ui.keyboard import meant
from pongrl.ui.theme import ACCENT, BACKGROUND, BAR, DIM, FAINT_COURT, LINE, WHITE, Box

FRAMES_PER_SECOND = 30
TICKS = 2  # of the game behind, per frame: its usual speed
WORDS = (
    "W/S or the arrow keys move your paddle, the left one.",
    "Two players: W/S the left paddle, the arrow keys the right one.",
    "Mouse, touch and gamepads move them too. H shows all keys, Escape goes back.",
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
FIRST_CHOICE = (2, "ai")  # whose line is marked when nothing was chosen before


def choose(
    window: GameWindow, is_ending: Callable[[], bool], last: tuple[int, str] | None
) -> tuple[int, str] | None:
    """Show the start screen until somebody has chosen.

    Arrow keys, W/S or the mouse mark a line; Enter, the space bar, a click or its number choose it.

    Args:
        window: the game's window; the start screen is drawn into it.
        is_ending: returns True when the program is to end.
        last: the level and the opponent whose line is marked at first: those chosen the last time, or
            None.

    Returns:
        Level and opponent, or None to end.
    """
    screen = StartScreen(window, last)
    while not is_ending():
        chosen = screen.poll()
        if screen.is_over:
            return None
        if chosen is not None:
            return CHOICES[chosen].level, CHOICES[chosen].opponent
        screen.show()
    return None


def rows(size: tuple[int, int]) -> list[Box]:
    """Return where the line of each choice is in a window of this size."""
    width, height = size
    wide, high = min(round(0.9 * width), round(1.1 * height)), round(0.1 * height)
    return [
        ((width - wide) // 2, round((0.24 + 0.105 * i) * height), wide, high) for i in range(len(CHOICES))
    ]


class StartScreen:
    """Draws itself into the game's window, with a game going on behind, and reads its keys and its mouse.

    Only for the main thread.
    """

    def __init__(self, window: GameWindow, last: tuple[int, str] | None = None) -> None:
        self._pygame = pygame = pygame_quietly()
        self._window, self._screen, self._text = window, window.screen, window.text
        self._clock = pygame.time.Clock()
        self._game, self._left, self._right = Game(), built_in(3), built_in(2)
        self.marked = [(choice.level, choice.opponent) for choice in CHOICES].index(last or FIRST_CHOICE)
        self.is_over = False
        self._screen.title = "Pong"
        self._screen.show_pointer(True)
        up, down = (pygame.K_UP, pygame.K_w), (pygame.K_DOWN, pygame.K_s)
        self._steps = dict.fromkeys(up, -1) | dict.fromkeys(down, 1)
        self._numbers = {
            first + number: number for first in (pygame.K_1, pygame.K_KP_1) for number in range(len(CHOICES))
        }

    def poll(self) -> int | None:
        """Handle the events that came in.

        Returns:
            The number of the choice if one was made.
        """
        pygame = self._pygame
        for event in self._window.events():
            chosen = None
            if event.type == pygame.KEYDOWN:
                chosen = self._press(meant(event))
            elif event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
                chosen = self._point(event)
            if chosen is not None:
                return chosen
        self.is_over = self.is_over or self._screen.is_closed
        return None

    def _press(self, key: int) -> int | None:
        pygame = self._pygame
        if key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            return self.marked
        self.marked = (self.marked + self._steps.get(key, 0)) % len(CHOICES)
        self.is_over = self.is_over or key == pygame.K_ESCAPE
        return self._numbers.get(key)

    def _point(self, event: Any) -> int | None:
        pygame = self._pygame
        row = self._row_at(event.pos)
        # A window that opens under a resting pointer gets a motion by nothing, which marks no line.
        if row is None or (event.type == pygame.MOUSEMOTION and not any(event.rel)):
            return None
        self.marked = row
        is_click = event.type == pygame.MOUSEBUTTONDOWN and event.button == 1
        return row if is_click else None

    def _row_at(self, place: tuple[int, int]) -> int | None:
        x, y = (part * self._screen.density for part in place)
        boxes = rows(self._screen.surface.get_size())
        inside = (i for i, box in enumerate(boxes) if self._pygame.Rect(box).collidepoint(x, y))
        return next(inside, None)

    def show(self) -> None:
        """Go on with the game behind, draw one frame, and wait until the next is due."""
        surface = self._screen.surface
        width, height = surface.get_size()
        size = GameLayout.of((width, height), False, self._screen.density).text
        surface.fill(BAR)
        self._draw_game(surface)
        x, y, wide, high = rows((width, height))[0]
        edge, top = high // 3, round(0.79 * height)
        surface.fill(BACKGROUND, (x - edge, edge, wide + 2 * edge, height - 2 * edge))
        self._text.centre(surface, (x, 2 * edge, wide, y - 2 * edge), ("PONG",), round(0.2 * height), WHITE)
        self._draw_rows(surface, size)
        self._text.column(surface, (x, top, wide, height - top - 2 * edge), WORDS, size, DIM)
        self._screen.update([(0, 0, width, height)])
        self._clock.tick(FRAMES_PER_SECOND)

    def _draw_game(self, surface: Any) -> None:
        """Play the game behind on for one frame, and draw it."""
        game = self._game
        for _ in range(TICKS):
            game.step(self._left(game, LEFT), self._right(game, RIGHT))
        scene = Scene(
            (game.score[LEFT], game.score[RIGHT]),
            (game.paddles[LEFT], game.paddles[RIGHT]),
            (game.ball_x, game.ball_y),
        )
        width, height = surface.get_size()
        wide, high = largest_court(width, height)
        court = ((width - wide) // 2, (height - high) // 2, wide, high)
        draw_court(surface, self._text, scene, court, FAINT_COURT)

    def _draw_rows(self, surface: Any, text: int) -> None:
        """Draw the line of each choice, all in one size of font."""
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
