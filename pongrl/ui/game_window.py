"""The game's window: court, score, what is going on, sounds, the keys held, and what the agent is sent.

    header   the connection, who has which paddle, whether keys have one
    court    as large as fits with its proportions kept, and a notice on it when there is something to say
    inset    if wanted: the frame that the agent was sent last; below the court, or beside it in a wide window
    footer   the match, the last one's score, the hits of this point and of the last one, where help is

It takes snapshots and gives keys; it knows neither the engine nor the network. Everything is drawn at the
window's own resolution, and only where something has changed. The parts of its work:

    game_layout   where the parts are
    game_panels   how they are drawn
    controls      what people hold and wish for: keyboard (what a key means), pointer, gamepads
    notices       what is written across the court: pauses, the end of a match, the keys, questions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Keys, People, Snapshot
from pongrl.ui.controls import Controls
from pongrl.ui.court import Scene
from pongrl.ui.game_layout import GameLayout, window_size
from pongrl.ui.game_panels import (
    CourtPanel,
    Overlay,
    Pen,
    draw_footer,
    draw_header,
    draw_inset,
    footer_parts,
    status_parts,
)
from pongrl.ui.gamepads import Gamepads
from pongrl.ui.keyboard import meant
from pongrl.ui.notices import Notices
from pongrl.ui.pointer import place_of
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
        self._gamepads = Gamepads()
        self._court = CourtPanel()
        self._paddles: tuple[int, int] = (0, 0)  # as shown last
        self._drawn: dict[str, object] = {}  # what each part shows
        self._layout = GameLayout.of((1, 1), inset)
        self.begin(title)

    def begin(self, title: str, people: People | None = None) -> None:
        """Begin a game.

        Args:
            title: stands on the window's frame.
            people: who is at this window; without it, somebody who only watches.
        """
        people = People() if people is None else people
        self.screen.title = title
        self.screen.is_stale = True
        self._controls, self._notices = Controls(people), Notices(people)

    def events(self) -> list[Any]:
        """Return the events that came in, of gamepads as keys; no Escape that has left full screen."""
        events = [each for event in self.screen.poll() for each in self._gamepads.translate(event)]
        if self.screen.is_full:  # the keyboard's Escape has left it already, that of a gamepad has not
            escapes = [each for each in events if self._is_escape(each)]
            if escapes:
                self.screen.toggle_full()
                events = [each for each in events if each not in escapes]
        return events

    def _is_escape(self, event: Any) -> bool:
        return bool(event.type == self._pygame.KEYDOWN and event.key == self._pygame.K_ESCAPE)

    def poll(self) -> tuple[bool, Keys]:
        """Handle the events that came in.

        Returns:
            False once people want to leave the game; and what they hold and wish for.
        """
        pygame = self._pygame
        for event in self.events():
            place = place_of(event, self.screen.surface.get_size(), self.screen.density)
            if event.type == pygame.KEYDOWN and self._press(meant(event)):
                return False, Keys()
            if place is not None and event.type in (pygame.MOUSEBUTTONDOWN, pygame.FINGERDOWN):
                self._point(place[1])
            self._controls.handle(event, place, self._layout.court)
        if self.screen.is_closed:
            return False, Keys()
        return True, self._controls.keys(self._notices.is_paused, self._paddles)

    def _press(self, key: int) -> bool:
        """Do what a key asks for; return True if it is to leave the game."""
        pygame, notices = self._pygame, self._notices
        if key == pygame.K_ESCAPE:
            return notices.leave()
        if notices.dismiss():
            return False
        if key in (pygame.K_p, pygame.K_SPACE):
            notices.toggle_pause()
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER) or self._controls.wish(key):
            notices.go_on()
        elif key in (pygame.K_h, pygame.K_F1):
            notices.toggle_help()
        elif key == pygame.K_m:
            self._sounds.is_muted = not self._sounds.is_muted
        return False

    def _point(self, y: float) -> None:
        """Do what a click or a touch asks for: it ends what stands on the court; a bar pauses or helps."""
        notices, layout = self._notices, self._layout
        if notices.dismiss():
            return
        if notices.is_paused or y < layout.header[3]:
            notices.toggle_pause()
        elif y >= layout.footer[1]:
            notices.toggle_help()

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Draw what has changed, play the sounds, and wait for the next frame of the display.

        Args:
            snapshot: what to show.
            notice: what to write across the court: a headline and what stands below it. What people pause
                or ask for goes before it.
        """
        self._sounds.play(snapshot.sounds)
        self._notices.follow(snapshot)
        self._paddles = snapshot.paddles
        changed = self._lay_out()
        pen = Pen(self.screen.surface, self.text, self._layout)
        changed += self._draw_header(pen, snapshot)
        scene = Scene(self._notices.score(snapshot), snapshot.paddles, snapshot.ball)
        words = self._notices.words(notice or snapshot.notice)
        changed += self._court.draw(pen, scene, Overlay(words, self._notices.keys, snapshot.serve_in))
        changed += self._draw_footer(pen, snapshot)
        changed += self._draw_inset(pen, snapshot)
        self.screen.update(changed)
        if notice:  # no game is shown, so what the next one tells has not just happened
            self._sounds.forget()
            self._notices.forget()
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
        parts = footer_parts(snapshot, self._sounds.is_muted)
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
        """Close the window, and give back the sound device and the gamepads."""
        self._sounds.close()
        self._gamepads.close()
        self.text.close()
        self.screen.close()
