"""What TensorBoard shows of a training run, for --tensorboard DIR. Written by tensorboardX.

    tensorboard --logdir DIR

    progress/…    the columns of progress.csv, at each of its rows, and the evaluation when there was one
    weights/…     histograms of the weights, every minute
    game          eight seconds of the first game as people see it, at its own speed, every two minutes
    options       what the run was told

The step is the number of points played, so that runs can be compared report by report. A run that resumes
goes on in the same DIR; TensorBoard hides what was written about points after its checkpoint. A new run in
a DIR that has one keeps the old files in previous-1 …, which TensorBoard shows as runs of their own.

tensorboardX's summaries and its RecordWriter are used, but not its SummaryWriter: when the disk is full, the
thread of a SummaryWriter ends, and the SummaryWriter then waits for that thread forever. Here the file ends,
and a minute later another one is begun beside it; what was reported meanwhile is in progress.csv alone.

Drawing the pictures of a video takes training half a second; the video is made of them in a thread.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pongrl.agent.aside import keep_aside
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.progress import COLUMNS, Progress
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
RETRY_SECONDS = 60.0  # after a disk error
HISTOGRAM_SECONDS = 60.0
BINS = 64
VIDEO_SECONDS = 120.0  # from the beginning of one video to that of the next
VIDEO_DECISIONS = 60
LAST_MILLISECONDS = 1000  # for which the last picture stays
SHRINK = 2  # times smaller than the court's 700×500 pixels
COLOURS = 32
TICK_MILLISECONDS = 1000 / 60  # of game time, whatever the clock


class Videos:
    """Short videos of the first game, made now and then."""

    def __init__(self) -> None:
        self._begun = float("-inf")  # when the last one was
        self._pictures: list[Image.Image] = []
        self._durations: list[int] = []  # milliseconds of each picture
        self._made: Future[bytes] | None = None  # that is being made, or waits to be taken
        self._thread = ThreadPoolExecutor(1, "video")

    def see(self, step: Step) -> None:
        """Take a picture of a state if a video is due."""
        if self._made is not None or not (self._pictures or self._is_due()):
            return
        shot = Image.fromarray(picture(step.frames[0], step.scores[0])).reduce(SHRINK)
        palette = self._pictures[0] if self._pictures else None
        self._pictures.append(shot.quantize(COLOURS, palette=palette, dither=Image.Dither.NONE))
        self._durations.append(round(TICK_MILLISECONDS * int(step.ticks[0])))
        if len(self._pictures) == VIDEO_DECISIONS:
            # A state comes after its ticks, so its picture stays for as long as those of the next one take.
            durations = [*self._durations[1:], LAST_MILLISECONDS]
            self._made = self._thread.submit(gif, self._pictures, durations)
            self._pictures, self._durations = [], []

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._begun < VIDEO_SECONDS:
            return False
        self._begun = now
        return True

    def take(self) -> bytes | None:
        """Return a video, a GIF, if one has been made since the last call."""
        if self._made is None or not self._made.done():
            return None
        made, self._made = self._made.result(), None
        return made

    def finish(self) -> None:
        """Wait for the video that is being made."""
        self._thread.shutdown()


class EventFile:
    """One file of events. A disk error ends it; after that nothing is written.

    Args:
        directory: where the file is.
        points: with which the run begins; TensorBoard then hides what other files tell about later points.
        resumed: True to go on with the files in the directory, False to keep them aside.
        fail: is told why it has ended.
    """

    def __init__(self, directory: Path, points: int, resumed: bool, fail: Callable[[str], None]) -> None:
        self._fail = fail
        self._file: Any = None
        self._begin, self._began = time.time(), time.monotonic()
        with self._ending_at_disk_errors():
            directory.mkdir(parents=True, exist_ok=True)
            if not resumed:
                keep_aside(directory, sorted(directory.glob("events.out.tfevents.*")))
            # TensorBoard reads files in the order of their names. The path is absolute, since tensorboardX
            # takes one that begins with "s3:" for an address.
            self._begin = max(time.time(), _newest(directory) + 1)
            name = f"events.out.tfevents.{self._begin:.6f}"
            self._file = RecordWriter(str(directory.resolve() / name))
        self._write(file_version="brain.Event:2")
        self._write(step=points + 1, session_log=SessionLog(status=SessionLog.START))

    @property
    def is_open(self) -> bool:
        """False after a disk error."""
        return self._file is not None

    def add(self, what: Any, step: int) -> None:
        """Write a summary."""
        self._write(summary=what, step=step)

    def flush(self) -> None:
        """Bring onto the disk what was written."""
        if self.is_open:
            with self._ending_at_disk_errors():
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self.is_open:
            with self._ending_at_disk_errors():
                self._file.close()

    def _write(self, **event: Any) -> None:
        if self.is_open:
            with self._ending_at_disk_errors():
                self._file.write(
                    Event(wall_time=self._begin + time.monotonic() - self._began, **event).SerializeToString()
                )

    @contextlib.contextmanager
    def _ending_at_disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            file, self._file = self._file, None
            if file is not None:
                with contextlib.suppress(OSError):  # closing writes the rest
                    file.close()
            self._fail(error.strerror or str(error))


def _newest(directory: Path) -> float:
    """Return the time of the newest file of events; the clock may have been set back since."""
    times = [0.0]
    for path in directory.glob("events.out.tfevents.*"):
        times.append(path.stat().st_mtime)
        with contextlib.suppress(ValueError):  # another program's
            times.append(float(path.name.removeprefix("events.out.tfevents.")))
    return max(times)


class EventLog(Observer):
    """The log of one run, in one directory. Its file is begun at the run's first decision.

    Args:
        directory: where the event files are.
        options: what the run was told; plain values.
        points: with which the run begins.
        resumed: True if it goes on with what is in the directory.
        say: is told of a disk error, once until the log goes on.
    """

    def __init__(
        self,
        directory: Path,
        options: Mapping[str, Any],
        points: int,
        resumed: bool,
        say: Callable[[str], None],
    ) -> None:
        self._options, self._points = options, points  # the points that the log tells about so far
        self._directory, self._resumed, self._say = directory, resumed, say
        self._file: EventFile | None = None
        self._failed: float | None = None  # when there was a disk error, until the log goes on
        self._videos = Videos()
        self._flushed = self._drew_weights = time.monotonic()

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Take a picture of the first game if a video is due."""
        if self._begun().is_open and decided.session.is_our_game:
            self._videos.see(decided.step)

    def reported(self, standing: Standing) -> None:
        """Write the scalars, unless they are written already, and what else is due."""
        self._try_again()
        progress, file = standing.progress, self._begun()
        if progress.points <= self._points:
            return
        now, self._points = time.monotonic(), progress.points
        self._add_scalars(file, progress)
        self._add_video(file, progress.points)
        if now - self._drew_weights >= HISTOGRAM_SECONDS:
            self._drew_weights = now
            self._add_weights(file, standing)
        if now - self._flushed >= FLUSH_SECONDS:
            self._flushed = now
            self._flush(file)

    def ended(self, standing: Standing) -> None:
        """Write what there is at the end, the weights too, and close the file."""
        self._videos.finish()
        if self._file is None:
            return
        self.reported(standing)
        self._add_video(self._file, standing.progress.points)
        self._add_weights(self._file, standing)
        self._file.close()

    def _begun(self) -> EventFile:
        """Return the file; begin it with what the run was told if it is not there yet."""
        if self._file is None:
            self._file = EventFile(self._directory, self._points, self._resumed, self._fail)
            self._resumed |= self._file.is_open  # what is there from now on is this run's
            told = {name: value for name, value in self._options.items() if value is not None}
            rows = "".join(f"| {name} | {value} |\n" for name, value in told.items())
            self._file.add(summary.text("options", "| option | value |\n|---|---|\n" + rows), self._points)
            self._flush(self._file)
        return self._file

    def _fail(self, reason: str) -> None:
        if self._failed is None:
            self._say(
                f"{self._directory} could not be written ({reason}): "
                "TensorBoard's log waits, training goes on"
            )
        self._failed = time.monotonic()

    def _try_again(self) -> None:
        """Let another file be begun if there was a disk error a while ago. Old files stay as they are."""
        if self._failed is not None and time.monotonic() - self._failed >= RETRY_SECONDS:
            self._file = None

    def _flush(self, file: EventFile) -> None:
        file.flush()
        if file.is_open and self._failed is not None:
            self._failed = None
            self._say(f"{self._directory} could be written again: TensorBoard's log goes on")

    @staticmethod
    def _add_scalars(file: EventFile, progress: Progress) -> None:
        for name in COLUMNS:
            if (value := getattr(progress, name)) is not None:
                file.add(summary.scalar(f"progress/{name}", value), progress.points)

    @staticmethod
    def _add_weights(file: EventFile, standing: Standing) -> None:
        weights = {} if standing.policy is None else standing.policy.weights
        for name, weight in weights.items():
            if weight.size > 1:
                file.add(summary.histogram(f"weights/{name}", weight, BINS), standing.progress.points)

    def _add_video(self, file: EventFile, step: int) -> None:
        """Write the video if one has been made."""
        made = self._videos.take()
        if made is None:
            return
        with Image.open(io.BytesIO(made)) as first:
            width, height = first.size
        shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=made)
        file.add(Summary(value=[Summary.Value(tag="game", image=shown)]), step)


def gif(pictures: list[Image.Image], durations: list[int]) -> bytes:
    """Make a GIF of pictures, each shown for so many milliseconds."""
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return file.getvalue()
