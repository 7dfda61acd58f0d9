"""Other games than ours, as the server plays them: `Arcade` is a Playing on environments side by side.

A decision is one step of the environments: of ALE/Pong-v5 four frames. In real time it is played at the end
of its ticks, with the move that is in force then, so an agent that answers in time plays as in lockstep.

    reward      points won minus points lost, whole ones: what is left of a fraction goes into
                the next step; at the end of an episode it counts as one
    points      the size of a step's reward; an end without one is a point that nobody has won
    score       points won and points lost in this match; a match is an episode
    ticks       frames of Atari's games, steps of other environments

Where FIRE (BUTTON in stable-retro) begins a game (not in Pong, which serves by itself) it is pressed for one
step at the beginning of an episode and after a life is lost. That step's move is reported as HELD, so that
nobody learns from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pongrl.envs.emulators import Emulators, Outcome
from pongrl.envs.lens import court_of
from pongrl.game.moves import STAY
from pongrl.game.people import Keys, Snapshot
from pongrl.game.rules import SERVE_X, SERVE_Y
from pongrl.server.hand import Hand
from pongrl.server.playing import Talker
from pongrl.server.status import presence, with_people
from pongrl.wire.arrays import Int32Array
from pongrl.wire.messages import Mover, Role, Session, Step

MOST_POINTS = 1_000_000  # that a step counts; a reward beyond that is cut
ROUNDING = 1e-9  # of a point that may be missing after fractions were added
LEAST_REST = 1e-3  # of a point, that counts at the end of an episode; rewards may be of single precision


@dataclass(frozen=True)
class ArcadeOptions:
    """What is played. It never changes."""

    name: str  # of the environment
    games: int
    height: int  # of a frame, in cells
    width: int
    frameskip: int  # ticks in one decision
    fps: int  # ticks per second of real time
    points_to_win: int
    lockstep: bool
    inset: bool  # a window shows what the agent is sent
    has_court: bool  # paddles and ball are found in the frames
    seed: int | None = None

    def session(self) -> Session:
        """Return what an agent is told of the games in WELCOME; level 0 is no built-in AI of ours."""
        return Session(
            games=self.games, height=self.height, width=self.width, level=0, frameskip=self.frameskip,
            ticks_per_second=self.fps, points_to_win=self.points_to_win, lockstep=self.lockstep,
        )  # fmt: skip

    def closed(self, side: Role) -> str:
        """Say why no agent may have the paddle of a side; "" if one may."""
        return f"{self.name} has the right paddle itself here: connect as LEFT" if side is Role.RIGHT else ""


@dataclass(frozen=True)
class Buttons:
    """What the moves do."""

    names: tuple[str, ...]  # of the moves
    actions: tuple[int, ...]  # of the environment, by move
    fire: int | None = None  # the action that begins a game, if one is needed


class Seat:
    """One game: its score, the hand that plays it, and what waits to be done."""

    def __init__(self) -> None:
        self.hand = Hand()
        self.score, self.matches = [0, 0], 0
        self.last_match: tuple[int, int] | None = None
        self.points = 0  # so far
        self.is_to_fire = True
        self._lives = 0
        self._rest = 0.0  # of rewards that are no whole point yet

    def note(self, ticks: int, reward: float, has_ended: bool, lives: int) -> None:
        """Count what a step has brought."""
        whole = self._whole(reward, has_ended)
        self.hand.note(ticks, whole, 0)
        self.points += abs(whole)
        self.score[whole < 0] += abs(whole)
        self.is_to_fire = has_ended or lives < self._lives
        self._lives = lives
        if has_ended:
            if not whole:
                self.hand.points += 1
            self.last_match, self.score = (self.score[0], self.score[1]), [0, 0]
            self.matches += 1

    def _whole(self, reward: float, is_last: bool) -> int:
        """Return the whole points in a reward and what was left before; keep what is left now.

        At the end of an episode that counts as one, if it is more than a thousandth: no later reward
        completes it.
        """
        due = self._rest + (reward if math.isfinite(reward) else 0.0)
        due = min(max(due, -MOST_POINTS), MOST_POINTS)
        whole = math.trunc(due + math.copysign(ROUNDING, due))
        rest = due - whole
        if is_last and abs(rest) > LEAST_REST:
            whole, rest = whole + (1 if rest > 0 else -1), 0.0
        self._rest = 0.0 if is_last else rest
        return whole

    def row(self) -> tuple[int, ...]:
        """Return the game's row of STEP's table (Column)."""
        return self.hand.row(self.score[0], self.score[1], self.matches)


class Arcade:
    """Games of environments side by side. For the engine's thread alone."""

    def __init__(self, options: ArcadeOptions, emulators: Emulators, buttons: Buttons) -> None:
        self.options, self._emulators, self._buttons = options, emulators, buttons
        self.moves = buttons.names
        self.paddles = [200, 200]  # of the first game, as seen last
        self._seats = [Seat() for _ in range(options.games)]
        self._is_fresh = True  # nothing was played since the games began
        self._has_agent = self._waits = False
        self._ticks = 0  # in this decision
        emulators.begin(options.seed)

    def begin(self) -> None:
        """Start new games. They are seeded once, when the server starts: a seed loads Atari's ROM again."""
        self._has_agent = False
        if not self._is_fresh:
            self._emulators.begin(None)
            self._seats = [Seat() for _ in range(self.options.games)]
            self._is_fresh = True
        self._ticks = 0

    def begin_decision(self) -> None:
        """Start a decision of real time: its first tick comes next."""
        self._ticks = 0

    def seat(self, side: Role) -> list[Hand]:
        """Give an agent the games, and return their hands; its first STEP tells of nothing before."""
        self._has_agent = True
        for seat in self._seats:
            seat.hand.forget()
        return [seat.hand for seat in self._seats]

    def unseat(self, side: Role) -> None:
        """Take the games from the agent."""
        self._has_agent = False

    def obey(self, keys: Keys) -> bool:
        """Do nothing: there is neither a level to choose nor a match to begin again."""
        return False

    def tick(self, keys: Keys) -> bool:
        """Let a tick of real time pass, if anybody plays; with the last one of a decision, play it."""
        self._waits = not self._has_agent and self._person(keys) is None
        if self._waits:
            return False
        self._ticks += 1
        if self._ticks < self.options.frameskip:
            return False
        self._ticks = 0
        self.decide(keys)
        return True

    def decide(self, keys: Keys) -> None:
        """Play a decision: one step of every environment."""
        person, made = self._person(keys), []
        for number, seat in enumerate(self._seats):
            hand, move, mover = seat.hand, seat.hand.move, seat.hand.mover
            if person is not None and not number:
                move, mover = person, Mover.HUMAN
            if seat.is_to_fire and self._buttons.fire is not None:
                move, mover, action = STAY, Mover.HELD, self._buttons.fire
            else:
                action = self._buttons.actions[move]
            hand.make(move, mover, self.options.frameskip)
            made.append(action)
        self._is_fresh = self._waits = False
        self._count(self._emulators.step(made))

    def _count(self, came: Outcome) -> None:
        ticks = self.options.frameskip
        for seat, reward, has_ended, lives in zip(
            self._seats, came.rewards, came.ended, came.lives, strict=True
        ):
            seat.note(ticks, reward, has_ended, lives)

    def _person(self, keys: Keys) -> int | None:
        """Return the move that people make in the first game; None if they make none."""
        if keys.has_left and (keys.left is not None or not self._has_agent):
            move: int | None = STAY if keys.left is None else keys.left
        else:
            move = keys.either
        return None if move is None else min(move, len(self.moves) - 1)

    def observe(self, side: Role, number: int, dropped: int) -> Step:
        """Return the state for the agent, and start counting for its next one."""
        table: Int32Array = np.array([seat.row() for seat in self._seats], np.int32)
        for seat in self._seats:
            seat.hand.forget()
        return Step.of(number, dropped, self._emulators.frames, table)

    def snapshot(self) -> Snapshot:
        """Return how the first game stands. The court is read from its frame; others have an empty one."""
        seat, ball, notice = self._seats[0], None, ("waiting for an agent", "it begins when one comes")
        if self.options.has_court:
            court = court_of(self._emulators.frames[0], (self.paddles[0], self.paddles[1]))
            self.paddles, ball = list(court.paddles), court.ball
        elif not self._waits:
            notice = (self.options.name, "it has no court to show: see what the agent is sent")
        return Snapshot(
            ball=ball or (SERVE_X, SERVE_Y),
            paddles=(self.paddles[0], self.paddles[1]),
            score=(seat.score[0], seat.score[1]),
            matches=seat.matches,
            last_match=seat.last_match,
            rally=0,
            last_rally=0,
            sounds=(0, 0, seat.points),
            status="",
            notice=notice if self._waits or not self.options.has_court else (),
        )

    def status(self, talks: Sequence[Talker], idle: str, keys: Keys) -> str:
        """Say who plays and what, and who pauses."""
        words = f"{presence(talks, idle)}   {self.options.name}"
        if not self.options.has_court:
            words += ", which has no court to show"
        return with_people(words, keys, self._person(keys) is not None)
