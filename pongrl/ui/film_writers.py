"""Writers of films: .mp4 by OpenCV, .gif by Pillow. A picture goes into the file as soon as it comes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pongrl.errors import PongError
from pongrl.game.drawing import opencv
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.text import printable
from pongrl.ui.quiet import quiet_libraries
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE, Colour, mixed
from pongrl.wire.arrays import UInt8Array

CODECS = ("avc1", "mp4v")  # the first plays everywhere, but few builds of OpenCV can write it
END = b";"  # of a .gif
SHADES = 15  # of each colour of a .gif, between the background and the colour itself: edges of digits


def _silence(cv2: Any) -> None:
    """Let OpenCV not write a line into the terminal for each frame that finds no room on the disk."""
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Writer(Protocol):
    """What writes one kind of file."""

    def write(self, picture: UInt8Array) -> None:
        """Add a picture (height, width, 3): blue, green, red. All pictures have one size.

        Raises:
            OSError: it cannot be written.
        """

    def close(self) -> int:
        """Finish the file, and return the number of pictures that can be read from it."""


class Mp4:
    """Writes with OpenCV's VideoWriter.

    Args:
        path: the file.
        frames_per_second: how fast the film is to be played.

    Raises:
        PongError: this build of OpenCV cannot write such films, or not by such a name.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        # What stands before a colon would be a protocol; behind a slash nothing is.
        self._cv2, self._path = opencv(), path.absolute()
        try:
            str(self._path).encode()
        except UnicodeEncodeError as error:  # OpenCV would crash
            raise PongError(
                f"OpenCV cannot write {printable(str(path))}, whose name is not UTF-8: choose another, "
                "or record a .gif"
            ) from error
        _silence(self._cv2)
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
        """Return True if a film of two frames can be read again: a codec that is there may be broken."""
        with quiet_libraries():
            self._file = self._open(codec, frames_per_second)
            if self._file.isOpened():
                for shade in (0, 255):
                    self.write(np.full((COURT_HEIGHT, COURT_WIDTH, 3), shade, np.uint8))
            # Windows may have written it under another name.
            return self.close() == 2 and self._path.stat().st_size > 0

    def write(self, picture: UInt8Array) -> None:
        """See Writer; OpenCV tells of no error before `close`."""
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
    """Writes with Pillow, picture by picture, each as the part that differs from the one before.

    `Image.save` would keep all pictures in memory until the end, 630 MB of them for a minute. So Pillow's
    functions for the head of a file and for one picture are called here. What has been written can be
    played, even if the process is killed.

    Args:
        path: the file.
        frames_per_second: how fast the film is to be played.

    Raises:
        PongError: Pillow is not installed.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        try:
            from PIL import GifImagePlugin, Image, ImageChops
        except ImportError as error:
            raise PongError(
                "a .gif needs Pillow, which is not installed: pip install pillow, or record an .mp4"
            ) from error
        self._gif, self._image, self._chops = GifImagePlugin, Image, ImageChops
        self._palette = Image.new("P", (1, 1))
        self._palette.putpalette([light for colour in palette() for light in colour])
        self._rate = frames_per_second
        self._frames = self._whole = 0  # pictures in the file, and the bytes that hold them
        self._last: Any = None  # the picture before
        self._file = path.open("wb", buffering=0)

    def write(self, picture: UInt8Array) -> None:
        """See Writer."""
        view = memoryview(self._encoded(picture))
        size = len(view)
        while view:
            view = view[self._file.write(view) :]
        self._whole += size
        self._frames += 1

    def _encoded(self, picture: UInt8Array) -> bytes:
        """Return the bytes that add a picture to the file."""
        height, width = picture.shape[:2]
        image = self._image.frombuffer("RGB", (width, height), picture.tobytes(), "raw", "BGR", 0, 1)
        image = image.quantize(palette=self._palette, dither=self._image.Dither.NONE)
        last, self._last = self._last, image
        # A .gif counts hundredths of a second: rounded so that their sum is right.
        begin, end = (round(100 * frames / self._rate) for frames in (self._frames, self._frames + 1))
        if last is None:
            head, _ = self._gif.getheader(image, info={"loop": 0})
            return b"".join([*head, *self._gif.getdata(image, duration=10 * (end - begin))])
        box = self._chops.difference(image, last).getbbox() or (0, 0, 1, 1)
        return b"".join(self._gif.getdata(image.crop(box), box[:2], duration=10 * (end - begin)))

    def close(self) -> int:
        """See Writer."""
        with self._file as file, contextlib.suppress(OSError):  # viewers do without the end
            file.truncate(self._whole)  # a part of a picture is none
            file.seek(self._whole)
            file.write(END)
        return self._frames


def palette() -> list[Colour]:
    """Return the colours of a .gif: the court's, and their shades on the background."""
    shares = [number / SHADES for number in range(1, SHADES + 1)]
    return [BACKGROUND] + [
        mixed(BACKGROUND, colour, share) for colour in (WHITE, ACCENT, DIM, LINE) for share in shares
    ]
