"""Films of the court: what is on them, how long they are, and what becomes of those that go wrong."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from pongrl.errors import PongError, UsageError
from pongrl.game.drawing import pygame_quietly
from pongrl.game.players import built_in
from pongrl.game.rules import Game
from pongrl.ui import film as film_module
from pongrl.ui.film import Gif, Recorder, Scene, Studio
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE
from pongrl.wire.arrays import UInt8Array
from tests.support import Program, connected, run_program, serving

KINDS = pytest.mark.parametrize("kind", ["mp4", "gif"])
SCENE = Scene((3, 14), (20, 300), (345, 245))
TICK = 1 / 60


def film(path: Path) -> tuple[list[UInt8Array], float]:
    """Read a film's frames (500, 700, 3), blue, green and red, and its seconds."""
    if path.suffix == ".gif":
        read, animation = cv2.imreadanimation(str(path))
        assert read
        return [frame[:, :, :3] for frame in animation.frames], sum(animation.durations) / 1000
    video = cv2.VideoCapture(str(path))
    assert video.isOpened()
    frames = []
    while (came := video.read())[0]:
        frames.append(came[1])
    seconds = len(frames) / video.get(cv2.CAP_PROP_FPS)
    video.release()
    return frames, seconds  # type: ignore[return-value]


def played(recorder: Recorder, ticks: int) -> list[Scene]:
    """Let the built-in AI play against itself, and film it."""
    game, player, scenes = Game(3), built_in(2), []
    for _ in range(ticks):
        reward = game.step(player(game, 0), player(game, 1))
        scenes.append(
            Scene(
                (game.score[0], game.score[1]), (game.paddles[0], game.paddles[1]), (game.ball_x, game.ball_y)
            )
        )
        recorder.add(*scenes[-1], TICK, reward != 0)
    return scenes


def are_alike(one: UInt8Array, other: UInt8Array) -> bool:
    """Whether two pictures show the same; what compressing blurs does not count."""
    return int((np.abs(one.astype(int) - other).max(axis=2) > 100).sum()) < 50  # pixels: half a ball


def running() -> Callable[[], float]:
    """A clock of a run that is as fast as its film."""
    return map(float, itertools.count()).__next__


@KINDS
def test_a_film_shows_what_was_added_at_its_own_speed(tmp_path: Path, kind: str) -> None:
    said: list[str] = []
    path = tmp_path / f"game.{kind}"
    recorder = Recorder(str(path), said.append, clock=running())
    scenes = played(recorder, 120)
    recorder.close()
    recorder.close()
    frames, seconds = film(path)
    assert seconds == pytest.approx(2.0, abs=0.02)
    step = 2 if kind == "gif" else 1
    shown = scenes[step - 1 :: step]
    assert len(frames) == len(shown)
    studio = Studio()
    for frame, scene in zip(frames, shown, strict=True):
        assert are_alike(frame, studio.picture(scene))
    assert os.listdir(tmp_path) == [path.name]
    (sentence,) = said
    assert sentence.startswith(f"recorded {path}: 0:02, {len(shown)} frames of 700×500, ")


def test_a_gif_keeps_the_courts_colours(tmp_path: Path) -> None:
    path = tmp_path / "game.gif"
    recorder = Recorder(str(path), print)
    for _ in range(200):
        recorder.add(*SCENE, TICK)
    recorder.close()
    frames, _ = film(path)
    drawn = Studio().picture(SCENE)
    for colour in (BACKGROUND, LINE, WHITE, DIM, ACCENT):
        places = (drawn == colour[::-1]).all(axis=2)
        assert places.any()
        for frame in (frames[0], frames[-1]):
            np.testing.assert_array_equal(frame[places], np.tile(colour[::-1], (places.sum(), 1)))


def test_a_gif_in_parts_is_as_long_as_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "GIF_PART", 7)
    gif = Gif(tmp_path / "game.gif", 30)
    picture = Studio().picture(SCENE)
    for _ in range(45):
        gif.write(picture)
    assert gif.close() == 45
    frames, seconds = film(tmp_path / "game.gif")
    assert (len(frames), seconds) == (45, 1.5)


@KINDS
def test_states_that_last_long_stay_as_long_but_pauses_do_not(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"game.{kind}"
    recorder = Recorder(str(path), print, 15)
    for _ in range(30):
        recorder.add(*SCENE, 8 * TICK)
    recorder.add(*SCENE, 600.0)
    recorder.close()
    frames, seconds = film(path)
    assert len(frames) == 75
    assert seconds == pytest.approx(5.0, abs=0.02)


def test_where_the_game_is_faster_than_its_film_whole_points_are_left_out(tmp_path: Path) -> None:
    seconds = [0.0]
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.mp4"), said.append, clock=lambda: seconds[0])
    for point in range(30):  # of two seconds, in a tenth of one
        for tick in range(120):
            recorder.add((point, 0), (0, 0), (345, 245), TICK, tick == 0)
        seconds[0] += 0.1
    recorder.close()
    frames, length = film(tmp_path / "game.mp4")
    assert 2 <= length <= 3 + film_module.SLACK_SECONDS + 2
    assert len(frames) % 120 == 0
    studio = Studio()
    first = studio.picture(Scene((0, 0), (0, 0), (345, 245)))
    assert [are_alike(frame, first) for frame in frames] == [True] * 120 + [False] * (len(frames) - 120)
    assert "left out" not in said[0]


def test_an_encoder_that_cannot_follow_costs_frames_and_not_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_module, "QUEUE", 5)
    drawing = threading.Event()
    picture = Studio.picture

    def slow(studio: Studio, scene: Scene) -> UInt8Array:
        assert drawing.wait(60)
        return picture(studio, scene)

    monkeypatch.setattr(Studio, "picture", slow)
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.mp4"), said.append)
    for _ in range(50):
        recorder.add(*SCENE, TICK)
    drawing.set()
    recorder.close()
    frames, _ = film(tmp_path / "game.mp4")
    assert len(frames) in (5, 6)  # one may have left the queue
    assert f"{len(frames)} frames" in said[0]
    assert f", {50 - len(frames)} left out where the encoder could not follow" in said[0]


@KINDS
def test_a_film_of_nothing_leaves_the_old_file_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"game.{kind}"
    path.write_bytes(b"precious")
    said: list[str] = []
    Recorder(str(path), said.append).close()
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [path.name]
    assert said == [f"the recording {path} has nothing to show; no file was made"]


def test_what_is_added_after_the_end_is_not_in_the_film(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "game.mp4"), print)
    recorder.add(*SCENE, TICK)
    recorder.close()
    recorder.add(*SCENE, TICK)
    assert len(film(tmp_path / "game.mp4")[0]) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("game.avi", "--record writes FILE.mp4 or FILE.gif, not "),
        ("game", "--record writes FILE.mp4 or FILE.gif, not "),
        ("nowhere/game.mp4", "No such file or directory"),
        ("nowhere/game.gif", "No such file or directory"),
        ("directory.mp4", "is a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "directory.mp4").mkdir()
    with pytest.raises(UsageError, match=words):
        Recorder(str(tmp_path / name), print)
    assert os.listdir(tmp_path) == ["directory.mp4"]


@KINDS
def test_an_opencv_that_cannot_write_such_films_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / f"game.{kind}").write_bytes(b"precious")
    monkeypatch.delattr(cv2, "imencodeanimation")
    monkeypatch.setattr(film_module, "CODECS", ("none",))
    with pytest.raises(PongError, match=r"OpenCV .*install .*opencv-python"):
        Recorder(str(tmp_path / f"game.{kind}"), print)
    assert (tmp_path / f"game.{kind}").read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [f"game.{kind}"]


@KINDS
def test_a_disk_without_room_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(UsageError, match="there is no room"):
        Recorder(str(tmp_path / f"game.{kind}"), print)
    assert os.listdir(tmp_path) == []


@KINDS
def test_on_a_disk_that_fills_up_the_film_ends_and_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    looks = iter([10 << 20] * 3 + [1 << 20])  # bytes that are free, when it looks again
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(looks)))
    said: list[str] = []
    recorder = Recorder(str(tmp_path / f"game.{kind}"), said.append, 30)
    for _ in range(4 * film_module.FRAMES_PER_SECOND):
        recorder.add(*SCENE, 1 / 30)
    recorder.close()
    frames, _ = film(tmp_path / f"game.{kind}")
    assert len(frames) == 2 * film_module.FRAMES_PER_SECOND
    assert "the disk is full" in said[0]
    assert f"{len(frames)} frames" in said[1]


def test_a_gif_that_cannot_be_written_on_ends_with_its_last_whole_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.gif"), said.append, 30)
    writer: Any = recorder._writer
    file = writer._file

    class Full:
        """A file on a disk that has room for one part and a half."""

        def __getattr__(self, name: str) -> Any:
            return getattr(file, name)

        def __enter__(self) -> Any:
            return file.__enter__()

        def __exit__(self, *error: object) -> None:
            file.__exit__(*error)

        def write(self, data: bytes) -> int:
            if writer._frames == 0:
                return file.write(data)  # type: ignore[no-any-return]
            if file.tell() == writer._whole:
                return file.write(data[: len(data) // 2])  # type: ignore[no-any-return]
            raise OSError(errno.ENOSPC, "No space left on device")

    writer._file = Full()
    for _ in range(100):
        recorder.add(*SCENE, 1 / 30)
    recorder.close()
    frames, _ = film(tmp_path / "game.gif")
    assert len(frames) == film_module.GIF_PART
    assert "ends here (No space left on device)" in said[0]
    assert f"{film_module.GIF_PART} frames" in said[1]


def test_drawing_goes_on_when_a_window_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pygame_quietly()
    studio = Studio()
    before = studio.picture(SCENE)
    pygame.display.init()
    pygame.font.init()
    pygame.display.quit()
    pygame.font.quit()
    np.testing.assert_array_equal(studio.picture(SCENE), before)


# ---------------------------------------------------------------------------------------------
# Both programs, interrupted


def frames_said(program: Program, path: Path) -> int:
    """How many frames a program says that its film has, once it has ended in order."""
    assert program.ended() == 0, program.output
    found = re.search(rf"recorded {re.escape(str(path))}: \d+:\d\d, ([\d,]+) frames", program.output)
    assert found is not None, program.output
    return int(found[1].replace(",", ""))


SERVER = ("pong.py", "--headless", "--port", "0", "--seed", "1")


@KINDS
@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_server_agent_and_watcher_leave_films_that_can_be_seen(
    tmp_path: Path, kind: str, signal_sent: signal.Signals
) -> None:
    films = {name: tmp_path / f"{name}.{kind}" for name in ("server", "agent", "watcher")}
    record = {name: ("--record", str(path)) for name, path in films.items()}
    with Program(*SERVER, "--lockstep", *record["server"], stdin=None) as server:
        port = server.wait_for("listening on").split()[2].rpartition(":")[2]
        agent = ("mainmodel.py", "--port", port, "--directory", str(tmp_path / "run"), *record["agent"])
        with Program("mainmodel.py", "--watch", "--port", port, *record["watcher"], stdin=None) as watcher:
            watcher.wait_for("recorded without one; Ctrl-C ends it")
            watcher.wait_for("watching the game")
            with Program(*agent, stdin=None) as player:
                player.wait_for("100 points")
                for name, program in (("watcher", watcher), ("agent", player), ("server", server)):
                    program.process.send_signal(signal_sent)
                    said = frames_said(program, films[name])
                    assert said == len(film(films[name])[0]) > 0


def test_training_is_filmed_no_longer_than_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "training.mp4"
    flags = (
        "--local",
        "--games",
        "4",
        "--seed",
        "1",
        "--points",
        "200",
        "--directory",
        str(tmp_path / "run"),
    )
    code, program = run_program("mainmodel.py", *flags, "--record", str(path))
    assert code == 0, program.output
    assert frames_said(program, path) == len(film(path)[0])


def test_an_evaluation_is_filmed(tmp_path: Path) -> None:
    directory, path = str(tmp_path / "run"), tmp_path / "evaluation.mp4"
    flags = ("--directory", directory, "--games", "4", "--seed", "1")
    code, program = run_program("mainmodel.py", *flags, "--local", "--points", "100")
    assert code == 0, program.output
    with Program("mainmodel.py", *flags, "--evaluate", "--points", "20", "--record", str(path)) as program:
        assert frames_said(program, path) == len(film(path)[0])


@pytest.mark.parametrize(
    "program",
    [
        ("pong.py", "--headless", "--port", "0"),
        ("mainmodel.py", "--local"),
        ("mainmodel.py", "--watch"),
        ("mainmodel.py", "--plot", "progress.csv"),
    ],
)
def test_a_film_that_cannot_be_is_told_in_one_sentence(tmp_path: Path, program: tuple[str, ...]) -> None:
    code, done = run_program(*program, "--record", str(tmp_path / "nowhere" / "a.mp4"), cwd=tmp_path)
    assert code == 2
    (sentence,) = done.seen["stderr"]
    assert sentence.startswith("error: --")
    assert "--record" in sentence


def test_the_games_of_a_seed_are_the_same_when_they_are_filmed(tmp_path: Path) -> None:
    steps = []
    for record in (None, str(tmp_path / "game.mp4")):
        with serving(lockstep=True, seed=4, games=2, record=record) as server, connected(server) as client:
            moves = np.random.default_rng(1).integers(0, 3, (200, 2))
            steps.append([client.step(each) for each in moves])
    for plain, filmed in zip(*steps, strict=True):
        np.testing.assert_array_equal(plain.frames, filmed.frames)
        for name in ("rewards", "scores", "ticks", "points", "moves", "movers", "hits"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(filmed, name))
    assert steps[0][-1].scores.any()
    frames, _ = film(tmp_path / "game.mp4")
    assert len(frames) > 60
