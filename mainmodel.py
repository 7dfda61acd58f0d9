"""The agent's program: connects to games, plays and learns, keeps files, and obeys its console.

How it sees, decides and learns is in `learner`; this is what goes on around that.

    Seat             a server that we play on
    PolicyGradient   the program

Threads. The main thread plays, on all servers, and learns meanwhile, and alone touches what is learned and
counted; a command of the console (its thread) reaches it through a queue and a Wake. Checkpoints are written
in a thread of their own (records), and each server that is sought has one that connects (servers).
"""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # before anything imports numpy

# isort: split
import contextlib
import itertools
import logging
import math
import os
import queue
import secrets
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from threadpoolctl import threadpool_limits

from pongrl import cli
from pongrl.agent.checkpoints import Saver, damage_explained, load, load_policy, points_of
from pongrl.agent.evaluation import EVALUATION_SEED, Examiner, evaluate
from pongrl.agent.eyes import Eyes
from pongrl.agent.fleet import Server
from pongrl.agent.learning import Learner
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.agent.optimiser import RMSProp
from pongrl.agent.player import Player
from pongrl.agent.policy import MAX_CELLS, Policy
from pongrl.agent.progress import Progress, ProgressFile, fold
from pongrl.agent.rollout import Rollout
from pongrl.checks import LARGEST_SEED, whole, within
from pongrl.errors import (
    CheckpointError,
    ConnectionLostError,
    GoodbyeError,
    PongError,
    ProtocolError,
    UsageError,
)
from pongrl.wire.client import PongClient
from pongrl.wire.connection import wait
from pongrl.wire.messages import DEFAULT_PORT, IDENTITY_BYTES, MAX_GAMES, NOBODY, Role, Session, Step
from pongrl.wire.sockets import address_of
from pongrl.wire.tokens import read_token
from pongrl.wire.waiting import Wake

if TYPE_CHECKING:
    from pongrl.ui.tensorboard import EventLog


REPORT_POINTS = 100  # a line, a row, and a look at the running mean
CHECKPOINT_SECONDS = 60.0


log = logging.getLogger("pong.agent")


FILES = ("save.p", "interrupt.p", "progress.csv")
LOCAL_GAMES = 16  # of a server of our own, unless --games says otherwise: they share each round trip
PAUSE_SECONDS = 0.1  # between two looks at the window's close button while paused
PINGS = 10
PING_SECONDS = 2.0  # until one is counted as lost
TREND_REPORTS = 10  # over which the arrow of the status line looks
BAR = 10  # characters of the progress bar
YIELD = getattr(os, "sched_yield", lambda: None)  # where there is none, nothing is lost but a little time
PAUSED = "paused, the game too; p goes on"


@dataclass(eq=False)
class Seat:
    """A server that we play on."""

    server: Server
    client: PongClient
    first: Step | None  # state, until it is played
    eyes: Eyes
    rollout: Rollout

    def poll(self) -> Step | None:
        """Give the next state if it is there."""
        first, self.first = self.first, None
        return self.client.poll() if first is None else first


class _Shown(Observer):
    """Tells a function what was decided."""

    def __init__(self, show: Callable[[Decided], None]) -> None:
        self._show = show

    def decided(self, decided: Decided, standing: Standing) -> None:
        """A decision was made."""
        self._show(decided)


@dataclass(eq=False)
class PolicyGradient:
    """Learn Pong from pixels: a two-layer policy gradient that plays over the network.

    `start` connects (or starts a server of its own, `local`), and trains until q, Ctrl-C or SIGTERM, or
    until `points` or `minutes` are over. It writes save.p (the best so far), interrupt.p (the latest) and
    progress.csv into `directory`. With `evaluate` or `plot` it does that instead, and ends.

    Raises:
        UsageError: an option is out of its range.
    """

    resume: Annotated[
        bool | str, "go on from a checkpoint: FILE, or the one that has learned from more points"
    ] = False
    render: Annotated[
        bool, "show in a window what the agent sees, what it thinks of it, and how it learns"
    ] = False
    host: Annotated[
        str | tuple[str, ...] | None,
        "where the server is, HOST or HOST:PORT (default this machine); repeat it",
    ] = None
    port: Annotated[int, "port of the servers that are named without"] = DEFAULT_PORT
    hiddenUnits: Annotated[int, "hidden units, an even number"] = 250
    batch_size: Annotated[int, "points, of all games together, that each update learns from"] = 10
    learningRate: Annotated[float, "rate of RMSProp"] = 1e-3
    gamma: Annotated[float, "discount per tick of the game"] = 0.99
    decayRate: Annotated[float, "decay of RMSProp's mean of squares"] = 0.99
    _: KW_ONLY
    side: Annotated[str, "paddle to play, left or right, on a server that is running"] = "left"
    local: Annotated[bool | int, "start N (1) headless lockstep servers on this machine"] = False
    level: Annotated[int | None, "level of their built-in AI (default 2)"] = None
    games: Annotated[int | None, "games side by side on each server (16 in all with --local)"] = None
    points: Annotated[int | None, "end after so many points"] = None
    minutes: Annotated[float | None, "end after so many minutes of training"] = None
    seed: Annotated[int | None, "seed of weights and moves, and of the local server's games"] = None
    directory: Annotated[str, "where to write checkpoints and progress.csv"] = "."
    tensorboard: Annotated[str | None, "directory for TensorBoard's event files, beside progress.csv"] = None
    token_file: Annotated[str | None, "file with the server's token (or set PONG_TOKEN)"] = None
    ca: Annotated[str | None, "encrypt with TLS: file of certificates, the server's or its signer's"] = None
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    play: Annotated[
        bool | str, "play without learning, with FILE or save.p; with --local against you, in a window"
    ] = False
    watch: Annotated[bool, "only watch, in a window, the game that is played at --host"] = False
    evaluate: Annotated[bool | str, "play --points (500) without learning, with FILE or save.p"] = False
    sample: Annotated[bool, "let --evaluate draw its moves instead of making the likelier one"] = False
    evaluate_every: Annotated[int | None, "evaluate after every N points too, on a server of its own"] = None
    record: Annotated[str | None, "film the first server's first game into FILE, .mp4 or .gif"] = None
    plot: Annotated[tuple[str, ...], "draw progress.csv files as curves, or a checkpoint's hidden units"] = ()
    output: Annotated[str, "the picture that --plot writes", "-o", "--output"] = "curve.png"
    token: str | None = field(default=None, repr=False)

    # What a checkpoint keeps of the options, and gives back unless the command line says otherwise.
    KEPT = ("hiddenUnits", "batch_size", "learningRate", "gamma", "decayRate", "level", "games")
    SERVER_KEPT = ("level", "games")  # those of them that are our own server's

    def __post_init__(self) -> None:
        whole("--port", self.port, 1, 65535)
        whole("--hidden-units", self.hiddenUnits, 2, 100_000)
        if self.hiddenUnits % 2:
            raise UsageError(
                f"--hidden-units must be even, since they come in mirrored pairs, not {self.hiddenUnits}"
            )
        whole("--batch-size", self.batch_size, 1, 1_000_000)
        within("--learning-rate", self.learningRate, 1e-9, 10.0)
        within("--gamma", self.gamma, 0.0, 1.0)
        within("--decay-rate", self.decayRate, 0.0, 0.999999)
        if self.points is not None:
            whole("--points", self.points, 1, 1_000_000_000)
        if self.minutes is not None:
            within("--minutes", self.minutes, 0.001, 1e6)
        if self.games is not None:
            whole("--games", self.games, 1, MAX_GAMES)
        if self.level is not None:
            if self.level not in (1, 2, 3):
                raise UsageError(f"--level must be 1, 2 or 3, not {self.level}")
            if not self._own_servers:
                raise UsageError("--level is for the server of --local: give it to pong.py, or add --local")
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED - EVALUATION_SEED)
        if self.evaluate_every is not None:
            whole("--evaluate-every", self.evaluate_every, 1, 1_000_000_000)
        if self.play and (self.evaluate or self.resume or self.level is not None or self.games is not None):
            raise UsageError("--play goes with neither --evaluate, --resume, --level nor --games: drop them")
        if self.render and self.evaluate:
            raise UsageError("--render shows training and --play: to see a checkpoint play, use --play FILE")
        if self.record is not None and self.plot:
            raise UsageError("--plot plays no game that --record could film: drop one")
        if self.tensorboard is not None and (self.play or self.evaluate):
            raise UsageError("--tensorboard shows how training goes: drop --play and --evaluate")
        if self.local and self.host is not None:
            raise UsageError("--local starts a server of its own and needs no --host: drop one")
        if self.side not in ("left", "right"):
            raise UsageError(f"--side must be left or right, not {self.side}")
        if self.side == "right" and self._own_servers:
            raise UsageError(
                "--side right would leave nobody at the left of a server of our own: "
                "start one with python pong.py, and leave out --local"
            )
        if self.local is not False:
            whole("--local", int(self.local), 1, MAX_GAMES)
        hosts = () if self.host is None else (self.host,) if isinstance(self.host, str) else tuple(self.host)
        self._addresses = [address_of(host, self.port) for host in hosts] or [("127.0.0.1", self.port)]
        self._wake: Wake | None = None  # exists while training
        self._commands: deque[str] = deque()
        self._paused = self._quitting = False
        self._window: Any = None
        self._recorder: Any = None
        self._last = self._saved = 0.0  # when progress was last counted, and interrupt.p written
        self._progress = Progress()
        self._points_before, self._seconds_before = 0, 0.0  # of what was resumed
        self._shares: deque[float] = deque(maxlen=TREND_REPORTS)  # of points won, at the last reports
        self._learner: Learner | Player | None = None
        self._servers: list[Server] = []
        self._seats: dict[Server, Seat] = {}  # of those that are connected
        self._arrivals: queue.SimpleQueue[tuple[Server, PongError | None]] = queue.SimpleQueue()
        self._has_met = False  # any server
        self._level = 0  # of the last one met
        self._turns = 0  # states played
        self._identity = secrets.token_bytes(IDENTITY_BYTES)  # by which servers know us again
        self._file: ProgressFile | None = None  # open from the first connection on
        self._events: EventLog | None = None  # TensorBoard's, likewise
        self._rng = np.random.default_rng(self.seed)
        self._saver = Saver(self._say)

    @property
    def _own_servers(self) -> bool:
        """Whether the servers are ones that we start: an evaluation of the left paddle needs no other."""
        named = self.host is not None or self.port != DEFAULT_PORT or self.side == "right"
        return bool(self.local) or (bool(self.evaluate) and not named)

    # Other threads.

    def command(self, word: str) -> None:
        """Take a command of the console: p, q, ping, save or stats. Any thread may call it."""
        self._commands.append(word)
        if self._wake is not None:
            self._wake.set()

    def status(self) -> str:
        """One line that says how training goes. Any thread may call it."""
        words = f"{self._trend()}{self._bar()}{self._progress}"
        return ("paused   " if self._paused else "") + words

    def _bar(self) -> str:
        """How much of the length that was asked for is over, and how long the rest may take."""
        if (share := self._share()) is None:
            return ""
        done = round(BAR * share)
        left = int((self._progress.seconds - self._seconds_before) * (1 / max(share, 1e-9) - 1))
        rest = f", {left // 60}:{left % 60:02d} left" * (share > 0.01)
        return f"[{'#' * done}{'.' * (BAR - done)}] {100 * share:.0f} %{rest}   "

    def _trend(self) -> str:
        """An arrow for where the share has gone in the last reports."""
        shares = self._shares
        if len(shares) < 2:
            return ""
        change = shares[-1] - shares[0]
        return ("↑" if change > 0.01 else "↓" if change < -0.01 else "→") + " "

    def _share(self) -> float | None:
        """How much of the length that was asked for is over; None if none was."""
        progress = self._progress
        shares = [
            done / wanted
            for done, wanted in (
                (progress.points - self._points_before, self.points),
                (progress.seconds - self._seconds_before, 60 * self.minutes if self.minutes else None),
            )
            if wanted
        ]
        return min(max(shares), 1.0) if shares else None

    # The training thread.

    def start(self) -> None:
        """Train until told to stop. See the class.

        Raises:
            PongError: the server refuses us, or a file cannot be read or written.
        """
        cli.start_log(self.debug)
        if self.plot:
            self._draw_plot()
            return
        if self.watch:
            self._watch_elsewhere()
            return
        with threadpool_limits(1, "blas"):
            if self.evaluate:
                self._evaluate_file()
            else:
                self._start_training()

    def _start_training(self) -> None:
        if self.play:
            path = self._file_of(self.play)
            self._learner = Player(load_policy(path))
            self._say(f"playing with {path}, without learning")
        else:
            self._restore()
            self._prepare_directory("--directory", self.directory)
            if self.tensorboard is not None:
                import pongrl.ui.tensorboard  # noqa: F401  # says here what is not installed

                self._prepare_directory("--tensorboard", self.tensorboard)
        with contextlib.ExitStack() as stack:
            self._wake = Wake()
            stack.callback(self._wake.close)
            stack.callback(self._saver.close)
            stack.enter_context(cli.stop_signals(lambda: self.command("q")))
            self._open_window(stack)
            self._open_recorder(stack)
            self._open_servers(stack)
            self._examiner = Examiner(self.seed, self.debug, self.is_quitting, [_Shown(self.show)])
            stack.callback(self._examiner.close)
            self._open_console(stack)
            try:
                self._train()
            finally:
                self._finish()

    def _restore(self) -> None:
        """Read the checkpoint to resume from, and the options that it keeps."""
        if not self.resume:
            return
        if isinstance(self.resume, str):
            path = Path(self.resume)
        else:
            paths = [path for name in FILES[:2] if (path := Path(self.directory, name)).exists()]
            if not paths:
                raise CheckpointError(f"{self.directory} has no save.p or interrupt.p to resume from")
            path = max(paths, key=points_of)
        chosen = load(path)
        with damage_explained(path):
            kept = chosen["options"]
            if self.hiddenUnits not in (kept["hiddenUnits"], PolicyGradient.hiddenUnits):
                raise UsageError(f"{path} has {kept['hiddenUnits']} hidden units: leave out --hidden-units")
            for name in self.KEPT:
                untouched = getattr(self, name) == getattr(PolicyGradient, name)
                if untouched and (self.local or name not in self.SERVER_KEPT):
                    setattr(self, name, kept[name])
            try:
                replace(self)  # which looks at what it is given, as at the command line
            except UsageError as error:
                raise ValueError(str(error)) from error
            self._progress = Progress.from_plain(chosen["progress"])
            self._learner = self._make_learner(Policy.from_plain(chosen["policy"], self.hiddenUnits))
            self._learner.restore(chosen["learner"])
            identity = chosen.get("identity", self._identity)
            if type(identity) is not bytes or len(identity) != IDENTITY_BYTES:
                raise ValueError("an identity that is none")
            self._identity = identity
            self._say(f"resumed from {path}: {self._progress}")

    def _watch_elsewhere(self) -> None:
        from pongrl.ui.spectator import watch

        (host, port), *others = self._addresses
        if others or self.local:
            raise UsageError("--watch shows the game of one server that is running: name one --host")
        given = self.token if self.token is not None else read_token(self.token_file)
        with cli.stop_signals(lambda: self.command("q")):
            watch(host, port, given or "", self.ca, self.is_quitting, self._say, self.record)

    def _draw_plot(self) -> None:
        from pongrl.ui import plots

        files, output = [Path(name) for name in self.plot], Path(self.output)
        if files[0].suffix == ".p":
            if len(files) > 1:
                raise UsageError("--plot draws the hidden units of one checkpoint at a time: name one")
            plots.draw_units(load_policy(files[0]), output)
        else:
            plots.draw_curves(files, output)
        self._say(f"drew {output}")

    def _evaluate_file(self) -> None:
        """Evaluate a checkpoint, on a server of our own or on the one named."""
        path = self._file_of(self.evaluate)
        policy = load_policy(path)
        with contextlib.ExitStack() as stack:
            self._wake = Wake()
            stack.callback(self._wake.close)
            stack.enter_context(cli.stop_signals(lambda: self.command("q")))
            self._open_recorder(stack)
            self._open_servers(stack)
            if (server := self._first_server()) is None:
                return
            client, step = server.connected
            self._check_frames(policy, client.session)
            rng = self._rng if self.sample else None

            def film(decided: Decided) -> None:
                if self._recorder is not None:
                    self._film(decided.step, decided.session)

            points = int(self.points or 500)
            result, _ = evaluate(policy, client, step, points, rng, self.is_quitting, [_Shown(film)])
            if result is not None:
                where = "on the right" if self.side == "right" else f"on level {client.session.level}"
                self._say(f"{path} {where}: {result}")

    def _file_of(self, option: bool | str) -> Path:
        return Path(option) if isinstance(option, str) else Path(self.directory, FILES[0])

    def _first_server(self) -> Server | None:
        """Wait until the first server is there; None when told to quit meanwhile."""
        assert self._wake is not None
        self._servers[0].seek()
        while not self.is_quitting():
            while not self._arrivals.empty():
                server, error = self._arrivals.get()
                if error is None:
                    return server
                self._explain(error)
            self._wake.wait(None)
        return None

    def is_quitting(self) -> bool:
        """Whether to end soon; other commands wait for `_obey`."""
        self._quitting = self._quitting or "q" in self._commands
        return self._quitting

    def _make_learner(self, policy: Policy) -> Learner:
        optimiser = RMSProp(policy.weights, self.learningRate, self.decayRate)
        return Learner(policy, optimiser, self.batch_size, self.gamma, self._rng)

    @staticmethod
    def _prepare_directory(option: str, directory: str) -> None:
        """Make sure that we can write there, before anything is begun."""
        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                pass
        except OSError as error:
            raise UsageError(
                f"cannot write into {directory} ({error.strerror}): choose another {option}"
            ) from error

    def _open_file(self) -> ProgressFile:
        """Begin progress.csv, and keep the files of an earlier run."""
        directory = Path(self.directory)
        found = [path for name in FILES if (path := directory / name).exists()]
        if found and self.resume is not True:
            names = (directory / f"previous-{number}" for number in itertools.count(1))
            aside = next(path for path in names if not path.exists())
            aside.mkdir()
            for path in found:
                (shutil.copy2 if self.resume else shutil.move)(path, aside / path.name)
            self._say(f"the files of the run before are kept in {aside}")
        # A checkpoint from elsewhere does not go on with the rows that are here.
        ours = self.resume is True or Path(str(self.resume)).resolve().parent == directory.resolve()
        points = self._progress.points if ours else 0
        return ProgressFile(directory / FILES[2], points, self.evaluate_every is not None)

    def _open_events(self) -> EventLog | None:
        if self.tensorboard is None:
            return None

        options = {name: getattr(self, name) for name in (*self.KEPT, "seed", "host", "local")}
        points, resumed = self._progress.points, bool(self.resume)
        return EventLog(Path(self.tensorboard), options, points, resumed, self._say)

    def _open_window(self, stack: contextlib.ExitStack) -> None:
        if self.render:
            from pongrl.ui.agent_window import AgentWindow, Glance  # here: a run without never loads pygame

            def glance() -> Glance:
                file = None if self._file is None else Path(self.directory, FILES[2])
                policy = None if self._learner is None else self._learner.policy
                return Glance(policy, self._progress, file, bool(self._seats), self._paused)

            self._window = AgentWindow(glance, self.status)
            stack.callback(self._window.close)

    def _open_recorder(self, stack: contextlib.ExitStack) -> None:
        if self.record is not None:
            from pongrl.ui.film import AGENT_FRAMES_PER_SECOND, Recorder

            self._recorder = Recorder(self.record, self._say, AGENT_FRAMES_PER_SECOND)
            stack.callback(self._recorder.close)

    def _open_servers(self, stack: contextlib.ExitStack) -> None:
        """Settle which servers to connect to, and start them if they are ours."""
        assert self._wake is not None
        if not self._own_servers:
            given = self.token if self.token is not None else read_token(self.token_file)
            for host, port in self._addresses:
                role = Role[self.side.upper()]
                server = Server(host, port, given or "", self._arrivals, self._wake, ca=self.ca, role=role)
                server.identity = self._identity
                self._servers.append(stack.enter_context(contextlib.closing(server)))
            return
        if self.play:
            self._open_opponent(stack)
            return
        wanted, cores = int(self.local or 1), os.cpu_count() or 1
        if wanted > cores:
            self._say(f"this machine has {cores} cores: {cores} servers instead of {wanted}")
        count = min(wanted, cores)
        games = self.games or max(LOCAL_GAMES // count, 1)
        for number in range(count):
            seed = None if self.seed is None else self.seed + number * games
            own = LocalServer(training_flags(self.level, games, seed), self.debug)
            server = Server("127.0.0.1", own.port, own.token, self._arrivals, self._wake, own)
            self._servers.append(stack.enter_context(contextlib.closing(server)))

    def _open_opponent(self, stack: contextlib.ExitStack) -> None:
        """Open the game's window, where a person has the right paddle."""
        assert self._wake is not None
        own = LocalServer(("--opponent", "human"), self.debug)
        server = Server("127.0.0.1", own.port, own.token, self._arrivals, self._wake, own)
        self._servers.append(stack.enter_context(contextlib.closing(server)))

    def _open_console(self, stack: contextlib.ExitStack) -> None:
        from pongrl.ui.console import Console

        console = Console(self.command, self.status)
        stack.callback(console.close)
        console.start()

    def _say(self, line: str) -> None:
        """Print a line; on a full disk, or where the terminal is gone, training goes on without it."""
        try:
            if sys.stdout is not None and sys.stdout.isatty():
                line = fold(line, shutil.get_terminal_size().columns)
            print(line, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            log.debug("a line could not be written: %s", error)

    def _train(self) -> None:
        """Play on all servers that are there, until finished."""
        self._points_before, self._seconds_before = self._progress.points, self._progress.seconds
        self._saved, self._evaluated = time.monotonic(), self._progress.points
        self._unsought = deque(self._servers)
        self._seek()
        while not self._finished():
            self._turn()

    def _turn(self) -> None:
        """Obey, look at all servers that are due, and wait if there was nothing new."""
        self._take_commands()
        self._take_arrivals()
        due, waiting = self._due(), True
        for seat in due:
            waiting = not self._advance(seat) and waiting
        if waiting and not self._quitting and not self._work():
            self._wait(due)

    def _work(self) -> bool:
        """Learn a little, since there is nothing to answer just now; whether there was something to learn."""
        if self._learner is None or not self._learner.work():
            return False
        YIELD()  # a server that waits for this very processor would be let wait for milliseconds
        return True

    def _seek(self) -> None:
        """Connect to all servers at once, but to our own one after another, always in the same order."""
        while self._unsought:
            self._unsought.popleft().seek()
            if self._own_servers:
                break

    def _finished(self) -> bool:
        share = self._share()
        return self._quitting or (share is not None and share >= 1)

    def _due(self) -> list[Seat]:
        """Give the seats to look at: our own servers take turns, so that a run can be repeated."""
        if self._own_servers:
            seat = self._seats.get(self._servers[self._turns % len(self._servers)])
            return [] if seat is None else [seat]
        return list(self._seats.values())

    def _wait(self, due: list[Seat]) -> None:
        """Wait for a state, a server, or a command."""
        assert self._wake is not None
        self._poll_window()
        seconds = None if self._window is None else PAUSE_SECONDS
        if due:
            until = None if seconds is None else time.monotonic() + seconds
            wait([seat.client.connection for seat in due], until, self._wake)
        else:
            self._wake.wait(seconds)

    def _advance(self, seat: Seat) -> bool:
        """Play on if the next state is there; whether it was."""
        try:
            step = seat.poll()
            if step is not None:
                self._play(seat, step)
        except (ConnectionLostError, ProtocolError) as error:
            self._lose(seat.server, error)
            return True
        return step is not None

    def _play(self, seat: Seat, step: Step) -> None:
        """Answer a state; what follows from it is done while the server plays."""
        learner = self._learner
        assert learner is not None
        answered = seat.rollout.pending is not None  # else it is the first state
        moves = learner.decide(seat.rollout, step, seat.eyes.look(step))
        seat.client.act(moves)
        self._turns += 1
        learner.learn()
        if self.debug and seat.rollout.pending is not None:
            p_up = seat.rollout.pending.p_up
            log.debug(
                "STEP %d of %s: rewards %s; P(up) %s, moves %s", step.number, seat.server,
                step.rewards.tolist(), p_up.round(3).tolist(), moves.tolist(),
            )  # fmt: skip
        if answered:
            self._count(step)
        if seat is next(iter(self._seats.values())):
            if seat.rollout.pending is not None:
                self.show(Decided(seat.client.session, step, *seat.rollout.pending))
            if self._recorder is not None:
                self._film(step, seat.client.session)
            if self._events is not None:
                self._events.see(step)

    # Servers that come and go.

    def _take_arrivals(self) -> None:
        while not self._arrivals.empty():
            server, error = self._arrivals.get()
            if error is not None:
                self._explain(error)
            else:
                try:
                    self._meet(server)
                except PongError as problem:
                    self._dismiss(server, problem)

    def _explain(self, error: PongError) -> None:
        """Say why a server is not there, or raise the error if the user must mend it.

        Before the first connection anything but an absent server is the user's to mend; later on it may
        mend itself: a name found again, our own old session given up.
        """
        lost = isinstance(error, ConnectionLostError)
        if not lost and not self._has_met:
            raise error
        start = "; start one with: python pong.py" if lost and self.host is None else ""
        self._say(f"waiting for a server: {error}{start}")

    def _meet(self, server: Server) -> None:
        """Take a seat at a server."""
        client, step = server.connected
        session = client.session
        learner = self._prepare(session)
        if not self._seats:
            self._last = time.monotonic()
        eyes = Eyes(session.games, session.height, session.width)
        seat = self._seats[server] = Seat(server, client, step, eyes, learner.begin())
        self._say(
            f"connected to {server}: level {session.level}, games: {session.games}, {self._words_of(session)}"
        )
        if self._paused:  # a pause outlasts a lost connection
            with self._losing(seat):
                client.pause()
                self._say(PAUSED)
        self._seek()

    def _words_of(self, session: Session) -> str:
        clock = "lockstep" if session.lockstep else "real time"
        return clock + ", on the right" * (self.side == "right")

    def _prepare(self, session: Session) -> Learner | Player:
        """Check that our policy can play there, or make a policy for it."""
        if self.games not in (None, session.games):
            raise UsageError(
                f"the server plays {session.games} games at once, not {self.games}: start it with --games"
            )
        if session.height * session.width > MAX_CELLS:
            raise PongError(
                f"the server's frames are {session.width}×{session.height}: this agent learns from up to "
                f"{MAX_CELLS:,} cells, or a policy would take too much memory"
            )
        if self._learner is None:
            policy = Policy.random(session.height, session.width, self.hiddenUnits, self._rng)
            self._learner = self._make_learner(policy)
        self._check_frames(self._learner.policy, session)
        self._has_met = True
        self._level = min(session.level, 3)
        self._open_books()
        return self._learner

    def _lose(self, server: Server, error: PongError) -> None:
        """Give up a seat, and try to come back to it."""
        assert self._learner is not None
        self._learner.drop(self._seats.pop(server).rollout)
        server.leave()
        if server.own is not None and server.own.has_ended() and self.play:
            self._quitting = True  # the person has closed the window
        elif server.own is not None and server.own.has_ended():
            words = server.own.last_words()
            self._dismiss(server, PongError(f"the local server has ended: {words}"))
        elif isinstance(error, ConnectionLostError):
            if isinstance(error, GoodbyeError):  # it keeps no place for us; if another has ours, let it be
                server.identity = NOBODY
            self._say(f"{error}; what was learned is kept, the unfinished points are dropped")
            if isinstance(self._learner, Learner):
                self._save(FILES[1])
            server.seek()
        else:
            self._dismiss(server, error)

    def _dismiss(self, server: Server, error: PongError) -> None:
        """Go on without a server that cannot be played on; the last one's error ends the run."""
        self._servers.remove(server)
        server.close()
        if not self._servers:
            raise error
        self._say(f"going on without {server}: {error}")

    @staticmethod
    def _check_frames(policy: Policy, session: Session) -> None:
        if (policy.height, policy.width) != (session.height, session.width):
            raise PongError(
                f"the server's frames are {session.width}×{session.height} and the policy's "
                f"{policy.width}×{policy.height}: it was trained on another game"
            )

    # Books.

    def _open_books(self) -> None:
        """Open what is written while training, once there is a server to train on."""
        if self._file is None and not self.play:
            self._file = self._open_file()
            self._events = self._open_events()

    def _count(self, step: Step) -> None:
        """Keep the books: progress, reports, checkpoints."""
        progress, now = self._progress, time.monotonic()
        progress.seconds += now - self._last
        self._last = now
        progress.frames += int(step.ticks.sum())
        progress.decisions += len(step.ticks)
        for game in np.flatnonzero(step.points):
            points, reward = int(step.points[game]), int(step.rewards[game])
            won, reports = (points + reward) // 2, progress.points // REPORT_POINTS
            progress.count_point(True, won)
            progress.count_point(False, points - won)
            if progress.points // REPORT_POINTS > reports:
                self._report()
        progress.measure_speed()
        if now - self._saved >= CHECKPOINT_SECONDS and isinstance(self._learner, Learner):
            self._saved = now
            self._save(FILES[1])

    def _report(self) -> None:
        progress = self._progress
        self._shares.append(progress.win_rate)
        if isinstance(self._learner, Player):
            self._say(str(progress))
            return
        assert self._learner is not None
        assert self._file is not None
        progress.updates = self._learner.updates
        if self.evaluate_every and progress.points - self._evaluated >= self.evaluate_every:
            self._evaluated = progress.points
            self._evaluate_now(self._learner.policy)
        if self._events is not None:
            self._events.report(progress, self._learner.policy.weights)
        self._write_row()
        self._say(str(progress))
        if progress.running_mean > progress.best:
            progress.best = progress.running_mean
            self._save(FILES[0])

    def _evaluate_now(self, policy: Policy) -> None:
        """Evaluate on games of our own; the time it takes is not training's."""
        try:
            result = self._examiner.examine(policy, self._level)
        except PongError as error:
            self._say(f"the evaluation failed, training goes on: {error}")
            self._examiner.close()
            result = None
        self._last = time.monotonic()
        if result is not None:
            self._progress.evaluation_win_rate = result.share
            self._say(f"evaluation: {result}")

    def _save(self, name: str) -> Future[bool]:
        """Write a checkpoint soon; if that fails, it is said, and training goes on: the next may succeed."""
        assert isinstance(self._learner, Learner)
        self._progress.updates = self._learner.updates
        values = {
            "options": {option: getattr(self, option) for option in self.KEPT},
            "progress": self._progress.to_plain(),
            "policy": self._learner.policy.to_plain(),
            "learner": self._learner.to_plain(),
            "identity": self._identity,
        }
        return self._saver.save(Path(self.directory, name), values)

    def _write_row(self) -> None:
        """Add a row to progress.csv; if that fails, say so and go on: it is written with the next."""
        assert self._file is not None
        try:
            self._file.write(self._progress)
        except OSError as error:
            self._say(f"{FILES[2]} could not be written ({error.strerror}): training goes on")

    def _save_now(self) -> None:
        if isinstance(self._learner, Player):
            self._say("nothing is learned with --play, so there is nothing to save")
        elif self._save(FILES[1]).result():
            self._say(f"saved {FILES[1]}")

    def _finish(self) -> None:
        """Leave everything on disk."""
        if isinstance(self._learner, Player):
            self._say(f"played: {self._progress}")
        elif self._file is not None:
            saved = self._save(FILES[1]).result()
            if self._events is not None:
                assert self._learner is not None
                self._events.close(self._progress, self._learner.policy.weights)
            self._write_row()
            with contextlib.suppress(OSError):  # it was said when the row was written
                self._file.close()
            self._say(f"{f'saved {FILES[1]}' if saved else 'NOT saved'}: {self._progress}")

    # Commands and window, still in the training thread.

    def _take_commands(self) -> None:
        while self._commands:
            word = self._commands.popleft()
            if word == "q":
                self._quitting = True
            elif not self._seats:
                self._say(f"not connected yet: {word} needs a server")
            elif word == "p":
                self._pause()
            elif word == "ping":
                for seat in list(self._seats.values()):
                    self._ping(seat)
            elif word == "stats":
                self._tell()
            elif word == "save":
                self._save_now()
            self._last = time.monotonic()

    def _pause(self) -> None:
        self._pause_games(not self._paused)
        self._say(PAUSED if self._paused else "going on")

    def _pause_games(self, paused: bool) -> None:
        self._paused = paused
        for seat in list(self._seats.values()):
            with self._losing(seat):
                seat.client.pause(paused)

    def _ping(self, seat: Seat) -> None:
        """Pause, make ten round trips, say what they took and whether that will do, and go on."""
        session = seat.client.session
        with self._losing(seat):
            if not self._paused:
                seat.client.pause()
            where = f"{seat.server} " * (len(self._seats) > 1)
            times = []
            for number in range(1, PINGS + 1):
                times.append(1000 * seat.client.ping(PING_SECONDS))
                self._say(
                    f"ping {where}{number:2}: " + (f"{times[-1]:.3f} ms" if times[-1] < math.inf else "lost")
                )
            from pongrl.ui.console import verdict  # here, since a run without a console never loads it

            self._say(verdict(times, 1000 * session.frameskip / session.ticks_per_second))
            if not self._paused:
                seat.client.pause(False)

    def _tell(self) -> None:
        """Say where training stands."""
        learner, progress = self._learner, self._progress
        assert learner is not None
        for seat in self._seats.values():
            session = seat.client.session
            words = self._words_of(session)
            self._say(f"server       {seat.server}, level {session.level}, games: {session.games}, {words}")
        refused = f", refused as not finite: {learner.refused}" if isinstance(learner, Learner) else ""
        self._say(f"progress     {progress}")
        self._say(
            f"running mean {progress.running_mean:+.3f}, best at a report {max(progress.best, -1):+.3f}"
        )
        self._say(f"decisions    {progress.decisions:,}, updates {learner.updates:,}{refused}")
        self._say(f"network      {self.hiddenUnits} hidden units, learning rate {self.learningRate:g}")
        self._say(f"files        {Path(self.directory).resolve()}")

    @contextlib.contextmanager
    def _losing(self, seat: Seat) -> Iterator[None]:
        """Lose the seat if its server turns out to be gone."""
        try:
            yield
        except (ConnectionLostError, ProtocolError) as error:
            self._lose(seat.server, error)

    def show(self, decided: Decided) -> None:
        """Let the window, if there is one, have a look at a decision."""
        if self._window is not None:
            self._window.show(decided.step, decided.seen, decided.up)
            self._poll_window()

    def _film(self, step: Step, session: Session) -> None:
        from pongrl.game.places import places

        found = places(step.frames[0])
        left, right = step.scores[0].tolist()
        seconds = int(step.ticks[0]) / session.ticks_per_second
        self._recorder.add((left, right), found.paddles, found.ball, seconds, bool(step.points[0]))

    def _poll_window(self) -> None:
        if self._window is not None and not self._window.poll():
            self._window.close()
            self._window = None


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(PolicyGradient, argv)


if __name__ == "__main__":
    sys.exit(main())
