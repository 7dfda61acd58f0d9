"""Our learner: over the wire, as a user starts it, and in one process without it.

In one process all but the connection is the same: the emulators, the camera, the trainer and its books.
`Direct` takes the place of the client and plays on the emulators itself. So the difference in speed is what
the wire costs, or what it brings: over the wire the server has a process of its own, and plays while the
agent learns.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mainmodel import PolicyGradient
from pongrl.agent.checkpoints import load_policy
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.desk import open_desk
from pongrl.agent.evaluation import evaluate
from pongrl.agent.files import LATEST, ROWS
from pongrl.agent.fleet import Fleet
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import Pilot
from pongrl.agent.servers import FEWER_GAMES, Arrivals, Server
from pongrl.agent.start import start
from pongrl.agent.trainer import Trainer
from pongrl.envs.arcade import Arcade, ArcadeOptions
from pongrl.envs.catalogue import find
from pongrl.envs.emulators import SCREEN, Emulators, Outcome, open_emulators
from pongrl.envs.lens import Lens, ScreenCamera
from pongrl.envs.machines import Facts
from pongrl.envs.serve import buttons_of, preset_of
from pongrl.game.people import Keys
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Mover, Role, Step
from pongrl.wire.step import number_after
from pongrl.wire.waiting import Wake
from tools.atari_peers.curve import FRAMES, Curve, Row
from tools.atari_peers.matches import ACTIONS, ENV, Matches
from tools.processes import ROOT

ENDLESS = 1_000_000_000  # points, more than any evaluation has


class Ours:
    """Learns over the wire, with `mainmodel.py --local`, and plays what it has learned.

    Args:
        seed: Of weights, moves and games.
        directory: Where the run keeps its files.
    """

    def __init__(self, seed: int, directory: Path) -> None:
        self._seed, self._directory = seed, directory

    def train(self, curve: Curve) -> None:
        """Learn until the time is over."""
        command = [sys.executable, "mainmodel.py", "--local", "--env", ENV, "--seed", str(self._seed)]
        command += ["--minutes", str(curve.minutes), "--directory", str(self._directory.resolve())]
        subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        curve.write(rows_of(self._directory))

    def play(self, matches: Matches, rng: np.random.Generator | None) -> None:
        """Play matches to their end; `rng` draws the moves, without it the likeliest ones are made."""
        policy = load_policy(self._directory / LATEST)
        lens = preset_of(find(ENV, _ignore)).lens
        direct = Direct(arcade_on(Seen(matches, lens), len(matches.pictures), lens, seed=None))
        client = cast(PongClient, direct)  # `evaluate` asks it for no more than Direct has
        with threadpool_limits(1, "blas"):
            evaluate(policy, client, direct.first(), ENDLESS, rng, matches.is_over)


class OursInProcess(Ours):
    """Learns in this process: the same learner on the same emulators, without a wire."""

    def train(self, curve: Curve) -> None:
        """Learn until the time is over."""
        options = RunOptions.of(
            PolicyGradient(
                local=True, env=ENV, seed=self._seed, minutes=curve.minutes, directory=str(self._directory)
            )
        )
        entry = find(ENV, _ignore)
        lens = preset_of(entry).lens
        emulators = open_emulators(entry, FEWER_GAMES, FRAMES, lens)
        direct = Direct(arcade_on(emulators, FEWER_GAMES, lens, self._seed))
        try:
            with threadpool_limits(1, "blas"), open_desk(start(options), Commands(_ignore), _ignore) as desk:
                arrivals = Arrivals(desk.wake)
                pilot = Pilot(options, desk.start.rng, desk.books)
                fleet = Fleet([Here(direct, arrivals.report)], arrivals, pilot, options, _ignore)
                controls = Controls(fleet, desk.books, _ignore)
                with desk.books.finishing():
                    Trainer(fleet, pilot, desk.books, desk.commands, controls, desk.audience).run()
        finally:
            emulators.close()
        curve.write(rows_of(self._directory))


class Direct:
    """Takes a client's place for who plays: what it asks for is played at once, in this process."""

    def __init__(self, arcade: Arcade) -> None:
        self.session = arcade.options.session()
        self._arcade, self._number = arcade, 0
        self._hands = arcade.seat(Role.LEFT)

    def first(self) -> Step:
        """Return the state before the first decision."""
        return self._arcade.observe(Role.LEFT, self._number, 0)

    def act(self, moves: npt.ArrayLike) -> None:
        """Take the moves (games,) of the next decision."""
        for hand, move in zip(self._hands, np.asarray(moves).tolist(), strict=True):
            hand.move, hand.mover = move, Mover.AGENT

    def poll(self) -> Step:
        """Play a decision, and return the state after it."""
        self._arcade.decide(Keys())
        self._number = number_after(self._number)
        return self._arcade.observe(Role.LEFT, self._number, 0)

    def observe(self, wake: Wake | None = None) -> Step:
        """Do what `poll` does: there is nothing to wait for."""
        return self.poll()


class Here(Server):
    """Games in this process, in the place of a server."""

    def __init__(self, direct: Direct, report: Callable[[Server, Exception | None], None]) -> None:
        super().__init__("in this process", 0, "", report)
        self._direct, self._tell = direct, report

    def seek(self) -> None:
        """Report at once that it is there."""
        self._tell(self, None)

    @property
    def connected(self) -> tuple[PongClient, Step]:
        """What is played on, and the first state."""
        return cast(PongClient, self._direct), self._direct.first()  # a trainer needs no more of it


class Seen:
    """The matches of an evaluation as emulators that our camera looks at."""

    def __init__(self, matches: Matches, lens: Lens) -> None:
        self.facts = Facts(ACTIONS, len(ACTIONS), SCREEN, 60.0)
        self.frames = np.zeros((len(matches.pictures), lens.height, lens.width), np.uint8)
        self._matches, self._camera = matches, ScreenCamera(lens)

    def begin(self, seed: int | None) -> None:
        """Look at the matches, which have begun."""
        for picture, frame in zip(self._matches.pictures, self.frames, strict=True):
            self._camera.look(picture, frame)

    def step(self, actions: Sequence[int]) -> Outcome:
        """Make an action in each match."""
        self._matches.step(actions)
        self.begin(None)
        return Outcome(self._matches.rewards, self._matches.ended, [0] * len(actions))

    def close(self) -> None:
        """Leave the matches to who has made them."""


def arcade_on(emulators: Emulators, games: int, lens: Lens, seed: int | None) -> Arcade:
    """Return what the server plays on emulators, as `python -m pongrl.envs.serve --lockstep` sets it up."""
    preset = preset_of(find(ENV, _ignore))
    buttons, _ = buttons_of(ENV, emulators.facts, preset.actions, preset)
    options = ArcadeOptions(
        name=ENV, games=games, height=lens.height, width=lens.width, frameskip=FRAMES, fps=60,
        points_to_win=preset.points_to_win, lockstep=True, inset=False, has_court=True, seed=seed,
    )  # fmt: skip
    return Arcade(options, emulators, buttons)


def rows_of(directory: Path) -> list[Row]:
    """Make the curve of a run from its progress.csv, which has a row for every 100 points."""
    with open(directory / ROWS, newline="", encoding="utf-8") as file:
        return [
            Row(
                float(row["seconds"]) / 60, int(row["decisions"]), int(row["frames"]),
                float(row["match_score"] or "nan"), int(row["updates"]),
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def _ignore(line: str) -> None:
    """Say nothing on the console."""
