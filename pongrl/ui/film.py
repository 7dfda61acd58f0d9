"""Films of the court for --record: .mp4 or .gif, by OpenCV's writers, in a thread of their own.

A film is of game time: a tick is 1/60 s in it, however fast the game was played; pauses are not in it. It is
never much longer than the run: where the game runs faster than that, as in lockstep, points are left out,
whole points at a time.

It is written beside its file, and takes that name when it is whole; so a file of that name stays as it was
until then, and for good if there is nothing to take its place.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import itertools
import math
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from pongrl.errors import PongError, UsageError
from pongrl.game.drawing import opencv, pygame_quietly
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.ui.court import draw_court
from pongrl.ui.quiet import quiet_libraries
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE
from pongrl.wire.arrays import UInt8Array

FRAMES_PER_SECOND = 60
AGENT_FRAMES_PER_SECOND = 15  # it is sent fewer states: 7.5 a second, with a decision of 8 ticks
GIF_FRAMES_PER_SECOND = 30  # browsers slow down a gif of more than 50
GIF_PART = 30  # frames that are encoded together, each 1 MB until then
SLACK_SECONDS = 1.0  # by which a film may be ahead of the run when the next point is begun
LONGEST_STILL_SECONDS = 1.0  # that a picture stays while nothing new comes
QUEUE = 3600  # scenes that wait for the encoder; a lockstep game plays a whole point in no time
RESERVE = 2 << 20  # bytes of the disk that stay free for the film's own end, and for others
INDEX = 64  # and bytes of that end for each frame
TRANSPARENT = 146  # the colour that OpenCV's encoder of gif keeps for that
CODECS = ("avc1", "mp4v")  # the first plays everywhere, but few builds of OpenCV can write it


class Scene(NamedTuple):
    """What is on a picture; see Recorder.add."""

    score: tuple[int, int]
    paddles: tuple[int, int]
    ball: tuple[int, int] | None


class Writer(Protocol):
    """What writes one kind of file."""

    def write(self, picture: UInt8Array) -> None:
        """Add a picture (height, width, 3), blue, green and red, as large as the others.

        Raises:
            OSError: it cannot.
        """

    def close(self) -> int:
        """Finish the file, and give the number of frames that can be read from it."""


class Mp4:
    """Writes by OpenCV's VideoWriter.

    Raises:
        PongError: this build of OpenCV cannot.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._cv2, self._path = opencv(), path
        logging = self._cv2.utils.logging
        # Else it writes a line into the terminal for each frame that finds no room.
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
        for codec in CODECS:
            if self._works(codec, frames_per_second):
                self._file = self._open(codec, frames_per_second)
                return
        raise PongError(
            "this build of OpenCV can write no .mp4: install opencv-python from PyPI, or record a .gif"
        )

    def _open(self, codec: str, frames_per_second: float) -> Any:
        cv2 = self._cv2
        size = COURT_WIDTH, COURT_HEIGHT
        return cv2.VideoWriter(str(self._path), cv2.VideoWriter_fourcc(*codec), frames_per_second, size)

    def _works(self, codec: str, frames_per_second: float) -> bool:
        """Whether a film of two frames can be read again: an encoder that is there may yet be useless."""
        with quiet_libraries():
            self._file = self._open(codec, frames_per_second)
            if self._file.isOpened():
                for shade in (0, 255):
                    self.write(np.full((COURT_HEIGHT, COURT_WIDTH, 3), shade, np.uint8))
            return self.close() == 2

    def write(self, picture: UInt8Array) -> None:
        """See Writer; OpenCV does not tell of errors before `close`."""
        self._file.write(picture)

    def close(self) -> int:
        """See Writer."""
        self._file.release()
        with quiet_libraries():
            film = self._cv2.VideoCapture(str(self._path))
            frames = int(film.get(self._cv2.CAP_PROP_FRAME_COUNT)) if film.isOpened() else 0
            film.release()
        return frames


class Gif:
    """Writes by OpenCV's encoder of animations, a part at a time: it wants all frames of one in memory.

    The parts can be joined, since the encoder's table of colours is always the same: each is a head (size,
    colours, endless loop), frames, and one byte for the end.

    Raises:
        PongError: this build of OpenCV cannot.
        OSError: the file cannot be written.
    """

    END = b";"
    FRAME = b"\x21\xf9\x04"  # begins each frame, behind the head

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._cv2 = cv2 = opencv()
        if not (hasattr(cv2, "imencodeanimation") and cv2.haveImageWriter(".gif")):
            raise PongError(
                f"OpenCV {cv2.__version__} cannot write a .gif: "
                "pip install --upgrade opencv-python (4.12 or later), or record an .mp4"
            )
        self._rate = frames_per_second
        self._pictures: list[UInt8Array] = []
        self._frames = self._whole = 0  # frames in the file, and its bytes that hold them
        self._head = b""
        self._file = path.open("wb", buffering=0)

    def write(self, picture: UInt8Array) -> None:
        """See Writer."""
        self._pictures.append(picture)
        if len(self._pictures) == GIF_PART:
            self._write_part()

    def _write_part(self) -> None:
        cv2, pictures = self._cv2, self._pictures
        self._pictures = []
        animation = cv2.Animation()
        animation.frames = pictures
        # A gif counts hundredths of a second: rounded so that their sum is right.
        ends = [round(100 * (self._frames + i) / self._rate) for i in range(len(pictures) + 1)]
        animation.durations = [10 * (end - begin) for begin, end in itertools.pairwise(ends)]
        # Of the qualities this is the only one that leaves plain colours plain.
        quality = [cv2.IMWRITE_GIF_QUALITY, cv2.IMWRITE_GIF_FAST_NO_DITHER]
        encoded, array = cv2.imencodeanimation(".gif", animation, quality)
        if not encoded:
            raise OSError(errno.EIO, "OpenCV could not encode it")
        data = array.tobytes()
        # 13 bytes begin it, the eleventh of which says how many colours follow.
        table = 3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0
        begin = data.index(self.FRAME, 13 + table)
        head, body = data[:begin], data[begin : -len(self.END)]
        if not self._head:
            self._head, body = head, with_our_colours(head, table) + body
        assert head == self._head
        view = memoryview(body)
        while view:
            view = view[self._file.write(view) :]
        self._whole += len(body)
        self._frames += len(pictures)

    def close(self) -> int:
        """See Writer."""
        with self._file as file:
            if self._pictures:
                with contextlib.suppress(OSError):
                    self._write_part()
            file.truncate(self._whole)  # what of a part could be written is none
            file.seek(self._whole)
            with contextlib.suppress(OSError):  # viewers do without it
                file.write(self.END)
        return self._frames


def with_our_colours(head: bytes, table: int) -> bytes:
    """Put the court's colours into a gif's table of eight reds by eight greens by four blues.

    One place the encoder keeps for what is transparent, and takes the green below.
    """
    colours = np.frombuffer(head, np.uint8, table, offset=13).reshape(-1, 3).astype(int)
    for colour in (BACKGROUND, LINE, WHITE, DIM, ACCENT):
        red, green, blue = colour
        place = red >> 5 << 5 | green >> 5 << 2 | blue >> 6
        place -= 4 * (place == TRANSPARENT)
        if place < len(colours) and np.abs(colours[place] - colour).max() < 64:
            colours[place] = colour
    return head[:13] + colours.astype(np.uint8).tobytes() + head[13 + table :]


KINDS: dict[str, Callable[[Path, float], Writer]] = {".mp4": Mp4, ".gif": Gif}


class Recorder:
    """Films what is added, from any one thread, until `close`.

    Args:
        path: the file, .mp4 or .gif; one that is there is replaced when the film is whole.
        say: is told in a sentence what became of it, by a thread of ours.
        frames_per_second: of game time; a gif has 30 at most.

    Raises:
        UsageError: the ending is another, or the file cannot be written.
        PongError: this build of OpenCV cannot write such films.
    """

    def __init__(
        self,
        path: str,
        say: Callable[[str], None],
        frames_per_second: float = FRAMES_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._say, self._clock = Path(path), say, clock
        kind = KINDS.get(self._path.suffix.lower())
        if kind is None:
            raise UsageError(f"--record writes FILE.mp4 or FILE.gif, not {path}: choose one of the two")
        if self._path.is_dir():
            raise UsageError(f"--record: {path} is a directory: name a file")
        gif = kind is Gif
        self._rate = min(frames_per_second, GIF_FRAMES_PER_SECOND) if gif else frames_per_second
        self._partial = self._path.with_name(f"{self._path.stem}.{os.getpid()}.partial{self._path.suffix}")
        try:
            self._partial.touch()
            if self._is_disk_full(0):
                raise OSError(errno.ENOSPC, "there is no room")
            self._writer = kind(self._partial, self._rate)
        except OSError as error:
            self._discard()
            raise UsageError(
                f"--record cannot write into {self._path.parent} ({error.strerror}): choose another place"
            ) from error
        except PongError:
            self._discard()
            raise
        self._due = clock()  # by which time the film has to be as long as it is
        self._filming = True  # this point
        self._seconds, self._counted = 0.0, 0  # of game time filmed, and frames for it
        self._missed = 0
        self._closed = False
        self._scenes: queue.Queue[Scene | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    # For the thread of the game.

    def add(
        self,
        score: tuple[int, int],
        paddles: tuple[int, int],
        ball: tuple[int, int] | None,
        seconds: float,
        serves: bool = False,
    ) -> None:
        """Show what is to be seen now.

        Args:
            score: points of left and right.
            paddles: y of left and right, in pixels.
            ball: x and y; None if it cannot be seen.
            seconds: of game time since the last call.
            serves: whether a point begins here: one that may be left out.
        """
        if self._closed:
            return
        if serves:
            now = self._clock()
            self._filming = self._due <= now + SLACK_SECONDS
            self._due = max(self._due, now - SLACK_SECONDS)
        if not self._filming:
            return
        seconds = min(seconds, LONGEST_STILL_SECONDS)
        self._due += seconds
        self._seconds += seconds
        frames = math.floor(self._seconds * self._rate + 1e-6) - self._counted
        self._counted += frames
        scene = Scene(score, paddles, ball)
        for _ in range(frames):
            try:
                self._scenes.put_nowait(scene)
            except queue.Full:
                self._missed += 1

    def close(self) -> None:
        """Finish the film, and say where it is; calling it again does nothing."""
        if not self._closed:
            self._closed = True
            self._scenes.put(None)
            self._thread.join()

    # The recorder's thread.

    def _run(self) -> None:
        studio, frames, going = Studio(), 0, True
        while (scene := self._scenes.get()) is not None:
            if not going:
                continue
            if frames % FRAMES_PER_SECOND == 0 and self._is_disk_full(frames):
                going = False
                self._say(f"the disk is full: the recording {self._path} ends here, all else goes on")
                continue
            try:
                self._writer.write(studio.picture(scene))
                frames += 1
            except OSError as error:
                going = False
                self._say(
                    f"the recording {self._path} ends here ({error.strerror}): "
                    "make room or choose another place; all else goes on"
                )
        self._finish(frames)

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _is_disk_full(self, frames: int) -> bool:
        try:
            return shutil.disk_usage(self._partial.parent).free < RESERVE + INDEX * frames
        except OSError:
            return False  # whether it can be written will be seen

    def _finish(self, frames: int) -> None:
        """Close the file, look whether it is whole, and give it its name."""
        partial, path = self._partial, self._path
        try:
            read = self._writer.close()
            if not read:
                self._discard()
                why = "could not be written: is the disk full?" if frames else "has nothing to show"
                self._say(f"the recording {path} {why}; no file was made")
                return
            size = partial.stat().st_size
            os.replace(partial, path)
        except OSError as error:
            self._say(f"the recording {path} could not be finished ({error.strerror}): look for {partial}")
            return
        length = round(read / self._rate)
        lost = f", {frames - read:,} more could not be written" * (read < frames)
        missed = f", {self._missed:,} left out where the encoder could not follow" * (self._missed > 0)
        self._say(
            f"recorded {path}: {length // 60}:{length % 60:02d}, {read:,} frames of "
            f"{COURT_WIDTH}×{COURT_HEIGHT}, {size / 1000:,.0f} kB{lost}{missed}"
        )


class Studio:
    """Draws scenes; for one thread, and in need of no display."""

    def __init__(self) -> None:
        pygame = self._pygame = pygame_quietly()
        self._text = Text(importlib.import_module("pygame.ftfont"))
        self._surface = pygame.Surface((COURT_WIDTH, COURT_HEIGHT), depth=32)

    def picture(self, scene: Scene) -> UInt8Array:
        """Draw a scene as an array (500, 700, 3), blue, green and red."""
        draw_court(self._surface, self._text, scene.score, scene.paddles, scene.ball)
        colours = self._pygame.surfarray.pixels2d(self._surface).T.view(np.uint8)
        bgra = colours.reshape(COURT_HEIGHT, COURT_WIDTH, 4)
        cv2 = opencv()
        bgr: UInt8Array = cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR)
        return bgr
