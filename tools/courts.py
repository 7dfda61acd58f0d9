"""Games of Pong in this process, without a server: for what measures or tests a learner."""

from __future__ import annotations

import numpy as np

from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH, Camera
from pongrl.game.moves import VELOCITY
from pongrl.game.players import built_in
from pongrl.game.rules import RIGHT, Game
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Column, Mover, Step

TICKS = 8  # of a decision, or until the point ends


class Courts:
    """Games against the built-in AI of a level. Game i has the seed + i."""

    def __init__(self, games: int, seed: int, level: int = 2) -> None:
        self.games = [Game(seed + number) for number in range(games)]
        self._frames = np.zeros((games, FRAME_HEIGHT, FRAME_WIDTH), np.uint8)
        self._cameras = [Camera(frame) for frame in self._frames]
        self._opponent = built_in(level)

    def first(self) -> Step:
        """Give the first state."""
        return self._look([{} for _ in self.games])

    def play(self, moves: UInt8Array) -> Step:
        """Play one decision in each game, and give the state that it leads to."""
        return self._look(
            [self._play_one(game, move) for game, move in zip(self.games, moves.tolist(), strict=True)]
        )

    def _play_one(self, game: Game, move: int) -> dict[Column, int]:
        reward = ticks = 0
        hits = game.hits
        while ticks < TICKS and not reward:
            reward = game.step(VELOCITY[move], self._opponent(game, RIGHT))
            ticks += 1
        return {
            Column.REWARD: reward, Column.POINTS: abs(reward), Column.TICKS: ticks,
            Column.MOVE: move, Column.MOVER: Mover.AGENT, Column.HITS: game.hits - hits,
        }  # fmt: skip

    def _look(self, rows: list[dict[Column, int]]) -> Step:
        for camera, game in zip(self._cameras, self.games, strict=True):
            camera.look(game)
        table = np.array([[row.get(column, 0) for column in Column] for row in rows], np.int32)
        return Step.of(0, 0, self._frames, table)
