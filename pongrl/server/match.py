"""The games of a server, and everything that moves a paddle in them.

Board   one game with the camera on it and both hands
Match   all boards, side by side: what the engine plays (playing.py)

No clock and no connection is here. The engine says when a tick is played, and sends what `Match.observe`
returns. An agent on the right is told the mirror image: frames from right to left, its own score first, its
own rewards. What the next STEP says is counted for each side apart: in real time the two agents are sent
STEPs at different times, each when it has answered the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH, Camera
from pongrl.game.moves import DOWN, MOVE_NAMES, STAY, UP, VELOCITY
from pongrl.game.people import Keys, Snapshot
from pongrl.game.players import Player, built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server.hand import Hand
from pongrl.server.options import GameOptions
from pongrl.server.playing import Talker
from pongrl.server.status import serve_waits, status, with_people
from pongrl.server.umpire import Umpire
from pongrl.wire.arrays import Int32Array, UInt8Array
from pongrl.wire.messages import Mover, Role, Step


class Film(Protocol):
    """Is given every tick of the first game."""

    def add(
        self,
        score: tuple[int, int],
        paddles: tuple[int, int],
        ball: tuple[int, int] | None,
        seconds: float,
        serves: bool,
    ) -> None:
        """Add a picture that stands for so many seconds of game time; `serves` if a point begins with it."""


class Board:
    """One game, the camera on it, and who moves its paddles.

    Args:
        game: the game.
        frame: the array (50, 70) that its camera draws into.
        right: moves the right paddle while no agent does; None leaves it to its hand, which a person moves.
        left: moves the left paddle instead of its hand (level 4).
    """

    def __init__(
        self, game: Game, frame: UInt8Array, right: Player | None, left: Player | None = None
    ) -> None:
        self.game = game
        self.camera = Camera(frame)
        self.hands = Hand(), Hand()  # left and right
        self.resting = False  # a point was played: nothing more happens in this decision
        self._left = left
        self._opponent: Player = self._by_hand if right is None else right
        self._right = self._opponent
        self._right_is_told = False  # an agent has the right paddle

    def seat(self, side: Role) -> Hand:
        """Give an agent the paddle of a side. Its first STEP tells of nothing that was before."""
        if side is Role.RIGHT:
            self._right, self._right_is_told = self._by_hand, True
        self.hands[side].rest()  # a person may have moved it
        self.hands[side].forget()
        return self.hands[side]

    def oppose(self, right: Player | None) -> None:
        """Let another player have the right paddle while no agent does; None is a person."""
        self._opponent = self._by_hand if right is None else right
        if not self._right_is_told:
            self._right = self._opponent

    def let_person_move(self, move: int) -> None:
        """Make a person's move with the right paddle, unless an agent has it."""
        if not self._right_is_told:
            self.hands[RIGHT].move = move

    def unseat(self, side: Role) -> None:
        """Take the paddle of a side from its agent; on the right the built-in AI has it again."""
        if side is Role.RIGHT:
            self._right, self._right_is_told = self._opponent, False

    def _by_hand(self, _game: Game, _side: int) -> float:
        return VELOCITY[self.hands[RIGHT].move]

    def play(self, ticks: int, human: int | None = None) -> bool:
        """Play so many ticks, or fewer if a point ends them.

        Args:
            ticks: the most to play.
            human: the move of a person, if one has the left paddle now.

        Returns:
            True if a point was played to its end.
        """
        left, hits = self.hands[LEFT], self.game.hits
        if human is not None:
            played, reward = self._play_move(human, ticks)
            left.make(human, Mover.HUMAN, played)
        elif self._left is None:
            played, reward = self._play_move(left.move, ticks)
            left.make(left.move, left.mover, played)
        else:
            played, reward = self._play_built_in(self._left, ticks)
        hits = self.game.hits - hits
        left.note(played, reward, hits)
        if self._right_is_told:
            right = self.hands[RIGHT]
            right.make(right.move, right.mover, played)
            right.note(played, -reward, hits)
        if reward:
            self.resting = True
        return reward != 0

    def _play_move(self, move: int, ticks: int) -> tuple[int, int]:
        """Play with a move of the left paddle, at most so many ticks; return the ticks and the reward."""
        game, right, velocity = self.game, self._right, VELOCITY[move]
        reward = played = 0
        while played < ticks and not reward:
            reward = game.step(velocity, right(game, RIGHT))
            played += 1
        return played, reward

    def _play_built_in(self, left: Player, ticks: int) -> tuple[int, int]:
        """Play with the built-in AI on the left too, and note as its moves where its paddle went."""
        game, right = self.game, self._right
        reward = played = 0
        while played < ticks and not reward:
            before = game.paddles[LEFT]
            reward = game.step(left(game, LEFT), right(game, RIGHT))
            played += 1
            self.hands[LEFT].make(_move_between(before, game.paddles[LEFT]), Mover.BUILTIN, 1)
        return played, reward

    def row(self, side: int) -> tuple[int, ...]:
        """Return the board's row of STEP's table (Column) for the agent of a side."""
        game = self.game
        return self.hands[side].row(game.score[side], game.score[1 - side], game.matches)


def _move_between(before: int, after: int) -> int:
    if after == before:
        return STAY
    return DOWN if after > before else UP


class Match:
    """All boards of a server. For the engine's thread alone."""

    moves = MOVE_NAMES

    def __init__(self, options: GameOptions, film: Film | None = None) -> None:
        self.options, self._film = options, film
        self.umpire = Umpire(options)
        self._seated: set[Role] = set()  # sides that agents have
        self._restarts = 0  # that people were granted
        self._has_guest = False  # a person elsewhere has the right paddle of the first game
        self.begin()

    def begin(self) -> None:
        """Start new games, from the seed if there is one; nobody is seated at them."""
        games, seed = self.options.games, self.options.seed
        self._seated.clear()
        self._frames = np.zeros((games, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)
        self.boards = tuple(
            self._board(None if seed is None else seed + number, frame, number)
            for number, frame in enumerate(self._frames)
        )
        self._ticks = 0  # in this decision

    def _board(self, seed: int | None, frame: UInt8Array, number: int) -> Board:
        left = built_in(3) if self.options.level_of(number) == 4 else None
        return Board(Game(seed, self.options.points_to_win), frame, self._opponent(number), left)

    @property
    def first(self) -> Game:
        """The game that people see."""
        return self.boards[0].game

    @property
    def paddles(self) -> Sequence[int]:
        """The paddles of the first game: y of the left and of the right one."""
        return self.first.paddles

    def seat(self, side: Role) -> list[Hand]:
        """Give an agent the paddles of a side, and return its hands, one a game."""
        self._seated.add(side)
        return [board.seat(side) for board in self.boards]

    def unseat(self, side: Role) -> None:
        """Take the paddles of a side from its agent."""
        self._seated.discard(side)
        for board in self.boards:
            board.unseat(side)

    def obey(self, keys: Keys) -> bool:
        """Do what people wish for, other than to move their paddles.

        Returns:
            True if the built-in AI plays at another level now.
        """
        if keys.restarts != self._restarts:
            self._restarts = keys.restarts
            self.first.restart()
        if keys.has_right != self._has_guest:
            self._has_guest = keys.has_right
            self.boards[0].oppose(self._opponent(0))
        if keys.level is None or keys.level == self.options.level:
            return False
        self.options = replace(self.options, level=keys.level)
        for number, board in enumerate(self.boards):
            board.oppose(self._opponent(number))
        return True

    def _opponent(self, number: int) -> Player | None:
        """Return who has the right paddle of a game while no agent does; None if a person."""
        if self.options.opponent == "human" or (self._has_guest and not number):
            return None
        return built_in(min(self.options.level_of(number), 3))

    def begin_decision(self) -> None:
        """Start a decision of real time: its first tick comes next."""
        self._ticks = 0
        for board in self.boards:
            board.resting = False

    def tick(self, keys: Keys) -> bool:
        """Play one tick of real time on all boards.

        A decision ends after `frameskip` ticks, or when every board has played a point. A board that has
        played one rests until then, so that it plays the same as in lockstep. While the umpire lets the ball
        wait for its serve, only people move their paddles.

        Returns:
            True if the decision has ended with this tick.
        """
        if not self.umpire.lets_play(self.first, bool(self._seated), keys):
            left, right = self.person_on_the_left(keys), self._person_on_the_right(keys)
            self.first.move_paddles(VELOCITY[STAY if left is None else left], VELOCITY[right])
            return False
        for number, board in enumerate(self.boards):
            if not board.resting:
                self._play(number, board, 1, keys)
        self._ticks += 1
        if self._ticks < self.options.frameskip and not all(board.resting for board in self.boards):
            return False
        self.begin_decision()
        return True

    def decide(self, keys: Keys) -> None:
        """Play a whole decision of lockstep on all boards: `frameskip` ticks, fewer where a point ends it."""
        for number, board in enumerate(self.boards):
            self._play(number, board, self.options.frameskip, keys)

    def _play(self, number: int, board: Board, ticks: int, keys: Keys) -> None:
        """Play a board; people's keys and the film have to do with the first one only."""
        if number:
            board.play(ticks)
            return
        if self.options.opponent == "human" or keys.has_right:
            board.let_person_move(self._person_on_the_right(keys))
        if self._film is None:
            board.play(ticks, self.person_on_the_left(keys))
        else:
            self._film_play(board, ticks, self.person_on_the_left(keys), self._film)

    def _film_play(self, board: Board, ticks: int, human: int | None, film: Film) -> None:
        game, serves = board.game, False
        while ticks > 0 and not serves:
            ticks -= 1
            serves = board.play(1, human)
            film.add(
                (game.score[LEFT], game.score[RIGHT]), (game.paddles[LEFT], game.paddles[RIGHT]),
                (game.ball_x, game.ball_y), 1 / self.options.fps, serves,
            )  # fmt: skip

    def person_on_the_left(self, keys: Keys) -> int | None:
        """Return the move that these keys make with the first board's left paddle; None if they make none."""
        if keys.has_left and (keys.left is not None or Role.LEFT not in self._seated):
            return STAY if keys.left is None else keys.left
        if self.options.opponent == "ai":
            return keys.either
        return None if self.options.serves else keys.letters

    def _person_on_the_right(self, keys: Keys) -> int:
        """Return the move that these keys make with the right paddle, if it is a person's."""
        if keys.has_right:
            return STAY if keys.right is None else keys.right
        if self.options.opponent == "ai":
            return STAY
        move = keys.either if self.options.serves else keys.arrows
        return STAY if move is None else move

    def observe(self, side: Role, number: int, dropped: int) -> Step:
        """Return the state for the agent of a side, and start counting for its next one.

        Args:
            side: whose view it is; the right one's is mirrored.
            number: the STEP's number.
            dropped: states that this agent was not sent so far.
        """
        for board in self.boards:
            board.camera.look(board.game)
        table: Int32Array = np.array([board.row(side) for board in self.boards], np.int32)
        for board in self.boards:
            board.hands[side].forget()
        frames = self._frames if side is Role.LEFT else self._frames[:, :, ::-1]
        return Step.of(number, dropped, frames, table)

    def snapshot(self) -> Snapshot:
        """Return how the first game stands."""
        game, umpire = self.first, self.umpire
        points = game.matches * 2 * game.points_to_win + sum(game.score)  # grows with every point
        return Snapshot(
            ball=(game.ball_x, game.ball_y),
            paddles=(game.paddles[LEFT], game.paddles[RIGHT]),
            score=(game.score[LEFT], game.score[RIGHT]),
            matches=game.matches,
            last_match=game.last_match,
            rally=game.rally,
            last_rally=game.last_rally,
            sounds=(game.hits, game.bounces, points),
            status="",
            serve_in=umpire.count,
            notice=serve_waits(self.options) if umpire.is_waiting else (),
            level=self.options.level,
        )

    def status(self, talks: Sequence[Talker], idle: str, keys: Keys) -> str:
        """Say who plays and who pauses."""
        words = status(self.options, talks, idle, keys.has_right)
        if not self.options.serves:
            return words
        return with_people(words, keys, self.person_on_the_left(keys) is not None)
