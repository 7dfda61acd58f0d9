"""The recorder of films: what is on them, how long they are, and what becomes of those that go wrong."""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pongrl.errors import PongError, UsageError
from pongrl.game.drawing import pygame_quietly
from pongrl.game.players import built_in
from pongrl.game.rules import Game
from pongrl.ui import film as film_module
from pongrl.ui import film_writers
from pongrl.ui.court import Scene
from pongrl.ui.film import FRAMES_PER_SECOND, LONGEST_STILL_SECONDS, SLACK_SECONDS, Pace, Recorder, Studio
from pongrl.ui.film_writers import Gif
from pongrl.wire.arrays import UInt8Array
from tests.support import PATIENCE
from tests.support.ui import film_of

KINDS = pytest.mark.parametrize("kind", ["mp4", "gif"])
SCENE = Scene((3, 14), (20, 300), (345, 245))
TICK = 1 / 60


def played(recorder: Recorder, ticks: int) -> list[Scene]:
    """Let the built-in AI play against itself, and film it."""
    game, player, scenes = Game(3), built_in(2), []
    for _ in range(ticks):
        reward = game.step(player(game, 0), player(game, 1))
        scene = Scene(
            (game.score[0], game.score[1]), (game.paddles[0], game.paddles[1]), (game.ball_x, game.ball_y)
        )
        scenes.append(scene)
        recorder.add(*scene, TICK, reward != 0)
    return scenes


def are_alike(one: UInt8Array, other: UInt8Array) -> bool:
    """Return True if two pictures show the same; what compressing blurs does not count."""
    return int((np.abs(one.astype(int) - other).max(axis=2) > 100).sum()) < 50  # pixels: half a ball


def running() -> Callable[[], float]:
    """Make the clock of a run that is as fast as its film."""
    return map(float, itertools.count()).__next__


@KINDS
def test_a_film_shows_what_was_added_at_its_own_speed(tmp_path: Path, kind: str) -> None:
    said: list[str] = []
    path = tmp_path / f"game.{kind}"
    recorder = Recorder(str(path), said.append, clock=running())
    scenes = played(recorder, 60)
    recorder.close()
    recorder.close()
    frames, seconds = film_of(path)
    assert seconds == pytest.approx(1.0, abs=0.02)
    step = 2 if kind == "gif" else 1
    shown = scenes[step - 1 :: step]
    studio = Studio()
    for frame, scene in zip(frames, shown, strict=True):
        assert are_alike(frame, studio.picture(scene))
    assert os.listdir(tmp_path) == [path.name]
    (sentence,) = said
    assert sentence.startswith(f"recorded {path}: 0:01, {len(shown)} frames of 700×500, ")
    assert sentence.endswith(" kB")


@KINDS
def test_states_that_last_long_stay_as_long_but_pauses_do_not(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"game.{kind}"
    recorder = Recorder(str(path), print, 15)
    for _ in range(30):
        recorder.add(*SCENE, 8 * TICK)
    recorder.add(*SCENE, 600.0)
    recorder.close()
    frames, seconds = film_of(path)
    assert len(frames) == 75
    assert seconds == pytest.approx(5.0, abs=0.02)


def test_where_the_game_is_faster_than_its_film_whole_points_are_left_out() -> None:
    now = [0.0]
    pace = Pace(60, lambda: now[0])
    frames = []
    for _ in range(30):  # points of two seconds, each played in a tenth of one
        frames.append(sum(pace.frames(TICK, serves=tick == 0) for tick in range(120)))
        now[0] += 0.1
    assert set(frames) == {0, 120}
    assert frames[0] == 120
    assert 2 <= sum(frames) / 60 <= now[0] + SLACK_SECONDS + 2


def test_where_each_step_brings_a_point_a_second_is_left_out_at_a_time() -> None:
    now = [0.0]
    pace = Pace(15, lambda: now[0])
    frames = []
    for _ in range(30):  # seconds, each played in a tenth of one
        frames.append(sum(pace.frames(4 * TICK, serves=True) for _ in range(15)))
        now[0] += 0.1
    assert set(frames) == {0, 15}
    assert 2 <= sum(frames) / 15 <= now[0] + SLACK_SECONDS + 1


def test_the_frames_of_many_short_scenes_add_up() -> None:
    pace = Pace(30, running())
    assert sum(pace.frames(TICK, serves=False) for _ in range(601)) == 300
    assert pace.frames(600.0, serves=False) == 30 * LONGEST_STILL_SECONDS


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
    frames, _ = film_of(tmp_path / "game.mp4")
    assert len(frames) in (5, 6)  # one may have left the queue
    assert f"{len(frames)} frames" in said[0]
    assert f", {50 - len(frames)} left out where the encoder could not follow" in said[0]


def test_at_the_end_nobody_waits_long_for_an_encoder_that_is_far_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, closing, picture = threading.Event(), threading.Event(), Studio.picture

    def slow(studio: Studio, scene: Scene) -> UInt8Array:
        begun.set()
        assert closing.wait(60)
        return picture(studio, scene)

    def put(scenes: queue.Queue[object], item: object, **how: object) -> None:
        queued(scenes, item, **how)
        if item is None:
            closing.set()

    queued: Callable[..., None] = queue.Queue.put
    monkeypatch.setattr(queue.Queue, "put", put)
    monkeypatch.setattr(film_module, "END_SECONDS", -1.0)
    monkeypatch.setattr(Studio, "picture", slow)
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.gif"), said.append)
    for _ in range(50):
        recorder.add(*SCENE, TICK)
    assert begun.wait(60)
    recorder.close()
    assert "1 frames of 700×500" in said[0]
    assert ", 24 left out where the encoder could not follow" in said[0]


def test_a_gif_needs_no_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    recorder = Recorder(str(tmp_path / "game.gif"), print)
    recorder.add(*SCENE, 1.0)
    recorder.close()
    assert (tmp_path / "game.gif").exists()


def test_a_film_is_finished_though_nobody_reads_what_is_said_of_it(tmp_path: Path) -> None:
    def say(_: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    recorder = Recorder(str(tmp_path / "game.gif"), say)
    recorder.add(*SCENE, 1.0)
    recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["game.gif"]


@KINDS
def test_a_film_of_nothing_leaves_the_old_file_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"game.{kind}"
    path.write_bytes(b"precious")
    said: list[str] = []
    Recorder(str(path), said.append).close()
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [path.name]
    assert said == [f"the recording {path} has nothing to show; no file was made"]


@KINDS
def test_the_old_file_is_replaced_when_the_film_is_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"game.{kind}"
    path.write_bytes(b"old")
    recorder = Recorder(str(path), print)
    recorder.add(*SCENE, TICK * 2)
    assert path.read_bytes() == b"old"
    recorder.close()
    assert len(film_of(path)[0]) > 0


def test_what_is_added_after_the_end_is_not_in_the_film(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "game.mp4"), print)
    recorder.add(*SCENE, TICK)
    recorder.close()
    recorder.add(*SCENE, TICK)
    assert len(film_of(tmp_path / "game.mp4")[0]) == 1


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
def test_a_library_that_cannot_write_such_films_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / f"game.{kind}").write_bytes(b"precious")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setattr(film_writers, "CODECS", ("none",))
    with pytest.raises(PongError, match="install"):
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
    for _ in range(4 * FRAMES_PER_SECOND):
        recorder.add(*SCENE, 1 / 30)
    recorder.close()
    frames, _ = film_of(tmp_path / f"game.{kind}")
    assert len(frames) == 2 * FRAMES_PER_SECOND
    assert "the disk is full" in said[0]
    assert f"{len(frames)} frames" in said[1]


def test_a_film_that_cannot_be_written_on_ends_there_and_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(30))
    write = Gif.write

    def write_while_there_is_room(gif: Gif, picture: UInt8Array) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        write(gif, picture)

    monkeypatch.setattr(Gif, "write", write_while_there_is_room)
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.gif"), said.append, 30)
    for _ in range(100):
        recorder.add(*SCENE, 1 / 30)
    recorder.close()
    assert len(film_of(tmp_path / "game.gif")[0]) == 30
    assert "ends here (No space left on device)" in said[0]
    assert "30 frames" in said[1]
    assert len(said) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_a_film_holds_up_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_failed = threading.Event()

    def fail(*_: object) -> None:
        has_failed.set()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Studio, "picture", fail)
    recorder = Recorder(str(tmp_path / "game.gif"), print, 30)
    recorder.add(*SCENE, 1 / 30)
    assert has_failed.wait(PATIENCE)
    for _ in range(film_module.QUEUE + 1):
        recorder.add(*SCENE, 1 / 30)
    recorder.close()


def test_drawing_goes_on_when_a_window_is_closed() -> None:
    pygame = pygame_quietly()
    studio = Studio()
    before = studio.picture(SCENE)
    pygame.display.init()
    pygame.font.init()
    pygame.display.quit()
    pygame.font.quit()
    np.testing.assert_array_equal(studio.picture(SCENE), before)
