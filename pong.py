"""Pong, and a server that lets an agent play it over the network: the program.

    Pong          the program: options, window, start and close
    game.py       the rules, the players, and the camera that sees for the agent
    engine.py     the thread that plays the games and serves an agent at each side; it owns both clocks
    conversation.py, gallery.py    what an agent, and who watches, is told
    listener.py   the door: shakes hands beside the game
    netproto.py   the wire, both ends

Threads. The engine alone touches games and connections, so neither needs a lock. The main thread has the
window (pygame wants it there), the listener a thread for strangers, and the gallery one for those who watch.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import secrets
import socket
import sys
import threading
import time
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from pongrl import cli
from pongrl.checks import LARGEST_SEED, whole
from pongrl.errors import UsageError
from pongrl.game.camera import CELL, FRAME_HEIGHT, FRAME_WIDTH, Camera
from pongrl.game.moves import DOWN, STAY, UP, VELOCITY
from pongrl.game.people import Keys, Snapshot
from pongrl.game.players import Player, built_in
from pongrl.game.rules import (
    BALL,
    COURT_HEIGHT,
    COURT_WIDTH,
    LEFT,
    PADDLE_BOTTOM,
    PADDLE_HEIGHT,
    PADDLE_WIDTH,
    RIGHT,
    TICKS_PER_SECOND,
    Game,
)
from pongrl.server.engine import Engine, right_paddle
from pongrl.server.listener import Listener, certificate_context
from pongrl.server.match import Board
from pongrl.wire.messages import DEFAULT_PORT, MAX_GAMES, Role
from pongrl.wire.sockets import is_loopback
from pongrl.wire.tokens import read_token

__all__ = [  # what others may take from here
    "BALL", "CELL", "COURT_HEIGHT", "COURT_WIDTH", "DOWN", "FRAME_HEIGHT", "FRAME_WIDTH", "LEFT",
    "PADDLE_BOTTOM", "PADDLE_HEIGHT", "PADDLE_WIDTH", "RIGHT", "STAY", "TICKS_PER_SECOND", "UP", "VELOCITY",
    "Board", "Camera", "Engine", "Game", "Keys", "Player", "Pong", "Snapshot", "built_in", "main",
]  # fmt: skip


BENCHMARK_SECONDS = 2.0


log = logging.getLogger("pong")


@dataclass(eq=False)
class Pong:
    """Pong in a window, served to a reinforcement-learning agent over the network.

    `start` plays until the window is closed or `close` is called. With `block=False`, headless only, it
    returns as soon as the server listens (at `address`), and `close` ends it; so does a `with` block.

    Raises:
        UsageError: an option is out of its range.
    """

    levelodiff: Annotated[int, "level of the built-in AI, 1 to 3; 4 plays both sides", "--level"] = 2
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    render: Annotated[bool, "show in the window what the agent is sent"] = False
    server: Annotated[bool, "just play: W/S or the arrow keys against the built-in AI"] = True
    host: Annotated[str, "address to listen on; 0.0.0.0 is every network, the default this machine alone"] = (
        ""
    )
    port: Annotated[int, "port to listen on; 0 picks a free one"] = DEFAULT_PORT
    _: KW_ONLY
    opponent: Annotated[str, "who has the right paddle: ai, or human, at this keyboard"] = "ai"
    headless: Annotated[bool, "no window, no sound: for a machine without a screen"] = False
    lockstep: Annotated[bool, "wait for the agent at every decision, then go on at once: for training"] = (
        False
    )
    fps: Annotated[int, "ticks per second in real time; the game is made for 60"] = TICKS_PER_SECOND
    frameskip: Annotated[int, "ticks in one decision of the agent"] = 8
    games: Annotated[int, "games that the agent plays side by side; the window shows the first"] = 1
    points_to_win: Annotated[int, "points that win a match"] = 21
    seed: Annotated[int | None, "seed of the games' random generators"] = None
    token_file: Annotated[str | None, "file with the token that agents must prove (or set PONG_TOKEN)"] = None
    open: Annotated[bool, "let agents in without a token, from other machines too"] = False
    certificate: Annotated[str | None, "encrypt with TLS, showing this certificate (a PEM file)"] = None
    key: Annotated[str | None, "file with the certificate's key, if it is not in the same"] = None
    record: Annotated[str | None, "film the first game into FILE, .mp4 or .gif"] = None
    benchmark: Annotated[bool, "say how many decisions per second this machine can serve, and end"] = False
    until_eof: Annotated[bool, "end when standard input does: for a program that starts this one"] = False
    token: str | None = field(default=None, repr=False)
    given: frozenset[str] | None = field(default=None, repr=False)  # options that the command line named

    def __post_init__(self) -> None:
        if type(self.levelodiff) is not int or self.levelodiff not in (1, 2, 3, 4):
            raise UsageError(f"the level must be 1, 2 or 3, or 4 to play itself, not {self.levelodiff}")
        if self.opponent not in ("ai", "human"):
            raise UsageError(f"--opponent must be ai or human, not {self.opponent}")
        if self.opponent == "human" and (self.headless or self.lockstep or self.games != 1):
            raise UsageError(
                "--opponent human needs the window, real time and one game: "
                "leave out --headless, --lockstep and --games"
            )
        if self.opponent == "human" and self.levelodiff == 4:
            raise UsageError("level 4 plays both sides and leaves no paddle to a human: choose 1, 2 or 3")
        whole("--port", self.port, 0, 65535)
        whole("--fps", self.fps, 1, 1000)
        whole("--frameskip", self.frameskip, 1, 60)
        whole("--games", self.games, 1, MAX_GAMES)
        whole("--points-to-win", self.points_to_win, 1, 10_000)
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED)
        if self.headless and not self.server:
            raise UsageError(
                "--headless with --no-server leaves nothing to see and nothing to serve: drop one"
            )
        if self.headless and self.render:
            raise UsageError("--render needs the window that --headless does without: drop one")
        if self.open and self.token_file is not None:
            raise UsageError("--open lets agents in without a token and --token-file names one: drop one")
        if self.key is not None and self.certificate is None:
            raise UsageError("--key belongs to a --certificate: give that too")
        self._engine: Engine | None = None
        self._listener: Listener | None = None
        self._recorder: Any = None  # views.recorder.Recorder
        self._ending = False

    def __enter__(self) -> Pong:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on."""
        if self._listener is None:
            raise RuntimeError("not listening: call start() first, with server=True")
        return self._listener.address

    def start(self, block: bool = True) -> None:
        """Play, and serve. See the class.

        Raises:
            PongError: there is no display, the port is in use, the token cannot be read.
        """
        if self._engine is not None:
            raise RuntimeError("started already")
        if not block and not self.headless:
            raise UsageError("start(block=False) needs headless=True: a window needs the main thread")
        cli.start_log(self.debug)
        if self.benchmark:
            self._measure()
            return
        window = None
        if not self.headless:
            from pongrl.ui.game_window import GameWindow  # here, so that a headless run never loads it

            window = GameWindow("Pong", inset=self.render)
        try:
            # From before anybody can know that we listen.
            with cli.stop_signals(self._stop) if block else contextlib.nullcontext():
                if block and self.until_eof:
                    self._heed_eof()
                if window is not None and not self.server and not self._is_chosen():
                    self._play_chosen(window)
                else:
                    self._open(watched=window is not None)
                    if block:
                        self._run(window)
                if block:
                    self.close()  # here, so that a second Ctrl-C does not cost the film its end
        except BaseException:
            self.close()
            raise
        finally:
            if window is not None:
                window.close()

    def _is_chosen(self) -> bool:
        """Whether somebody said what to play: a program that makes a Pong has."""
        return self.given is None or not self.given.isdisjoint(("levelodiff", "opponent"))

    def _play_chosen(self, window: Any) -> None:
        """Let people choose what to play, again after each game, until they have enough."""
        from pongrl.ui.start_screen import choose

        while (choice := choose(window, lambda: self._ending)) is not None:
            self.levelodiff, self.opponent = choice
            self._open(watched=True)
            self._run(window)
            self._end_game()

    def _measure(self) -> None:
        """Play decisions as fast as it goes, draw and pack them, and say how many there were."""
        print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
        for games in (1, 16):
            engine = Engine(replace(self, games=games, benchmark=False), watched=False)
            decisions, begin = 0, time.perf_counter()
            while (seconds := time.perf_counter() - begin) < BENCHMARK_SECONDS:
                for board in engine._boards:
                    board.hands[LEFT].move = UP if decisions // 40 % 2 else DOWN
                    board.play(self.frameskip, None)
                engine.take_step(Role.LEFT, 0, 0).serialize()
                decisions += games
            engine.release()
            print(
                f"games: {games:2}   {decisions / seconds:,.0f} decisions/s at most, "
                f"before the network and the agent take their time"
            )
        print(f"real time needs {games * self.fps / self.frameskip:.0f} decisions/s for {games} games")

    def _open(self, watched: bool) -> None:
        """Start the engine's thread, and the listener's if we serve."""
        engine = self._engine = Engine(self, watched)
        if self.record is not None and self._recorder is None:
            from pongrl.ui.film import Recorder

            self._recorder = Recorder(self.record, log.info, min(self.fps, TICKS_PER_SECOND))
        engine.recorder = self._recorder
        if self.server:
            host = self.host or "127.0.0.1"
            token, made_up = self._choose_token(is_loopback(host))
            tls = certificate_context(self.certificate, self.key) if self.certificate is not None else None
            self._listener = Listener(host, self.port, token, engine.admit, engine.deliver, tls)
            where = "{}:{}".format(*self.address)
            engine.idle_status = f"waiting for an agent on {where}"
            self._listener.start()
            clock = "lockstep" if self.lockstep else f"real time at {self.fps} ticks per second"
            print(f"listening on {where} (level {self.levelodiff}, {clock}, games: {self.games})", flush=True)
            if made_up:
                self._tell_agents(token)
        else:
            hands = "W/S" if self.opponent == "human" else "W/S or arrow keys"
            engine.idle_status = f"left paddle: {hands}" if self.levelodiff < 4 else ""
            engine.idle_status += f"{right_paddle(self)}   P pauses, Escape leaves"
        engine.start()

    def _choose_token(self, loopback: bool) -> tuple[str, bool]:
        """Give the token to be proved, and whether it was made up, as it is where strangers can connect."""
        given = self.token if self.token is not None else read_token(self.token_file)
        if self.open:
            if given:
                raise UsageError("--open lets agents in without a token, but there is one: drop one of them")
            if not loopback:
                log.warning("without a token everybody on this network can take the left paddle")
            return "", False
        if given == "" and not loopback:
            raise UsageError("the token is empty: give one, or say --open to let everybody in")
        if given is None and not loopback:
            return secrets.token_urlsafe(12), True
        return given or "", False

    def _tell_agents(self, token: str) -> None:
        """Print the command line for an agent on another machine."""
        name = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        name += "" if "." in name or ":" in name else ".local"
        command = f"PONG_TOKEN={token} python mainmodel.py --host {name} --port {self.address[1]}"
        command += " --ca FILE" * (self.certificate is not None)
        print(f"an agent on another machine connects with\n    {command}", flush=True)

    def _run(self, window: Any) -> None:
        """Wait in the main thread for the end, and keep the window going if there is one."""
        engine = self._engine
        assert engine is not None
        if window is not None:
            people = (0 if self.levelodiff == 4 else 1) + (self.opponent == "human")
            opponent = "two players" if people == 2 else f"level {self.levelodiff}"
            against = "against you" if self.server and people == 2 else opponent
            window.begin(f"Pong, {against}", None if self.server else people)
        while engine.is_alive() and not self._ending:
            if window is None:
                engine.join(1.0)  # a join without end cannot be interrupted on Windows
                continue
            is_open, engine.keys = window.poll()
            if not is_open:
                break
            if engine.snapshot is not None:
                window.show(engine.snapshot)

    def _heed_eof(self) -> None:
        if sys.stdin is None:
            self._stop()  # closed from the start, and its number may be a socket's by now
        else:
            threading.Thread(target=self._stop_at_eof, name="until-eof", daemon=True).start()

    def _stop(self) -> None:
        self._ending = True
        if self._engine is not None:
            self._engine.stop()

    def _stop_at_eof(self) -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be held while Python shuts down
            pass
        self._stop()

    def close(self) -> None:
        """End the game, the server and the film; calling it again does nothing.

        Raises:
            BaseException: what ended the engine, if it was not us.
        """
        try:
            self._end_game()
        finally:
            recorder, self._recorder = self._recorder, None
            if recorder is not None:
                recorder.close()

    def _end_game(self) -> None:
        listener, self._listener = self._listener, None
        engine, self._engine = self._engine, None
        if listener is not None:
            listener.close()
        if engine is not None:
            engine.stop()
            if engine.is_alive():
                engine.join()
            engine.release()
            if engine.error is not None:
                raise engine.error


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(Pong, argv)


if __name__ == "__main__":
    sys.exit(main())
