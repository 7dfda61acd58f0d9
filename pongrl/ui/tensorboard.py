"""What TensorBoard shows of a training run, for --tensorboard DIR. Written by tensorboardX.

    tensorboard --logdir DIR

    progress/…    the columns of progress.csv, at each of its rows, and the evaluation when there was one
    weights/…     histograms of the weights, every minute
    game          eight seconds of the first game as people see it, at its own speed, every two minutes
    options       what the run was told, as text and as hyperparameters

The step is the number of points played, so that runs can be compared report by report. A run that resumes
goes on in the same DIR; what was written of points after its checkpoint is hidden by TensorBoard. A new
run in a DIR that has one keeps the old files in previous-1 …, which TensorBoard shows as runs of their own.

Of tensorboardX its summaries and its RecordWriter are used, not its SummaryWriter: that writes in a thread
which a full disk ends, and then waits for that thread for ever.

The pictures cost the training half a second in two minutes; the GIF is made of them in a thread.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pongrl.agent.policy import Weights
from pongrl.agent.progress import EVALUATION_COLUMN, Progress
from pongrl.errors import PongError
from pongrl.ui.court_window import picture
from pongrl.wire.messages import Step

try:
    from PIL import Image
    from tensorboardX import summary
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.proto.summary_pb2 import Summary
    from tensorboardX.record_writer import RecordWriter
except ImportError as error:
    raise PongError(
        f"--tensorboard needs {error.name}, which is not installed: pip install tensorboardX pillow"
    ) from error


FLUSH_SECONDS = 10.0  # between two times that all is on disk: TensorBoard itself looks every 30 s
HISTOGRAM_SECONDS = 60.0
BINS = 64
VIDEO_SECONDS = 120.0  # from one video's beginning to the next one's
VIDEO_DECISIONS = 60
SHRINK = 2  # of the court's 700×500 pixels
COLOURS = 32
TICK_MILLISECONDS = 1000 / 60  # of game time, whatever the clock


class EventLog:
    """The event files of one run, in one directory. For the training thread.

    A disk error ends the logging with a sentence, and not the training.

    Args:
        options: what the run was told; plain values.
        points: at which the run begins.
        resumed: whether it goes on with what is in the directory.
        say: takes the sentence.
    """

    def __init__(
        self, directory: Path, options: dict[str, Any], points: int, resumed: bool, say: Callable[[str], None]
    ) -> None:
        self._directory, self._say = directory, say
        self._written = points  # the step up to which there are rows
        self._flushed = self._drew_weights = time.monotonic()
        self._filmed = float("-inf")
        self._film: list[Image.Image] = []
        self._durations: list[int] = []  # milliseconds of each of its pictures
        self._video: Future[bytes] | None = None  # being made
        self._thread = ThreadPoolExecutor(1, "video")
        self._file: Any = None  # None as long as there is no file, or no more
        with self._ending_at_disk_errors():
            directory.mkdir(parents=True, exist_ok=True)
            if not resumed:
                keep_aside(directory)
            # In the order of their names they are read. The whole path, since "s3:" begins it otherwise.
            self._file = RecordWriter(str(directory.resolve() / f"events.out.tfevents.{time.time():.6f}"))
            self._begin(options, points)

    def _begin(self, options: dict[str, Any], points: int) -> None:
        """Hide what came after the checkpoint, and say what the run was told."""
        self._write(file_version="brain.Event:2")
        self._write(step=points + 1, session_log=SessionLog(status=SessionLog.START))
        told = {name: value for name, value in options.items() if value is not None}
        rows = "".join(f"| {name} | {value} |\n" for name, value in told.items())
        self._add(summary.text("options", "| option | value |\n|---|---|\n" + rows), points)
        metrics = dict.fromkeys([f"progress/{name}" for name in ("win_rate", "running_mean")], 0)
        plain = {name: v if isinstance(v, int | float | str) else str(v) for name, v in told.items()}
        experiment, session, _ = summary.hparams(plain, metrics)
        self._add(experiment, points)
        self._add(session, points)
        self._file.flush()

    def _write(self, **event: Any) -> None:
        self._file.write(Event(wall_time=time.time(), **event).SerializeToString())

    def _add(self, what: Any, step: int) -> None:
        self._write(summary=what, step=step)

    @contextlib.contextmanager
    def _ending_at_disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            file, self._file = self._file, None
            if file is not None:
                with contextlib.suppress(OSError):  # it would write the rest
                    file.close()
            self._say(
                f"{self._directory} could not be written ({error.strerror}): "
                "TensorBoard's log ends here, training goes on"
            )

    def see(self, step: Step) -> None:
        """Take in a state of the first game, for a video if one is due."""
        if self._file is None or self._video is not None:
            return
        if not self._film:
            now = time.monotonic()
            if now - self._filmed < VIDEO_SECONDS:
                return
            self._filmed = now
        shot = Image.fromarray(picture(step.frames[0], step.scores[0])).reduce(SHRINK)
        palette = self._film[0] if self._film else None
        self._film.append(shot.quantize(COLOURS, palette=palette, dither=Image.Dither.NONE))
        self._durations.append(round(TICK_MILLISECONDS * int(step.ticks[0])))
        if len(self._film) == VIDEO_DECISIONS:
            # A state's ticks came before it, so its picture stays for as long as the next one's took.
            durations = [*self._durations[1:], 1000]
            self._video = self._thread.submit(gif, self._film, durations)
            self._film, self._durations = [], []

    def report(self, progress: Progress, weights: Weights) -> None:
        """Write the scalars, unless these are written already, and what else is due."""
        if self._file is None or progress.points <= self._written:
            return
        with self._ending_at_disk_errors():
            now, self._written = time.monotonic(), progress.points
            self._add_scalars(progress)
            self._add_video(progress.points)
            if now - self._drew_weights >= HISTOGRAM_SECONDS:
                self._drew_weights = now
                self._add_weights(weights, progress.points)
            if now - self._flushed >= FLUSH_SECONDS:
                self._flushed = now
                self._file.flush()

    def _add_scalars(self, progress: Progress) -> None:
        names = (*Progress.COLUMNS, EVALUATION_COLUMN)
        for name in names:
            if (value := getattr(progress, name)) is not None:
                self._add(summary.scalar(f"progress/{name}", value), progress.points)

    def _add_weights(self, weights: Weights, step: int) -> None:
        for name, weight in weights.items():
            if weight.size > 1:
                self._add(summary.histogram(f"weights/{name}", weight, BINS), step)

    def _add_video(self, step: int) -> None:
        """Write the video if one has been made meanwhile."""
        if self._video is None or not self._video.done():
            return
        made, self._video = self._video.result(), None
        with Image.open(io.BytesIO(made)) as first:
            width, height = first.size
        shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=made)
        self._add(Summary(value=[Summary.Value(tag="game", image=shown)]), step)

    def close(self, progress: Progress, weights: Weights) -> None:
        """Write what there is at the end, the weights too, and close the file."""
        self._thread.shutdown()
        self.report(progress, weights)
        if self._file is None:
            return
        with self._ending_at_disk_errors():
            self._add_video(progress.points)
            self._add_weights(weights, progress.points)
            *_, ended = summary.hparams({}, {})
            self._add(ended, progress.points)
            self._file.close()


def keep_aside(directory: Path) -> None:
    """Move the event files of an earlier run into previous-1, previous-2, …"""
    found = sorted(directory.glob("events.out.tfevents.*"))
    if found:
        names = (directory / f"previous-{number}" for number in itertools.count(1))
        aside = next(path for path in names if not path.exists())
        aside.mkdir()
        for path in found:
            path.rename(aside / path.name)


def gif(pictures: list[Image.Image], durations: list[int]) -> bytes:
    """Make a GIF of pictures, each shown for so many milliseconds."""
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return file.getvalue()
