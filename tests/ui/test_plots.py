"""Pictures of runs and of hidden units, drawn by matplotlib."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress, ProgressFile
from pongrl.errors import PongError
from pongrl.ui.plots import check_picture, draw_curves, draw_units, name_of, new_figure
from tests.support import PATIENCE, ROOT

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


def written_size(paths: list[Path], tmp_path: Path) -> tuple[int, int]:
    """Draw curves, and return how wide and how high the picture is."""
    draw_curves(paths, tmp_path / "curve.png")
    head = (tmp_path / "curve.png").read_bytes()[16:24]
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


def test_where_matches_have_scores_these_are_drawn(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "three").mkdir()
    other, progress = tmp_path / "three" / "progress.csv", Progress()
    file = ProgressFile(other)
    for scores in ([], [-3], [4, 2]):
        progress.count_point(True, 100)
        progress.count_matches(scores)
        file.write(progress)
    file.close()
    ours, theirs = written_size(runs, tmp_path), written_size([other], tmp_path)
    both = written_size([*runs, other], tmp_path)
    assert theirs[1] < ours[1] < both[1]  # one row of plots, two, and three


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
    for write in (lambda path: draw_curves(runs, path), check_picture):
        with pytest.raises(PongError, match=r"curve\.pgf cannot be written \(a \.pgf needs LaTeX\)"):
            write(tmp_path / "curve.pgf")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")
def test_a_picture_replaces_a_link_and_nothing_else(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "curve.PNG").symlink_to(tmp_path / "mine.txt")
    draw_curves(runs, tmp_path / "curve.PNG")
    assert is_picture(tmp_path / "curve.PNG")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PongError, match="it is a pipe"):
        draw_curves(runs, tmp_path / "pipe")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PongError, match="pip install matplotlib"):
        new_figure(4, 3)


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_a_notebooks_choice_of_a_backend_is_left_alone(
    runs: list[Path], tmp_path: Path, backend: str
) -> None:
    script = "import sys; from pathlib import Path; from pongrl.ui.plots import draw_curves; "
    script += "draw_curves([Path(sys.argv[1])], Path(sys.argv[2]))"
    command = [sys.executable, "-c", script, str(runs[0]), str(tmp_path / "curve.png")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"MPLBACKEND": backend}, capture_output=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert is_picture(tmp_path / "curve.png")


def test_a_run_of_one_row_is_a_dot(runs: list[Path], tmp_path: Path) -> None:
    empty, one = tmp_path / "empty.png", tmp_path / "one.png"
    lines = runs[0].read_text().splitlines(keepends=True)
    runs[0].write_text("".join(lines[:2]))
    draw_curves([runs[0]], one)
    runs[0].write_text("".join([lines[0], lines[1].replace(lines[1].split(",")[5], "-1")]))  # out of sight
    draw_curves([runs[0]], empty)
    assert one.read_bytes() != empty.read_bytes()


@pytest.mark.parametrize("hidden_units", [20, 2])
def test_the_strongest_units_are_drawn_as_court_images(tmp_path: Path, hidden_units: int) -> None:
    draw_units(Policy.random(50, 70, hidden_units, np.random.default_rng(1)), tmp_path / "units.png")
    assert is_picture(tmp_path / "units.png")
