"""The agent's views: window, console without a terminal, and pictures of runs."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from learner import Policy
from netproto import PongError
from records import Progress, ProgressFile
from views.console import verdict

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
    from views.plots import draw_curves, name_of, read_progress

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
    from views.plots import draw_curves

    path = tmp_path / "other.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PongError, match=r"other\.csv"):
        draw_curves([path], tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_picture_that_cannot_be_written_is_named(runs: list[Path], tmp_path: Path) -> None:
    from views.plots import draw_curves

    for output in (tmp_path / "nowhere" / "curve.png", tmp_path / "curve.nonsense"):
        with pytest.raises(PongError, match="cannot be written"):
            draw_curves(runs, output)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from views.plots import pyplot

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PongError, match="pip install matplotlib"):
        pyplot()


def test_the_strongest_units_are_drawn_as_court_images(tmp_path: Path) -> None:
    from views.plots import draw_units

    draw_units(Policy.random(50, 70, 20, np.random.default_rng(1)), tmp_path / "units.png")
    assert is_picture(tmp_path / "units.png")


@pytest.fixture
def dummy_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A display in memory."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    import pygame

    pygame.quit()


@pytest.mark.usefixtures("dummy_display")
def test_the_agents_window_shows_the_frame_and_both_probabilities() -> None:
    import pygame

    from views.agent_window import SCALE, AgentWindow
    from views.game_window import ACCENT, LINE

    frame = np.zeros((50, 70), np.uint8)
    frame[20, 30] = 200
    window = AgentWindow()
    window.show(frame, 0.75, lambda: "12 points   won 50 %   running mean +0.000")
    screen = pygame.display.get_surface()
    assert screen is not None
    assert screen.get_at((30 * SCALE + 5, 20 * SCALE + 5))[:3] == (200, 200, 200)
    assert screen.get_at((31 * SCALE + 5, 20 * SCALE + 5))[:3] == (0, 0, 0)
    middle = 120 + (screen.get_width() - 130) // 2
    assert screen.get_at((middle, 500 + 20))[:3] == ACCENT  # up: three quarters of the bar
    assert screen.get_at((middle, 500 + 48))[:3] == LINE  # down: one quarter
    assert window.poll()
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert not window.poll()
    window.close()


@pytest.mark.usefixtures("dummy_display")
def test_the_agents_window_draws_at_its_own_pace() -> None:
    from views.agent_window import AgentWindow

    window, asked = AgentWindow(), []

    def status() -> str:
        asked.append(1)
        return ""

    for _ in range(100):
        window.show(np.zeros((50, 70), np.uint8), 0.5, status)
        window._due += 1  # as if no time passed
    assert len(asked) == 1
    window.close()


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
