"""The film of an agent's games."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pongrl.agent.progress import Progress
from pongrl.game.camera import Camera
from pongrl.game.rules import Game
from pongrl.ui.agent_film import AgentFilm
from pongrl.ui.court import Scene, SentScene
from pongrl.ui.film import Recorder, Studio
from pongrl.wire.messages import Column, Step
from tests.support.ui import SESSION, decided_of, film_of, standing_of, step_of


def test_the_first_game_is_filmed_as_people_see_it(tmp_path: Path) -> None:
    game = Game(1)
    game.paddles, game.ball_x, game.ball_y = [30, 260], 123, 345
    step = step_of(0, {})
    frames, table = step.frames.copy(), step.table.copy()
    frames[0] = Camera().look(game)
    table[0, Column.LEFT], table[0, Column.RIGHT] = 3, 14
    film = AgentFilm(Recorder(str(tmp_path / "game.gif"), print, 15))
    for number in range(30):
        film.decided(decided_of(Step.of(number, 0, frames, table)), standing_of(Progress()))
    film.ended(standing_of(Progress()))
    pictures, seconds = film_of(tmp_path / "game.gif")
    assert seconds == pytest.approx(30 * 6 / SESSION.ticks_per_second, abs=0.1)
    expected = Studio().picture(Scene((3, 14), (30, 260), (123, 345)))
    assert abs(pictures[0].astype(int) - expected).max() < 10


def test_each_point_begins_where_one_has_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[bool] = []
    monkeypatch.setattr(Recorder, "add", lambda *_, serves: told.append(serves))
    film = AgentFilm(Recorder(str(tmp_path / "game.gif"), print))
    for reward in (0, 1, 0, -1):
        film.decided(decided_of(step_of(0, {}, reward)), standing_of(Progress()))
    film.ended(standing_of(Progress()))
    assert told == [False, True, False, True]


def test_another_game_is_filmed_as_it_is_sent(tmp_path: Path) -> None:
    step = step_of(0, {})
    table = step.table.copy()
    table[0, Column.LEFT], table[0, Column.RIGHT] = 3, 14
    frames = np.zeros((2, 84, 60), np.uint8)
    frames[0, :42, :30] = 250  # the upper left quarter is light
    film = AgentFilm(Recorder(str(tmp_path / "game.gif"), print, 15))
    for number in range(30):
        film.decided(decided_of(Step.of(number, 0, frames, table)), standing_of(Progress()))
    film.ended(standing_of(Progress()))
    pictures, seconds = film_of(tmp_path / "game.gif")
    assert seconds == pytest.approx(30 * 6 / SESSION.ticks_per_second, abs=0.1)
    light = pictures[0].min(axis=2) > 200
    assert light[60:270, 50:345].all()
    assert not light[280:].any()
    assert not light[:, 355:].any()
    score = Studio().picture(SentScene((3, 14), frames[0]))[:50]
    assert score.max() > 100
    assert abs(pictures[0][:50].astype(int) - score).max() < 10
