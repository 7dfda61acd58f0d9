"""The game's window: court, score, what is going on, sounds, the keys held, and what the agent is sent.

    header   the connection, who has the right paddle, whether keys have one; without a server, the keys
    court    as large as fits with its proportions kept, and a notice on it when there is something to say
    inset    if wanted: the frame that the agent was sent last; below the court, or beside it in a wide window
    footer   the match, the last one's score, the hits of this point and of the last one

It takes snapshots and gives keys; it knows neither the engine nor the network. Everything is drawn at the
window's own resolution, and only where something has changed. The parts of its work:

    game_layout   where the parts are
    game_panels   how they are drawn
    keyboard      which keys are held
    notices       pauses, and the end of a match
"""

from __future__ import annotations

from collections.abc import Callable

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Keys, Snapshot
from pongrl.ui.court import Scene
from pongrl.ui.game_layout import GameLayout, window_size
from pongrl.ui.game_panels import (
    CourtPanel,
    Pen,
    draw_footer,
    draw_header,
    draw_inset,
    footer_parts,
    status_parts,
)
from pongrl.ui.keyboard import Keyboard
from pongrl.ui.notices import Notices
from pongrl.ui.screen import Screen
from pongrl.ui.sound import Sounds
from pongrl.ui.text import Text
from pongrl.ui.theme import BAR, Box

FRAMES_PER_SECOND = 60


class GameWindow:
    """Shows snapshots of the first game, and tells which keys people hold. Only for the main thread.

    Args:
        title: stands on the window's frame.
        inset: True to show what the agent is sent.
        instead: what to do on a machine without a display, for the error's sentence.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str, inset: bool, instead: str = "use --headless") -> None:
        self._pygame = pygame = pygame_quietly()
        self._inset = inset
        self.screen = Screen(title, window_size(inset), instead)
        self.text = Text()
        self._clock = pygame.time.Clock()
        self._sounds = Sounds()
        self._court = CourtPanel()
        self._drawn: dict[str, object] = {}  # what each part shows
        self._layout = GameLayout.of((1, 1), inset)
        self.begin(title)

    def begin(self, title: str, people: int | None = None) -> None:
        """Begin a game.

        Args:
            title: stands on the window's frame.
            people: how many play at this keyboard without a server; P and the space bar then pause. None
                if a server leads the game.
        """
        self.screen.title = title
        self.screen.is_stale = True
        self._keyboard, self._notices = Keyboard(), Notices(people)

    def poll(self) -> tuple[bool, Keys]:
        """Handle the events that came in.

        Returns:
            False once people want to leave the game; and the keys that they hold.
        """
        pygame = self._pygame
        for event in self.screen.poll():
            if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
                return False, Keys()
            if event.type == pygame.KEYDOWN and event.key in self._pause_keys():
                self._notices.toggle_pause()
            self._keyboard.handle(event)
        if self.screen.is_closed:
            return False, Keys()
        return True, self._keyboard.keys(self._notices.is_paused)

    def _pause_keys(self) -> tuple[int, ...]:
        """Return the keys that pause, or that end a pause."""
        pygame = self._pygame
        both = pygame.K_p, pygame.K_SPACE
        return (*both, pygame.K_RETURN, pygame.K_KP_ENTER) if self._notices.is_paused else both

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Draw what has changed, play the sounds, and wait for the next frame of the display.

        Args:
            snapshot: what to show.
            notice: what to write across the court: a headline and what stands below it. Without it the
                window writes there that the game is paused, or who has won a match.
        """
        self._sounds.play(snapshot.sounds)
        self._notices.follow(snapshot)
        changed = self._lay_out()
        pen = Pen(self.screen.surface, self.text, self._layout)
        changed += self._draw_header(pen, snapshot)
        scene = Scene(snapshot.score, snapshot.paddles, snapshot.ball)
        changed += self._court.draw(pen, scene, notice or self._notices.words)
        changed += self._draw_footer(pen, snapshot)
        changed += self._draw_inset(pen, snapshot)
        self.screen.update(changed)
        self._clock.tick(FRAMES_PER_SECOND)

    def _lay_out(self) -> list[Box]:
        """Lay out the window if what was drawn before cannot be relied on; return the boxes to update."""
        screen = self.screen
        if not screen.is_stale:
            return []
        surface = screen.surface
        self._layout = GameLayout.of(surface.get_size(), self._inset, screen.density)
        self._drawn.clear()
        self._court.forget()
        surface.fill(BAR)
        screen.show_pointer(False)
        return [tuple(surface.get_rect())]

    def _draw_header(self, pen: Pen, snapshot: Snapshot) -> list[Box]:
        status = status_parts(snapshot.status)
        return self._draw("header", pen.layout.header, status, lambda: draw_header(pen, status))

    def _draw_footer(self, pen: Pen, snapshot: Snapshot) -> list[Box]:
        parts = footer_parts(snapshot)
        return self._draw("footer", pen.layout.footer, parts, lambda: draw_footer(pen, parts))

    def _draw_inset(self, pen: Pen, snapshot: Snapshot) -> list[Box]:
        frame, sent, box = snapshot.frame, snapshot.sent, pen.layout.inset
        if box is None:
            return []
        seen = None if frame is None else frame.tobytes()
        return self._draw("inset", box, (seen, sent), lambda: draw_inset(pen, box, frame, sent))

    def _draw(self, part: str, box: Box, content: object, draw: Callable[[], None]) -> list[Box]:
        """Draw a part if its content has changed; return its box if it was drawn."""
        if part in self._drawn and self._drawn[part] == content:
            return []
        self._drawn[part] = content
        self.screen.surface.fill(BAR, box)
        draw()
        return [box]

    def close(self) -> None:
        """Close the window and the sound device."""
        self._sounds.close()
        self.text.close()
        self.screen.close()
