"""Model how fast workers on Ray learn together: `python -m tools.ray_simulation --workers 1 8 --seed 1`.

Game, learner, rounds and their sum are those that `python -m pongrl.distributed` runs. Here the workers take
turns in one process, without sockets and without Ray, and time is modelled:

    playing and learning    the processor time that they took here, on the worker's own clock
    adding a change         the processor time that it took here, on the driver's clock, one after another
    the network             bytes by the speed of the driver's line, one after another in each direction

The driver takes what comes first by these clocks, so a slow round delays nobody else. Prints the modelled
minutes until a policy won 0.9 and 0.99 of 2,000 points at level 2 without exploration. That is tried once
0.85 or 0.96 of the last 2,000 points were won with exploration, and again after a twentieth more frames.
Evaluations take no modelled time. What Ray itself takes is left out; 0 Gbit/s leaves out the network too.
The simulations take turns as well, so whatever else this machine does slows all of them alike.
"""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # before anything imports numpy

# isort: split
import argparse
import heapq
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mainmodel import PolicyGradient
from pongrl.agent.eyes import Eyes
from pongrl.agent.options import RunOptions
from pongrl.agent.policy import Policy, choose
from pongrl.distributed.average import Average
from pongrl.distributed.rounds import Change, Model, Round
from pongrl.distributed.worker import learner_of
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from tools.courts import Courts

LEVEL, GAMES = 2, 16  # of each worker
SEEDS_APART = 1_000_000  # between two workers
RECENT = 2000  # points
EXPLORING = (0.5, 0.7)  # shares of them
MARKS = {0.9: 0.85, 0.99: 0.96}  # shares without exploration; shares with it from which to evaluate
PAUSE = 1.05  # frames until the next evaluation, by those until the last
EVALUATION_SEED, EVALUATION_GAMES = 77, 64


class Worker:
    """A worker's part, in this process."""

    def __init__(self, options: RunOptions, workers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._learner = learner_of(options, workers, rng)
        self._courts, self._eyes = Courts(GAMES, seed, LEVEL), Eyes(GAMES, FRAME_HEIGHT, FRAME_WIDTH)
        self._rollout, self._step = self._learner.begin(), self._courts.first()
        self.decisions = 0

    def play(self, model: Model) -> tuple[Change, list[bool], float]:
        """Play a round.

        Returns:
            What it has changed; of each point, whether it was won; the processor time in seconds.
        """
        begin, won = time.thread_time(), []
        round_ = Round(self._learner, model)
        while not round_.is_over:
            step = self._step
            moves = self._learner.decide(self._rollout, step, self._eyes.look(step))
            self._learner.learn()
            while not round_.is_over and self._learner.work():
                pass
            self._step = step = self._courts.play(moves)
            self.decisions += GAMES
            won += [reward > 0 for reward in step.rewards.tolist() if reward]
        change = round_.end()
        return change, won, time.thread_time() - begin


class Line:
    """The driver's line to all workers, in one direction.

    Args:
        gigabits: a second; 0 if messages take no time.
    """

    def __init__(self, gigabits: float) -> None:
        self._seconds = 8e-9 / gigabits if gigabits else 0.0  # that a byte takes
        self._free = 0.0

    def send(self, size: int, now: float) -> float:
        """Send a message of so many bytes after those before it; return when it is there."""
        self._free = max(self._free, now) + size * self._seconds
        return self._free


def share_won(policy: Policy, points: int) -> float:
    """Evaluate a policy without exploration, at the same games each time."""
    courts, eyes = (
        Courts(EVALUATION_GAMES, EVALUATION_SEED, LEVEL),
        Eyes(EVALUATION_GAMES, FRAME_HEIGHT, FRAME_WIDTH),
    )
    step, won, played = courts.first(), 0, 0
    while played < points:
        step = courts.play(choose(policy, eyes.look(step), None).moves)
        won += int((step.rewards > 0).sum())
        played += int(step.points.sum())
    return won / played


@dataclass(frozen=True)
class Reached:
    """When a mark was reached."""

    seconds: float  # modelled
    frames: int  # of all workers
    rounds: int  # of all workers

    def __str__(self) -> str:
        return f"{self.seconds / 60:.2f} min, {self.frames / 1e6:.1f} M, {self.rounds:,}"


class Simulation:
    """Trains with some workers, as the driver would.

    Args:
        workers: how many.
        gigabits: of the driver's line; 0 for one machine's memory.
        seed: of weights, moves and games.
        points: of an evaluation.
    """

    def __init__(self, workers: int, gigabits: float, seed: int, points: int) -> None:
        options = RunOptions.of(PolicyGradient(local=True, level=LEVEL, seed=seed))
        self._learner = learner_of(options, workers, np.random.default_rng(seed))
        self._average = Average(self._learner, workers)
        self._workers = [Worker(options, workers, seed + SEEDS_APART * (1 + k)) for k in range(workers)]
        self.workers, self.gigabits = workers, gigabits
        self._up, self._down = Line(gigabits), Line(gigabits)
        self._free = 0.0  # when the driver has added all changes that have come
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._points, self._next, self._rounds = points, 0.0, 0
        self.reached: dict[str, Reached] = {}
        self.busy = 0.0  # processor time of all workers
        self._ends: list[tuple[float, int, Change, list[bool]]] = []  # of rounds, the earliest first

    def advance(self) -> None:
        """Let the round end that ends next, and its worker begin another one."""
        if not self._ends:
            for number in range(len(self._workers)):
                self._begin(number, 0.0)
        ended, number, change, won = heapq.heappop(self._ends)
        now = self._add(self._up.send(change.nbytes, ended), change)
        self._recent.extend(won)
        self._begin(number, now)
        self._note(now)

    @property
    def name(self) -> str:
        """What it simulates, for a line of output."""
        return f"{self.workers} workers, {self.gigabits:g} Gbit/s"

    @property
    def frames(self) -> int:
        """Frames that were learned from."""
        return self._learner.frames

    @property
    def share(self) -> float:
        """The share of the last points that was won while exploring."""
        return sum(self._recent) / len(self._recent) if len(self._recent) == RECENT else 0.0

    @property
    def decisions(self) -> int:
        """Decisions of all workers."""
        return sum(worker.decisions for worker in self._workers)

    def _begin(self, number: int, now: float) -> None:
        """Let a worker play a round from now on, and note when it ends."""
        begin = time.thread_time()
        model = self._average.model()
        self._free = now = max(self._free, now) + time.thread_time() - begin
        change, won, seconds = self._workers[number].play(model)
        there = self._down.send(change.nbytes, now)  # as large as the model that it begins with
        self.busy += seconds
        heapq.heappush(self._ends, (there + seconds, number, change, won))

    def _add(self, arrived: float, change: Change) -> float:
        """Let the driver add a change; return when that is done."""
        begin = time.thread_time()
        self._average.add(change)
        self._rounds += 1
        self._free = max(self._free, arrived) + time.thread_time() - begin
        return self._free

    def _note(self, now: float) -> None:
        """Note the marks that were reached, and evaluate if the next one is near."""
        for mark in EXPLORING:
            if self.share >= mark:
                self._reach(f"{mark:g} while exploring", now)
        missing = [mark for mark in MARKS if f"{mark:g}" not in self.reached]
        if not missing or self.share < MARKS[missing[0]] or self.frames < self._next:
            return
        self._next = self.frames * PAUSE
        won = share_won(self._learner.policy, self._points)
        for mark in missing:
            if won >= mark:
                self._reach(f"{mark:g}", now)

    def _reach(self, mark: str, now: float) -> None:
        """Note when a mark was reached, if this is the first time."""
        if mark not in self.reached:
            self.reached[mark] = Reached(now, self.frames, self._rounds)
            print(f"{self.name}: {mark}: {self.reached[mark]}", flush=True)


def main() -> None:
    """Run the simulations, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.ray_simulation",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--gigabits", type=float, nargs="+", default=[1.0, 10.0], help="of the driver's line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mark", type=float, choices=MARKS, default=max(MARKS), help="where to end")
    parser.add_argument("--points", type=int, default=2000, help="of an evaluation")
    parser.add_argument("--frames", type=float, default=80.0, help="million after which to give up")
    options = parser.parse_args()
    marks = [f"{mark:g} while exploring" for mark in EXPLORING] + [f"{mark:g}" for mark in MARKS]
    marks = marks[: marks.index(f"{options.mark:g}") + 1]
    simulations = [
        Simulation(workers, gigabits, options.seed, options.points)
        for workers in options.workers
        for gigabits in (options.gigabits if workers > 1 else [0.0])
    ]
    with threadpool_limits(1, "blas"):
        while going := [one for one in simulations if marks[-1] not in one.reached]:
            behind = min(going, key=lambda one: one.frames)
            if behind.frames >= options.frames * 1e6:
                break
            behind.advance()
    print("\n".join(table_of(simulations, marks)))


def table_of(simulations: list[Simulation], marks: list[str]) -> list[str]:
    """Return the lines of a table: modelled minutes, frames and rounds until each mark was reached."""
    lines = [
        "| workers | Gbit/s | " + " | ".join(marks) + " | µs a decision |",
        "|---" * (len(marks) + 3) + "|",
    ]
    for one in simulations:
        cells = [str(one.reached.get(mark, "–")) for mark in marks]
        cells.append(f"{one.busy / one.decisions * 1e6:.0f}")
        lines.append(f"| {one.workers} | {one.gigabits:g} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
