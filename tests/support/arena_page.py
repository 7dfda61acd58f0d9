"""An arena's file, and what its page is shown, made by hand; and a hall that shows it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pongrl.arena.ledger import Ledger, Result, Side
from pongrl.arena.recording import Recording
from pongrl.arena.standings import AGENT, HOUSE, Answers, Bout, Courts, Live, People, Place, Standings
from pongrl.arena.visitors import Act, Come, Leave, Visitors
from pongrl.game.rules import Game
from pongrl.server.entrance import Entrance
from pongrl.web.arena_page import open_arena_page
from pongrl.wire.messages import NOBODY
from tests.support import PATIENCE

POINTS_TO_WIN = 3
NAMES = ("Ada", "<b>Bob</b>", "אבא שלום", "漢" * 24, "level 2")
RECORDED = 12  # matches in the file, all with a recording but the last
PLACE: Place = (345, 245, 200, 130, 2, 1)
TURN_SECONDS = 0.005


def played(seed: int, points_to_win: int = POINTS_TO_WIN) -> tuple[Recording, tuple[int, int], int]:
    """Play a match of two players that follow the ball, one faster than the other.

    Returns:
        its recording, its score, and its ticks.
    """
    game, recording, ticks = Game(seed, points_to_win), Recording(), 0
    while not game.matches:
        recording.add(game)
        speeds = (4, 5) if seed % 2 else (5, 4)
        moves = [
            max(-speed, min(speed, game.ball_y - 45 - paddle))
            for speed, paddle in zip(speeds, game.paddles, strict=True)
        ]
        game.step(*moves)
        ticks += 1
    assert game.last_match is not None
    return recording, game.last_match, ticks


def result(one: int, other: int, score: tuple[int, int], seed: int, views: bytes, ticks: int) -> Result:
    """Return a match between two players, by their numbers."""
    return Result(
        left=Side(one, score[0], Answers(ticks, seed % 3, ticks * 0.0004)),
        right=Side(other, score[1], Answers(ticks, 0, ticks * 0.0123)),
        winner=int(score[1] > score[0]), ended=f"{max(score)} points", seed=seed, ticks=ticks,
        begun=1.8e9 + seed, seconds=1.5, views=views,
    )  # fmt: skip


def fill(path: Path, names: tuple[str, ...] = NAMES, matches: int = RECORDED) -> Path:
    """Make an arena's file in which each player has met others; the last name is the house's."""
    ledger = Ledger(path)
    numbers = [
        ledger.enter(name, NOBODY, HOUSE if place == len(names) - 1 else AGENT).number
        for place, name in enumerate(names)
    ]
    for seed in range(matches):
        one = seed % len(numbers)
        other = (one + 1 + seed // len(numbers) % (len(numbers) - 1)) % len(numbers)
        recording, score, ticks = played(seed)
        views = b"" if seed == matches - 1 else recording.packed()
        ledger.record(result(numbers[one], numbers[other], score, seed, views, ticks))
    ledger.close()
    return path


def standings(path: Path, here: frozenset[int] = frozenset({1, 2})) -> Standings:
    """Return the ladder of an arena's file."""
    ledger = Ledger(path, is_new=False)
    try:
        return ledger.standings(here)
    finally:
        ledger.close()


def bout(path: Path, *live: Live) -> Bout:
    """Return the last matches of an arena's file, beside some that are played."""
    ledger = Ledger(path, is_new=False)
    try:
        return Bout(live, tuple(ledger.last(50)))
    finally:
        ledger.close()


def live(number: int, left: str = NAMES[0], right: str = NAMES[1], is_real_time: bool = True) -> Live:
    """Return a match that is played."""
    return Live(number, left, right, (2, 1), 12.0, is_real_time)


class Hall:
    """What plays the matches, in a test's place: a thread shows the page these values again and again.

    Args:
        path: of the arena's file.
        token: that agents and people need.
        port: of the page.
    """

    def __init__(self, path: Path, token: str = "", port: int = 0) -> None:
        self.said: list[str] = []
        self.visitors = Visitors()
        self.told: list[Come | Act | Leave] = []
        entrance = Entrance("127.0.0.1", 0, token)
        self.page = open_arena_page(port, False, 21, entrance, path, self.visitors, self.said.append)
        self.standings, self.bout = standings(path), bout(path, live(13), live(14, is_real_time=False))
        self.others, self.news = People({}), People({})
        self._heard, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._play)

    def __enter__(self) -> Hall:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self.page.close()

    def _play(self) -> None:
        while not self._ending.wait(TURN_SECONDS):
            self.page.show(Courts(dict.fromkeys(self.page.watched, PLACE)))
            for value in (self.standings, self.bout, self.others, self.news):
                self.page.show(value)
            self.told += self.visitors.take()
            self._heard.set()

    def wait(self, what: Come | Act | Leave) -> None:
        """Wait until the hall was told this."""
        self._wait_until(lambda: what in self.told)

    def comes(self, count: int) -> list[Come]:
        """Wait until so many people have come, and return who they are."""
        self._wait_until(lambda: len(self._come) >= count)
        return self._come

    @property
    def _come(self) -> list[Come]:
        return [each for each in self.told if isinstance(each, Come)]

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert self._heard.wait(until - time.monotonic())
            self._heard.clear()

    async def hears(self, what: Come | Act | Leave) -> None:
        """Wait until the hall was told this, while others talk."""
        await asyncio.to_thread(self.wait, what)
