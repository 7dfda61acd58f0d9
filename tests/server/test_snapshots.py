"""What people are shown: the game as it stands, what the agent is sent, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Snapshot
from pongrl.game.players import built_in
from pongrl.game.rules import RIGHT, Game
from tests.support.engines import GO_ON, PAUSE, Came, Line, eager, talk


def test_a_snapshot_has_what_the_agent_is_sent_and_what_the_engine_does() -> None:
    snapshots: list[Snapshot] = []

    def script(line: Line) -> Iterator[Came]:
        yield from eager(3, UP)(line)
        snapshot, game = line.world.snapshot, line.game
        snapshots.append(snapshot)
        assert snapshot.sent == "STEP 2   reward +0   move up by agent   states dropped 0"
        assert (snapshot.ball, *snapshot.paddles) == ((game.ball_x, game.ball_y), *game.paddles)
        assert snapshot.status == "agent connected from 192.0.2.1:1   right paddle: level 2"
        yield line.answer(DOWN)
        yield PAUSE
        yield PAUSE
        assert line.world.snapshot.status == "paused by the agent at 192.0.2.1:1   right paddle: level 2"

    steps = talk(script, has_window=True, inset=True, lockstep=True).steps
    assert len(steps) == 4
    assert snapshots[0].frame is not None
    np.testing.assert_array_equal(snapshots[0].frame, steps[2].frames[0])  # and not a later one


def test_every_hit_bounce_and_point_is_to_be_heard() -> None:
    heard: list[tuple[int, ...]] = [(0, 0, 0)]
    happened: list[tuple[int, ...]] = []

    def script(line: Line) -> Iterator[Came]:
        game = Game(1, 2)  # the same game, with the same players
        for _ in range(3000):
            before = (game.hits, game.bounces)
            reward = game.step(0, built_in(1)(game, RIGHT))
            happened.append((game.hits - before[0], game.bounces - before[1], abs(reward)))
            yield None
            yield PAUSE
            heard.append(line.world.snapshot.sounds)
            yield GO_ON

    talk(script, has_window=True, level=1, points_to_win=2)
    grown = [
        tuple(now > then for now, then in zip(*pair, strict=True))
        for pair in zip(heard[1:], heard, strict=False)
    ]
    assert grown == [tuple(count > 0 for count in counts) for counts in happened]
    assert all(any(column) for column in zip(*grown, strict=True))
