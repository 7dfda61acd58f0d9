"""What writes films: the pictures, their colours and their times in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pongrl.errors import PongError
from pongrl.ui import film_writers
from pongrl.ui.court import Scene
from pongrl.ui.film import Studio
from pongrl.ui.film_writers import Gif, Mp4, palette
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE
from tests.support import PATIENCE, ROOT
from tests.support.ui import film_of, has

SCENES = [Scene((3, 14), (20 + number, 300 - number), (345 - 5 * number, 245)) for number in range(45)]


def pictures() -> list[np.ndarray]:
    studio = Studio()
    return [studio.picture(scene) for scene in SCENES]


@pytest.mark.parametrize("rate", [30, 15, 7, 60])
def test_the_times_of_a_gif_add_up_to_its_length(tmp_path: Path, rate: int) -> None:
    gif = Gif(tmp_path / "game.gif", rate)
    for picture in pictures():
        gif.write(picture)
    assert gif.close() == 45
    frames, seconds = film_of(tmp_path / "game.gif")
    assert len(frames) == 45
    assert seconds == pytest.approx(45 / rate, abs=0.005)


def test_a_gif_shows_each_picture_though_it_keeps_only_what_changes(tmp_path: Path) -> None:
    gif, drawn = Gif(tmp_path / "game.gif", 30), pictures()
    for picture in drawn:
        gif.write(picture)
    gif.close()
    for frame, picture in zip(film_of(tmp_path / "game.gif")[0], drawn, strict=True):
        assert abs(frame.astype(int) - picture).max() < 10  # a shade of a digit's edge


def test_a_gif_keeps_the_courts_colours(tmp_path: Path) -> None:
    gif, drawn = Gif(tmp_path / "game.gif", 30), pictures()
    for picture in drawn:
        gif.write(picture)
    gif.close()
    frames, _ = film_of(tmp_path / "game.gif")
    for number in (0, 44):
        for colour in (BACKGROUND, LINE, WHITE, DIM, ACCENT):
            places = has(drawn[number], colour[::-1])
            assert places.any()
            np.testing.assert_array_equal(has(frames[number], colour[::-1])[places], True)


def test_a_gif_has_room_for_its_colours() -> None:
    assert len(palette()) <= 64
    assert len(set(palette())) == len(palette())


def test_a_picture_that_stays_the_same_takes_a_few_bytes(tmp_path: Path) -> None:
    gif, picture = Gif(tmp_path / "game.gif", 30), Studio().picture(SCENES[0])
    gif.write(picture)
    size = (tmp_path / "game.gif").stat().st_size
    for _ in range(100):
        gif.write(picture)
    assert (tmp_path / "game.gif").stat().st_size - size < 100 * 40
    gif.close()
    assert len(film_of(tmp_path / "game.gif")[0]) == 101


def test_what_is_written_of_a_gif_can_be_played_before_its_end(tmp_path: Path) -> None:
    gif = Gif(tmp_path / "game.gif", 30)
    for picture in pictures():
        gif.write(picture)
    frames, _ = film_of(tmp_path / "game.gif")  # as after a kill -9
    assert len(frames) == 45
    gif.close()


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limits there")
def test_a_gif_on_a_disk_that_fills_up_ends_with_its_last_whole_picture(tmp_path: Path) -> None:
    program = """if True:
        import resource, sys
        from pathlib import Path
        from pongrl.ui.court import Scene
        from pongrl.ui.film import Studio
        from pongrl.ui.film_writers import Gif

        gif, studio, frames = Gif(Path(sys.argv[1]), 30), Studio(), 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        try:
            while True:
                gif.write(studio.picture(Scene((3, 14), (frames % 400, 300), (345, 245))))
                frames += 1
        except OSError:
            print(frames, gif.close())
    """
    command = [sys.executable, "-c", program, str(tmp_path / "game.gif")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    frames, _ = film_of(tmp_path / "game.gif")
    assert done.stdout.split()[-2:] == [str(len(frames))] * 2
    assert len(frames) > 1


def test_without_pillow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PongError, match=r"pip install pillow, or record an \.mp4"):
        Gif(tmp_path / "game.gif", 30)
    assert list(tmp_path.iterdir()) == []


def test_an_mp4_has_the_pictures_in_their_order(tmp_path: Path) -> None:
    mp4 = Mp4(tmp_path / "game.mp4", 60)
    for picture in pictures():
        mp4.write(picture)
    assert mp4.close() == 45
    frames, seconds = film_of(tmp_path / "game.mp4")
    assert (len(frames), seconds) == (45, 0.75)
    for frame, picture in zip(frames, pictures(), strict=True):
        assert (
            abs(frame.astype(int) - picture).max(axis=2) > 100
        ).sum() < 50  # pixels that compressing blurs


def test_an_mp4_may_have_a_colon_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film = Mp4(Path("12:30.mp4"), 30)  # which is no file by the protocol 12
    film.write(pictures()[0])
    assert film.close() == 1
    assert (tmp_path / "12:30.mp4").stat().st_size


def test_an_mp4_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PongError, match=r"caf.*\.mp4, whose name is not UTF-8: choose another, or record a"):
        Mp4(tmp_path / os.fsdecode(b"caf\xe9.mp4"), 30)


def test_an_opencv_that_can_write_no_mp4_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_writers, "CODECS", ("none",))
    with pytest.raises(PongError, match=r"OpenCV .*install opencv-python.* or record a \.gif"):
        Mp4(tmp_path / "game.mp4", 60)
    assert cv2.haveImageWriter(".png")  # it is there
