"""TensorBoard's log of a training run, read back by TensorBoard itself."""

from __future__ import annotations

import contextlib
import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for name in ("tensorboardX", "PIL", "tensorboard"):
    pytest.importorskip(name, reason=f"{name} is not installed: pip install -r integrations/requirements.txt")

from PIL import Image  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

from mainmodel import PolicyGradient  # noqa: E402
from pongrl.agent.progress import Progress  # noqa: E402
from pongrl.errors import UsageError  # noqa: E402
from pongrl.ui import tensorboard  # noqa: E402
from pongrl.ui.tensorboard import EventLog  # noqa: E402
from pongrl.wire.messages import Column, Step  # noqa: E402
from tests.support import PATIENCE, ROOT, Program, run_program  # noqa: E402

WEIGHTS = {"W1": np.arange(12, dtype=np.float32).reshape(3, 4), "c": np.zeros(1, np.float32)}
OPTIONS = {"gamma": 0.99, "level": 2, "seed": None, "host": ("a", "b")}


def read(directory: Path) -> Any:
    events = EventAccumulator(str(directory))
    events.Reload()
    return events


@contextlib.contextmanager
def logging(directory: Path, points: int = 0, resumed: bool = False) -> Iterator[tuple[EventLog, list[str]]]:
    said: list[str] = []
    log = EventLog(directory, OPTIONS, points, resumed, said.append)
    yield log, said
    log.close(progress_at(points), WEIGHTS)


def progress_at(points: int, evaluation: float | None = None) -> Progress:
    progress = Progress()
    progress.points, progress.frames, progress.seconds = points, 10 * points, points / 10
    progress.evaluation_win_rate = evaluation
    return progress


def state(ball: int) -> Step:
    frames = np.zeros((1, 50, 70), np.uint8)
    frames[0, 10:20, [0, -1]] = 255
    frames[0, 25, ball] = 255
    table = np.zeros((1, len(Column)), np.int32)
    table[0, Column.TICKS] = 6
    return Step.of(0, 0, frames, table)


def steps_of(events: Any, tag: str = "progress/frames") -> list[int]:
    return [scalar.step for scalar in events.Scalars(tag)]


def test_the_scalars_are_those_of_progress_csv(tmp_path: Path) -> None:
    flags = ("--local", "--games", "4", "--seed", "1", "--points", "250", "--evaluate-every", "200")
    code, program = run_program(
        "mainmodel.py", *flags, "--directory", str(tmp_path), "--tensorboard", str(tmp_path / "log")
    )
    assert code == 0, program.output
    events = read(tmp_path / "log")
    with open(tmp_path / "progress.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    for column in rows[0]:
        scalars = events.Scalars(f"progress/{column}")
        written = [(int(row["points"]), float(row[column])) for row in rows if row[column]]
        assert [scalar.step for scalar in scalars] == [points for points, _ in written]
        assert [scalar.value for scalar in scalars] == pytest.approx([v for _, v in written], abs=0.06)
    assert len(events.Scalars("progress/evaluation_win_rate")) == 1
    assert events.Tags()["histograms"] == ["weights/W1", "weights/w", "weights/v"]
    assert events.Tags()["images"] == ["game"]


def test_a_video_shows_the_first_game_at_its_own_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "VIDEO_DECISIONS", 5)
    with logging(tmp_path) as (log, _):
        for ball in range(10, 20):  # the second five come before the next video is due
            log.see(state(ball))
    (image,) = read(tmp_path).Images("game")
    assert (image.width, image.height) == (350, 250)
    with Image.open(io.BytesIO(image.encoded_image_string)) as video:
        assert video.n_frames == 5
        assert video.info["duration"] == 100  # six ticks of 1/60 s
        shown = []
        for number in range(5):
            video.seek(number)
            row = np.asarray(video.convert("L"))[126]  # between the paddles
            shown.append(int(np.flatnonzero(row > 120).min()) // 5)
    assert shown == list(range(10, 15))


def test_histograms_count_all_weights(tmp_path: Path) -> None:
    with logging(tmp_path):
        pass
    (histogram,) = read(tmp_path).Histograms("weights/W1")
    value = histogram.histogram_value
    assert (value.num, value.min, value.max, sum(value.bucket)) == (12, 0, 11, 12)


def test_the_options_are_told(tmp_path: Path) -> None:
    with logging(tmp_path):
        pass
    events = read(tmp_path)
    (text,) = events.Tensors("options/text_summary")
    assert b"| gamma | 0.99 |" in text.tensor_proto.string_val[0]
    assert b"seed" not in text.tensor_proto.string_val[0]  # none was given
    assert "_hparams_/session_start_info" in events.summary_metadata


def test_a_resumed_run_goes_on_and_hides_what_its_checkpoint_has_not_learned(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, _):
        for points in (100, 200, 300):
            log.report(progress_at(points, 0.5), WEIGHTS)
    with logging(tmp_path, 200, resumed=True) as (log, _):
        log.report(progress_at(200), WEIGHTS)  # is there already
        log.report(progress_at(290), WEIGHTS)
    events = read(tmp_path)
    assert steps_of(events) == [100, 200, 290]
    assert steps_of(events, "progress/evaluation_win_rate") == [100, 200]


def test_a_new_run_keeps_the_log_of_the_run_before(tmp_path: Path) -> None:
    for points in (100, 200, 300):
        with logging(tmp_path) as (log, _):
            log.report(progress_at(points), WEIGHTS)
    directories = (tmp_path / "previous-1", tmp_path / "previous-2", tmp_path)
    assert [steps_of(read(directory)) for directory in directories] == [[100], [200], [300]]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_a_full_disk_ends_the_log_with_one_sentence(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, said), open("/dev/full", "wb") as full:
        log._file.close()
        log._file._writer = full
        log._flushed = float("-inf")
        log.report(progress_at(100), WEIGHTS)
        log.report(progress_at(200), WEIGHTS)
        log.see(state(20))
    assert said == [
        f"{tmp_path} could not be written (No space left on device): "
        "TensorBoard's log ends here, training goes on"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits cannot be set there")
def test_training_goes_on_when_the_log_cannot_be_written(tmp_path: Path) -> None:
    import resource

    flags = ("--local", "--games", "4", "--directory", str(tmp_path), "--tensorboard", str(tmp_path / "log"))
    with Program("mainmodel.py", *flags, stdin=None) as program:
        program.wait_for("100 points")
        pid, unlimited = program.process.pid, (resource.RLIM_INFINITY,) * 2
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
        program.wait_for("TensorBoard's log ends here, training goes on")
        program.wait_for("00 points")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        program.type("q\n")
        assert program.ended() == 0, program.output
    assert program.output.count("TensorBoard's log ends here") == 1
    assert "Exception" not in program.output
    assert "saved interrupt.p" in program.output


def test_a_directory_that_cannot_be_is_refused_before_anything_is_begun(tmp_path: Path) -> None:
    code, program = run_program("mainmodel.py", "--local", "--tensorboard", "/dev/null/x", cwd=tmp_path)
    assert code == 2
    assert program.seen["stderr"] == [
        "error: cannot write into /dev/null/x (Not a directory): choose another --tensorboard\n"
    ]


@pytest.mark.parametrize("other", ["play", "evaluate"])
def test_without_training_there_is_nothing_to_log(other: str) -> None:
    with pytest.raises(UsageError, match="--tensorboard shows how training goes"):
        PolicyGradient(tensorboard="log", **{other: True})  # type: ignore[arg-type]


def test_without_tensorboardx_one_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['tensorboardX'] = None; import mainmodel; "
        f"sys.exit(mainmodel.main(['--local', '--directory', {str(tmp_path)!r}, '--tensorboard', 'log']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "error: --tensorboard needs tensorboardX, which is not installed: pip install tensorboardX pillow\n"
    )
    assert not list(tmp_path.iterdir())
