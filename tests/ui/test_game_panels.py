"""How the parts of the game's window are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import People, Snapshot
from pongrl.game.players import built_in
from pongrl.game.rules import LEFT, RIGHT, Game
from pongrl.ui.court import Scene
from pongrl.ui.game_layout import GameLayout, window_size
from pongrl.ui.game_panels import (
    CourtPanel,
    Overlay,
    Pen,
    draw_header,
    draw_inset,
    footer_parts,
    status_parts,
)
from pongrl.ui.notices import keys_of
from pongrl.ui.text import Text
from pongrl.ui.theme import ACCENT, BAR, DIM, WHITE
from tests.support.ui import SNAPSHOT, has, part, pixels

pygame = pygame_quietly()
ONE, TWO = People((LEFT,), play=True, choose_level=True), People((LEFT, RIGHT), play=True)
SIZE = window_size(inset=True)


@pytest.fixture
def pen() -> Pen:
    return Pen(pygame.Surface(SIZE), Text(), GameLayout.of(SIZE, True))


@pytest.mark.parametrize(
    ("status", "colours"),
    [
        ("waiting   right paddle: level 2", {WHITE, DIM}),
        ("paused by the agent", {ACCENT}),
        ("agent connected   right paddle: level 2   keys have the left paddle", {WHITE, DIM, ACCENT}),
        ("   level 4 plays both paddles", {WHITE}),
        ("", set()),
    ],
)
def test_the_header_shows_at_a_glance_what_is_unusual(
    pen: Pen, status: str, colours: set[tuple[int, int, int]]
) -> None:
    draw_header(pen, status_parts(status))
    picture = pixels(pen.surface)
    assert {colour for colour in (WHITE, DIM, ACCENT) if has(picture, colour).any()} == colours


@pytest.mark.parametrize(
    ("snapshot", "parts"),
    [
        (SNAPSHOT, ("match 1", "rally 0")),
        (replace(SNAPSHOT, rally=7), ("match 1", "rally 7")),
        (replace(SNAPSHOT, sounds=(0, 0, 1)), ("match 1", "rally 0")),  # nobody hit the last ball
        (replace(SNAPSHOT, last_rally=3, sounds=(3, 0, 1)), ("match 1", "rally 0   last rally 3")),
        (replace(SNAPSHOT, matches=2, last_match=(21, 3)), ("match 3   last match 21–3", "rally 0")),
    ],
)
def test_the_footer_tells_how_match_and_rally_stand(snapshot: Snapshot, parts: tuple[str, str]) -> None:
    assert footer_parts(snapshot) == (*parts, "H shows the keys")
    assert footer_parts(snapshot, is_muted=True) == (*parts, "sound off", "H shows the keys")


def test_the_inset_shows_each_cell_of_the_frame_and_the_words_for_it(pen: Pen) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8)
    pictures = []
    for sent in ("STEP 2   reward +0", "STEP 2   reward +1"):
        pen.surface.fill(BAR)
        assert pen.layout.inset is not None
        draw_inset(pen, pen.layout.inset, frame, sent)
        pictures.append(pixels(pen.surface).copy())
    inset = pictures[0][537:687, 7:217]
    np.testing.assert_array_equal(inset, frame.repeat(3, 0).repeat(3, 1)[:, :, None].repeat(3, 2))
    rows, columns = np.nonzero((pictures[0] != pictures[1]).any(axis=2))
    assert columns.min() > 220
    assert rows.min() > 537


def test_in_a_wide_window_the_words_are_below_the_frame() -> None:
    layout = GameLayout.of((1920, 1080), True)
    pen, frame = Pen(pygame.Surface((1920, 1080)), Text(), layout), np.full((50, 70), 99, np.uint8)
    assert layout.inset is not None
    draw_inset(pen, layout.inset, frame, "STEP 2")
    picture = pixels(pen.surface)
    frame_rows, word_rows = (np.flatnonzero(has(picture, c).any(axis=1)) for c in ((99, 99, 99), DIM))
    assert frame_rows.max() < word_rows.min()


def test_an_inset_without_a_frame_says_so(pen: Pen) -> None:
    assert pen.layout.inset is not None
    draw_inset(pen, pen.layout.inset, None, "")
    assert has(part(pixels(pen.surface), pygame.Rect(pen.layout.inset)), DIM).any()


def test_a_notice_lies_across_the_court(pen: Pen) -> None:
    Overlay(notice=("You win 21–3", "Enter begins the next match")).draw(pen)
    picture, court = pixels(pen.surface), pygame.Rect(pen.layout.court)
    rows, columns = np.nonzero(has(picture, BAR))
    assert court.contains(columns.min(), rows.min(), np.ptp(columns), np.ptp(rows))
    assert has(picture, WHITE).any()
    assert has(picture, DIM).any()


@pytest.mark.parametrize("size", [(350, 250), (500, 400), (800, 480), (1920, 1080)], ids=str)
@pytest.mark.parametrize(
    "overlay", [Overlay(keys=keys_of(TWO)), Overlay(keys=keys_of(ONE)), Overlay(number=3)]
)
def test_what_lies_over_the_court_stays_on_it_and_is_read_whole(
    size: tuple[int, int], overlay: Overlay
) -> None:
    pen = Pen(pygame.Surface(size), Text(), GameLayout.of(size, False))
    overlay.draw(pen)
    picture, court = pixels(pen.surface), pygame.Rect(pen.layout.court)
    drawn = picture.any(axis=2)
    assert part(drawn, court).any()
    drawn[court.top : court.bottom, court.left : court.right] = False
    assert not drawn.any()
    if overlay.keys:
        edge = pygame.Rect(pen.layout.court).inflate(-2, -2)
        rows, columns = np.nonzero(has(picture, WHITE) | has(picture, DIM))
        assert edge.contains(columns.min(), rows.min(), np.ptp(columns), np.ptp(rows))


def test_a_court_drawn_piece_by_piece_is_the_court_drawn_at_once(pen: Pen) -> None:
    game, players, court = Game(7, points_to_win=1), (built_in(1), built_in(2)), CourtPanel()
    for tick in range(200):
        game.step(players[0](game, 0), players[1](game, 1))
        scene = Scene(
            (game.score[0], game.score[1]), (game.paddles[0], game.paddles[1]), (game.ball_x, game.ball_y)
        )
        notice = ("paused",) if 50 <= tick < 100 else ()
        overlay = Overlay(notice, (("P", "pause"),) if tick < 60 else (), max(150 - tick, 0) // 10)
        court.draw(pen, scene, overlay)
        if tick % 20 == 0:
            picture = pixels(pen.surface).copy()
            CourtPanel().draw(pen, scene, overlay)
            np.testing.assert_array_equal(picture, pixels(pen.surface))


def test_only_what_moves_is_drawn(pen: Pen) -> None:
    court = CourtPanel()
    court.draw(pen, Scene((0, 0), (200, 200), (345, 245)), Overlay())
    (box,) = court.draw(pen, Scene((0, 0), (200, 200), (350, 240)), Overlay())
    x, y, _, _ = pen.layout.court
    assert box == (x + 345, y + 240, 15, 15)


def test_a_court_that_was_forgotten_is_drawn_whole(pen: Pen) -> None:
    court, scene = CourtPanel(), Scene((0, 0), (200, 200), (345, 245))
    assert court.draw(pen, scene, Overlay()) == [pen.layout.court]
    assert court.draw(pen, scene, Overlay()) == []
    court.forget()
    assert court.draw(pen, scene, Overlay()) == [pen.layout.court]
