"""Draws the matches: which can begin now, and who plays on which side.

While the season is open, two players meet for two matches, one after the other, from the same seed and with
sides changed. In a final each pair plays the same number of matches. For those of players who are away it
waits a minute when all others have played; then they are forfeited.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pongrl.arena import pairing
from pongrl.arena.contenders import Contender, HouseContender
from pongrl.arena.house import HOUSE_PLAYERS
from pongrl.arena.ledger import Ledger, Player, Result, Side
from pongrl.arena.ranking import FORFEIT
from pongrl.arena.standings import HOUSE
from pongrl.errors import PongError
from pongrl.wire.messages import NOBODY

SECOND_SECONDS = 5.0  # that the second match of a pair waits for both of them
FINAL_SECONDS = 60.0  # that a final waits for players who are away, when all others have played
FORFEITS_AT_ONCE = 50  # of a final; other matches wait meanwhile
SEEDS = 1 << 31


log = logging.getLogger("pong.arena")


@dataclass(frozen=True)
class Fixture:
    """A match that is to be played."""

    left: Contender
    right: Contender
    seed: int
    is_second: bool = False  # of two matches from the same seed, with sides changed
    is_final: bool = False

    @property
    def sides(self) -> tuple[Contender, Contender]:
        """Both, the left one first."""
        return self.left, self.right

    @property
    def pair(self) -> tuple[int, int]:
        """The players' numbers, the lower one first."""
        one, other = self.left.player.number, self.right.player.number
        return min(one, other), max(one, other)

    @property
    def is_of_the_house(self) -> bool:
        """Whether house players play it, so that nobody waits for it."""
        return all(side.player.kind == HOUSE for side in self.sides)


class Draw:
    """Draws the matches. For the hall's thread.

    Args:
        ledger: Knows who has met how often, and keeps what is forfeited.
        rng: Decides what is left to chance, and the seeds.
        points_to_win: That a match of which nothing is played is lost by.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        rng: random.Random,
        points_to_win: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._rng, self._points_to_win, self._clock = ledger, rng, points_to_win, clock
        for name in HOUSE_PLAYERS:
            ledger.enter(name, NOBODY, HOUSE)
        self._seconds: list[tuple[Fixture, float]] = []  # second matches, and until when each can begin
        self._free_since: dict[int, float] = {}  # when each player that waits has begun to
        self._waiting_since: float | None = None  # for players who are away, in a final
        self.forfeited = 0  # matches of finals so far, whose players did not come

    def note(self, fixture: Fixture, is_forfeited: bool) -> None:
        """Note that a match is over: a second one may follow."""
        if not (is_forfeited or fixture.is_second or fixture.is_final):
            left, right = (self._again(side, fixture.seed) for side in fixture.sides)
            second = Fixture(right, left, fixture.seed, is_second=True)
            self._seconds.append((second, self._clock() + SECOND_SECONDS))

    def _again(self, side: Contender, seed: int) -> Contender:
        return self._of_the_house(side.player, seed) if side.player.kind == HOUSE else side

    def _of_the_house(self, player: Player, seed: int) -> HouseContender:
        return HouseContender(player, HOUSE_PLAYERS[player.name](seed))

    def hold(self, free: Mapping[int, Contender]) -> None:
        """Let second matches wait longer whose players are both free: no table may be."""
        until = self._clock() + SECOND_SECONDS
        self._seconds = [
            (fixture, until if _are_here(fixture, free) else before) for fixture, before in self._seconds
        ]

    def next(self, free: Mapping[int, Contender], playing: Sequence[Fixture]) -> Fixture | None:
        """Return the next match that can begin now, or None.

        Args:
            free: Who waits for a match, by their numbers, apart from house players.
            playing: The matches that are being played.
        """
        now = self._clock()
        self._free_since = {number: self._free_since.get(number, now) for number in free}
        second = self._second(free)
        if second is not None:
            return second
        final = self._ledger.final
        return self._next_of_final(final, free, playing) if final else self._next(free, playing)

    def _second(self, free: Mapping[int, Contender]) -> Fixture | None:
        """Return a second match whose players are both free; who does not come to one is spared it."""
        now = self._clock()
        self._seconds = [(fixture, until) for fixture, until in self._seconds if now <= until]
        for place, (fixture, _) in enumerate(self._seconds):
            if _are_here(fixture, free):
                del self._seconds[place]
                return fixture
        return None

    def _next(self, free: Mapping[int, Contender], playing: Sequence[Fixture]) -> Fixture | None:
        """Draw the match that tells most; when nobody waits, two house players, at one table."""
        promised = {side.player.number for fixture, _ in self._seconds for side in fixture.sides}
        players, meetings = self._ledger.players(), self._ledger.meetings()
        house = [player for player in players if player.kind == HOUSE]
        busy = {side.player.number for fixture in playing for side in fixture.sides} | promised
        others = [player for player in players if player.number in busy and player.kind != HOUSE]
        waiting = {
            player: self._clock() - self._free_since[player.number]
            for player in players
            if player.number in free and player.number not in promised
        }
        pair = pairing.choose(waiting, house, others, meetings, self._rng)
        if pair is None and not any(fixture.is_of_the_house for fixture in playing):
            pair = pairing.choose_of_the_house(house, meetings)
        if pair is None:
            return None
        if self._rng.random() < 0.5:
            pair = pair[::-1]
        return self._fixture(pair, free, self._rng.randrange(SEEDS))

    def _fixture(
        self, pair: tuple[Player, Player], free: Mapping[int, Contender], seed: int, is_final: bool = False
    ) -> Fixture:
        left, right = (
            self._of_the_house(player, seed) if player.kind == HOUSE else free[player.number]
            for player in pair
        )
        return Fixture(left, right, seed, is_final=is_final)

    def _next_of_final(
        self, matches: int, free: Mapping[int, Contender], playing: Sequence[Fixture]
    ) -> Fixture | None:
        players, meetings = self._ledger.finalists(), self._ledger.meetings()
        missing = list(pairing.missing_of_final(players, meetings, matches))
        running = {fixture.pair for fixture in playing}
        of_house = any(fixture.is_of_the_house for fixture in playing)
        for left, right, number in missing:
            is_able = all(player.kind == HOUSE or player.number in free for player in (left, right))
            is_at_second_table = of_house and left.kind == right.kind == HOUSE
            if is_able and not is_at_second_table and _pair(left, right) not in running:
                self._waiting_since = None
                seed = self._seed_of(left, right, number // 2)
                return self._fixture((left, right), free, seed, is_final=True)
        if missing and not playing:
            self._wait_for_absent(missing, free)
        else:
            self._waiting_since = None
        return None

    def _seed_of(self, one: Player, other: Player, number: int) -> int:
        """Return the seed of two matches of a pair in the final."""
        low, high = _pair(one, other)
        return (low * 1_000_003 + high * 1_009 + number) % SEEDS

    def _wait_for_absent(self, missing: Sequence[pairing.Missing], free: Mapping[int, Contender]) -> None:
        """Wait a minute for those who are away; then let them forfeit, some matches at a time."""
        now = self._clock()
        if self._waiting_since is None:
            self._waiting_since = now
        if now - self._waiting_since >= FINAL_SECONDS:
            some = missing[:FORFEITS_AT_ONCE]
            try:
                self._ledger.check_place()
                self._ledger.record(*(self._forfeited(left, right, free) for left, right, _ in some))
            except PongError as error:  # the disk is full, for example; it is tried again
                log.error("the final waits: %s", error)
            else:
                self.forfeited += len(some)
                log.info("matches of the final forfeited by who is away: %d of %d", len(some), len(missing))

    def _forfeited(self, left: Player, right: Player, free: Mapping[int, Contender]) -> Result:
        """Return a match of the final that cannot be played."""
        away = [player.kind != HOUSE and player.number not in free for player in (left, right)]
        points = [0 if is_away else self._points_to_win for is_away in away]
        winner = None if all(away) else away.index(False)
        names = [player.name for player, is_away in zip((left, right), away, strict=True) if is_away]
        return Result(
            Side(left.number, points[0]), Side(right.number, points[1]), winner,
            f"{FORFEIT} by {' and '.join(names)}: did not come", 0, 0, time.time(), 0.0, is_final=True,
        )  # fmt: skip


def _are_here(fixture: Fixture, free: Mapping[int, Contender]) -> bool:
    return all(side.player.kind == HOUSE or side in free.values() for side in fixture.sides)


def _pair(one: Player, other: Player) -> tuple[int, int]:
    return min(one.number, other.number), max(one.number, other.number)
