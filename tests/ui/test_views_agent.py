"""The agent's views: window, console without a terminal, and pictures of runs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mainmodel import PolicyGradient
from pongrl.agent.evaluation import Evaluation, Examiner
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import Activations, Policy
from pongrl.agent.progress import Progress, ProgressFile
from pongrl.errors import PongError, UsageError
from pongrl.ui import agent_window
from pongrl.ui.agent_panels import (
    CURVE_POINTS,
    FEWEST_UNITS,
    STRIP_DECISIONS,
    UNITS_AT_ONCE,
    Brush,
    Curve,
    Layout,
    draw_status,
    picture_size,
    pygame,
)
from pongrl.ui.agent_window import SLICE, AgentWindow, Glance
from pongrl.ui.console import Console, verdict
from pongrl.ui.theme import ACCENT, BACKGROUND, BLUE, GAINS, LINE, LOSSES, PANEL, WHITE
from pongrl.wire.messages import Column, Step
from tests.support import serving

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs' progress.csv, in folders of their own."""
    paths = []
    for name, share in (("one", 0.3), ("two", 0.6)):
        (tmp_path / name).mkdir()
        file, progress = ProgressFile(tmp_path / name / "progress.csv"), Progress()
        for number in range(500):
            progress.count_point(number % 10 < 10 * share)
            progress.frames += 100
            progress.seconds += 0.1
            if progress.points % 100 == 0:
                file.write(progress)
        file.close()
        paths.append(tmp_path / name / "progress.csv")
    return paths


def is_picture(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 5000


def test_curves_of_several_runs_bear_their_names(runs: list[Path], tmp_path: Path) -> None:
    from pongrl.ui.plots import draw_curves, name_of, read_progress

    draw_curves(runs, tmp_path / "curve.png")
    assert is_picture(tmp_path / "curve.png")
    assert [name_of(path) for path in runs] == ["one", "two"]
    assert read_progress(runs[0])["points"] == [100, 200, 300, 400, 500]
    assert read_progress(runs[1])["win_rate"][-1] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), ("a,b\n1,2\n", "seconds"), ("", "no rows"), ("seconds\nx\n", "seconds")],
)
def test_a_file_that_is_no_progress_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    from pongrl.ui.plots import draw_curves

    path = tmp_path / "other.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PongError, match=r"other\.csv"):
        draw_curves([path], tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_picture_that_cannot_be_written_is_named(runs: list[Path], tmp_path: Path) -> None:
    from pongrl.ui.plots import draw_curves

    for output in (tmp_path / "nowhere" / "curve.png", tmp_path / "curve.nonsense"):
        with pytest.raises(PongError, match="cannot be written"):
            draw_curves(runs, output)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from pongrl.ui.plots import pyplot

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PongError, match="pip install matplotlib"):
        pyplot()


def test_the_strongest_units_are_drawn_as_court_images(tmp_path: Path) -> None:
    from pongrl.ui.plots import draw_units

    draw_units(Policy.random(50, 70, 20, np.random.default_rng(1)), tmp_path / "units.png")
    assert is_picture(tmp_path / "units.png")


# ---------------------------------------------------------------------------------------------
# The window

SIZES = [
    (480, 360),
    (640, 480),
    (800, 480),
    (1120, 700),
    (1920, 1080),
    (3840, 2160),
    (600, 1200),
    (2400, 500),
]
POLICY = Policy.random(50, 70, 40, np.random.default_rng(1))


def a_step(number: int, cells: dict[tuple[int, int], int], reward: int = 0) -> Step:
    """A STEP of two games: the first one's lit cells (row, column), and its reward."""
    frames, table = np.zeros((2, 50, 70), np.uint8), np.zeros((2, len(Column)), np.int32)
    for place, light in cells.items():
        frames[0][place] = light
    frames[1] = 99  # which nobody shows
    table[0, Column.POINTS], table[0, Column.REWARD] = abs(reward), reward
    table[:, Column.TICKS] = 6
    return Step.of(number, 0, frames, table)


class Shown:
    """A window that is always due, and the agent behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.policy: Policy | None = POLICY
        self.progress = Progress()
        self.file: Path | None = None
        self.is_connected, self.is_paused = True, False
        self.glances, self.now, self.number = 0, 0.0, 0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.window = AgentWindow(self.glance, lambda: f"↑ {self.progress}")
        pygame.event.clear()

    def glance(self) -> Glance:
        self.glances += 1
        return Glance(self.policy, self.progress, self.file, self.is_connected, self.is_paused)

    def decide(
        self,
        cells: dict[tuple[int, int], int] | None = None,
        p_up: float = 0.5,
        value: float = 0.0,
        up: bool = True,
        reward: int = 0,
        hidden: float = 0.0,
    ) -> None:
        """Let the agent decide, and the window take note."""
        logit = np.array([math.log(p_up / (1 - p_up)), 7], np.float32)
        activity = np.full((2, 40), hidden, np.float32)
        seen = Activations(Eyes(2, 50, 70).look(a_step(0, {})), activity, logit, np.float32([value, 9]))
        self.window.show(a_step(self.number, cells or {}, reward), seen, np.array([up, not up]))
        self.number += 1

    def draw(self) -> npt.NDArray[np.uint8]:
        """Let time pass, and give what the window shows then: (height, width, 3)."""
        self.now += 1
        assert self.window.poll()
        return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)  # type: ignore[no-any-return]

    @property
    def layout(self) -> Layout:
        """Where things are now."""
        return Layout.of(pygame.display.get_surface().get_size(), (50, 70))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = Shown(monkeypatch)
    yield shown
    shown.window.close()
    pygame.quit()


def part(picture: npt.NDArray[np.uint8], area: Any) -> npt.NDArray[np.uint8]:
    """A panel's pixels."""
    return picture[area.top : area.bottom, area.left : area.right]


def has(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Where a picture has just this colour."""
    found: npt.NDArray[np.bool_] = (picture == colour).all(axis=2)
    return found


def cell(picture: npt.NDArray[np.uint8], area: Any, row: int, column: int) -> tuple[int, ...]:
    """The colour in the middle of a cell of a frame that is shown in an area."""
    y, x = ((place + 0.5) * length for place, length in ((row, area.height / 50), (column, area.width / 70)))
    return tuple(int(light) for light in part(picture, area)[int(y), int(x)])


@pytest.mark.parametrize("size", SIZES)
def test_the_panels_lie_apart_and_inside_a_window_of_any_size(size: tuple[int, int]) -> None:
    layout = Layout.of(size, (50, 70))
    panels = [layout.frame, layout.value, layout.difference, layout.moves, layout.units, layout.curve,
              layout.status]  # fmt: skip
    for number, panel in enumerate(panels):
        assert pygame.Rect(0, 0, *size).contains(panel)
        assert panel.collidelist(panels[:number]) == -1
        assert panel.height >= (3 * layout.text if panel is not layout.status else layout.text)
    for panel in (layout.frame, layout.difference):
        inside = layout.inside(panel)
        assert (inside.width % 70, inside.height % 50) == (0, 0)
        assert inside.width * 50 == inside.height * 70
    pictures = [picture for pair in layout.unit_pictures((50, 70)) for picture in pair]
    assert len(pictures) >= 2 * FEWEST_UNITS
    for number, picture in enumerate(pictures):
        assert layout.inside(layout.units).contains(picture)
        assert picture.bottom <= layout.units.bottom - layout.text  # where the words are
        assert picture.collidelist(pictures[:number]) == -1


@pytest.mark.parametrize(
    ("window", "size"),
    [((480, 360), (480, 360)), ((240, 360), (480, 720)), ((400, 90), (1600, 360)), ((1, 1), (480, 480))],
)
def test_a_small_window_has_a_picture_of_its_shape_that_is_large_enough(
    window: tuple[int, int], size: tuple[int, int]
) -> None:
    assert picture_size(window) == size


def test_a_small_window_shows_all_panels_smaller(shown: Shown) -> None:
    shown.decide({(20, 30): 200})
    pygame.display.set_mode((480, 360), pygame.RESIZABLE)
    large = shown.draw()
    pygame.display.set_mode((240, 180), pygame.RESIZABLE)
    np.testing.assert_allclose(shown.draw(), large.reshape(180, 2, 240, 2, 3).mean((1, 3)), atol=2)
    shown.progress.points = 1234
    shown.decide({(20, 30): 0})
    assert not has(shown.draw(), (200, 200, 200)).any()  # it goes on with what has changed
    pygame.display.set_mode((480, 360), pygame.RESIZABLE)
    assert shown.draw().shape == large.shape


def test_the_status_line_has_no_arrows_that_the_font_lacks(shown: Shown) -> None:
    words = "paused   → [##..] 50 %   ↑ 7 points"
    brushes = [Brush(pygame.Surface((1120, 700)), Layout.of((1120, 700), (50, 70))) for _ in range(2)]
    for brush, status in zip(brushes, (words, "paused   [##..] 50 %   7 points"), strict=True):
        draw_status(brush, status)
    first, second = (pygame.surfarray.array3d(brush.surface) for brush in brushes)
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_the_window_shows_the_frame_of_the_first_game(shown: Shown) -> None:
    shown.decide({(20, 30): 200})
    picture, area = shown.draw(), shown.layout.inside(shown.layout.frame)
    assert cell(picture, area, 20, 30) == (200, 200, 200)
    assert cell(picture, area, 20, 31) == (0, 0, 0)
    assert part(picture, area).any(axis=2).sum() == (area.width // 70) ** 2


def test_what_has_come_and_what_has_gone_have_two_colours(shown: Shown) -> None:
    area = shown.layout.inside(shown.layout.difference)
    shown.decide({(20, 30): 255, (5, 5): 80})
    assert has(part(shown.draw(), area), PANEL).all()  # there was no frame before
    shown.decide({(20, 31): 255, (5, 5): 80})
    picture = shown.draw()
    assert cell(picture, area, 20, 31) == ACCENT
    assert cell(picture, area, 20, 30) == BLUE
    assert cell(picture, area, 5, 5) == PANEL
    shown.decide({(40, 40): 255}, reward=-1)
    assert has(part(shown.draw(), area), PANEL).all()  # the agent sees no difference to the point before


@pytest.mark.parametrize(("p_up", "up"), [(0.75, True), (0.75, False), (0.1, False)])
def test_the_probabilities_are_bars_and_the_move_made_is_bright(shown: Shown, p_up: float, up: bool) -> None:
    shown.decide(p_up=p_up, up=up)
    area = shown.layout.moves
    upper, lower = np.array_split(part(shown.draw(), area), [area.height // 2 + shown.layout.title // 2])
    for half, colour, share in ((upper, ACCENT, p_up), (lower, BLUE, 1 - p_up)):
        assert has(half, colour).sum(axis=1).max() == pytest.approx(share * area.width, abs=1)
    assert has(upper, WHITE).any() == up
    assert has(lower, WHITE).any() != up


def test_the_strip_shows_values_and_the_points_won_and_lost(shown: Shown) -> None:
    for value, reward in ((0.5, 0), (0.5, 1), (-0.5, 0), (-0.5, -1), (-2.0, 0)):
        shown.decide(value=value, reward=reward)
        picture = shown.draw()
    layout = shown.layout
    strip = part(picture, layout.inside(layout.value))
    gutter = int(has(strip, PANEL).any(axis=0).argmax())
    strip = strip[:, gutter:]
    height, width = strip.shape[:2]
    columns = [int(width - (5 - place) * width / STRIP_DECISIONS) for place in range(5)]
    assert has(strip, GAINS)[: height // 2, columns[0] : columns[2]].any()
    assert has(strip, LOSSES)[height // 2 :, columns[2] :].any()
    assert not has(strip, GAINS)[height // 2 + 1 :, : columns[1] - 1].any()
    top, bottom = strip[: height // 6], strip[-height // 6 :]
    assert abs(np.flatnonzero(has(top, ACCENT).any(axis=0)).mean() - columns[1]) <= 2
    assert abs(np.flatnonzero(has(bottom, BLUE).any(axis=0)).mean() - columns[3]) <= 2
    assert not has(top, BLUE).any()
    assert not has(bottom, ACCENT).any()
    assert has(part(picture, layout.value)[: layout.title], WHITE).any()  # the value in numbers


def test_play_that_was_not_shown_parts_the_line(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int] = []
    monkeypatch.setattr(Brush, "line", lambda _, places, _colour: lines.append(len(places)))
    for jump in (0, 0, 0, 5, 0):
        shown.number += jump
        shown.decide()
        shown.draw()
    assert lines[-2:] == [3, 2]


def test_the_strongest_units_are_pictured_a_few_at_a_time_and_shine_when_active(shown: Shown) -> None:
    strength = np.abs(POLICY.weights["w"]) * POLICY.court_images().std(axis=(1, 2, 3))
    units, frames = shown.window._units, 0
    while not units.chosen:
        picture = shown.draw()
        frames += 1
    assert frames > len(strength) / UNITS_AT_ONCE
    assert units.chosen == np.argsort(-strength)[: len(units.chosen)].tolist()
    first = shown.layout.unit_pictures((50, 70))[0][0]
    assert len(np.unique(part(picture, first).reshape(-1, 3), axis=0)) > 20
    for hidden, share in ((2.0, 1.0), (0.0, 0.0), (1.0, 0.5)):
        shown.decide(hidden=hidden)
        edge = [int(light) for light in shown.draw()[first.top, first.left + 3]]
        assert edge == pytest.approx(np.array(LINE) + share * np.subtract(WHITE, LINE), abs=2)


def test_part_of_the_court_images_is_the_whole_ones_part() -> None:
    np.testing.assert_array_equal(POLICY.court_images(slice(4, 9)), POLICY.court_images()[4:9])


def test_the_curve_begins_with_the_rows_that_were_resumed(shown: Shown, runs: list[Path]) -> None:
    for _ in range(500):
        shown.progress.count_point(True)
    shown.draw()  # resumed, and not connected yet
    shown.file = runs[0]
    shown.draw()
    curve = shown.window._curve
    assert curve.points == [100, 200, 300, 400, 500]
    assert curve.shares[-1] == pytest.approx(0.3)
    for points in range(1, 251):
        shown.progress.count_point(True)
        if points % 50 == 0:
            picture = shown.draw()
            assert len(curve.points) == 5 + points // 50
    layout = shown.layout
    area = layout.inside(layout.curve)
    rows, columns = np.nonzero(part(picture, area)[: -layout.title, :, 0] > 90)  # where it is yellow
    height = area.height - layout.title
    left = rows[(columns > area.width / 3) & (columns < area.width / 2)]
    assert left.mean() == pytest.approx(0.7 * height, abs=2)
    assert rows[columns > area.width - 3].mean() == pytest.approx(0, abs=2)


def test_a_run_without_rows_has_a_curve_all_the_same(shown: Shown, tmp_path: Path) -> None:
    shown.file = tmp_path / "progress.csv"
    ProgressFile(shown.file).close()
    for _ in range(200):
        shown.progress.count_point(True)
    shown.draw()
    assert shown.window._curve.points == [200]


def test_a_long_curve_is_thinned_out() -> None:
    curve = Curve()
    for points in range(100, 100 * 5 * CURVE_POINTS, 100):
        curve.add(points, points / 1e6, 100)
    assert CURVE_POINTS / 2 <= len(curve.points) <= CURVE_POINTS
    assert set(np.diff(curve.points)) <= {800}
    assert curve.shares == [points / 1e6 for points in curve.points]
    assert curve.points[-1] > 100 * 4.9 * CURVE_POINTS


def test_the_window_draws_at_its_own_pace(shown: Shown) -> None:
    shown.decide({(1, 1): 255})
    shown.draw()
    glances, picture = shown.glances, pygame.image.tobytes(pygame.display.get_surface(), "RGB")
    for _ in range(10):
        shown.decide({(2, 2): 255})
        shown.now += 0.5 / agent_window.FRAMES_PER_SECOND / 10
        assert shown.window.poll()
    assert shown.glances == glances
    assert pygame.image.tobytes(pygame.display.get_surface(), "RGB") == picture
    shown.now += 1 / agent_window.FRAMES_PER_SECOND
    assert shown.window.poll()
    assert shown.glances == glances + 1


def test_of_play_that_is_too_fast_decisions_in_a_row_are_shown(shown: Shown) -> None:
    shown.draw()
    for _ in range(5 * SLICE):
        shown.decide()
    for number in range(SLICE):
        shown.draw()
        assert shown.window._moments[-1].number == number
        shown.decide()
    shown.draw()
    assert shown.window._moments[-1].number == shown.number - 1  # the next slice begins anew
    assert shown.window._caption == ("slow motion", "")
    shown.draw()
    assert shown.window._caption == ("live", "")  # there is nothing more to show: we are faster


def test_paused_or_alone_the_picture_stands_and_says_why(shown: Shown) -> None:
    for _ in range(5):
        shown.decide({(1, 1): 255})
    area = shown.layout.inside(shown.layout.frame)
    for shown.is_paused, shown.is_connected, words in (
        (True, True, "paused"), (True, False, "paused"), (False, False, "waiting"),
    ):  # fmt: skip
        picture = shown.draw()
        assert words in shown.window._caption[1]
        assert has(part(picture, area), BACKGROUND).any()
        assert len(shown.window._moments) == 0
    shown.is_connected = True
    assert not has(part(shown.draw(), area), BACKGROUND).any()
    assert len(shown.window._moments) == 1


def test_a_window_without_policy_or_server_yet_can_be_drawn(shown: Shown) -> None:
    shown.policy, shown.is_connected = None, False
    assert has(part(shown.draw(), shown.layout.frame), WHITE).any()


@pytest.mark.parametrize("size", SIZES[:5])
def test_a_resized_window_is_laid_out_anew(shown: Shown, size: tuple[int, int]) -> None:
    for _ in range(40):
        shown.decide({(20, 30): 200})
        shown.draw()
    pygame.display.set_mode(size, pygame.RESIZABLE)
    picture = shown.draw()
    layout = shown.layout
    assert picture.shape == (size[1], size[0], 3)
    assert cell(picture, layout.inside(layout.frame), 20, 30) == (200, 200, 200)
    assert len(np.unique(part(picture, layout.unit_pictures((50, 70))[-1][1]).reshape(-1, 3), axis=0)) > 20
    outside = np.ones(picture.shape[:2], bool)
    for panel in (layout.frame, layout.value, layout.difference, layout.moves, layout.units, layout.curve,
                  layout.status):  # fmt: skip
        part(outside, panel)[:] = False
    assert has(picture, BACKGROUND)[outside].all()  # nothing strays from its panel


def test_a_window_that_was_covered_is_drawn_again(shown: Shown) -> None:
    shown.decide({(20, 30): 200})
    before = shown.draw()
    pygame.display.get_surface().fill((1, 2, 3))
    pygame.event.post(pygame.event.Event(pygame.WINDOWEXPOSED))
    np.testing.assert_array_equal(shown.draw(), before)


@pytest.mark.parametrize(
    "event",
    [pygame.event.Event(pygame.QUIT), pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE)],
    ids=["button", "Escape"],
)
def test_the_window_is_closed_by_its_button_and_by_escape(shown: Shown, event: Any) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_x))
    shown.draw()
    pygame.event.post(event)
    shown.now += 1
    assert not shown.window.poll()


def test_training_goes_on_when_its_window_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    frames: list[int] = []
    draw, count = AgentWindow._draw, PolicyGradient._count

    def draw_and_close(window: AgentWindow, now: float, glance: Glance) -> None:
        draw(window, now, glance)
        frames.append(len(window._moments))
        if len(frames) == 5:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    def count_and_quit(agent: PolicyGradient, step: Step) -> None:
        count(agent, step)
        closed.append(agent._window is None)
        if sum(closed) == 20:
            agent.command("q")

    closed: list[bool] = []
    monkeypatch.setattr(AgentWindow, "_draw", draw_and_close)
    monkeypatch.setattr(PolicyGradient, "_count", count_and_quit)
    with serving(lockstep=True, games=2, seed=1) as server:
        port = server.address[1]
        PolicyGradient(port=port, render=True, hiddenUnits=10, directory=str(tmp_path)).start()
    assert len(frames) == 5
    assert frames[-1] > 0
    assert closed[-20:] == [True] * 20
    assert not pygame.display.get_init()


def test_an_evaluation_alone_has_no_window() -> None:
    with pytest.raises(UsageError, match="use --play FILE"):
        PolicyGradient(evaluate=True, render=True)


def test_an_evaluation_beside_training_is_shown_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(Examiner, "GAMES", 1)
    monkeypatch.setattr(Examiner, "POINTS", 1)
    drawn: list[bool] = []  # whether the window was looked after during the examination
    poll, examine = AgentWindow.poll, Examiner.examine

    def examine_and_tell(examiner: Examiner, policy: Policy, level: int) -> Evaluation | None:
        before = len(polls)
        result = examine(examiner, policy, level)
        drawn.append(len(polls) > before)
        return result

    polls: list[bool] = []
    monkeypatch.setattr(AgentWindow, "poll", lambda window: polls.append(True) or poll(window))
    monkeypatch.setattr(Examiner, "examine", examine_and_tell)
    with serving(lockstep=True, games=16, seed=1) as server:
        PolicyGradient(port=server.address[1], render=True, hiddenUnits=10, points=100, evaluate_every=100,
                       seed=1, directory=str(tmp_path)).start()  # fmt: skip
    assert drawn == [True]


# ---------------------------------------------------------------------------------------------
# Words


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1.0] * 9 + [3.0], ["average of 10: 1.200 ms, minimum 1.000, 95 % within 3.000, lost 0 of 10",
                             "your network adds 1.2 ms to a decision; real time needs under 133 ms: fine"]),
        ([90.0] * 10, ["adds 90.0 ms", "states will be dropped now and then"]),
        ([200.0] * 10, ["adds 200.0 ms", "too slow for that, use --lockstep"]),
        ([2.0] * 8 + [math.inf] * 2, ["average of 10: 2.000 ms", "lost 2 of 10"]),
        ([math.inf] * 10, ["lost 10 of 10", "does not answer in time"]),
    ],
)  # fmt: skip
def test_a_ping_ends_in_a_verdict(times: list[float], words: list[str]) -> None:
    told = verdict(times, 133.3)
    assert all(part in told for part in words), told


@pytest.mark.parametrize(
    ("line", "command", "answer"),
    [
        ("ping", "ping", ""), (" St ", "stats", ""), ("pi", "ping", ""), ("p", "p", ""), ("sa", "save", ""),
        ("he", None, "say this"), ("s", None, "no command 's'"), ("pp", None, "no command 'pp'"),
        ("", None, ""),
    ],
)  # fmt: skip
def test_a_word_of_the_console_may_be_cut_short(
    line: str, command: str | None, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    obeyed: list[str] = []
    Console(obeyed.append, lambda: "")._obey(line)
    assert obeyed == ([] if command is None else [command])
    out = capsys.readouterr().out
    assert answer in out if answer else out == ""
