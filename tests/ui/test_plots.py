"""Pictures of runs and of hidden units, drawn by matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress, ProgressFile
from pongrl.errors import PongError
from pongrl.ui.plots import draw_curves, draw_units, name_of, pyplot

pytest.importorskip("matplotlib")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Write two runs' progress.csv, in folders of their own."""
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


def test_curves_of_several_runs_are_drawn_under_their_names(runs: list[Path], tmp_path: Path) -> None:
    draw_curves(runs, tmp_path / "curve.png")
    assert is_picture(tmp_path / "curve.png")
    assert [name_of(path) for path in runs] == ["one", "two"]
    assert name_of(Path("level-2.csv")) == "level-2"


def test_two_folders_of_one_name_are_two_runs(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "one").rename(tmp_path / "again" / "two")
    draw_curves([tmp_path / "again" / "two" / "progress.csv", runs[1]], tmp_path / "curve.png")
    assert is_picture(tmp_path / "curve.png")


def test_a_file_that_is_no_progress_is_named(tmp_path: Path) -> None:
    with pytest.raises(PongError, match=r"other\.csv"):
        draw_curves([tmp_path / "other.csv"], tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_picture_that_cannot_be_written_is_named(runs: list[Path], tmp_path: Path) -> None:
    for output in (tmp_path / "nowhere" / "curve.png", tmp_path / "curve.nonsense"):
        with pytest.raises(PongError, match="cannot be written"):
            draw_curves(runs, output)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PongError, match="pip install matplotlib"):
        pyplot()


@pytest.mark.parametrize("hidden_units", [20, 2])
def test_the_strongest_units_are_drawn_as_court_images(tmp_path: Path, hidden_units: int) -> None:
    draw_units(Policy.random(50, 70, hidden_units, np.random.default_rng(1)), tmp_path / "units.png")
    assert is_picture(tmp_path / "units.png")
