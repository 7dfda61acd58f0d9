"""What tests of views need: events, snapshots, decisions, and pictures of what was drawn.

press, release, button    events of pygame's keyboard and mouse
SNAPSHOT                  a game that has just begun, for a GameWindow
step_of, decided_of       a state of two games, and a decision in it
standing_of               where a run stands
pixels, has, part         a picture of a surface; where it has a colour; a part of it
film_of                   the pictures of a film, and its length
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from pongrl.agent.eyes import Eyes
from pongrl.agent.observers import Decided, Standing
from pongrl.agent.policy import Activations, Policy
from pongrl.agent.progress import Progress
from pongrl.game.drawing import pygame_quietly
from pongrl.game.people import Snapshot
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Column, Session, Step

pygame = pygame_quietly()

SNAPSHOT = Snapshot(
    ball=(345, 245), paddles=(200, 200), score=(0, 0), matches=0, last_match=None, rally=0, last_rally=0,
    sounds=(0, 0, 0), status="waiting   right paddle: level 2", frame=None, sent="",
)  # fmt: skip
SESSION = Session(
    games=2, height=50, width=70, level=2, frameskip=8, ticks_per_second=60, points_to_win=21, lockstep=True
)
POLICY = Policy.random(50, 70, 40, np.random.default_rng(1))  # of twenty hidden units and their twins


def press(key: int, place: int = 0) -> Any:
    """Make the event of a key that goes down; `place` is where it is, its scancode."""
    return pygame.event.Event(pygame.KEYDOWN, key=key, scancode=place)


def release(key: int, place: int = 0) -> Any:
    """Make the event of a key that comes up; `place` is where it is, its scancode."""
    return pygame.event.Event(pygame.KEYUP, key=key, scancode=place)


def button(place: tuple[int, int], number: int = 1, down: bool = True) -> Any:
    """Make the event of a button of the mouse that goes down or up."""
    kind = pygame.MOUSEBUTTONDOWN if down else pygame.MOUSEBUTTONUP
    return pygame.event.Event(kind, pos=place, button=number, touch=False)


QUIT = pygame.event.Event(pygame.QUIT)  # the window's close button


def step_of(number: int, cells: dict[tuple[int, int], int], reward: int = 0) -> Step:
    """Make a STEP of two games: the first one's lit cells (row, column), and its reward."""
    frames, table = np.zeros((2, 50, 70), np.uint8), np.zeros((2, len(Column)), np.int32)
    for place, light in cells.items():
        frames[0][place] = light
    frames[1] = 99  # which nobody shows
    table[0, Column.POINTS], table[0, Column.REWARD] = abs(reward), reward
    table[:, Column.TICKS] = 6
    return Step.of(number, 0, frames, table)


def decided_of(
    step: Step,
    chances: Sequence[float] = (0.4, 0.4, 0.2),
    value: float = 0.0,
    chosen: int = 0,
    hidden: float = 0.0,
) -> Decided:
    """Make a decision in the first of two games.

    Args:
        step: That was answered.
        chances: Of up, of down and, with three moves, of stay.
        value: Of the state.
        chosen: Which of them was chosen.
        hidden: Activity of all hidden units.
    """
    logits = np.log([chances, [1 / len(chances)] * len(chances)]).astype(np.float32)
    activity = np.full((2, 40), hidden, np.float32)
    seen = Activations(
        Eyes(2, 50, 70).look(step_of(0, {})), activity, logits, np.array([value, 9], np.float32)
    )
    return Decided(SESSION, step, seen, np.array([chosen, 1]))


def standing_of(progress: Progress, **changes: Any) -> Standing:
    """Make the standing of a run that is connected and trains, with some changes."""
    usual = Standing(POLICY, progress, None, is_connected=True, is_paused=False, status=str(progress))
    return replace(usual, **changes)


def pixels(surface: Any = None) -> npt.NDArray[np.uint8]:
    """Return what a surface, or the window, shows: (height, width, 3)."""
    shown = pygame.display.get_surface() if surface is None else surface
    return pygame.surfarray.array3d(shown).swapaxes(0, 1)  # type: ignore[no-any-return]


def has(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Return where a picture has just this colour: (height, width)."""
    found: npt.NDArray[np.bool_] = (picture == colour).all(axis=2)
    return found


def part(picture: npt.NDArray[Any], area: Any) -> npt.NDArray[Any]:
    """Return the part of a picture in a pygame.Rect."""
    return picture[area.top : area.bottom, area.left : area.right]


def colours_in(picture: npt.NDArray[np.uint8]) -> int:
    """Count the colours of a picture."""
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def film_of(path: Path) -> tuple[list[UInt8Array], float]:
    """Read a film: its frames (height, width, 3), blue, green and red, and its seconds."""
    if path.suffix == ".gif":
        frames, seconds = [], 0.0
        with Image.open(path) as film:
            for number in range(film.n_frames):
                film.seek(number)
                frames.append(np.asarray(film.convert("RGB"))[:, :, ::-1])
                seconds += film.info["duration"] / 1000
        return frames, seconds
    video = cv2.VideoCapture(str(path))
    assert video.isOpened()
    frames = []
    while (came := video.read())[0]:
        frames.append(came[1].astype(np.uint8))
    seconds = len(frames) / video.get(cv2.CAP_PROP_FPS)
    video.release()
    return frames, seconds
