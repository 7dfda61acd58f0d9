"""Films of the court for --record: .mp4 or .gif, drawn and written in a thread of their own.

A film shows game time: a tick is 1/60 s in it, however fast the game was played; pauses are not in it. It is
never much longer than the run: where the game runs faster than that, as in lockstep, points are left out,
whole points at a time; where points are shorter than a second, all that begin within it.

A film is written into a temporary file, which is renamed when the film is complete. Until then an older file
of the film's name is not changed. If nothing was filmed, the older file stays.

    Recorder   takes what is to be seen, from the thread of the game
    Pace       decides which points are filmed, and how many frames a scene gets
    Studio     draws the frames
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import math
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pongrl.errors import PongError, UsageError
from pongrl.files import check_replaceable
from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.ui.court import Scene, SentScene, draw_court, draw_sent
from pongrl.ui.film_writers import Gif, Mp4, Writer
from pongrl.ui.text import Text
from pongrl.wire.arrays import UInt8Array

FRAMES_PER_SECOND = 60
AGENT_FRAMES_PER_SECOND = 15  # an agent is sent fewer states: 7.5 a second, with a decision of 8 ticks
GIF_FRAMES_PER_SECOND = 30  # browsers slow down a gif of more than 50
SLACK_SECONDS = 1.0  # by which a film may be ahead of the run when the next point begins
SHORTEST_PIECE_SECONDS = 1.0  # of a film, and of what is left out of it
LONGEST_STILL_SECONDS = 1.0  # that a picture stays while nothing new comes
LOOK_SECONDS = 0.1  # until it is looked again whether the recorder's thread lives
END_SECONDS = 5.0  # that the encoder is given for what still waits at the end
QUEUE = 3600  # scenes that wait for the encoder; a lockstep game plays a whole point in no time
RESERVE = 2 << 20  # bytes of the disk that stay free for the film's own end, and for others
INDEX = 64  # bytes of that end for each frame
KINDS: dict[str, Callable[[Path, float], Writer]] = {".mp4": Mp4, ".gif": Gif}


class Pace:
    """Decides which points are filmed, and how many frames a scene gets.

    Args:
        frames_per_second: of game time.
        clock: tells how long the run has lasted, in seconds.
    """

    def __init__(self, frames_per_second: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock = frames_per_second, clock
        self._due = clock()  # by which time the film has to be as long as it is
        self._is_filming = True  # this piece: a point, or some short ones
        self._piece = 0.0  # seconds of game time since it began
        self._seconds, self._counted = 0.0, 0  # of game time filmed, and frames for it

    def frames(self, seconds: float, serves: bool) -> int:
        """Return how many frames show a scene.

        Args:
            seconds: of game time that the scene lasts.
            serves: True if a point begins with it: one that may be left out.
        """
        if serves and self._piece > SHORTEST_PIECE_SECONDS - 1e-6:
            now = self._clock()
            self._is_filming = self._due <= now + SLACK_SECONDS
            self._due = max(self._due, now - SLACK_SECONDS)
            self._piece = 0.0
        self._piece += seconds
        if not self._is_filming:
            return 0
        seconds = min(seconds, LONGEST_STILL_SECONDS)
        self._due += seconds
        self._seconds += seconds
        frames = math.floor(self._seconds * self._rate + 1e-6) - self._counted
        self._counted += frames
        return frames


class Studio:
    """Draws scenes; for one thread, and without a display."""

    def __init__(self) -> None:
        pygame = self._pygame = pygame_quietly()
        # The fonts of pygame.font would end when any window is closed.
        self._text = Text(importlib.import_module("pygame.ftfont"))
        self._surface = pygame.Surface((COURT_WIDTH, COURT_HEIGHT), depth=32)

    def picture(self, scene: Scene | SentScene) -> UInt8Array:
        """Draw a scene; return an array (500, 700, 3): blue, green, red."""
        if isinstance(scene, Scene):
            draw_court(self._surface, self._text, scene)
        else:
            draw_sent(self._surface, self._text, scene)
        colours = self._pygame.surfarray.pixels2d(self._surface).T.view(np.uint8)
        bgra = colours.reshape(COURT_HEIGHT, COURT_WIDTH, 4)
        return np.ascontiguousarray(bgra[:, :, :3])


class Recorder:
    """Films what is added until `close`. One thread adds; another one, made here, draws and writes.

    Args:
        path: the file, .mp4 or .gif; a file that is there is replaced when the film is whole.
        say: is told in a sentence what became of the film, in the recorder's thread.
        frames_per_second: of game time; a gif has at most 30.
        clock: tells the time in seconds.

    Raises:
        UsageError: the file has another ending, or cannot be written.
        PongError: a library that such films need is missing, or cannot write them.
    """

    def __init__(
        self,
        path: str,
        say: Callable[[str], None],
        frames_per_second: float = FRAMES_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._say = Path(path), say
        kind = KINDS.get(self._path.suffix.lower())
        if kind is None:
            raise UsageError(f"--record writes FILE.mp4 or FILE.gif, not {path}: choose one of the two")
        self._rate = min(frames_per_second, GIF_FRAMES_PER_SECOND) if kind is Gif else frames_per_second
        self._partial = self._path.with_name(f"{self._path.stem}.{os.getpid()}.partial{self._path.suffix}")
        self._writer = self._open(kind)
        self._pace = Pace(self._rate, clock)
        self._until = math.inf  # when the encoder has to be through
        self._missed = 0  # frames that the encoder could not take
        self._is_closed = False
        self._scenes: queue.Queue[Scene | SentScene | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def _open(self, kind: Callable[[Path, float], Writer]) -> Writer:
        """Begin the file under its temporary name."""
        try:
            check_replaceable(self._path)
            self._partial.unlink(missing_ok=True)
            self._partial.open("xb").close()  # a link that somebody has put there is not followed
            if self._is_disk_full(0):
                raise OSError(errno.ENOSPC, "there is no room")
            return kind(self._partial, self._rate)
        except OSError as error:
            self._discard()
            raise UsageError(
                f"--record cannot write {self._path} ({error.strerror}): choose another place"
            ) from error
        except PongError:
            self._discard()
            raise

    # In the thread of the game.

    def add(
        self,
        score: tuple[int, int],
        paddles: tuple[int, int],
        ball: tuple[int, int] | None,
        seconds: float,
        serves: bool = False,
    ) -> None:
        """Add what is to be seen now.

        Args:
            score: points of left and right.
            paddles: y of left and right, in pixels.
            ball: x and y; None if it cannot be seen.
            seconds: of game time since the last call.
            serves: True if a point begins here: one that may be left out.
        """
        self._add(Scene(score, paddles, ball), seconds, serves)

    def add_sent(self, score: tuple[int, int], frame: UInt8Array, seconds: float, serves: bool) -> None:
        """Add what an agent is sent of another game.

        Args:
            score, seconds, serves: as for `add`.
            frame: (height, width); not changed later.
        """
        self._add(SentScene(score, frame), seconds, serves)

    def _add(self, scene: Scene | SentScene, seconds: float, serves: bool) -> None:
        if self._is_closed:
            return
        for _ in range(self._pace.frames(seconds, serves)):
            try:
                self._scenes.put_nowait(scene)
            except queue.Full:
                self._missed += 1

    def close(self) -> None:
        """Finish the film, and say where it is; calling it again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._until = time.monotonic() + END_SECONDS
            while self._thread.is_alive():  # else it has died of an error, and takes nothing any more
                with contextlib.suppress(queue.Full):
                    self._scenes.put(None, timeout=LOOK_SECONDS)
                    break
            self._thread.join()

    # In the recorder's thread.

    def _tell(self, sentence: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads it any more
            self._say(sentence)

    def _run(self) -> None:
        studio, frames, goes_on = Studio(), 0, True
        try:
            while (scene := self._scenes.get()) is not None:
                if time.monotonic() > self._until:  # somebody waits for the end
                    self._missed += 1
                    continue
                goes_on = goes_on and self._write(studio, scene, frames)
                frames += goes_on
        finally:
            self._finish(frames)

    def _write(self, studio: Studio, scene: Scene | SentScene, frames: int) -> bool:
        """Add a frame to the file; return False if the film has to end before it."""
        if frames % FRAMES_PER_SECOND == 0 and self._is_disk_full(frames):
            self._tell(f"the disk is full: the recording {self._path} ends here, all else goes on")
            return False
        try:
            self._writer.write(studio.picture(scene))
        except OSError as error:
            self._tell(
                f"the recording {self._path} ends here ({error.strerror}): "
                "make room or choose another place; all else goes on"
            )
            return False
        return True

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _is_disk_full(self, frames: int) -> bool:
        try:
            return shutil.disk_usage(self._partial.parent).free < RESERVE + INDEX * frames
        except OSError:
            return False  # writing will tell

    def _finish(self, frames: int) -> None:
        """Close the file, check that it can be read, and give it its name."""
        partial, path = self._partial, self._path
        try:
            read = self._writer.close()
            if not read:
                self._discard()
                why = "could not be written: is the disk full?" if frames else "has nothing to show"
                self._tell(f"the recording {path} {why}; no file was made")
                return
            size = partial.stat().st_size
            os.replace(partial, path)
        except OSError as error:
            self._tell(f"the recording {path} could not be finished ({error.strerror}): look for {partial}")
            return
        self._tell(self._summary(read, frames - read, size))

    def _summary(self, frames: int, lost: int, size: int) -> str:
        """Say what was recorded: frames in the film, frames that the disk lost, bytes of the file."""
        length = round(frames / self._rate)
        words = (
            f"recorded {self._path}: {length // 60}:{length % 60:02d}, {frames:,} frames of "
            f"{COURT_WIDTH}×{COURT_HEIGHT}, {size / 1000:,.0f} kB"
        )
        if lost > 0:
            words += f", {lost:,} more could not be written"
        if self._missed:
            words += f", {self._missed:,} left out where the encoder could not follow"
        return words
