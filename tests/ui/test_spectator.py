"""The window of somebody who watches: what it shows of a server that comes, goes and comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pongrl.errors import PongError, RefusedError
from pongrl.game.people import Keys, Snapshot
from pongrl.ui.film import Recorder
from pongrl.ui.spectator import NoWindow, Spectator, open_view, watch
from pongrl.wire import retry
from pongrl.wire.client import PongWatcher
from tests.support import connected, serving
from tests.support.ui import film_of


class Window:
    """A window that keeps what it was shown, and that is closed after so many games and notices."""

    def __init__(self, games: int = 1_000_000, notices: int = 1_000_000) -> None:
        self.games, self.notices = games, notices
        self.seen: list[Snapshot] = []
        self.read: list[str] = []

    def poll(self) -> tuple[bool, Keys]:
        return len(self.seen) < self.games and len(set(self.read)) < self.notices, Keys()

    def show(self, snapshot: Snapshot, notice: tuple[str, ...] = ()) -> None:
        if notice:
            self.read.append(notice[0])
        else:
            self.seen.append(snapshot)

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)


def test_views_of_the_game_are_shown_and_filmed(tmp_path: Path) -> None:
    said: list[str] = []
    window, recorder = Window(games=20), Recorder(str(tmp_path / "game.mp4"), said.append)
    with serving(levelodiff=4) as server, PongWatcher(*server.address) as watcher:
        watcher.connect()
        Spectator(window, recorder, lambda: False, said.append).run(lambda: watcher, "looking")
    recorder.close()
    assert window.read == ["looking"]
    assert all(snapshot.frame is None for snapshot in window.seen)
    assert window.seen[0].ball != window.seen[-1].ball
    assert len(film_of(tmp_path / "game.mp4")[0]) > 1


class PausingWindow(Window):
    """A window whose person pauses after ten games and goes on after twenty."""

    def poll(self) -> tuple[bool, Keys]:
        return super().poll()[0], Keys(paused=10 <= len(self.seen) < 20)


def test_the_picture_stands_still_while_it_is_paused_and_the_film_goes_on(tmp_path: Path) -> None:
    window, recorder = PausingWindow(games=40), Recorder(str(tmp_path / "game.mp4"), lambda _: None)
    with serving(levelodiff=4) as server, PongWatcher(*server.address) as watcher:
        watcher.connect()
        Spectator(window, recorder, lambda: False, print).run(lambda: watcher, "looking")
    recorder.close()
    assert set(window.seen[9:20]) == {window.seen[9]}
    assert window.seen[20] != window.seen[9]
    assert len(film_of(tmp_path / "game.mp4")[0]) > 30


def test_the_picture_is_drawn_again_while_an_agent_pauses() -> None:
    window = Window(games=30)
    with (
        serving(levelodiff=2) as server,
        connected(server) as agent,
        PongWatcher(*server.address) as watcher,
    ):
        watcher.connect()
        agent.pause()
        assert agent.ping() < 10  # it is paused now
        Spectator(window, None, lambda: False, print).run(lambda: watcher, "looking")
    assert window.seen[-1] == window.seen[-2]


def test_a_server_that_is_lost_is_sought_again() -> None:
    said: list[str] = []
    window = Window(games=2)
    with serving() as first, serving() as second:
        watchers = [PongWatcher(*server.address) for server in (first, second)]
        for watcher in watchers:
            watcher.connect()
        first.close()
        connect = iter(watchers).__next__
        Spectator(window, None, lambda: False, said.append).run(connect, "looking")
    assert len(said) == 1
    assert said[0].endswith("; trying again")
    assert set(window.read) == {"looking", said[0]}
    assert len(window.seen) == 2


def test_a_server_that_is_not_there_is_waited_for() -> None:
    said: list[str] = []
    with serving() as server:
        host, port = server.address
    window = Window(notices=2)

    def connect() -> PongWatcher:
        watcher = PongWatcher(host, port)
        watcher.connect()
        return watcher

    Spectator(window, None, lambda: False, said.append).run(connect, "looking")
    assert said == [window.read[-1]]
    assert said[0].startswith(f"no server at {host}:{port}")


def test_a_server_that_refuses_us_ends_it() -> None:
    with serving(token="secret") as server:
        host, port = server.address
        with pytest.raises(RefusedError):
            watch(host, port, "wrong", None, lambda: False, print)


def test_a_signal_ends_it() -> None:
    window = Window()
    with serving() as server, PongWatcher(*server.address) as watcher:
        watcher.connect()
        Spectator(window, None, lambda: len(window.seen) >= 3, print).run(lambda: watcher, "looking")
    assert len(window.seen) == 3


def test_a_recording_does_without_a_display_but_a_window_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    said: list[str] = []
    recorder = Recorder(str(tmp_path / "game.gif"), said.append)
    assert isinstance(open_view("test", recorder, said.append), NoWindow)
    assert said == ["no window can be opened, so the game is recorded without one; Ctrl-C ends it"]
    with pytest.raises(PongError, match="no window can be opened"):
        open_view("test", None, said.append)
    recorder.close()


def test_signals_are_heard_until_the_film_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[str] = []
    finish = Recorder.close

    @contextlib.contextmanager
    def listening() -> Iterator[None]:
        order.append("listens")
        yield
        order.append("listens no more")

    monkeypatch.setattr(Recorder, "close", lambda recorder: order.append("film") or finish(recorder))
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    looks = iter(range(10))
    with serving(seed=1) as server:
        film, quits = str(tmp_path / "game.gif"), lambda: next(looks, None) is None
        watch(*server.address, "", None, quits, print, film, listening)
    assert order == ["listens", "film", "listens no more"]


def test_the_whole_of_it_with_a_window() -> None:
    looks = iter(range(10))
    said: list[str] = []
    with serving(seed=1) as server, connected(server):
        host, port = server.address
        watch(host, port, "", None, lambda: next(looks, None) is None, said.append)
    assert said == [f"watching the game at {host}:{port}: level 2"]
