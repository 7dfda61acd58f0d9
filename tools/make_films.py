"""Make the films of the documentation, images/*.gif: `python -m tools.make_films DIRECTORY`.

Trains for ten minutes on level 2 and films the first and the tenth of them, then films the trained agent as
it plays. All files stay in DIRECTORY. What exists there is not made again, so an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from pongrl.agent.servers import LOCAL_GAMES
from pongrl.game.drawing import pygame_quietly
from pongrl.game.rules import COURT_HEIGHT, COURT_WIDTH
from pongrl.ui.film import FRAMES_PER_SECOND
from pongrl.ui.film_writers import Gif
from pongrl.ui.theme import BACKGROUND, DIM, LINE
from pongrl.wire.arrays import UInt8Array
from tools.processes import ROOT, Program

IMAGES = ROOT / "images"
MINUTES = 10
SMALL = COURT_WIDTH // 2, COURT_HEIGHT // 2
CAPTION_HEIGHT = 56
GAP = 6  # pixels between two courts
EVERY = 6  # every sixth frame becomes a picture of two courts
PART_SECONDS, PARTS = 6, (0, 18, 36, 54)  # length and beginnings of the shown parts of a minute
MATCH_SECONDS, MATCH_POINTS = 15, 12


def train(directory: Path, minute: int, minutes: int, film: Path | None) -> None:
    """Train from the start of a minute on; if `film` is given, the server films it."""
    server = ("pong.py", "--headless", "--lockstep", "--port", "0", "--level", "2", "--seed", str(minute))
    record = () if film is None else ("--record", str(film))
    resume = ("--resume",) if minute > 1 else ("--seed", "1")
    with Program(*server, "--games", str(LOCAL_GAMES), *record, stdin=None) as game:
        port = str(game.wait_for_port())
        agent = ("mainmodel.py", "--port", port, "--directory", str(directory), "--minutes", str(minutes))
        run(game, *agent, *resume)


def play(directory: Path, film: Path) -> None:
    """Film the trained agent as it plays in real time."""
    server = ("pong.py", "--headless", "--port", "0", "--level", "2", "--seed", "1", "--record", str(film))
    with Program(*server, stdin=None) as game:
        port = str(game.wait_for_port())
        checkpoint = str(directory / "interrupt.p")
        run(game, "mainmodel.py", "--play", checkpoint, "--port", port, "--points", str(MATCH_POINTS))


def run(game: Program, *agent: str) -> None:
    """Run an agent to its end, and then end its server."""
    with Program(*agent) as player:
        player.process.wait()  # which may take minutes
        assert player.ended() == 0, player.output
    assert game.end() == 0, game.output


def pictures(film: Path, seconds: float, every: int) -> Iterator[UInt8Array]:
    """Yield every so many frames of the last seconds of a film, as arrays (500, 700, 3)."""
    video = cv2.VideoCapture(str(film))
    count, wanted = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), round(seconds * FRAMES_PER_SECOND)
    assert count >= wanted, f"{film} has only {count} frames: delete it, and start again"
    for number in range(count):
        assert video.grab()
        if number >= count - wanted and (number - count) % every == 0:
            yield video.retrieve()[1]  # type: ignore[misc]
    video.release()


def share_won(rows: list[dict[str, str]], seconds: float) -> str:
    """Say how many points were won at a time of training."""
    known = [row for row in rows if float(row["seconds"]) <= seconds]
    if not known:
        return "not a hundred points yet"
    last = min(1000, int(known[-1]["points"]))
    return f"{100 * float(known[-1]['win_rate']):.0f} % of the last {last:,} points won"


def caption(lines: tuple[str, ...]) -> UInt8Array:
    """Draw lines of text to go below a court, as an array (56, 350, 3)."""
    pygame = pygame_quietly()
    pygame.font.init()
    surface = pygame.Surface((SMALL[0], CAPTION_HEIGHT), depth=32)
    surface.fill(BACKGROUND)
    surface.fill(LINE, (0, 0, SMALL[0], 1))
    for number, line in enumerate(lines):
        text = pygame.font.Font(None, 22).render(line, True, DIM)
        surface.blit(text, (8, 8 + 22 * number))
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1)[:, :, ::-1])


def beside(directory: Path, films: dict[str, Path], target: Path) -> None:
    """Show parts of both minutes side by side, with the time and the share of points won."""
    gif = Gif(target, FRAMES_PER_SECOND / EVERY)
    with open(directory / "progress.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    begins = (0, MINUTES - 1)
    gap = np.full((SMALL[1] + CAPTION_HEIGHT, GAP, 3), LINE[::-1], np.uint8)
    for number, both in enumerate(zip(*(pictures(film, 60, EVERY) for film in films.values()), strict=True)):
        second = number * EVERY / FRAMES_PER_SECOND
        if not any(part <= second < part + PART_SECONDS for part in PARTS):
            continue
        sides = []
        for (name, begin), picture in zip(zip(films, begins, strict=True), both, strict=True):
            seconds = 60 * begin + second
            clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
            words = f"{name} minute of training   {clock}", share_won(rows, seconds)
            small = cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA)
            sides.append(np.vstack((small, caption(words))))
        gif.write(np.hstack((sides[0], gap, sides[1])).astype(np.uint8))
    gif.close()


def main() -> None:
    """Train, film, and make both pictures."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_films", description=__doc__)
    parser.add_argument("directory", type=Path, help="folder for checkpoints and films")
    directory = parser.parse_args().directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    films = {"first": directory / "first.mp4", "tenth": directory / "tenth.mp4"}
    between = directory / "nine-minutes"
    parts = (1, 1, films["first"]), (2, MINUTES - 2, None), (MINUTES, 1, films["tenth"])
    for minute, minutes, film in parts:
        if not (film or between).exists():
            train(directory, minute, minutes, film)
            (film or between).touch()
    match = directory / "match.mp4"
    if not match.exists():
        play(directory, match)
    beside(directory, films, IMAGES / "first-and-tenth-minute.gif")
    gif = Gif(IMAGES / "beating-level-2.gif", FRAMES_PER_SECOND / 2)
    for picture in pictures(match, MATCH_SECONDS, 2):
        gif.write(picture)
    gif.close()


if __name__ == "__main__":
    main()
