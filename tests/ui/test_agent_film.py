"""The film of an agent's games."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pongrl.agent.progress import Progress
from pongrl.errors import PongError
from pongrl.game.camera import Camera
from pongrl.game.rules import Game
from pongrl.ui.agent_film import AgentFilm
from pongrl.ui.court import Scene
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


def test_frames_of_another_size_are_refused_in_a_sentence(tmp_path: Path) -> None:
    film = AgentFilm(Recorder(str(tmp_path / "game.gif"), print, 15))
    decided = replace(decided_of(step_of(0, {})), session=replace(SESSION, height=70, width=50))
    with pytest.raises(PongError, match="films frames of 70×50 cells, and the server's have 50×70: leave it"):
        film.decided(decided, standing_of(Progress()))
    film.ended(standing_of(Progress()))
