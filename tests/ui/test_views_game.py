"""The game's window, keys and sounds, with SDL's drivers that need neither screen nor loudspeaker."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pong import Pong
from pongrl.game.camera import Camera
from pongrl.game.drawing import pygame_quietly
from pongrl.game.moves import DOWN, UP
from pongrl.game.people import Keys, Snapshot
from pongrl.game.players import built_in
from pongrl.game.rules import Game
from pongrl.ui import screen as screen_module
from pongrl.ui.court import scaled
from pongrl.ui.game_window import GameWindow, Layout
from pongrl.ui.screen import Screen, first_size
from pongrl.ui.sound import Sounds
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BACKGROUND, DIM, LINE, WHITE
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Mover
from tests.support import PATIENCE, ROOT, run_program

pygame = pygame_quietly()

SNAPSHOT = Snapshot(
    ball=(345, 245), paddles=(200, 200), score=(0, 0), matches=0, last_match=None, rally=0, last_rally=0,
    sounds=(0, 0, 0), status="waiting   right paddle: level 2", frame=None, sent="",
)  # fmt: skip
# Rows of the window.
HEADER, COURT, INSET, FOOTER = slice(0, 30), slice(30, 530), slice(530, 698), slice(698, 728)
SIZES = [(350, 250), (350, 500), (700, 560), (800, 480), (1920, 1080), (2560, 1440), (300, 2000), (1, 1)]


@pytest.fixture(autouse=True)
def _drivers_without_devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    yield
    pygame.quit()


@pytest.fixture
def window() -> Iterator[GameWindow]:
    window = GameWindow("test", inset=True)
    pygame.event.clear()
    yield window
    window.close()


def pixels(window: GameWindow, **changes: Any) -> npt.NDArray[np.uint8]:
    """What the window shows of a snapshot: (height, width, 3)."""
    window.show(replace(SNAPSHOT, **changes))
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)  # type: ignore[no-any-return]


def places(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Where a picture has just this colour: (height, width)."""
    found: npt.NDArray[np.bool_] = (picture == colour).all(axis=2)
    return found


# ---------------------------------------------------------------------------------------------
# What is drawn


@pytest.mark.parametrize(
    ("ball", "paddles"), [((345, 245), (200, 200)), ((0, 0), (0, 400)), ((690, 490), (400, 0))]
)
def test_ball_and_paddles_are_where_the_snapshot_says(
    window: GameWindow, ball: tuple[int, int], paddles: tuple[int, int]
) -> None:
    picture = pixels(window, ball=ball, paddles=paddles)
    ball_places, paddle_places = np.zeros((2, 500, 700), bool)
    ball_places[ball[1] : ball[1] + 10, ball[0] : ball[0] + 10] = True
    paddle_places[paddles[0] : paddles[0] + 100, :10] = True
    paddle_places[paddles[1] : paddles[1] + 100, 690:] = True
    np.testing.assert_array_equal(places(picture[COURT], ACCENT), ball_places)
    np.testing.assert_array_equal(places(picture[COURT], WHITE), paddle_places & ~ball_places)


def test_each_score_is_drawn_over_its_own_half_and_a_line_between(window: GameWindow) -> None:
    picture = pixels(window, score=(8, 21))[COURT]
    assert places(picture[:, 348:352], LINE).any()
    for side in (0, 350):
        rows, columns = np.nonzero(places(picture[:, side : side + 348], DIM))
        assert rows.max() < 100
        assert (columns.min() + columns.max()) / 2 == pytest.approx(175, abs=8)
    changed = (picture != pixels(window, score=(8, 9))[COURT]).any(axis=(0, 2))
    assert changed[350:].any()
    assert not changed[:350].any()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"status": "paused"}, HEADER), ({"status": "waiting   keys have the left paddle"}, HEADER),
        ({"rally": 7}, FOOTER), ({"last_rally": 7, "sounds": (0, 0, 1)}, FOOTER),
        ({"last_match": (21, 3)}, FOOTER), ({"matches": 3}, FOOTER),
        ({"frame": np.full((50, 70), 9, np.uint8)}, INSET), ({"sounds": (1, 1, 0)}, None),
    ],
)  # fmt: skip
def test_a_change_is_shown_in_its_own_part_of_the_window(
    window: GameWindow, change: dict[str, Any], part: slice | None
) -> None:
    changed = (pixels(window) != pixels(window, **change)).any(axis=(1, 2))
    for each in (HEADER, COURT, INSET, FOOTER):
        assert changed[each].any() == (each == part)


def test_the_inset_shows_each_cell_of_the_frame_and_the_words_for_it(window: GameWindow) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8)
    picture = pixels(window, frame=frame, sent="STEP 2   reward +0")
    inset = picture[537:687, 7:217]
    np.testing.assert_array_equal(inset, frame.repeat(3, 0).repeat(3, 1)[:, :, None].repeat(3, 2))
    other = pixels(window, frame=frame, sent="STEP 2   reward +1")
    rows, columns = np.nonzero((picture != other).any(axis=2))
    assert columns.min() > 220
    assert rows.min() > 537


def test_without_inset_the_window_is_court_and_two_bars() -> None:
    window = GameWindow("test", inset=False)
    picture = pixels(window, frame=np.full((50, 70), 9, np.uint8))
    assert picture.shape == (560, 700, 3)
    assert tuple(picture[400, 100]) == BACKGROUND
    assert pygame.display.get_caption()[0] == "test"
    window.close()
    assert not pygame.display.get_init()
    assert not pygame.mixer.get_init()


@pytest.mark.parametrize("inset", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_at_every_size_the_parts_lie_side_by_side_and_the_court_keeps_its_proportions(
    size: tuple[int, int], inset: bool
) -> None:
    layout = Layout.of(size, inset)
    boxes = [box for box in (layout.header, layout.court, layout.footer, layout.inset) if box is not None]
    assert len(boxes) == 3 + inset
    if size < (300, 200):
        return  # too small for anything but to go on
    rects = [pygame.Rect(box) for box in boxes]
    for number, rect in enumerate(rects):
        assert pygame.Rect((0, 0), size).contains(rect)
        assert rect.collidelist(rects[number + 1 :]) == -1
    width, height = rects[1].size
    assert width / height == pytest.approx(700 / 500, rel=0.02)
    assert layout.text >= 17


def test_the_inset_lies_below_the_court_in_a_tall_window_and_beside_it_in_a_wide_one() -> None:
    for size, is_below in (((700, 728), True), ((1920, 1080), False)):
        layout = Layout.of(size, True)
        assert layout.inset is not None
        assert (layout.inset[1] >= layout.court[1] + layout.court[3]) == is_below


def test_text_grows_with_the_window_and_with_the_density_of_its_pixels() -> None:
    sizes = [Layout.of(size, False).text for size in ((350, 250), (700, 560), (1920, 1080), (2560, 1440))]
    assert sizes == sorted(set(sizes))
    assert Layout.of((700, 500), False, density=2).text == 2 * Layout.of((350, 250), False).text


@pytest.mark.parametrize("size", [(350, 250), (700, 560), (2560, 1440)], ids=str)
@pytest.mark.parametrize(
    "status",
    [
        "waiting for an agent on 127.0.0.1:12345   right paddle: level 2   keys have the left paddle",
        "paused by the agent at [fe80:1234:1234:1234:1234:1234:1234:1]:54321   right paddle: W/S or arrows",
        "W" * 150,
    ],
)
def test_words_are_made_smaller_rather_than_cut_off(size: tuple[int, int], status: str) -> None:
    layout, text = Layout.of(size, False), Text()
    _, _, width, height = layout.header
    parts = status.split("   ")
    font, lines = text.fit(parts, width, height, layout.text)
    assert " ".join(" ".join(line) for line in lines).split() == status.split()
    assert font <= layout.text
    if " " in status:
        assert font > 7
        assert all(text.width(line, font) <= width for line in lines)
        assert len(lines) * text.font(font).get_linesize() <= height


def test_what_is_drawn_piece_by_piece_is_what_is_drawn_at_once(window: GameWindow) -> None:
    game, players = Game(7, points_to_win=1), (built_in(1), built_in(2))
    for tick in range(400):
        game.step(players[0](game, 0), players[1](game, 1))
        changes = {
            "ball": (game.ball_x, game.ball_y), "paddles": tuple(game.paddles), "score": tuple(game.score),
            "rally": game.rally, "last_rally": game.last_rally, "sounds": (0, 0, game.matches),
        }  # fmt: skip
        picture = pixels(window, **changes)
        if tick % 20 == 0:
            window.screen.is_stale = True
            np.testing.assert_array_equal(picture, pixels(window, **changes))


def test_a_larger_window_is_drawn_at_its_own_resolution(window: GameWindow) -> None:
    pygame.display.set_mode((1400, 1456), pygame.RESIZABLE)
    window.poll()
    found = places(pixels(window), ACCENT)
    x, y, width, height = scaled(Layout.of((1400, 1456), True).court, 345, 245, 10, 10)
    assert found[y : y + height, x : x + width].all()
    assert found.sum() == width * height == 400


@pytest.mark.parametrize(
    ("desktop", "size"),
    [
        ((1024, 768), (700, 560)), ((1920, 1080), (700, 560)), ((2560, 1440), (1400, 1120)),
        ((3840, 2160), (2100, 1680)), ((480, 320), (384, 307)),
    ],
)  # fmt: skip
def test_a_new_window_is_as_many_times_as_large_as_the_desktop_has_room_for(
    desktop: tuple[int, int], size: tuple[int, int]
) -> None:
    assert first_size((700, 560), desktop) == size


# ---------------------------------------------------------------------------------------------
# Full screen, pauses, the end of a match


@pytest.fixture(params=["set_mode", "Window"])
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A screen by each of pygame's two ways to one."""
    if request.param == "Window":
        if not hasattr(pygame, "Window"):
            pytest.skip("of pygame-ce only")
        monkeypatch.setattr(screen_module, "COUNT_IN_POINTS", ("dummy",))
    screen = Screen("first", (700, 560))
    pygame.event.clear()
    yield screen
    screen.close()


def test_f_fills_the_screen_and_goes_back_and_escape_leaves_it_first(screen: Screen) -> None:
    def size_after(*events: Any) -> tuple[int, int]:
        for event in events:
            pygame.event.post(event)
        screen.poll()
        return screen.surface.get_size()  # type: ignore[no-any-return]

    assert (screen.title, screen.density) == ("first", 1.0)
    screen.title = "second"
    assert screen.title == "second"
    full = pygame.display.get_desktop_sizes()[0]
    assert size_after() == (700, 560)
    assert size_after(press(pygame.K_f)) == full
    assert size_after(press(pygame.K_f)) == (700, 560)
    assert size_after(press(pygame.K_f)) == full
    screen.update([(0, 0, 10, 10)])
    assert size_after(press(pygame.K_ESCAPE)) == (700, 560)
    assert (screen.is_stale, screen.is_full, screen.is_closed) == (True, False, False)
    pygame.event.post(press(pygame.K_ESCAPE))
    assert [event.key for event in screen.poll() if event.type == pygame.KEYDOWN] == [pygame.K_ESCAPE]


def test_full_screen_begins_in_the_corner_where_no_window_manager_moves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not hasattr(pygame.display, "set_window_position"):
        pytest.skip("of pygame-ce 2.5 only")
    screen = Screen("test", (700, 560))
    places = [(450, 220)]
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "x11")
    monkeypatch.setattr(pygame.display, "get_window_position", lambda: places[-1])
    monkeypatch.setattr(pygame.display, "set_window_position", places.append)
    screen.toggle_full()
    assert places == [(450, 220), (0, 0)]
    screen.toggle_full()
    assert places == [(450, 220), (0, 0), (450, 220)]
    screen.close()


def test_escape_in_full_screen_does_not_end_the_game(window: GameWindow) -> None:
    pygame.event.post(press(pygame.K_f))
    assert window.poll()[0]
    pixels(window)
    pygame.event.post(press(pygame.K_ESCAPE))
    assert window.poll()[0]
    pygame.event.post(press(pygame.K_ESCAPE))
    assert not window.poll()[0]


@pytest.mark.parametrize("key", [pygame.K_p, pygame.K_SPACE])
def test_people_without_a_server_pause_and_go_on(window: GameWindow, key: int) -> None:
    def is_paused_after(*keys: int) -> bool:
        for each in keys:
            pygame.event.post(press(each))
        return window.poll()[1].paused

    assert not is_paused_after(key)  # the server leads
    window.begin("alone", people=1)
    playing = pixels(window)
    assert is_paused_after(key)
    assert (pixels(window)[COURT] != playing[COURT]).any()
    assert not is_paused_after(key)
    np.testing.assert_array_equal(pixels(window), playing)
    assert not is_paused_after(pygame.K_RETURN)
    assert is_paused_after(key)
    assert not is_paused_after(pygame.K_RETURN)


@pytest.mark.parametrize(
    ("people", "score", "words"),
    [
        (1, (21, 3), "You win 21–3"), (1, (3, 21), "You lose 3–21"), (2, (3, 21), "Right wins 3–21"),
        (0, (21, 3), "Left wins 21–3"), (None, (21, 3), "Left wins 21–3"),
    ],
)  # fmt: skip
def test_the_end_of_a_match_is_told_and_people_are_waited_for(
    window: GameWindow,
    monkeypatch: pytest.MonkeyPatch,
    people: int | None,
    score: tuple[int, int],
    words: str,
) -> None:
    now, told = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(window, "draw_notice", lambda notice, _: told.append(notice[0]))
    window.begin("a game", people)
    pixels(window)
    after = {"matches": 1, "last_match": score}
    pixels(window, **after)
    assert set(told) == {words}
    assert window.poll()[1].paused == bool(people)
    now[0] += 5
    told.clear()
    pixels(window, **after)
    pixels(window, ball=(100, 100), **after)
    assert set(told) == ({words} if people else set())
    if people:
        pygame.event.post(press(pygame.K_RETURN))
        assert not window.poll()[1].paused
        told.clear()
        pixels(window, ball=(200, 100), **after)
        assert told == []


def test_matches_that_end_many_times_a_second_are_not_told_each(
    window: GameWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(window, "draw_notice", lambda notice, _: told.append(notice))
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    for matches in range(5):
        pixels(window, matches=matches, last_match=(21, matches))
    assert set(told) == {("Left wins 21–1",)}


def test_the_camera_sees_the_same_beside_a_window(window: GameWindow) -> None:
    before = Camera.full(Game(1))
    window.close()
    np.testing.assert_array_equal(before, Camera.full(Game(1)))


# ---------------------------------------------------------------------------------------------
# Keys


def press(key: int) -> Any:
    return pygame.event.Event(pygame.KEYDOWN, key=key)


def release(key: int) -> Any:
    return pygame.event.Event(pygame.KEYUP, key=key)


W, S, UP_ARROW, DOWN_ARROW, OTHER = pygame.K_w, pygame.K_s, pygame.K_UP, pygame.K_DOWN, pygame.K_x
FOCUS_LOST = pygame.event.Event(pygame.WINDOWFOCUSLOST)


@pytest.mark.parametrize(
    ("events", "move"),
    [
        ([], None), ([press(OTHER)], None), ([release(W)], None),
        ([press(W)], UP), ([press(UP_ARROW)], UP), ([press(S)], DOWN), ([press(DOWN_ARROW)], DOWN),
        ([press(W), press(S)], DOWN), ([press(S), press(UP_ARROW)], UP), ([press(W), press(OTHER)], UP),
        ([press(W), press(S), release(S)], UP), ([press(W), press(S), release(W)], DOWN),
        ([press(W), press(UP_ARROW), release(W)], UP), ([press(W), release(W)], None),
        ([press(W), press(S), FOCUS_LOST], None), ([press(W), FOCUS_LOST, release(W)], None),
        ([press(W), FOCUS_LOST, press(S)], DOWN),
    ],
)  # fmt: skip
def test_the_latest_key_held_gives_the_move(window: GameWindow, events: list[Any], move: int | None) -> None:
    for event in events:
        pygame.event.post(event)
    for _ in range(2):  # as long as it is held
        is_open, keys = window.poll()
        assert (is_open, keys.either) == (True, move)


def test_two_people_hold_keys_of_their_own(window: GameWindow) -> None:
    for event in (press(W), press(DOWN_ARROW)):
        pygame.event.post(event)
    assert window.poll() == (True, Keys(letters=UP, arrows=DOWN, either=DOWN))
    pygame.event.post(release(DOWN_ARROW))
    assert window.poll() == (True, Keys(letters=UP, arrows=None, either=UP))


@pytest.mark.parametrize("event", [pygame.event.Event(pygame.QUIT), press(pygame.K_ESCAPE)])
def test_escape_and_the_close_button_end_the_game(window: GameWindow, event: Any) -> None:
    pygame.event.post(press(W))
    pygame.event.post(event)
    assert window.poll() == (False, Keys())


# ---------------------------------------------------------------------------------------------
# Sounds


class Tone:
    """A sound that counts how often it was played."""

    def __init__(self) -> None:
        self.played = 0

    def play(self) -> None:
        self.played += 1


@pytest.mark.parametrize(
    ("counts", "played"),
    [
        ([(5, 5, 5)], [0, 0, 0]),
        ([(0, 0, 0), (0, 0, 0)], [0, 0, 0]),
        ([(0, 0, 0), (1, 0, 0)], [1, 0, 0]),
        ([(0, 0, 0), (0, 1, 2), (0, 2, 2)], [0, 2, 1]),
        ([(3, 4, 5), (0, 0, 0)], [0, 0, 0]),  # new games, for a new agent in lockstep
    ],
    ids=["first look", "nothing new", "hit", "bounces and points", "new games"],
)
def test_a_tone_is_played_when_its_count_has_grown(counts: list[tuple[int, ...]], played: list[int]) -> None:
    sounds = Sounds()
    assert len(sounds._tones) == 3
    sounds._tones = tones = [Tone(), Tone(), Tone()]
    for each in counts:
        sounds.play(each)
    assert [tone.played for tone in tones] == played
    sounds.close()


def test_real_tones_are_played_on_a_real_mixer() -> None:
    sounds = Sounds()
    sounds.play((0, 0, 0))
    sounds.play((1, 1, 1))
    assert [tone.get_num_channels() for tone in sounds._tones] == [1, 1, 1]
    sounds.close()
    assert pygame.mixer.get_init() is None


def test_without_a_sound_device_the_game_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "no such driver")
    window = GameWindow("test", inset=False)
    assert pygame.mixer.get_init() is None
    for count in range(3):
        window.show(replace(SNAPSHOT, sounds=(count, count, count)))
    window.close()


# ---------------------------------------------------------------------------------------------
# The program around them


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_person_at_the_window_takes_the_paddle_from_the_agent_and_gives_it_back(
    monkeypatch: pytest.MonkeyPatch, lockstep: bool
) -> None:
    shown = threading.Event()
    seen: list[Snapshot] = []
    movers: list[Mover] = []
    server = Pong(port=0, render=True, lockstep=lockstep)
    show = GameWindow.show

    def show_and_tell(window: GameWindow, snapshot: Snapshot) -> None:
        show(window, snapshot)
        seen.append(snapshot)
        shown.set()

    def step_until(mover: Mover, client: PongClient) -> None:
        if any(client.step([DOWN]).movers[0] == mover for _ in range(100_000)):
            movers.append(mover)

    def play() -> None:
        try:
            assert shown.wait(PATIENCE)
            with PongClient(*server.address) as client:
                client.connect()
                step_until(Mover.AGENT, client)
                pygame.event.post(press(W))
                step_until(Mover.HUMAN, client)
                pygame.event.post(release(W))
                step_until(Mover.AGENT, client)
        finally:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    monkeypatch.setattr(GameWindow, "show", show_and_tell)
    agent = threading.Thread(target=play)
    agent.start()
    server.start()
    agent.join()
    assert movers == [Mover.AGENT, Mover.HUMAN, Mover.AGENT]
    assert seen[0].status.startswith("waiting for an agent on 127.0.0.1:")
    assert any(snapshot.frame is not None and snapshot.sent for snapshot in seen)
    assert not pygame.display.get_init()


def test_just_playing_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Snapshot] = []

    def show(_: GameWindow, snapshot: Snapshot) -> None:
        seen.append(snapshot)
        pygame.event.post(pygame.event.Event(pygame.QUIT))

    monkeypatch.setattr(GameWindow, "show", show)
    server = Pong(server=False, levelodiff=3)
    server.start()
    assert "Escape leaves" in seen[0].status
    with pytest.raises(RuntimeError, match="server=True"):
        _ = server.address


@pytest.mark.parametrize("driver", ["", "x11"], ids=["SDL chooses", "x11"])
def test_without_a_display_the_program_names_headless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str
) -> None:
    if not driver and (sys.platform in ("win32", "darwin") or Path("/dev/dri").exists()):
        pytest.skip("SDL would find a screen")
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.delenv("SDL_VIDEO_DRIVER", raising=False)
    chosen = {"SDL_VIDEODRIVER": driver} if driver else {}
    code, program = run_program("pong.py", "--port", "0", XDG_RUNTIME_DIR=str(tmp_path), **chosen)
    assert code == 2
    assert program.seen["stdout"] == []
    (sentence,) = program.seen["stderr"]
    assert sentence.startswith("error: no window can be opened")
    assert "--headless" in sentence


def test_a_headless_run_loads_no_view_and_opens_no_display() -> None:
    run = """if True:
        import sys
        from pongrl.wire.client import PongClient
        from pong import Pong
        with Pong(headless=True, port=0, lockstep=True) as server:
            server.start(block=False)
            with PongClient(*server.address) as client:
                client.connect()
                client.step([1])
        assert not [name for name in sys.modules if name.split(".")[0] == "views"]
        assert not sys.modules["pygame"].display.get_init()
        assert not sys.modules["pygame"].mixer.get_init()"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", run],
        cwd=ROOT, capture_output=True, timeout=PATIENCE, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
