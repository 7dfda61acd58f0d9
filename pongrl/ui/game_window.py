"""The game's window: court, score, what is going on, sounds, the keys held, and what the agent is sent.

    header   the connection, who has the right paddle, whether keys have one; without a server, the keys
    court    as large as fits with its proportions kept, and a notice on it when there is something to say
    inset    if wanted: the frame that the agent was sent last; below the court, or beside it in a wide window
    footer   the match, the last one's score, the hits of this point and of the last one

All of it is drawn at the window's own resolution, and only what has changed since the last time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import BALL, COURT_HEIGHT, COURT_WIDTH, LEFT, RIGHT
from pongrl.ui.court import draw_court, frame_picture, paddle_boxes, scaled
from pongrl.ui.screen import Screen
from pongrl.ui.sound import Sounds
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BAR, DIM, LINE, WHITE, Box, Colour
from pongrl.wire.arrays import UInt8Array

WINDOW = (COURT_WIDTH, COURT_HEIGHT + 60)
INSET_BELOW, INSET_BESIDE = 168, 250  # pixels more, in height or in width
TEXT, SMALLEST_TEXT = 22, 17
FRAMES_PER_SECOND = 60
NOTICE_SECONDS = 3.0
NOTICE_AGAIN_SECONDS = 10.0  # in lockstep matches end many times a second: tell of those that took a while
ALERTS = ("paused", "keys have")  # how those parts of the status begin that are to be seen at a glance


@dataclass(frozen=True)
class Layout:
    """Where everything is in a window, in pixels."""

    text: int  # size of its font
    header: Box
    court: Box
    footer: Box
    inset: Box | None

    @classmethod
    def of(cls, size: tuple[int, int], inset: bool, density: float = 1.0) -> Layout:
        """Lay out a window of this size; `density` is the number of pixels in a point."""
        width, height = max(size[0], 1), max(size[1], 1)
        below = min(width / WINDOW[0], height / (WINDOW[1] + INSET_BELOW * inset))
        beside = min(width / (WINDOW[0] + INSET_BESIDE * inset), height / WINDOW[1])
        scale = max(below, beside)
        # On a large screen people sit farther away, but not that much farther.
        text = max(round(TEXT * (scale if scale < 1 else 0.3 + 0.7 * scale)), round(SMALLEST_TEXT * density))
        lines = 1 if width >= 26 * text else 2
        header, footer = round(text * (0.6 + 0.76 * lines)), round(text * 1.36)
        x1, y1 = width, height - footer  # where court and inset end
        box: Box | None = None
        if inset and below >= beside:
            y1 -= round(INSET_BELOW * scale)
            box = (0, y1, width, height - footer - y1)
        elif inset:
            x1 -= round(INSET_BESIDE * scale)
            box = (x1, header, width - x1, y1 - header)
        shrunk = max(min(x1 / COURT_WIDTH, (y1 - header) / COURT_HEIGHT), 0.02)
        wide, high = round(COURT_WIDTH * shrunk), round(COURT_HEIGHT * shrunk)
        court = ((x1 - wide) // 2, header + max(y1 - header - high, 0) // 2, wide, high)
        return cls(text, (0, 0, width, header), court, (0, height - footer, width, footer), box)


class GameWindow:
    """Shows snapshots of the first board, and tells which move a person holds. For the main thread.

    Raises:
        PongError: there is no display.
    """

    def __init__(self, title: str, inset: bool) -> None:
        self._pygame = pygame = pygame_quietly()
        self._inset = inset
        self.screen = Screen(title, (WINDOW[0], WINDOW[1] + INSET_BELOW * inset))
        self.text = Text()
        self._clock = pygame.time.Clock()
        self._sounds = Sounds()
        self._letters = {pygame.K_w: UP, pygame.K_s: DOWN}
        self._arrows = {pygame.K_UP: UP, pygame.K_DOWN: DOWN}
        self._layout = Layout.of((1, 1), inset)
        self.marked = 1  # of the start screen's choices, the one made last: at first level 2
        self._drawn: dict[str, object] = {}  # of each part, what it was drawn from
        self.begin(title)

    def begin(self, title: str, people: int | None = None) -> None:
        """Begin a game: of so many people at this keyboard without a server, or of a server's, which leads.

        Without a server P and the space bar pause, and after a match people are waited for.
        """
        self.screen.title = title
        self.screen.is_stale = True
        self._people = people
        self._held: list[int] = []  # of the keys that move, the latest last
        self._paused = False
        self._last: Snapshot | None = None
        self._notice: tuple[str, ...] = ()
        self._notice_ends = self._match_ended = 0.0

    def poll(self) -> tuple[bool, Keys]:
        """Handle what came in: whether the game is still wanted, and the moves of the keys held."""
        pygame, either = self._pygame, self._letters | self._arrows
        pause = {pygame.K_p, pygame.K_SPACE} | (
            {pygame.K_RETURN, pygame.K_KP_ENTER} if self._paused else set()
        )
        for event in self.screen.poll():
            if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
                return False, Keys()
            if event.type == pygame.KEYDOWN and event.key in either:
                self._held.append(event.key)
            elif event.type == pygame.KEYDOWN and event.key in pause and self._people is not None:
                self._paused, self._notice = not self._paused, ()
            elif event.type == pygame.KEYUP and event.key in self._held:
                self._held.remove(event.key)
            elif event.type == pygame.WINDOWFOCUSLOST:
                self._held.clear()  # the key's release goes to another window
        if self.screen.is_closed:
            return False, Keys()
        letters, arrows, latest = (self._latest(keys) for keys in (self._letters, self._arrows, either))
        return True, Keys(letters, arrows, latest, self._paused)

    def _latest(self, moves: dict[int, int]) -> int | None:
        """Give the move of that of these keys that was pressed last and is still held."""
        return next((moves[key] for key in reversed(self._held) if key in moves), None)

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        """Draw what has changed, with a notice on the court, play the sounds, and wait for the next frame."""
        self._sounds.play(snapshot.sounds)
        self._follow(snapshot)
        if not notice:
            notice = self._notice or ("paused", "P goes on") * self._paused
        screen = self.screen
        surface = screen.surface
        if screen.is_stale:
            self._layout = Layout.of(surface.get_size(), self._inset, screen.density)
            self._drawn.clear()
            surface.fill(BAR)
            screen.show_pointer(False)
        layout, changed = self._layout, [surface.get_rect()] * screen.is_stale
        status = tuple(part for part in snapshot.status.split("   ") if part)
        changed += self._draw("header", layout.header, status, lambda: self._draw_header(status))
        changed += self._draw_play(snapshot, notice)
        footer = (
            snapshot.matches,
            snapshot.last_match,
            snapshot.rally,
            snapshot.last_rally,
            snapshot.sounds[2],
        )
        changed += self._draw("footer", layout.footer, footer, lambda: self._draw_footer(snapshot))
        if layout.inset is not None:
            frame, sent, box = snapshot.frame, snapshot.sent, layout.inset
            seen = frame is not None and frame.tobytes()
            changed += self._draw("inset", box, (seen, sent), lambda: self._draw_inset(box, frame, sent))
        screen.update(changed)
        self._clock.tick(FRAMES_PER_SECOND)

    def _follow(self, snapshot: Snapshot) -> None:
        """See a match end, and tell of it."""
        now, last, self._last = time.monotonic(), self._last, snapshot
        if self._notice and not self._paused and now > self._notice_ends:
            self._notice = ()
        if last is None or snapshot.matches <= last.matches or snapshot.last_match is None:
            return
        before, self._match_ended = self._match_ended, now
        if self._people:
            self._paused = True
            self._notice = (self._winner(snapshot.last_match), "Enter begins the next match")
        elif now - before > NOTICE_AGAIN_SECONDS:
            self._notice, self._notice_ends = (self._winner(snapshot.last_match),), now + NOTICE_SECONDS

    def _winner(self, score: tuple[int, int]) -> str:
        left = score[LEFT] > score[RIGHT]
        words = (
            ("You win" if left else "You lose") if self._people == 1 else ("Right wins", "Left wins")[left]
        )
        return f"{words} {score[LEFT]}–{score[RIGHT]}"

    def _draw(self, part: str, box: Box, what: object, draw: Callable[[], None]) -> list[Box]:
        """Draw a part anew if it is to show something else than it does, and give its box then."""
        if part in self._drawn and self._drawn[part] == what:
            return []
        self._drawn[part] = what
        self.screen.surface.fill(BAR, box)
        draw()
        return [box]

    def _draw_play(self, snapshot: Snapshot, notice: tuple[str, ...]) -> list[Box]:
        """Draw the court, or of it what ball and paddles leave and cover."""
        surface, court = self.screen.surface, self._layout.court
        still = snapshot.score, notice
        boxes = [*paddle_boxes(court, snapshot.paddles), scaled(court, *snapshot.ball, BALL, BALL)]
        before = self._drawn.get("boxes")
        self._drawn["boxes"] = boxes
        changed = [court]
        if isinstance(before, list) and self._drawn.get("court") == still:
            rect = self._pygame.Rect
            pairs = zip(before, boxes, strict=True)
            changed = [tuple(rect(old).union(new).clip(court)) for old, new in pairs if old != new]
        self._drawn["court"] = still
        for box in changed:
            surface.set_clip(box)
            draw_court(surface, self.text, snapshot.score, snapshot.paddles, snapshot.ball, court)
            if notice:
                self.draw_notice(notice, court)
        surface.set_clip(None)
        return changed

    def draw_notice(self, notice: tuple[str, ...], court: Box) -> None:
        """Write a notice onto the court: the first part large, the others below it."""
        surface, size = self.screen.surface, self._layout.text
        width, half = round(0.8 * court[2]), round(0.15 * court[3])
        x, y = court[0] + (court[2] - width) // 2, court[1] + court[3] // 2
        surface.fill(BAR, (x, y - half, width, 2 * half))
        surface.fill(LINE, (x, y - half, width, 1))
        surface.fill(LINE, (x, y + half - 1, width, 1))
        room = 2 * half - 2 * size // 3
        first = round(room * (0.6 if notice[1:] else 1))
        inner = width - 2 * size
        self.text.centre(surface, (x + size, y - room // 2, inner, first), notice[:1], 2 * size, WHITE)
        rest = (x + size, y - room // 2 + first, inner, room - first)
        self.text.centre(surface, rest, notice[1:], size, DIM)

    def _draw_header(self, status: tuple[str, ...]) -> None:
        colours = [
            ACCENT if part.startswith(ALERTS) else DIM if number else WHITE
            for number, part in enumerate(status)
        ]
        self._spread(self._layout.header, status, colours)

    def _draw_footer(self, snapshot: Snapshot) -> None:
        parts = [f"match {snapshot.matches + 1}", f"rally {snapshot.rally}"]
        if snapshot.last_match is not None:
            parts[0] += "   last match {}–{}".format(*snapshot.last_match)
        if snapshot.sounds[2]:  # points so far
            parts[1] += f"   last point's rally {snapshot.last_rally}"
        self._spread(self._layout.footer, parts, [DIM, DIM])

    def _spread(self, box: Box, parts: Sequence[str], colours: Sequence[Colour]) -> None:
        x, y, width, height = box
        text = self._layout.text
        inner = (x + text // 2, y + text // 8, width - text // 2 * 2, height - text // 8 * 2)
        self.text.spread(self.screen.surface, inner, parts, text, colours)

    def _draw_inset(self, box: Box, frame: UInt8Array | None, sent: str) -> None:
        surface, edge = self.screen.surface, self._layout.text // 3
        x, y, width, height = box
        surface.fill(LINE, (x, y, width, 1))
        if frame is None:
            inner = (x + edge, y, width - 2 * edge, height)
            self.text.centre(
                surface, inner, ("Nothing has been sent to an agent yet.",), self._layout.text, DIM
            )
            return
        is_beside = height > width
        room = (width - 2 * edge, height) if is_beside else (width // 2, height - 2 * edge)
        cell = max(min(room[0] // frame.shape[1], room[1] // frame.shape[0]), 1)
        picture = frame_picture(frame, cell)
        place = (x + edge, y + edge)
        surface.blit(picture, place)
        self._pygame.draw.rect(surface, LINE, picture.get_rect(topleft=place).inflate(2, 2), 1)
        parts = (f"What the agent is sent: {frame.shape[1]} × {frame.shape[0]} cells", *sent.split("   "))
        if is_beside:
            y += picture.get_height() + edge
            height -= picture.get_height() + edge
        else:
            x += picture.get_width() + edge
            width -= picture.get_width() + edge
        inner = (x + edge, y + edge, width - 2 * edge, height - 2 * edge)
        self.text.column(surface, inner, parts, self._layout.text, DIM)

    def close(self) -> None:
        """Close window and sound device."""
        self._sounds.close()
        self.text.close()
        self.screen.close()
