"""TensorBoard's log of a training run, read back by TensorBoard itself."""

from __future__ import annotations

import contextlib
import errno
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for name in ("tensorboardX", "PIL", "tensorboard"):
    pytest.importorskip(name, reason=f"{name} is not installed: pip install tensorboard tensorboardX pillow")

from PIL import Image  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]  # noqa: E402
    EventAccumulator,
)
from tensorboardX.record_writer import RecordWriter  # noqa: E402

from pongrl.agent.observers import Standing  # noqa: E402
from pongrl.agent.progress import Progress  # noqa: E402
from pongrl.ui import tensorboard  # noqa: E402
from pongrl.ui.tensorboard import EventLog  # noqa: E402
from pongrl.wire.messages import Step  # noqa: E402
from tests.support.ui import POLICY, decided_of, standing_of, step_of  # noqa: E402

OPTIONS = {"gamma": 0.99, "level": 2, "seed": None, "host": ("a", "b")}


def read(directory: Path) -> Any:
    events = EventAccumulator(str(directory))
    events.Reload()
    return events


def standing_at(points: int, evaluation: float | None = None) -> Standing:
    progress = Progress()
    progress.points, progress.frames, progress.seconds = points, 10 * points, points / 10
    progress.evaluation_win_rate = evaluation
    return standing_of(progress)


@contextlib.contextmanager
def logging(directory: Path, points: int = 0, resumed: bool = False) -> Iterator[tuple[EventLog, list[str]]]:
    """Log a run that begins with so many points and makes a decision."""
    said: list[str] = []
    log = EventLog(directory, OPTIONS, points, resumed, said.append)
    log.decided(decided_of(step_of(0, {})), standing_at(points))
    yield log, said
    log.ended(standing_at(points))


def see(log: EventLog, ball: int) -> None:
    """Decide in a state with the ball in that column."""
    paddles = {(row, column): 255 for row in range(10, 20) for column in (0, 69)}
    log.decided(decided_of(step_of(0, paddles | {(25, ball): 255})), standing_at(0))


def steps_of(events: Any, tag: str = "progress/frames") -> list[int]:
    return [scalar.step for scalar in events.Scalars(tag)]


def test_the_scalars_are_the_columns_of_progress_csv(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, _):
        log.reported(standing_at(100, 0.5))
    events = read(tmp_path)
    for column in (*Progress.COLUMNS, "evaluation_win_rate"):
        assert steps_of(events, f"progress/{column}") == [100]
    assert events.Scalars("progress/frames")[0].value == 1000
    assert events.Scalars("progress/evaluation_win_rate")[0].value == 0.5


def test_a_video_shows_the_first_game_at_its_own_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "VIDEO_DECISIONS", 6)
    with logging(tmp_path) as (log, _):
        for ball in range(10, 20):  # all but the first five come before the next video is due
            see(log, ball)
    (image,) = read(tmp_path).Images("game")
    assert (image.width, image.height) == (350, 250)
    shown = []
    with Image.open(io.BytesIO(image.encoded_image_string)) as video:
        assert video.n_frames == 6
        assert video.info["duration"] == 100  # six ticks of 1/60 s
        for number in range(1, 6):
            video.seek(number)
            row = np.asarray(video.convert("L"))[126]  # between the paddles
            shown.append(int(np.flatnonzero(row > 120).min()) // 5)
    assert shown == list(range(10, 15))


def test_histograms_count_all_weights_of_the_end(tmp_path: Path) -> None:
    with logging(tmp_path):
        pass
    events = read(tmp_path)
    assert events.Tags()["histograms"] == ["weights/W1", "weights/w", "weights/v", "weights/u"]
    (histogram,) = events.Histograms("weights/W1")
    value, W1 = histogram.histogram_value, POLICY.weights["W1"]
    assert (value.num, sum(value.bucket)) == (W1.size, W1.size)
    assert (value.min, value.max) == (pytest.approx(W1.min()), pytest.approx(W1.max()))


def test_the_options_are_told(tmp_path: Path) -> None:
    with logging(tmp_path):
        pass
    (text,) = read(tmp_path).Tensors("options/text_summary")
    assert b"| gamma | 0.99 |" in text.tensor_proto.string_val[0]
    assert b"seed" not in text.tensor_proto.string_val[0]  # none was given


def test_another_game_has_scalars_and_no_video(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, _):
        decided = decided_of(step_of(0, {}))
        frames = np.full((2, 84, 84), 9, np.uint8)
        step = Step.of(0, 0, frames, decided.step.table)
        session = replace(decided.session, height=84, width=84)
        log.decided(replace(decided, step=step, session=session), standing_at(0))
        log.reported(standing_at(100))
    assert steps_of(read(tmp_path)) == [100]


def test_a_resumed_run_goes_on_and_hides_what_its_checkpoint_has_not_learned(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, _):
        for points in (100, 200, 300):
            log.reported(standing_at(points, 0.5))
    with logging(tmp_path, 200, resumed=True) as (log, _):
        log.reported(standing_at(200))  # is there already
        log.reported(standing_at(290))
    events = read(tmp_path)
    assert steps_of(events) == [100, 200, 290]
    assert steps_of(events, "progress/evaluation_win_rate") == [100, 200]


def test_after_a_clock_was_set_back_the_events_are_still_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logging(tmp_path) as (log, _):
        for points in (100, 200):
            log.reported(standing_at(points))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86400)
    with logging(tmp_path, 200, resumed=True) as (log, _):
        log.reported(standing_at(300))
    events = read(tmp_path)
    assert steps_of(events) == [100, 200, 300]
    times = [event.wall_time for event in events.Scalars("progress/win_rate")]
    assert times == sorted(times)


def test_a_new_run_keeps_the_log_of_the_run_before(tmp_path: Path) -> None:
    for points in (100, 200, 300):
        with logging(tmp_path) as (log, _):
            log.reported(standing_at(points))
    directories = (tmp_path / "previous-1", tmp_path / "previous-2", tmp_path)
    assert [steps_of(read(directory)) for directory in directories] == [[100], [200], [300]]


def test_a_run_without_a_decision_leaves_the_log_of_the_run_before_alone(tmp_path: Path) -> None:
    with logging(tmp_path) as (log, _):
        log.reported(standing_at(100))
    before = sorted(tmp_path.iterdir())
    EventLog(tmp_path, OPTIONS, 0, False, print).ended(standing_at(0))
    assert sorted(tmp_path.iterdir()) == before


def test_on_a_full_disk_the_log_waits_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tensorboard, "FLUSH_SECONDS", 0)
    flush = RecordWriter.flush
    with logging(tmp_path) as (log, said):
        monkeypatch.setattr(RecordWriter, "flush", fail)
        log.reported(standing_at(100))
        log.reported(standing_at(200))
        see(log, 20)
        monkeypatch.setattr(tensorboard, "RETRY_SECONDS", 0)
        log.reported(standing_at(300))
        monkeypatch.setattr(RecordWriter, "flush", flush)
        log.reported(standing_at(400))
        log.reported(standing_at(500))
    assert said == [
        f"{tmp_path} could not be written (No space left on device): "
        "TensorBoard's log waits, training goes on",
        f"{tmp_path} could be written again: TensorBoard's log goes on",
    ]
    assert steps_of(read(tmp_path))[-2:] == [400, 500]


def test_a_directory_that_cannot_be_made_ends_the_log_before_it_is_begun(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with logging(tmp_path / "file" / "log") as (log, said):
        log.reported(standing_at(100))
    assert len(said) == 1
    assert "TensorBoard's log waits" in said[0]
