"""A sparring partner: it plays the right paddles of one of our own servers, with the policies of opponents.

It is a process, python -m pongrl.agent.sparring DIRECTORY PORT. PONG_TOKEN has the server's token. `partner`
is the training's end of it:

       the training                          the sparring partner
       GO_ON             ─── stdin ───►      plays on; the end of the input ends it
       Partner           ◄── stdout ──       lines of JSON: results, or what is to be said

Each game is played by one opponent. After a point another one is drawn. The results are told every second.
The partner waits for GO_ON before it tells more: so it does not play on while the training is stopped.
"""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # before anything imports numpy

# isort: split
import contextlib
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pongrl.agent.eyes import Eyes
from pongrl.agent.opponents import Opponent, Opponents
from pongrl.agent.policy import RandomGenerator, choose
from pongrl.errors import PongError
from pongrl.outlets import writing
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Role, Session, Step
from pongrl.wire.waiting import Wake

TOLD_SECONDS = 1.0  # from one time that results are told to the next
LOOK_SECONDS = 5.0  # between two looks into the directory
GO_ON = b"\n"


@dataclass(frozen=True)
class Result:
    """Points against an opponent, as the training sees them."""

    opponent: str
    won: int
    lost: int


class Pairing:
    """Plays the games of a session, each with one opponent, and counts what they win and lose.

    Args:
        session: what is played.
        opponents: to begin with, at least one.
        rng: draws opponents and moves.
    """

    def __init__(self, session: Session, opponents: Sequence[Opponent], rng: RandomGenerator) -> None:
        self.opponents = opponents  # that are drawn from
        self._eyes = Eyes.on(session)
        self._rng = rng
        self._at = [self._draw() for _ in range(session.games)]  # the opponent in each game
        self._won: Counter[str] = Counter()  # by the training
        self._lost: Counter[str] = Counter()

    def _draw(self) -> Opponent:
        return self.opponents[int(self._rng.integers(len(self.opponents)))]

    def answer(self, step: Step) -> UInt8Array:
        """Return the moves (N,) in N games, after what has ended there was counted."""
        seen = self._eyes.look(step)
        for game in step.points.nonzero()[0].tolist():
            self._count(self._at[game].name, int(step.points[game]), int(step.rewards[game]))
            self._at[game] = self._draw()
        moves: UInt8Array = np.empty(len(seen), np.uint8)
        for opponent in dict.fromkeys(self._at):
            games = [game for game, other in enumerate(self._at) if other is opponent]
            moves[games] = choose(opponent.policy, seen.of(games), self._rng).moves
        return moves

    def _count(self, opponent: str, points: int, reward: int) -> None:
        won = (points + reward) // 2  # by the opponent
        self._won[opponent] += points - won
        self._lost[opponent] += won

    def take_results(self) -> list[Result]:
        """Return what was counted since the last call."""
        names = dict.fromkeys((*self._won, *self._lost))
        results = [Result(name, self._won[name], self._lost[name]) for name in names]
        self._won.clear()
        self._lost.clear()
        return results


class Sparring:
    """Plays until it is told to end, or the server is gone.

    Args:
        opponents: of the directory.
        tell: takes lines for the training.
        rng: draws opponents and moves.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        opponents: Opponents,
        tell: Callable[[dict[str, Any]], None],
        rng: RandomGenerator,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opponents, self._tell, self._rng, self._clock = opponents, tell, rng, clock
        self._wake = Wake()  # set by the methods that any thread may call
        self._has_ended = threading.Event()
        self._turns = threading.Semaphore(1)  # to tell results
        self._told = self._looked = 0.0  # when it was done last

    def end(self) -> None:
        """End soon. Any thread may call it."""
        self._has_ended.set()
        self._turns.release()
        self._wake.set()

    def go_on(self) -> None:
        """Tell results once more when there are some. Any thread may call it."""
        self._turns.release()

    def play(self, client: PongClient) -> None:
        """Wait for an opponent, connect and play.

        Raises:
            PongError: the server is gone.
        """
        if not self._await_opponent():
            return
        step: Step | None = client.connect()
        pairing = Pairing(client.session, self._opponents.playing, self._rng)
        self._told = self._looked = self._clock()
        try:
            while not self._has_ended.is_set():
                if step is not None:
                    client.act(pairing.answer(step))
                    self._do_what_is_due(pairing)
                step = client.observe(self._wake)
        finally:
            self._tell_results(pairing)

    def _await_opponent(self) -> bool:
        """Wait until the directory has an opponent; return False if it is time to end."""
        self._opponents.look()
        while not self._opponents.playing and not self._has_ended.is_set():
            self._wake.wait(LOOK_SECONDS)
            self._opponents.look()
        return not self._has_ended.is_set()

    def _do_what_is_due(self, pairing: Pairing) -> None:
        if self._clock() - self._told >= TOLD_SECONDS:
            self._tell_results(pairing)
            self._told = self._clock()
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._opponents.look()
            pairing.opponents = self._opponents.playing
            self._looked = self._clock()

    def _tell_results(self, pairing: Pairing) -> None:
        results = pairing.take_results()
        if not results:
            return
        if not self._has_ended.is_set():
            self._turns.acquire()
        self._tell({"results": [asdict(result) for result in results]})

    def close(self) -> None:
        """Give back what it needed."""
        self._wake.close()


def _tell(line: dict[str, Any]) -> None:
    with writing():
        print(json.dumps(line), flush=True)


def _listen(sparring: Sparring) -> None:
    """Hear the training, in a thread of its own."""
    while heard := os.read(0, 1):  # not sys.stdin: its lock would be held while Python shuts down
        assert heard == GO_ON
        sparring.go_on()
    sparring.end()


def main(directory: str, port: str) -> int:
    """Play until the training ends, and return the exit code."""
    opponents = Opponents(Path(directory), lambda line: _tell({"said": line}))
    client = PongClient(port=int(port), token=os.environ["PONG_TOKEN"], role=Role.RIGHT)
    with (
        threadpool_limits(1, "blas"),
        contextlib.closing(Sparring(opponents, _tell, np.random.default_rng())) as sparring,
        client,
    ):
        threading.Thread(target=_listen, args=(sparring,), name="listen", daemon=True).start()
        try:
            sparring.play(client)
        except BrokenPipeError:  # the training has gone
            return 0
        except PongError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
