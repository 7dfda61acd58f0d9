"""The server's engine: the thread that plays the games and serves an agent at each side.

    Board     one game, the camera on it, and who has its paddles
    Clock     when the next tick is due, in real time
    Engine    the thread; it owns both clocks

The engine alone touches games and connections, so neither needs a lock. The main thread has the window, if
there is one (pygame wants it there): it shows the snapshots that the engine leaves, and leaves the keys that
are held. The listener shakes hands and hands connections over.

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

import hmac
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from pongrl.errors import PongError, ProtocolError, Refusal, RefusedError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.moves import MOVE_NAMES, STAY
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import LEFT, RIGHT
from pongrl.server.clock import Clock
from pongrl.server.conversation import Conversation
from pongrl.server.gallery import MAX_WATCHERS, VIEWS_PER_SECOND, Gallery
from pongrl.server.match import Board
from pongrl.wire.arrays import Int32Array
from pongrl.wire.connection import Connection, wait
from pongrl.wire.framing import Kind
from pongrl.wire.handshake import Admission
from pongrl.wire.messages import NOBODY, Mover, Role, Session, Step
from pongrl.wire.waiting import Wake

KEYS_PLAY = "   keys have the left paddle"


log = logging.getLogger("pong")


T = TypeVar("T")


class Engine(threading.Thread):
    """Plays the boards, and serves an agent at each side, until `stop`.

    Other threads may call `stop`, `admit` and `deliver`, set `keys` and read `snapshot`.
    """

    def __init__(self, program: Any, watched: bool) -> None:
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
            if not wait([talk.connection for talk in talks], until, self._wake) or (
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


def right_paddle(program: Any) -> str:
    """Say who has the right paddle, as a part of the status."""
    if program.levelodiff == 4:
        return "   level 4 plays both paddles"
    keys = "W/S or arrow keys" if program.server else "arrow keys"
    return "   right paddle: " + (keys if program.opponent == "human" else f"level {program.levelodiff}")
