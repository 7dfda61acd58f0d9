"""Pong, and a server that lets an agent play it over the network.

    Game      the rules: integers, one random generator; no pygame, no display, no clock
    players   built_in(level), the keyboard and the agents: each says how fast its paddle moves now
    Camera    what the agent sees: the court alone, drawn by pygame and brought down to 70×50 by cv2
    Board     one game, its camera, and who has its paddles
    Engine    the thread that plays the boards and serves an agent at each side; it owns both clocks
    Pong      the program: options, window, start and close

Threads. The engine alone touches games and connections, so neither needs a lock. The main thread has the
window (pygame wants it there): it shows the snapshots that the engine leaves, and leaves the keys that
are held. The listener (netproto) shakes hands and hands connections over.

Two clocks, one protocol. In real time the engine ticks at 60 Hz and never waits for an agent: a state
that is due while the last one is unanswered is dropped and counted, and its reward goes into the next.
In lockstep the engine ticks only when it is answered, at once and as fast as it can. A tick is 1/60 s of
game time on both, so a policy trained on one plays the same game on the other.

Two sides. An agent has the left paddles, or the right ones in the place of the built-in AI; each comes and
goes as it likes. The right one is told a mirrored world: frames from right to left, its own score first, its
own rewards, so that what has learned on the left plays on the right. In lockstep the games wait for both,
and begin anew for an agent that finds nobody else; to one that joins another they show how they stand.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import math
import os
import platform
import queue
import random
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

import netproto
import options

# The "as" lets others take them from here.
from conversation import DOWN as DOWN
from conversation import STAY as STAY
from conversation import UP as UP
from conversation import Conversation, Hand
from gallery import MAX_WATCHERS, VIEWS_PER_SECOND, Gallery
from listener import Listener, certificate_context
from netproto import (
    DEFAULT_PORT,
    MAX_GAMES,
    NOBODY,
    Admission,
    Connection,
    Int32Array,
    Kind,
    Mover,
    PongError,
    ProtocolError,
    Refusal,
    RefusedError,
    Role,
    Session,
    Step,
    UInt8Array,
    View,
    Wake,
)
from options import LARGEST_SEED, UsageError, whole

COURT_WIDTH, COURT_HEIGHT = 700, 500  # pixels; y grows downwards
PADDLE_WIDTH, PADDLE_HEIGHT = 10, 100
PADDLE_BOTTOM = COURT_HEIGHT - PADDLE_HEIGHT  # the largest y of a paddle
LEFT_X, RIGHT_X = 0, COURT_WIDTH - PADDLE_WIDTH
BALL = 10  # its side
SERVE_X, SERVE_Y = 345, 245
TICKS_PER_SECOND = 60
BENCHMARK_SECONDS = 2.0

CELL = 10  # pixels of the court in one of the frame's, each way
FRAME_WIDTH, FRAME_HEIGHT = COURT_WIDTH // CELL, COURT_HEIGHT // CELL
WHITE = 255

MOVE_NAMES = ("stay", "up", "down")
VELOCITY = (0, -5, 5)  # of an agent's or a person's paddle, pixels per tick, by move

LEFT, RIGHT = 0, 1  # sides
KEYS_PLAY = "   keys have the left paddle"

log = logging.getLogger("pong")

T = TypeVar("T")


# ---------------------------------------------------------------------------------------------
# Rules


class Game:
    """Pong's rules. A match is first to `points_to_win`; then the next one begins.

    | what        | value                                                                     |
    |-------------|---------------------------------------------------------------------------|
    | court       | 700 × 500 pixels, paddles 10 × 100 at x 0 and 690, ball 10 × 10            |
    | serve       | from (345, 245), vx ±4…8, vy −8…8 pixels per tick, uniform                  |
    | paddle hit  | vx turns round, vy is drawn anew                                          |
    | wall        | at y ≤ 1 and y ≥ 489 vy turns away from it                                |
    | point       | the ball at x ≤ 0 or x ≥ 690 without touching the paddle; a serve follows |
    """

    def __init__(self, seed: int | None = None, points_to_win: int = 21) -> None:
        self._random = random.Random(seed)
        self.points_to_win = points_to_win
        self.paddles = [200, 200]  # y of left and right
        self.score = [0, 0]
        self.matches = 0  # finished
        self.last_match: tuple[int, int] | None = None  # its score
        self.hits = self.bounces = self.rally = 0  # hits and bounces so far, hits in this point
        self.last_rally = 0  # hits in the one before
        self._serve()

    def _serve(self) -> None:
        self.ball_x, self.ball_y = SERVE_X, SERVE_Y
        self.ball_vx = self._random.randint(4, 8) * self._random.choice((-1, 1))
        self.ball_vy = self._random.randint(-8, 8)
        self.rally = 0

    def step(self, left: float, right: float) -> int:
        """Play one tick with the paddles moving `left` and `right` pixels (down is positive).

        Returns:
            The left paddle's reward: +1 for a point won, −1 for one lost, else 0.
        """
        # Comparisons instead of min and max: this runs a hundred thousand times a second.
        paddles = self.paddles
        # A paddle stands on whole pixels, the ones above where its speed would take it.
        y = math.floor(paddles[LEFT] + left)
        paddles[LEFT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        y = math.floor(paddles[RIGHT] + right)
        paddles[RIGHT] = 0 if y < 0 else PADDLE_BOTTOM if y > PADDLE_BOTTOM else y
        x = self.ball_x + self.ball_vx
        y = self.ball_y + self.ball_vy
        if y <= 1 or y >= COURT_HEIGHT - BALL - 1:
            y = self._at_wall(y)
        self.ball_x, self.ball_y = x, y
        if LEFT_X + PADDLE_WIDTH < x < RIGHT_X - BALL:
            return 0
        return self._at_paddle()

    def _at_wall(self, y: int) -> int:
        if self.ball_vy < 0 if y <= 1 else self.ball_vy > 0:
            self.ball_vy = -self.ball_vy
            self.bounces += 1
        return min(max(y, 0), COURT_HEIGHT - BALL)

    def _at_paddle(self) -> int:
        paddles, y = self.paddles, self.ball_y
        self.ball_x = x = min(max(self.ball_x, 0), COURT_WIDTH - BALL)
        if x <= LEFT_X + PADDLE_WIDTH and self.ball_vx < 0:
            if paddles[LEFT] - BALL <= y <= paddles[LEFT] + PADDLE_HEIGHT:
                self._hit()
            elif x <= 0:
                return self._point(RIGHT)
        elif x >= RIGHT_X - BALL and self.ball_vx > 0:
            if paddles[RIGHT] - BALL <= y <= paddles[RIGHT] + PADDLE_HEIGHT:
                self._hit()
            elif x >= RIGHT_X:
                return self._point(LEFT)
        return 0

    def _hit(self) -> None:
        self.ball_vx = -self.ball_vx
        self.ball_vy = self._random.randint(-8, 8)
        self.hits += 1
        self.rally += 1

    def _point(self, winner: int) -> int:
        self.score[winner] += 1
        if self.score[winner] >= self.points_to_win:
            self.last_match = (self.score[LEFT], self.score[RIGHT])
            self.matches += 1
            self.score = [0, 0]
        self.last_rally = self.rally
        self._serve()
        return 1 if winner == LEFT else -1


Player: TypeAlias = Callable[[Game, int], float]
"""Given the game and its side, how far a player moves its paddle in this tick (down is positive)."""


def built_in(level: int) -> Player:
    """The built-in AI. Level 1 is slow, 2 is quick, 3 waits for the ball to come near and is quickest."""
    if level == 3:
        return _waiting_player
    divisor, fastest = {1: (25, 5), 2: (10, 8)}[level]

    def player(game: Game, side: int) -> float:
        wish = (game.ball_y - game.paddles[side] - PADDLE_HEIGHT / 2) / divisor
        return fastest if wish > fastest else -fastest if wish < -fastest else wish

    return player


def _waiting_player(game: Game, side: int) -> float:
    dx = game.ball_x - ((LEFT_X, RIGHT_X)[side] + 50)
    dy = game.ball_y - game.paddles[side]
    wish = (dy - PADDLE_HEIGHT / 2) * math.exp(-math.hypot(dx, dy) / 100)
    return min(max(wish, -10.0), 10.0)


# ---------------------------------------------------------------------------------------------
# Camera


class Camera:
    """Looks at a court: (50, 70) uint8, each cell the mean of 10×10 pixels of black court and white things.

    The definition is `full`: draw 700×500 pixels, resize with cv2.INTER_AREA. What a paddle or the ball
    leaves on the frame depends only on its place within a cell, so `look` keeps what that drawing and
    resizing gave for every place, and draws anew only where ball and paddle may share a cell.
    """

    def __init__(self, frame: UInt8Array | None = None) -> None:
        self.frame = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.uint8) if frame is None else frame
        self._ball_cells = self.frame[:2, :2]  # where the ball was drawn last
        self._paddles, self._balls = _stamps()

    def look(self, game: Game) -> UInt8Array:
        """Bring the frame up to date with the game, and return it: the same array every time."""
        frame = self.frame
        self._ball_cells[...] = 0
        frame[:, 0] = self._paddles[game.paddles[LEFT]]
        frame[:, -1] = self._paddles[game.paddles[RIGHT]]
        row = min(game.ball_y // CELL, FRAME_HEIGHT - 2)
        column = min(game.ball_x // CELL, FRAME_WIDTH - 2)
        cells = self._ball_cells = frame[row : row + 2, column : column + 2]
        if 0 < column < FRAME_WIDTH - 2:
            cells[...] = self._balls[game.ball_y - CELL * row, game.ball_x - CELL * column]
        else:
            cells[...] = _photograph(game, column * CELL, row * CELL, 2 * CELL, 2 * CELL)
        return frame

    @staticmethod
    def full(game: Game) -> UInt8Array:
        """Draw the whole court and resize it: what `look` must equal, at two hundred times the cost."""
        return _photograph(game, 0, 0, COURT_WIDTH, COURT_HEIGHT)


def _photograph(game: Game, x: int, y: int, width: int, height: int) -> UInt8Array:
    """Draw a part of the court on an 8-bit surface and bring it down to a tenth."""
    rectangles = (
        (LEFT_X - x, game.paddles[LEFT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (RIGHT_X - x, game.paddles[RIGHT] - y, PADDLE_WIDTH, PADDLE_HEIGHT),
        (game.ball_x - x, game.ball_y - y, BALL, BALL),
    )
    return _draw_small(rectangles, width, height)


def _draw_small(rectangles: tuple[tuple[int, int, int, int], ...], width: int, height: int) -> UInt8Array:
    surface = pygame_quietly().Surface((width, height), depth=8)
    for rectangle in rectangles:
        # Clipped here, since pygame 2.6 fills too much of one that begins above the surface.
        surface.fill(WHITE, surface.get_rect().clip(rectangle))
    pixels = np.frombuffer(surface.get_buffer().raw, np.uint8).reshape(height, surface.get_pitch())
    cv2 = opencv()
    small: UInt8Array = cv2.resize(
        pixels[:, :width], (width // CELL, height // CELL), interpolation=cv2.INTER_AREA
    )
    return small


_stamps_made: tuple[UInt8Array, UInt8Array] | None = None


def _stamps() -> tuple[UInt8Array, UInt8Array]:
    """What a paddle at each y leaves on its column, and the ball at each place within two cells.

    Shapes (401, 50) and (11, 11, 2, 2), [y, …] and [y, x, …]. Made once for all cameras.
    """
    global _stamps_made
    if _stamps_made is None:
        paddles = [
            _draw_small(((0, y, PADDLE_WIDTH, PADDLE_HEIGHT),), PADDLE_WIDTH, COURT_HEIGHT)[:, 0]
            for y in range(PADDLE_BOTTOM + 1)
        ]
        places = range(CELL + 1)
        balls = [[_draw_small(((x, y, BALL, BALL),), 2 * CELL, 2 * CELL) for x in places] for y in places]
        _stamps_made = np.array(paddles), np.array(balls)
    return _stamps_made


def pygame_quietly() -> Any:
    """Import pygame without its greeting, and only when something is to be drawn."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    return pygame


def opencv() -> Any:
    """Import OpenCV.

    Raises:
        PongError: it cannot be loaded, as the one with windows cannot on a machine without libGL.
    """
    try:
        import cv2
    except ImportError as error:
        raise PongError(
            f"OpenCV cannot be loaded ({error}): "
            "pip install -r requirements.txt, or opencv-python-headless on a machine without a display"
        ) from error
    return cv2


# ---------------------------------------------------------------------------------------------
# Boards


class Keys(NamedTuple):
    """The moves of the keys that are held, None where none is: W and S, the arrow keys, either.

    `paused` is set by people who play without a server.
    """

    letters: int | None = None
    arrows: int | None = None
    either: int | None = None
    paused: bool = False


class Board:
    """One game, the camera on it, and who has its paddles."""

    def __init__(self, program: Pong, seed: int | None, frame: UInt8Array) -> None:
        self.game = Game(seed, program.points_to_win)
        self.camera = Camera(frame)
        self.hands = Hand(), Hand()  # left and right
        person = program.opponent == "human"
        self._opponent: Player = self._by_hand if person else built_in(min(program.levelodiff, 3))
        self._right = self._opponent
        self._right_is_told = False  # an agent has the right paddle
        self._left = built_in(3) if program.levelodiff == 4 else None
        self.resting = False  # a point was played: the decision is over

    def seat(self, side: Role) -> Hand:
        """Give an agent the paddle of a side; what it is told begins now."""
        if side is Role.RIGHT:
            self._right, self._right_is_told = self._by_hand, True
        self.hands[side].forget()
        return self.hands[side]

    def unseat(self, side: Role) -> None:
        """Give the paddle back to who had it before."""
        if side is Role.RIGHT:
            self._right, self._right_is_told = self._opponent, False

    def _by_hand(self, _game: Game, _side: int) -> float:
        return VELOCITY[self.hands[RIGHT].move]

    def play(self, ticks: int, human: int | None) -> bool:
        """Play so many ticks, or fewer if a point ends them; whether one did.

        Args:
            ticks: at most so many.
            human: the move of the keys held, if any.
        """
        game, left, right = self.game, self._left, self._right
        hand, hits = self.hands[LEFT], game.hits
        move, mover = hand.move, hand.mover
        if human is not None:
            move, mover, left = human, Mover.HUMAN, None
        reward = played = 0
        if left is None:
            velocity = VELOCITY[move]
            while played < ticks and not reward:
                reward = game.step(velocity, right(game, RIGHT))
                played += 1
            hand.make(move, mover, played)
        else:
            while played < ticks and not reward:
                before = game.paddles[LEFT]
                reward = game.step(left(game, LEFT), right(game, RIGHT))
                played += 1
                moved = game.paddles[LEFT] - before  # no move of ours: say where it led
                hand.make((moved > 0) * DOWN + (moved < 0) * UP, Mover.BUILTIN, 1)
        hits = game.hits - hits
        hand.note(played, reward, hits)
        if self._right_is_told:
            other = self.hands[RIGHT]
            other.make(other.move, other.mover, played)
            other.note(played, -reward, hits)
        self.resting = self.resting or reward != 0
        return reward != 0

    def row(self, side: int) -> tuple[int, ...]:
        """The board's row of STEP's table (netproto.Column), as an agent of this side is told it."""
        game = self.game
        return self.hands[side].row(game.score[side], game.score[1 - side], game.matches)


@dataclass(frozen=True)
class Snapshot(View):
    """What the window shows: the first board's game, and what the engine is doing."""

    frame: UInt8Array | None = None  # as last sent to the agent, if a person wants to see that
    sent: str = ""  # and the words for it


# ---------------------------------------------------------------------------------------------
# The engine


class Clock:
    """Deadlines a fixed period apart, whatever is late in between."""

    def __init__(self, per_second: float) -> None:
        self._period = 1.0 / per_second
        self.restart()

    def restart(self) -> None:
        """Make the next deadline one period from now."""
        self.due = time.monotonic() + self._period

    def advance(self) -> None:
        """Set the next deadline; after a quarter of a second lost (a suspended machine) begin anew."""
        self.due += self._period
        if self.due < time.monotonic() - 0.25:
            self.restart()


class Engine(threading.Thread):
    """Plays the boards, and serves an agent at each side, until `stop`.

    Other threads may call `stop`, `admit` and `deliver`, set `keys` and read `snapshot`.
    """

    def __init__(self, program: Pong, watched: bool) -> None:
        super().__init__(name="engine", daemon=True)
        self._program = program
        self._watched = watched
        self.gallery = Gallery()
        self._shown = 0.0  # when the gallery was left a view
        self.keys = Keys()  # the window sets them
        self.snapshot: Snapshot | None = None
        self.error: BaseException | None = None
        self.idle_status = ""
        self.recorder: Any = None  # views.recorder.Recorder, of the first board
        self._wake, self._stopping = Wake(), False
        self._arrivals: queue.SimpleQueue[tuple[Connection, Role]] = queue.SimpleQueue()
        # Who has which side, and its identity: set by the listener's thread, cleared by ours.
        self._seated: dict[Role, tuple[Connection, bytes]] = {}
        self._seat_lock = threading.Lock()
        self._talks: tuple[Conversation, ...] = ()  # with the agents that are here, the left one first
        self._pausing: tuple[Conversation, ...] = ()  # those of them that pause the game
        self._status = ""
        self._clock = Clock(program.fps)
        self._begin()

    def _begin(self) -> None:
        """Set up new games, from the seed if there is one."""
        program = self._program
        self._frames = np.zeros((program.games, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)
        seeds = [None if program.seed is None else program.seed + i for i in range(program.games)]
        self._boards = [Board(program, *each) for each in zip(seeds, self._frames, strict=True)]
        self._ticks = 0  # in this decision

    # For the listener's thread.

    def admit(self, role: Role, identity: bytes) -> Session:
        """Give the session to an agent that has proved the token; to one that comes back, its own place.

        Raises:
            RefusedError: its role is not served here, or is taken.
        """
        if role is Role.WATCH:
            if self.gallery.size >= MAX_WATCHERS:
                raise RefusedError(Refusal.BUSY, f"{MAX_WATCHERS} are watching already: come back later")
            return self._session()
        if role is Role.RIGHT:
            self._check_right()
        if self._stopping:
            raise RefusedError(Refusal.BUSY, "this server is ending: wait for the next")
        seated = self._seated.get(role)
        if seated is not None and (identity == NOBODY or not hmac.compare_digest(identity, seated[1])):
            who = "an agent" if role is Role.LEFT else "a right agent"
            raise RefusedError(
                Refusal.BUSY,
                f"{who} is already connected from {seated[0].peer}: end it, or wait for its end",
            )
        return self._session()

    def _check_right(self) -> None:
        """Refuse an agent the right paddle where somebody else has it."""
        if self._program.opponent == "human":
            raise RefusedError(
                Refusal.ROLE, "a person has the right paddle here (--opponent human): connect as LEFT"
            )
        if self._program.levelodiff == 4:
            raise RefusedError(
                Refusal.ROLE, "level 4 plays both paddles here: start the server with --level 1, 2 or 3"
            )

    def _session(self) -> Session:
        program = self._program
        return Session(
            games=program.games, height=FRAME_HEIGHT, width=FRAME_WIDTH, level=program.levelodiff,
            frameskip=program.frameskip, ticks_per_second=program.fps,
            points_to_win=program.points_to_win, lockstep=program.lockstep,
        )  # fmt: skip

    def deliver(self, connection: Connection, admission: Admission) -> None:
        """Take over a connection that was admitted; one that is being served then comes to its end."""
        if admission.role is Role.WATCH:
            self.gallery.add(connection)
            return
        with self._seat_lock:
            self._seated[admission.role] = connection, admission.identity
        self._arrivals.put((connection, admission.role))
        self._wake.set()

    # For any thread.

    def stop(self) -> None:
        """Let the thread end soon."""
        self._stopping = True
        self._wake.set()

    # For this thread.

    def run(self) -> None:
        """The thread: play, and serve whoever comes."""
        try:
            self.gallery.start()
            self._settle()
            self._clock.restart()
            while not self._stopping:
                self._turn()
        except BaseException as error:
            self.error = error  # `Pong` raises it in its caller's thread
        finally:
            self._stopping = True
            for talk in self._talks:
                talk.end()

    def release(self) -> None:
        """Give back what the engine holds, once its thread has ended."""
        while not self._arrivals.empty():
            self._arrivals.get()[0].close()
        self.gallery.close()
        self._wake.close()

    def _turn(self) -> None:
        """Wait for the next thing to happen, and do what it asks for."""
        while not self._arrivals.empty():
            self._seat(*self._arrivals.get())
        self._listen(self._clock.due if self._is_ticking() else None)
        if self._is_ticking():
            if time.monotonic() >= self._clock.due:
                if not self.keys.paused and self._tick():
                    self._send_steps(Conversation.end_decision)
                self._show()
                self._clock.advance()
        elif not self._pausing and all(talk.answered for talk in self._talks):
            for number, board in enumerate(self._boards):
                self._play(number, board, self._program.frameskip)
            self._send_steps(Conversation.send_step)

    def _is_ticking(self) -> bool:
        """Whether real time passes, as it does in lockstep too while no agent is here."""
        return not self._pausing and not (self._program.lockstep and self._talks)

    def _listen(self, until: float | None) -> None:
        """Wait until an agent says something, at the latest until then, and do what it asks for."""
        talks = self._talks
        if not talks:
            self._wake.wait(None if until is None else max(until - time.monotonic(), 0.0))
            return
        while True:
            heard = [self._with(talk, Conversation.hear) for talk in talks]
            if Kind.PAUSE in heard:
                self._settle()
            if any(heard) or self._talks is not talks:
                return
            if not netproto.wait([talk.connection for talk in talks], until, self._wake) or (
                until is not None and time.monotonic() >= until
            ):
                return

    def _send_steps(self, send: Callable[[Conversation], Step | None]) -> None:
        """Tell each agent what is due; the window shows what the left one, or the only one, is sent."""
        shown = self._talks[:1]
        for talk in self._talks:
            step = self._with(talk, send)
            if step is not None and talk in shown:
                self._show(step)

    def _with(self, talk: Conversation, do: Callable[[Conversation], T | None]) -> T | None:
        """Do this with an agent, which leaves us if it turns out to be gone."""
        try:
            return do(talk)
        except PongError as error:
            log.info("%s gone: %s", talk.name, error)
            self._part(talk, f"it was sent {error}" * isinstance(error, ProtocolError))
            return None

    def _seat(self, connection: Connection, side: Role) -> None:
        """Begin the talk with an agent; with one that is back, in the place of the old one."""
        for old in self._talks:
            if old.side is side:
                log.info(
                    "the %s from %s has connected again: its old connection ends", old.name, connection.peer
                )
                self._part(old, "the same agent has connected again")
        if not self._talks:
            if self._program.lockstep:
                self._begin()  # the same seed plays the same games with every agent
            self._ticks = 0  # the first decision begins now
            for board in self._boards:
                board.resting = False
        hands = [board.seat(side) for board in self._boards]
        talk = Conversation(connection, side, hands, self.take_step)
        log.info("%s connected from %s", talk.name, connection.peer)
        self._talks = tuple(sorted((*self._talks, talk), key=lambda talk: talk.side))
        self._settle()
        self._with(talk, Conversation.send_step)
        if self._talks == (talk,):
            self._clock.restart()

    def _part(self, talk: Conversation, reason: str) -> None:
        """End the talk with an agent; with the other one it goes on."""
        self._talks = tuple(other for other in self._talks if other is not talk)
        talk.end(reason)
        with self._seat_lock:
            seated = self._seated.get(talk.side)
            if seated is not None and seated[0] is talk.connection:  # and not one that came meanwhile
                del self._seated[talk.side]
        for board in self._boards:
            board.unseat(talk.side)
        if not self._talks:
            self._clock.restart()
        self._settle()

    def _settle(self) -> None:
        """Take note of who is here, and who pauses."""
        before, self._pausing = self._pausing, tuple(talk for talk in self._talks if talk.paused)
        if bool(before) != bool(self._pausing):
            self._clock.restart()
        for talk in self._pausing:
            if talk not in before:
                log.info("the %s has paused the game", talk.name)
        if before and not self._pausing:
            log.info("the game goes on")
        self._status = self._describe()
        self._show(lasting=True)  # for those too who come to watch meanwhile

    def _describe(self) -> str:
        """Who is here, who pauses, and who has the right paddle, in a line."""
        peers = {talk.side: talk.connection.peer for talk in self._talks}
        if len(self._pausing) == 2:
            words = "paused by both agents"
        elif self._pausing:
            (talk,) = self._pausing
            name = "agent" if [*peers] == [Role.LEFT] else talk.name
            words = f"paused by the {name} at {talk.connection.peer}"
        elif Role.LEFT in peers:
            words = f"agent connected from {peers[Role.LEFT]}"
        else:
            words = self.idle_status
        if Role.RIGHT in peers:
            return f"{words}   right paddle: agent at {peers[Role.RIGHT]}"
        return words + right_paddle(self._program) * self._program.server

    def take_step(self, side: Role, number: int, dropped: int) -> Step:
        """Look at all boards as an agent of this side sees them, and begin anew what its next STEP tells."""
        for board in self._boards:
            board.camera.look(board.game)
        table: Int32Array = np.array([board.row(side) for board in self._boards], np.int32)
        for board in self._boards:
            board.hands[side].forget()
        frames = self._frames if side is Role.LEFT else self._frames[:, :, ::-1]
        return Step.of(number, dropped, frames, table)

    def _tick(self) -> bool:
        """Play one tick of real time on all boards; whether it ended the decision.

        A decision ends after `frameskip` ticks, or when every board has played a point: one board's
        ends early at a point, and several wait for one another, just as in lockstep.
        """
        for number, board in enumerate(self._boards):
            if not board.resting:
                self._play(number, board, 1)
        self._ticks += 1
        ended = self._ticks >= self._program.frameskip or all(board.resting for board in self._boards)
        if ended:
            self._ticks = 0
            for board in self._boards:
                board.resting = False
        return ended

    def _play(self, number: int, board: Board, ticks: int) -> None:
        """Play a board for so many ticks, or until a point; tick by tick if that is filmed."""
        human = self._human() if number == 0 else None
        if number > 0 or self.recorder is None:
            board.play(ticks, human)
            return
        game, serves = board.game, False
        while ticks > 0 and not serves:
            ticks -= 1
            serves = board.play(1, human)
            self.recorder.add(
                (game.score[LEFT], game.score[RIGHT]), (game.paddles[LEFT], game.paddles[RIGHT]),
                (game.ball_x, game.ball_y), 1 / self._program.fps, serves,
            )  # fmt: skip

    def _human(self) -> int | None:
        """Give the move of the keys for the first board's left paddle, and its right one to a person."""
        keys = self.keys
        if self._program.opponent == "ai":
            return keys.either
        right = keys.either if self._program.server else keys.arrows
        self._boards[0].hands[RIGHT].move = STAY if right is None else right
        return None if self._program.server else keys.letters

    def _show(self, step: Step | None = None, lasting: bool = False) -> None:
        """Leave a snapshot for the window, and for those who watch from elsewhere."""
        if not self._watched:
            # In lockstep there are thousands of states a second, of which nobody sees more than these.
            now = time.monotonic()
            soon = now - self._shown < 1 / VIEWS_PER_SECOND and step is not None
            if not lasting and (soon or not self.gallery.size):
                return
            self._shown = now
        game, last = self._boards[0].game, self.snapshot
        frame, sent = (last.frame, last.sent) if last is not None else (None, "")
        if step is not None and self._program.render:
            frame = step.frames[0].copy()
            sent = (
                f"STEP {step.number}   reward {step.rewards[0]:+d}   move {MOVE_NAMES[step.moves[0]]}"
                f" by {Mover(step.movers[0]).name.lower()}   states dropped {step.dropped}"
            )
        keys_play = self._program.server and self._human() is not None
        points = game.matches * 2 * game.points_to_win + sum(game.score)  # grows with every point
        self.snapshot = Snapshot(
            (game.ball_x, game.ball_y), (game.paddles[LEFT], game.paddles[RIGHT]),
            (game.score[LEFT], game.score[RIGHT]), game.matches, game.last_match, game.rally,
            game.last_rally, (game.hits, game.bounces, points), self._status + KEYS_PLAY * keys_play,
            frame, sent,
        )  # fmt: skip
        self.gallery.latest = self.snapshot


def right_paddle(program: Pong) -> str:
    """Say who has the right paddle, as a part of the status."""
    if program.levelodiff == 4:
        return "   level 4 plays both paddles"
    keys = "W/S or arrow keys" if program.server else "arrow keys"
    return "   right paddle: " + (keys if program.opponent == "human" else f"level {program.levelodiff}")


# ---------------------------------------------------------------------------------------------
# The program


@dataclass(eq=False)
class Pong:
    """Pong in a window, served to a reinforcement-learning agent over the network.

    `start` plays until the window is closed or `close` is called. With `block=False`, headless only, it
    returns as soon as the server listens (at `address`), and `close` ends it; so does a `with` block.

    Raises:
        UsageError: an option is out of its range.
    """

    levelodiff: Annotated[int, "level of the built-in AI, 1 to 3; 4 plays both sides", "--level"] = 2
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    render: Annotated[bool, "show in the window what the agent is sent"] = False
    server: Annotated[bool, "just play: W/S or the arrow keys against the built-in AI"] = True
    host: Annotated[str, "address to listen on; 0.0.0.0 is every network, the default this machine alone"] = (
        ""
    )
    port: Annotated[int, "port to listen on; 0 picks a free one"] = DEFAULT_PORT
    _: KW_ONLY
    opponent: Annotated[str, "who has the right paddle: ai, or human, at this keyboard"] = "ai"
    headless: Annotated[bool, "no window, no sound: for a machine without a screen"] = False
    lockstep: Annotated[bool, "wait for the agent at every decision, then go on at once: for training"] = (
        False
    )
    fps: Annotated[int, "ticks per second in real time; the game is made for 60"] = TICKS_PER_SECOND
    frameskip: Annotated[int, "ticks in one decision of the agent"] = 8
    games: Annotated[int, "games that the agent plays side by side; the window shows the first"] = 1
    points_to_win: Annotated[int, "points that win a match"] = 21
    seed: Annotated[int | None, "seed of the games' random generators"] = None
    token_file: Annotated[str | None, "file with the token that agents must prove (or set PONG_TOKEN)"] = None
    open: Annotated[bool, "let agents in without a token, from other machines too"] = False
    certificate: Annotated[str | None, "encrypt with TLS, showing this certificate (a PEM file)"] = None
    key: Annotated[str | None, "file with the certificate's key, if it is not in the same"] = None
    record: Annotated[str | None, "film the first game into FILE, .mp4 or .gif"] = None
    benchmark: Annotated[bool, "say how many decisions per second this machine can serve, and end"] = False
    until_eof: Annotated[bool, "end when standard input does: for a program that starts this one"] = False
    token: str | None = field(default=None, repr=False)
    given: frozenset[str] | None = field(default=None, repr=False)  # options that the command line named

    def __post_init__(self) -> None:
        if type(self.levelodiff) is not int or self.levelodiff not in (1, 2, 3, 4):
            raise UsageError(f"the level must be 1, 2 or 3, or 4 to play itself, not {self.levelodiff}")
        if self.opponent not in ("ai", "human"):
            raise UsageError(f"--opponent must be ai or human, not {self.opponent}")
        if self.opponent == "human" and (self.headless or self.lockstep or self.games != 1):
            raise UsageError(
                "--opponent human needs the window, real time and one game: "
                "leave out --headless, --lockstep and --games"
            )
        if self.opponent == "human" and self.levelodiff == 4:
            raise UsageError("level 4 plays both sides and leaves no paddle to a human: choose 1, 2 or 3")
        whole("--port", self.port, 0, 65535)
        whole("--fps", self.fps, 1, 1000)
        whole("--frameskip", self.frameskip, 1, 60)
        whole("--games", self.games, 1, MAX_GAMES)
        whole("--points-to-win", self.points_to_win, 1, 10_000)
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED)
        if self.headless and not self.server:
            raise UsageError(
                "--headless with --no-server leaves nothing to see and nothing to serve: drop one"
            )
        if self.headless and self.render:
            raise UsageError("--render needs the window that --headless does without: drop one")
        if self.open and self.token_file is not None:
            raise UsageError("--open lets agents in without a token and --token-file names one: drop one")
        if self.key is not None and self.certificate is None:
            raise UsageError("--key belongs to a --certificate: give that too")
        self._engine: Engine | None = None
        self._listener: Listener | None = None
        self._recorder: Any = None  # views.recorder.Recorder
        self._ending = False

    def __enter__(self) -> Pong:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on."""
        if self._listener is None:
            raise RuntimeError("not listening: call start() first, with server=True")
        return self._listener.address

    def start(self, block: bool = True) -> None:
        """Play, and serve. See the class.

        Raises:
            PongError: there is no display, the port is in use, the token cannot be read.
        """
        if self._engine is not None:
            raise RuntimeError("started already")
        if not block and not self.headless:
            raise UsageError("start(block=False) needs headless=True: a window needs the main thread")
        options.start_log(self.debug)
        if self.benchmark:
            self._measure()
            return
        window = None
        if not self.headless:
            from views.game_window import GameWindow  # here, so that a headless run never loads it

            window = GameWindow("Pong", inset=self.render)
        try:
            # From before anybody can know that we listen.
            with options.stop_signals(self._stop) if block else contextlib.nullcontext():
                if block and self.until_eof:
                    self._heed_eof()
                if window is not None and not self.server and not self._is_chosen():
                    self._play_chosen(window)
                else:
                    self._open(watched=window is not None)
                    if block:
                        self._run(window)
                if block:
                    self.close()  # here, so that a second Ctrl-C does not cost the film its end
        except BaseException:
            self.close()
            raise
        finally:
            if window is not None:
                window.close()

    def _is_chosen(self) -> bool:
        """Whether somebody said what to play: a program that makes a Pong has."""
        return self.given is None or not self.given.isdisjoint(("levelodiff", "opponent"))

    def _play_chosen(self, window: Any) -> None:
        """Let people choose what to play, again after each game, until they have enough."""
        from views.start_screen import choose

        while (choice := choose(window, lambda: self._ending)) is not None:
            self.levelodiff, self.opponent = choice
            self._open(watched=True)
            self._run(window)
            self._end_game()

    def _measure(self) -> None:
        """Play decisions as fast as it goes, draw and pack them, and say how many there were."""
        print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
        for games in (1, 16):
            engine = Engine(replace(self, games=games, benchmark=False), watched=False)
            decisions, begin = 0, time.perf_counter()
            while (seconds := time.perf_counter() - begin) < BENCHMARK_SECONDS:
                for board in engine._boards:
                    board.hands[LEFT].move = UP if decisions // 40 % 2 else DOWN
                    board.play(self.frameskip, None)
                engine.take_step(Role.LEFT, 0, 0).serialize()
                decisions += games
            engine.release()
            print(
                f"games: {games:2}   {decisions / seconds:,.0f} decisions/s at most, "
                f"before the network and the agent take their time"
            )
        print(f"real time needs {games * self.fps / self.frameskip:.0f} decisions/s for {games} games")

    def _open(self, watched: bool) -> None:
        """Start the engine's thread, and the listener's if we serve."""
        engine = self._engine = Engine(self, watched)
        if self.record is not None and self._recorder is None:
            from views.recorder import Recorder

            self._recorder = Recorder(self.record, log.info, min(self.fps, TICKS_PER_SECOND))
        engine.recorder = self._recorder
        if self.server:
            host = self.host or "127.0.0.1"
            token, made_up = self._choose_token(netproto.is_loopback(host))
            tls = certificate_context(self.certificate, self.key) if self.certificate is not None else None
            self._listener = Listener(host, self.port, token, engine.admit, engine.deliver, tls)
            where = "{}:{}".format(*self.address)
            engine.idle_status = f"waiting for an agent on {where}"
            self._listener.start()
            clock = "lockstep" if self.lockstep else f"real time at {self.fps} ticks per second"
            print(f"listening on {where} (level {self.levelodiff}, {clock}, games: {self.games})", flush=True)
            if made_up:
                self._tell_agents(token)
        else:
            hands = "W/S" if self.opponent == "human" else "W/S or arrow keys"
            engine.idle_status = f"left paddle: {hands}" if self.levelodiff < 4 else ""
            engine.idle_status += f"{right_paddle(self)}   P pauses, Escape leaves"
        engine.start()

    def _choose_token(self, loopback: bool) -> tuple[str, bool]:
        """Give the token to be proved, and whether it was made up, as it is where strangers can connect."""
        given = self.token if self.token is not None else netproto.read_token(self.token_file)
        if self.open:
            if given:
                raise UsageError("--open lets agents in without a token, but there is one: drop one of them")
            if not loopback:
                log.warning("without a token everybody on this network can take the left paddle")
            return "", False
        if given == "" and not loopback:
            raise UsageError("the token is empty: give one, or say --open to let everybody in")
        if given is None and not loopback:
            return secrets.token_urlsafe(12), True
        return given or "", False

    def _tell_agents(self, token: str) -> None:
        """Print the command line for an agent on another machine."""
        name = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        name += "" if "." in name or ":" in name else ".local"
        command = f"PONG_TOKEN={token} python mainmodel.py --host {name} --port {self.address[1]}"
        command += " --ca FILE" * (self.certificate is not None)
        print(f"an agent on another machine connects with\n    {command}", flush=True)

    def _run(self, window: Any) -> None:
        """Wait in the main thread for the end, and keep the window going if there is one."""
        engine = self._engine
        assert engine is not None
        if window is not None:
            people = (0 if self.levelodiff == 4 else 1) + (self.opponent == "human")
            opponent = "two players" if people == 2 else f"level {self.levelodiff}"
            against = "against you" if self.server and people == 2 else opponent
            window.begin(f"Pong, {against}", None if self.server else people)
        while engine.is_alive() and not self._ending:
            if window is None:
                engine.join(1.0)  # a join without end cannot be interrupted on Windows
                continue
            is_open, engine.keys = window.poll()
            if not is_open:
                break
            if engine.snapshot is not None:
                window.show(engine.snapshot)

    def _heed_eof(self) -> None:
        if sys.stdin is None:
            self._stop()  # closed from the start, and its number may be a socket's by now
        else:
            threading.Thread(target=self._stop_at_eof, name="until-eof", daemon=True).start()

    def _stop(self) -> None:
        self._ending = True
        if self._engine is not None:
            self._engine.stop()

    def _stop_at_eof(self) -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be held while Python shuts down
            pass
        self._stop()

    def close(self) -> None:
        """End the game, the server and the film; calling it again does nothing.

        Raises:
            BaseException: what ended the engine, if it was not us.
        """
        try:
            self._end_game()
        finally:
            recorder, self._recorder = self._recorder, None
            if recorder is not None:
                recorder.close()

    def _end_game(self) -> None:
        listener, self._listener = self._listener, None
        engine, self._engine = self._engine, None
        if listener is not None:
            listener.close()
        if engine is not None:
            engine.stop()
            if engine.is_alive():
                engine.join()
            engine.release()
            if engine.error is not None:
                raise engine.error


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return options.main(Pong, argv)


if __name__ == "__main__":
    import pong  # so that views find this very module, not a second copy under another name

    sys.exit(pong.main())
