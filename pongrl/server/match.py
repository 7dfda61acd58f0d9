"""The games of a server: each has a camera on it, and somebody at each paddle."""

from __future__ import annotations

from typing import Any

from pongrl.game.camera import Camera
from pongrl.game.moves import DOWN, UP, VELOCITY
from pongrl.game.players import Player, built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.server.conversation import Hand
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Mover, Role


class Board:
    """One game, the camera on it, and who has its paddles."""

    def __init__(self, program: Any, seed: int | None, frame: UInt8Array) -> None:
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
        """The board's row of STEP's table (Column), as an agent of this side is told it."""
        game = self.game
        return self.hands[side].row(game.score[side], game.score[1 - side], game.matches)
