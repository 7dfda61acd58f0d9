"""One match of an arena: two contenders, a game and a clock.

In lockstep a decision is played as soon as both have answered, or when the time for an answer is over; who
has not answered stays. In real time the game ticks sixty times a second and waits for nobody. A match with a
person in it is always played so, and one of two house players never.

A match ends with the points that win it, after five minutes of the game, or when a side forfeits it: by no
answer for five seconds, or by staying away for so long.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from pongrl.arena.draw import Fixture
from pongrl.arena.ledger import Result, Side
from pongrl.arena.ranking import FORFEIT, is_forfeit
from pongrl.arena.recording import Recording
from pongrl.arena.standings import PERSON, Live, Place
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH, Camera
from pongrl.game.rules import LEFT, RIGHT, TICKS_PER_SECOND, Game
from pongrl.server.clock import Clock
from pongrl.server.hand import Hand
from pongrl.server.umpire import COUNTDOWN, NUMBER_SECONDS
from pongrl.wire.messages import Session, Step

FORFEIT_SECONDS = 5.0  # without an answer, or away
LONGEST_MATCH = 300 * TICKS_PER_SECOND  # ticks


@dataclass(frozen=True)
class ArenaOptions:
    """How matches are played. It never changes."""

    points_to_win: int
    frameskip: int  # ticks in one decision
    fps: int  # ticks per second of real time
    lockstep: bool
    move_seconds: float  # that an answer may take in lockstep
    tables: int  # matches at a time
    per_address: int  # agents that may come from one address
    seed: int | None

    def session(self) -> Session:
        """Return what an agent is told in WELCOME."""
        return Session(
            games=1, height=FRAME_HEIGHT, width=FRAME_WIDTH, level=0, frameskip=self.frameskip,
            ticks_per_second=self.fps, points_to_win=self.points_to_win, lockstep=self.lockstep,
        )  # fmt: skip


class Table:
    """A match.

    Args:
        number: Of the table, by which people find it.
        fixture: Who plays.
        options: How.
    """

    def __init__(self, number: int, fixture: Fixture, options: ArenaOptions) -> None:
        self.number, self.fixture, self._options = number, fixture, options
        self.sides = fixture.sides
        has_person = any(side.player.kind == PERSON for side in self.sides)
        self.is_real_time = has_person or not (options.lockstep or fixture.is_of_the_house)
        self.game = Game(fixture.seed, options.points_to_win)
        self.ticks = 0
        self.is_over = False
        self._camera = Camera()
        self._recording = Recording()
        self._winner: int | None = None
        self.ended = ""  # why, in words
        self._begun, self._start = time.time(), time.monotonic()
        self._in_decision = 0  # ticks
        self._clock = Clock(options.fps)
        self._countdown = COUNTDOWN if has_person else 0
        for side in self.sides:
            side.begin()
        self._recording.add(self.game)
        self._ask()

    @property
    def due(self) -> float:
        """When `turn` has something to do at the latest (time.monotonic)."""
        if self.is_real_time:
            return self._clock.due
        return self._deadline if not self._is_ready else 0.0

    @property
    def _is_ready(self) -> bool:
        return all(side.is_ready for side in self.sides)

    @property
    def serve_in(self) -> int:
        """The number of the countdown before the first serve; 0 if there is none."""
        return max(self._countdown - int((time.monotonic() - self._start) / NUMBER_SECONDS), 0)

    def turn(self) -> None:
        """Play what is due, at most one decision."""
        if self.is_real_time:
            if time.monotonic() >= self._clock.due:
                self._clock.advance()
                if not self.serve_in:
                    self._tick()
        elif self._is_ready or time.monotonic() >= self._deadline:
            self._miss()
            while not self.is_over and not self._tick():
                pass
        self._look_for_forfeits()

    def _tick(self) -> bool:
        """Play a tick; return whether the decision has ended with it."""
        game, (left, right) = self.game, self.sides
        hits = game.hits
        reward = game.step(left.velocity(game, LEFT), right.velocity(game, RIGHT))
        left.note(reward, game.hits - hits)
        right.note(-reward, game.hits - hits)
        self.ticks += 1
        self._in_decision += 1
        self._recording.add(game)
        if game.matches or self.ticks >= LONGEST_MATCH:
            self._end_by_score()
        elif self._in_decision >= self._options.frameskip or reward:
            if self.is_real_time:
                self._miss()
            self._ask()
            return True
        return self.is_over

    def _miss(self) -> None:
        """Count the decision that is played, or was, without an answer."""
        for side in self.sides:
            if not side.is_ready:
                side.miss()

    def _ask(self) -> None:
        """Show both the state, and give them time to answer."""
        self._in_decision = 0
        self._camera.look(self.game)
        for which, side in enumerate(self.sides):
            side.see(partial(self._observe, which))
        self._deadline = time.monotonic() + self._options.move_seconds

    def _observe(self, side: int, hand: Hand, number: int, dropped: int, matches: int) -> Step:
        """Make the state for a side; the right one's is mirrored."""
        score, frame = self.game.score, self._camera.frame[None]
        table = np.array([hand.row(score[side], score[1 - side], matches)], np.int32)
        return Step.of(number, dropped, frame if side == LEFT else frame[:, :, ::-1], table)

    # The end

    def _end_by_score(self) -> None:
        left, right = self.score
        self._winner = None if left == right else int(left < right)
        self._end("points" if self.game.matches else "time")

    def _look_for_forfeits(self) -> None:
        """End the match if a side has not answered for too long, or is away."""
        if self.is_over:
            return
        late = time.monotonic() - FORFEIT_SECONDS
        gone = [side.silent_since is not None and side.silent_since <= late for side in self.sides]
        if any(gone):
            self._winner = None if all(gone) else gone.index(False)
            names = " and ".join(
                side.player.name for side, is_gone in zip(self.sides, gone, strict=True) if is_gone
            )
            self._end(f"{FORFEIT} by {names}")

    def forfeit(self, side: int, why: str) -> None:
        """Let a side lose the match now."""
        if not self.is_over:
            self._winner = 1 - side
            self._end(f"{FORFEIT} by {self.sides[side].player.name}: {why}")

    def _end(self, how: str) -> None:
        self.is_over, self.ended, self._seconds = True, how, time.monotonic() - self._start
        for side in self.sides:
            side.end()

    @property
    def is_forfeited(self) -> bool:
        """Whether a side has forfeited the match."""
        return is_forfeit(self.ended)

    @property
    def score(self) -> tuple[int, int]:
        """The score, at the end too."""
        return self.game.last_match or (self.game.score[LEFT], self.game.score[RIGHT])

    def result(self) -> Result:
        """Return what is kept of the match, which is over."""
        (left, right), score = self.sides, self.score
        return Result(
            Side(left.player.number, score[LEFT], left.answers),
            Side(right.player.number, score[RIGHT], right.answers),
            self._winner, self.ended, self.fixture.seed, self.ticks, self._begun,
            self._seconds, self._recording.packed(), self.fixture.is_final,
        )  # fmt: skip

    # What people see

    def live(self) -> Live:
        """Return what people see of the match on the list."""
        left, right = self.sides
        seconds = self.ticks / TICKS_PER_SECOND
        return Live(self.number, left.player.name, right.player.name, self.score, seconds, self.is_real_time)

    def place(self) -> Place:
        """Return where everything is now."""
        game = self.game
        return game.ball_x, game.ball_y, game.paddles[LEFT], game.paddles[RIGHT], *self.score
