"""The agent's window: an observer that shows the run at its own pace, until a person closes it.

The observer and the display are here in one process; test_window_process has them in two.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pongrl.agent.progress import Progress, ProgressFile
from pongrl.errors import PongError
from pongrl.game.drawing import pygame_quietly
from pongrl.ui import agent_view, agent_window
from pongrl.ui.agent_display import KEYS, QUESTION, AgentDisplay, Canvas
from pongrl.ui.agent_layout import AgentLayout
from pongrl.ui.agent_panels import draw_curve, draw_frame
from pongrl.ui.agent_tape import SLICE, Curve, Moment
from pongrl.ui.agent_view import LOOK_SECONDS
from pongrl.ui.agent_window import AgentWindow
from pongrl.ui.brush import Brush
from pongrl.ui.notices import KeyTable
from pongrl.ui.screen import Screen
from pongrl.ui.theme import BACKGROUND
from tests.support.ui import (
    QUIT,
    SESSION,
    button,
    colours_in,
    decided_of,
    has,
    part,
    pixels,
    press,
    standing_of,
    step_of,
)

pygame = pygame_quietly()
SIZES = [(480, 360), (640, 480), (800, 480), (1120, 700), (1920, 1080)]


class Pane:
    """In the place of WindowProcess: a display in this process, which gets a copy of what it is to show."""

    is_free = is_watched = True

    def __init__(self, module: str, is_quitting: Callable[[], bool]) -> None:
        self._display, self._asked = AgentDisplay(), list[str]()
        self.is_open = True

    def show(self, value: Any) -> None:
        if self.is_open:
            self._display.show(pickle.loads(pickle.dumps(value)))

    def asked(self) -> list[str]:
        asked, self._asked = self._asked, []
        return asked

    def poll(self) -> None:
        """Handle events, as the process does all the time."""
        words = self._display.poll() if self.is_open else None
        self.is_open = words is not None
        self._asked += words or []

    def close(self) -> str:
        self._display.close()
        return ""


def test_panels_fit_the_frames_of_each_game() -> None:
    screen = Screen("test", (800, 480))
    canvas = Canvas(screen)
    canvas.fit((50, 70))
    screen.is_stale = False
    ours = canvas.brush.layout
    assert canvas.fit((84, 84))
    assert canvas.brush.layout != ours
    assert not canvas.fit((84, 84))
    screen.close()


class Run:
    """A run with a window that is due whenever `draw` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.number = 0.0, 0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.progress = Progress()
        self.changes: dict[str, Any] = {}  # of where the run stands
        self.panes: list[Pane] = []
        self.commands: list[str] = []

        def open_pane(module: str, is_quitting: Callable[[], bool]) -> Pane:
            self.panes.append(Pane(module, is_quitting))
            return self.panes[0]

        monkeypatch.setattr(agent_window, "WindowProcess", open_pane)
        self.window = AgentWindow(self.commands.append, self.commands.append, lambda: False)
        pygame.event.clear()

    def decide(self, light: int = 0) -> None:
        """Decide, with a cell of this brightness in the frame; the window is not due."""
        step = step_of(self.number, {(20, 30): light} if light else {})
        self.window.decided(decided_of(step, hidden=1.0), standing_of(self.progress, **self.changes))
        self.number += 1

    def draw(self) -> npt.NDArray[np.uint8]:
        """Let time pass, and return what the window shows then: (height, width, 3)."""
        self.now += 1
        self.panes[0].poll()
        self.window.waited(standing_of(self.progress, **self.changes))
        return pixels()

    def press(self, key: int) -> npt.NDArray[np.uint8]:
        """Press a key, and return the panel of the frame."""
        pygame.event.post(press(key))
        return self.frame()

    @property
    def layout(self) -> AgentLayout:
        """Where things are now."""
        return AgentLayout.of(pygame.display.get_surface().get_size(), (50, 70))

    def frame(self) -> npt.NDArray[np.uint8]:
        """Draw, and return the panel of the frame."""
        return part(self.draw(), self.layout.frame)

    def expected_frame(
        self, light: int | None, note: str, notice: tuple[str, ...] = (), keys: KeyTable = ()
    ) -> npt.NDArray[np.uint8]:
        """Return how that panel looks with a cell of this brightness, or without a frame."""
        moment = None if light is None else Moment.of(decided_of(step_of(0, {(20, 30): light})))
        brush = Brush(pygame.Surface(pygame.display.get_surface().get_size()), self.layout)
        draw_frame(brush, moment, note, notice, keys)
        return part(pixels(brush.surface), self.layout.frame)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    run = Run(monkeypatch)
    yield run
    run.window.ended(standing_of(run.progress))


def test_the_window_shows_the_frame_of_the_first_game(run: Run) -> None:
    run.draw()
    run.decide(200)
    np.testing.assert_array_equal(run.frame(), run.expected_frame(200, "live"))


def test_a_small_window_shows_all_panels_smaller(run: Run) -> None:
    run.decide(200)
    pygame.display.set_mode((480, 360), pygame.RESIZABLE)
    large = run.draw()
    pygame.display.set_mode((240, 180), pygame.RESIZABLE)
    np.testing.assert_allclose(run.draw(), large.reshape(180, 2, 240, 2, 3).mean((1, 3)), atol=2)
    run.decide(0)
    assert not has(run.draw(), (200, 200, 200)).any()  # it goes on with what has changed
    pygame.display.set_mode((480, 360), pygame.RESIZABLE)
    assert run.draw().shape == large.shape


def test_the_window_draws_at_its_own_pace(run: Run) -> None:
    run.draw()
    picture = pixels()
    for _ in range(10):
        run.decide(255)
        run.now += 0.5 / agent_view.FRAMES_PER_SECOND / 10
    np.testing.assert_array_equal(pixels(), picture)
    run.now += 1 / agent_view.FRAMES_PER_SECOND
    run.decide(255)
    assert (pixels() != picture).any()


def test_play_that_is_too_fast_is_shown_in_slow_motion(run: Run) -> None:
    run.draw()
    lights = np.random.default_rng(1).integers(1, 255, 5 * SLICE)
    for light in lights:
        run.decide(int(light))
    for light in lights[:3]:
        np.testing.assert_array_equal(run.frame(), run.expected_frame(int(light), "slow motion"))
    for _ in range(SLICE - 3):
        run.draw()
    run.decide(77)  # the next slice begins with what is new
    np.testing.assert_array_equal(run.frame(), run.expected_frame(77, "slow motion"))
    np.testing.assert_array_equal(
        run.frame(), run.expected_frame(77, "live")
    )  # there is nothing more to show


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"is_paused": True}, ("paused", "P goes on")),
        ({"is_paused": True, "is_connected": False}, ("paused", "P goes on")),
        ({"is_connected": False}, ("waiting for a server",)),
    ],
)
def test_paused_or_alone_the_picture_stands_and_says_why(
    run: Run, changes: dict[str, Any], notice: tuple[str, ...]
) -> None:
    run.draw()
    run.decide(100)
    run.draw()
    run.decide(200)
    run.changes = changes
    for _ in range(2):
        np.testing.assert_array_equal(run.frame(), run.expected_frame(100, "live", notice))
    run.changes = {}
    np.testing.assert_array_equal(run.frame(), run.expected_frame(200, "live"))


def test_a_window_without_policy_or_server_yet_can_be_drawn(run: Run) -> None:
    run.changes = {"policy": None, "is_connected": False}
    np.testing.assert_array_equal(run.frame(), run.expected_frame(None, "live", ("waiting for a server",)))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Write a progress.csv with a row for every 100 of 500 points."""
    path, progress = tmp_path / "progress.csv", Progress()
    file = ProgressFile(path)
    for number in range(500):
        progress.count_point(number % 10 < 3)
        if progress.points % 100 == 0:
            file.write(progress)
    file.close()
    return path


def curve_panel(run: Run, curve: Curve) -> npt.NDArray[np.uint8]:
    """Return how the panel of a curve looks."""
    brush = Brush(pygame.Surface(pygame.display.get_surface().get_size()), run.layout)
    draw_curve(brush, curve)
    return part(pixels(brush.surface), run.layout.curve)


def test_the_curve_begins_with_the_rows_that_were_resumed(run: Run, rows: Path) -> None:
    for _ in range(500):
        run.progress.count_point(True)
    run.draw()  # resumed, and not connected yet
    run.changes = {"rows": rows}
    curve = Curve()
    for points in range(100, 600, 100):
        curve.add(points, 0.3, 20)
    np.testing.assert_array_equal(part(run.draw(), run.layout.curve), curve_panel(run, curve))
    for _ in range(50):
        run.progress.count_point(True)
    curve.add(550, run.progress.win_rate, 20)
    np.testing.assert_array_equal(part(run.draw(), run.layout.curve), curve_panel(run, curve))


def test_where_matches_have_scores_the_curve_is_theirs(run: Run) -> None:
    curve = Curve(of_scores=True)
    for scores in ([], [-20], [2]):  # the share that was drawn at first is dropped
        for _ in range(100):
            run.progress.count_point(True)
        run.progress.count_matches(scores)
        if run.progress.match_score is not None:
            curve.add(run.progress.points, run.progress.match_score, 20)
        picture = run.draw()
    np.testing.assert_array_equal(part(picture, run.layout.curve), curve_panel(run, curve))
    assert curve.values == [-20, -9]


def test_a_run_without_rows_has_a_curve_all_the_same(run: Run, tmp_path: Path) -> None:
    ProgressFile(tmp_path / "progress.csv").close()
    run.changes = {"rows": tmp_path / "progress.csv"}
    curve = Curve()
    for points in (200, 400):
        while run.progress.points < points:
            run.progress.count_point(True)
        curve.add(points, 1.0, 20)
        picture = run.draw()
    np.testing.assert_array_equal(part(picture, run.layout.curve), curve_panel(run, curve))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_resized_window_is_laid_out_anew(run: Run, size: tuple[int, int]) -> None:
    for _ in range(40):
        run.decide(200)
        run.draw()
    pygame.display.set_mode(size, pygame.RESIZABLE)
    picture, layout = run.draw(), run.layout
    assert picture.shape == (size[1], size[0], 3)
    assert has(part(picture, layout.inside(layout.frame)), (200, 200, 200)).any()
    assert colours_in(part(picture, layout.unit_pictures((50, 70))[-1][1])) > 20
    outside = np.ones(picture.shape[:2], bool)
    for panel in (layout.frame, layout.value, layout.difference, layout.moves, layout.units, layout.curve,
                  layout.status):  # fmt: skip
        part(outside, panel)[:] = False
    assert has(picture, BACKGROUND)[outside].all()  # nothing strays from its panel


def test_a_window_that_was_covered_is_drawn_again(run: Run) -> None:
    run.decide(200)
    before = run.draw()
    pygame.display.get_surface().fill((1, 2, 3))
    pygame.event.post(pygame.event.Event(pygame.WINDOWEXPOSED))
    np.testing.assert_array_equal(run.draw(), before)


def test_the_status_is_written_again_now_and_then(run: Run) -> None:
    run.draw()
    before = part(pixels(), run.layout.status).copy()
    run.changes = {"status": "something else"}
    assert (part(run.draw(), run.layout.status) != before).any()


@pytest.mark.parametrize("key", [pygame.K_p, pygame.K_SPACE])
def test_p_pauses_the_run(run: Run, key: int) -> None:
    run.press(key)
    assert run.commands == ["p"]


@pytest.mark.parametrize("key", [pygame.K_h, pygame.K_F1])
def test_the_keys_are_shown_and_hidden(run: Run, key: int) -> None:
    run.decide(100)
    run.draw()
    np.testing.assert_array_equal(run.press(key), run.expected_frame(100, "live", keys=KEYS))
    np.testing.assert_array_equal(run.press(key), run.expected_frame(100, "live"))
    assert run.commands == []


def test_escape_asks_once_and_then_closes_the_window(run: Run) -> None:
    run.decide(100)
    run.draw()
    for _ in range(2):
        np.testing.assert_array_equal(run.press(pygame.K_ESCAPE), run.expected_frame(100, "live", QUESTION))
        np.testing.assert_array_equal(run.press(pygame.K_p), run.expected_frame(100, "live"))
    assert run.commands == []  # the key only took the question back
    run.press(pygame.K_h)
    run.press(pygame.K_ESCAPE)  # hides the keys, and nothing else
    assert run.window.look_seconds == LOOK_SECONDS
    run.press(pygame.K_ESCAPE)
    pygame.event.post(press(pygame.K_ESCAPE))
    run.panes[0].poll()
    assert not pygame.display.get_init()


def test_a_click_takes_the_question_back(run: Run) -> None:
    run.decide(100)
    run.draw()
    run.press(pygame.K_ESCAPE)
    pygame.event.post(button((5, 5)))
    np.testing.assert_array_equal(run.frame(), run.expected_frame(100, "live"))


def test_frames_that_a_window_cannot_show_do_not_matter_once_it_is_closed(run: Run) -> None:
    step = step_of(0, {})
    narrow = replace(decided_of(step), session=replace(SESSION, height=1, width=3500))
    with pytest.raises(PongError, match="cannot be shown"):
        run.window.decided(narrow, standing_of(run.progress))
    pygame.event.post(QUIT)
    run.panes[0].poll()
    run.now += 1
    run.decide()
    assert run.window.look_seconds is None
    run.window.decided(narrow, standing_of(run.progress))


def test_escape_does_not_open_a_window_again_that_was_just_closed(run: Run) -> None:
    run.draw()
    for event in (QUIT, press(pygame.K_ESCAPE)):
        pygame.event.post(event)
    run.panes[0].poll()
    assert not pygame.display.get_init()


def test_once_a_person_has_closed_it_the_window_does_nothing_any_more(run: Run) -> None:
    run.draw()
    assert run.window.look_seconds == LOOK_SECONDS
    pygame.event.post(QUIT)
    run.panes[0].poll()
    run.now += 1
    run.decide()
    assert run.window.look_seconds is None
    assert not pygame.display.get_init()
    run.decide()
    run.window.waited(standing_of(run.progress))
    run.window.reported(standing_of(run.progress))


def test_the_window_closes_when_the_run_ends(run: Run) -> None:
    run.window.ended(standing_of(run.progress))
    assert not pygame.display.get_init()
