"""Environments side by side, as the server plays them: ALE's own vector, or one process for each environment.

    open_emulators    opens the games of an environment
    AleVector         ALE's vector environment: its games step in threads of its own
    Processes         any other: stable-retro allows one emulator a process, and others may do what they like

All games step together. What comes back are frames, rewards and ends. A game that has ended begins again at
once, so that its frame is already the next match's. So does one whose process has died, in a new process. A
game is seeded once at most, since a seeded reset loads the ROM again, which takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from pongrl.envs.catalogue import Entry, cannot_be_made, described
from pongrl.envs.lens import Lens, ScreenCamera
from pongrl.envs.machines import MOST_NOOPS, Facts, open_environment
from pongrl.errors import PongError
from pongrl.wire.arrays import UInt8Array

LOOK_SECONDS = 0.5  # between two looks whether the server ends while a game is waited for
ENDING_SECONDS = 2.0  # after which a process that was asked to end is killed
MOST_DEATHS = 3  # of a game's process in one match: then something is wrong that a new process does not fix
SCREEN = 210, 160  # pixels of an Atari 2600's picture, rows and columns

log = logging.getLogger("pong.games")


@dataclass(frozen=True)
class Outcome:
    """What a step has brought, game by game."""

    rewards: Sequence[float]
    ended: Sequence[bool]  # the match is over; the frame is the next one's
    lives: Sequence[int]  # left, in games that count them


class Emulators(Protocol):
    """Games side by side."""

    facts: Facts
    frames: UInt8Array  # (games, height, width), as the camera sees them now

    def begin(self, seed: int | None) -> None:
        """Begin all games again; game i has the seed + i."""

    def step(self, actions: Sequence[int]) -> Outcome:
        """Make an action in each game."""

    def close(self) -> None:
        """End the games."""


class AleVector:
    """Games of ALE, in its vector environment.

    Args:
        entry: what is played.
        games: how many.
        frameskip: frames in one step.
        lens: how a picture becomes a frame.

    Raises:
        PongError: the lens does not fit.
    """

    def __init__(self, entry: Entry, games: int, frameskip: int, lens: Lens) -> None:
        import ale_py
        from ale_py.vector_env import AtariVectorEnv

        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        lens.check(entry.name, *SCREEN)
        sticky = entry.settings.get("repeat_action_probability", 0.25)
        self._env = AtariVectorEnv(
            entry.settings["game"], games, img_height=SCREEN[0], img_width=SCREEN[1], stack_num=1,
            num_threads=min(games, os.cpu_count() or 1), frameskip=frameskip, maxpool=False,
            noop_max=0 if sticky else MOST_NOOPS, repeat_action_probability=sticky,
            full_action_space=entry.settings.get("full_action_space", False),
            max_num_frames_per_episode=entry.settings.get("max_num_frames_per_episode") or 108_000,
            use_fire_reset=False, reward_clipping=False, autoreset_mode="SameStep",
        )  # fmt: skip
        names = tuple(action.name for action in self._env.ale.get_action_set())
        self.facts = Facts(names, len(names), SCREEN, 60.0)
        self.frames = np.zeros((games, lens.height, lens.width), np.uint8)
        self._camera = ScreenCamera(lens)

    def begin(self, seed: int | None) -> None:
        """Begin all games again."""
        pictures, _ = self._env.reset(seed=seed)
        self._look(pictures)

    def step(self, actions: Sequence[int]) -> Outcome:
        """Make an action in each game."""
        pictures, rewards, terminated, truncated, info = self._env.step(np.array(actions, np.int64))
        self._look(pictures)
        return Outcome(rewards.tolist(), (terminated | truncated).tolist(), info["lives"].tolist())

    def _look(self, pictures: UInt8Array) -> None:
        for picture, frame in zip(pictures[:, 0], self.frames, strict=True):
            self._camera.look(picture, frame)

    def close(self) -> None:
        """End the games."""
        self._env.close()


class Processes:
    """Games of any environment, each in a process of its own that has its camera too.

    All that waits for a game raises EndedError where none comes and nobody needs it any more.

    Args:
        entry: what is played.
        games: how many.
        repeat: steps of the environment in one step here.
        lens: how a picture becomes a frame.
        is_ending: whether the games are to end.

    Raises:
        PongError: an environment cannot be made, or is none that can be served.
    """

    def __init__(
        self, entry: Entry, games: int, repeat: int, lens: Lens, is_ending: Callable[[], bool]
    ) -> None:
        self.frames = np.zeros((games, lens.height, lens.width), np.uint8)
        self._far: list[_FarGame] = []
        try:
            for number in range(games):
                name = f"game {number + 1} of {entry.name}"
                self._far.append(_FarGame(name, entry, repeat, lens, is_ending))
            facts = [game.facts() for game in self._far]
        except BaseException:
            self.close()
            raise
        self.facts = facts[0]

    def begin(self, seed: int | None) -> None:
        """Begin all games again."""
        for number, game in enumerate(self._far):
            game.tell("begin", None if seed is None else seed + number)
        for game, frame in zip(self._far, self.frames, strict=True):
            frame.reshape(-1)[:] = np.frombuffer(game.begun(), np.uint8)

    def step(self, actions: Sequence[int]) -> Outcome:
        """Make an action in each game; they step at the same time, as far as there are cores."""
        for game, action in zip(self._far, actions, strict=True):
            game.tell("step", action)
        rewards, ended, lives = [], [], []
        for game, frame in zip(self._far, self.frames, strict=True):
            seen, reward, has_ended, left = game.stepped()
            frame.reshape(-1)[:] = np.frombuffer(seen, np.uint8)
            rewards.append(reward)
            ended.append(has_ended)
            lives.append(left)
        return Outcome(rewards, ended, lives)

    def close(self) -> None:
        """End the games, and their processes."""
        for game in self._far:
            game.hang_up()
        until = time.monotonic() + ENDING_SECONDS
        for game in self._far:
            game.end(max(until - time.monotonic(), 0.0))


class EndedError(Exception):
    """The games are to end, and one of them has died or does not answer."""


class _DiedError(Exception):
    """The process of a game has ended, and nobody had asked it to."""


class _FarGame:
    """A game in a process of its own, at this end.

    If the process dies, the game begins a new match in a new one, but only so often in a match.

    Args:
        name: in words.
        entry, repeat, lens, is_ending: as of `Processes`.
    """

    def __init__(
        self, name: str, entry: Entry, repeat: int, lens: Lens, is_ending: Callable[[], bool]
    ) -> None:
        self._name, self._played, self._is_ending = name, (entry, repeat, lens), is_ending
        self._deaths = 0  # of its process, in this match
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would have our threads and sockets
        self._line, there = context.Pipe()
        self._process = context.Process(
            target=_play, args=(there, *self._played), name=self._name, daemon=True
        )
        with _deaf_to_ctrl_c():
            self._process.start()
        there.close()

    def tell(self, word: str, value: int | None) -> None:
        """Ask for something."""
        with contextlib.suppress(OSError):  # `_hear` says that it has died
            self._line.send((word, value))

    def facts(self) -> Facts:
        """Wait until the environment is open; return what it says of itself.

        Raises:
            PongError: it cannot be opened.
        """
        try:
            facts: Facts = self._hear()
        except _DiedError as death:
            raise PongError(f"{death} before it played: start the server again") from death
        return facts

    def begun(self) -> bytes:
        """Wait for the answer to "begin": the frame.

        Raises:
            PongError: the environment has failed.
        """
        try:
            frame: bytes = self._hear()
        except _DiedError as death:
            return self._revive(death)
        self._deaths = 0
        return frame

    def stepped(self) -> tuple[bytes, float, bool, int]:
        """Wait for the answer to "step", as `_Game.step` gives it.

        Raises:
            PongError: the environment has failed.
        """
        try:
            frame, reward, has_ended, lives = self._hear()
        except _DiedError as death:
            return self._revive(death), 0.0, True, 0
        if has_ended:
            self._deaths = 0
        return frame, reward, has_ended, lives

    def _hear(self) -> Any:
        """Wait for the answer, and return it.

        Raises:
            PongError: the environment has failed.
            _DiedError: the process has.
            EndedError: nothing comes, and the games are to end.
        """
        try:
            while not self._line.poll(LOOK_SECONDS):
                if not self._process.is_alive() and not self._line.poll():
                    raise EOFError  # its helpers may hold the line open
                if self._is_ending() and not self._line.poll(ENDING_SECONDS):
                    log.warning("%s does not answer: its process is killed", self._name)
                    self._process.kill()
            said = self._line.recv()
        except (EOFError, OSError) as error:
            self.end()
            if self._is_ending():
                raise EndedError from error
            code = self._process.exitcode
            raise _DiedError(f"the process of {self._name} has ended with {code}") from error
        if isinstance(said, PongError):
            raise said
        return said

    def _revive(self, death: _DiedError) -> bytes:
        """Begin the game again, in a new process; return the frame.

        Raises:
            PongError: the process dies again and again.
        """
        while self._deaths < MOST_DEATHS:
            self._deaths += 1
            log.warning("%s: a new match begins in a new process", death)
            self._start()
            try:
                self._hear()  # its facts, as before
                self.tell("begin", None)
                frame: bytes = self._hear()
            except _DiedError as again:
                death = again
            else:
                return frame
        raise PongError(f"{death}, as {MOST_DEATHS} before it: the environment does not run here")

    def hang_up(self) -> None:
        """Let the process end."""
        self._line.close()

    def end(self, seconds: float = ENDING_SECONDS) -> None:
        """Wait so long until the process has ended, or kill it."""
        self.hang_up()
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let a process that is started here be deaf to Ctrl-C in the terminal from its first moment on."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # to start it would end the deafness
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _play(line: Connection, entry: Entry, repeat: int, lens: Lens) -> None:
    """Play one game for another process, until that closes the line. This is the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which ends us
    if sys.stderr is not None:
        os.dup2(2, 1)  # whoever started the server reads its standard output no further than it must
    threading.Thread(target=_end_with_server, daemon=True).start()
    multiprocessing.current_process().daemon = False  # an environment may have processes of its own
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            game = _Game(entry, repeat, lens)
        except PongError as error:
            line.send(error)
            return
        except Exception as error:  # the environment's own, in its first reset
            line.send(cannot_be_made(entry.name, error))
            return
        with contextlib.closing(game):
            line.send(game.facts)
            while True:
                word, value = line.recv()
                try:
                    line.send(game.begin(value) if word == "begin" else game.step(value))
                except PongError as error:
                    line.send(error)
                    return
                except Exception as error:  # the environment's own
                    line.send(PongError(f"{entry.name} failed ({described(error)})"))
                    return


def _end_with_server() -> None:
    """End a game that does not end by itself when its server has: it may be deaf within a step."""
    server = multiprocessing.parent_process()
    assert server is not None
    server.join()
    time.sleep(ENDING_SECONDS)
    os._exit(1)


class _Game:
    """One environment and its camera."""

    def __init__(self, entry: Entry, repeat: int, lens: Lens) -> None:
        self._env = open_environment(entry)
        self.facts, self._repeat = self._env.facts, repeat
        try:
            lens.check(entry.name, *self.facts.picture)
        except PongError:
            self.close()
            raise
        self._camera = ScreenCamera(lens)
        self._frame = np.zeros((lens.height, lens.width), np.uint8)

    def begin(self, seed: int | None) -> bytes:
        """Begin again, and return the frame."""
        self._env.reset(seed)
        return self._seen()

    def step(self, action: int) -> tuple[bytes, float, bool, int]:
        """Make an action so often; return the frame, the rewards together, whether it ended, and lives."""
        whole = 0.0
        for _ in range(self._repeat):
            reward, ended, lives = self._env.step(action)
            whole += reward if math.isfinite(reward) else 0.0  # one that is none spoils no others
            if ended:
                self._env.reset(None)
                break
        return self._seen(), whole, ended, lives

    def _seen(self) -> bytes:
        self._camera.look(self._env.picture(), self._frame)
        return self._frame.tobytes()

    def close(self) -> None:
        """Give back what the environment needs."""
        with contextlib.suppress(Exception):  # its own
            self._env.close()


def open_emulators(
    entry: Entry, games: int, frameskip: int, lens: Lens, is_ending: Callable[[], bool] = lambda: False
) -> Emulators:
    """Open the games of an environment.

    Args:
        entry: what is played.
        games: how many.
        frameskip: frames in one decision; ALE's vector skips them itself.
        lens: how a picture becomes a frame.
        is_ending: whether the games are to end; then no game is waited for any more that does not answer.

    Raises:
        PongError: they cannot be opened, in a sentence that says what to do.
        EndedError: they are to end before they are open.
    """
    if not entry.has_vector:
        return Processes(entry, games, frameskip, lens, is_ending)
    try:
        return AleVector(entry, games, frameskip, lens)
    except PongError:
        raise
    except Exception as error:  # ALE's own
        raise cannot_be_made(entry.name, error) from error
